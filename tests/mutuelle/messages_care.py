"""The messages about codes for care and checks, with the longest facts that the tables allow."""

from dataclasses import replace
from datetime import UTC, date, datetime

from locales import Sentence
from mutuelle.care import notices, verification
from mutuelle.care.limits import Desk
from mutuelle.care.patients import shown_patient
from mutuelle.people import Person
from tests.mutuelle.messages_receipts import MUTUELLE

AT = datetime(2026, 12, 22, 23, 59, tzinfo=UTC)
DAY, END = date(2026, 12, 22), date(2027, 12, 21)
LONGEST = replace(MUTUELLE, complaints_phone="+2290197123456")
DESK = Desk(LONGEST, "+22376000041", "hopital", by_message=False)
CHILD = Person(2, "Nana Mariam Wassa", 2025, DAY)
TWIN = Person(3, "Nouhoum Mamadou Waly", 2025, DAY)
WHO = shown_patient(CHILD, (CHILD, TWIN), DAY)
COVERED = verification.answer(LONGEST.name, WHO, "WMWMWM", day=DAY, until=END)

MESSAGES: dict[str, Sentence] = {
    "cover checked": notices.checked(LONGEST, AT),
    "code used again": notices.used_again(LONGEST, AT),
    "answer to a check: covered": COVERED,
    "answer to a check: covered, asked again": verification.answered_before(COVERED, "23:59"),
    "answer to a check: not covered": verification.answer(LONGEST.name, WHO, "WMWMWM", day=DAY, until=None),
    "answer to a check: not recognised": verification.NOT_RECOGNISED,
    "answer to a check: code used before": verification.used(DAY, "23:59"),
    "answer to a check: the facility's day is over": verification.stopped(DESK),
    "answer to a check: the facility's day by SMS is over": verification.stopped(
        replace(DESK, by_message=True)
    ),
    "answer to a check: the doctor's day is over": verification.used_up(DESK),
    "answer to a check: only doctors": verification.NOT_A_DOCTOR,
}
