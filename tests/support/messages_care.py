"""The messages about care codes and eligibility checks, with the longest facts that the tables allow."""

from dataclasses import replace
from datetime import UTC, date, datetime

from locales import Sentence
from mutuelle.care import eligibility, messages
from mutuelle.care.guess_limits import DoctorAtFacility
from mutuelle.care.patients import shown_patient
from mutuelle.cover.people import Person
from mutuelle.scheme.limits import Limits
from tests.support.messages_receipts import MUTUELLE

AT = datetime(2026, 12, 22, 23, 59, tzinfo=UTC)
DAY, END = date(2026, 12, 22), date(2027, 12, 21)
LONGEST = replace(MUTUELLE, complaints_phone="+2290197123456")
DESK = DoctorAtFacility(LONGEST, "+22376000041", "hopital", False, Limits(checks_a_day=1_000))
CHILD = Person(2, "Nana Mariam Wassa", 2025, DAY)
TWIN = Person(3, "Nouhoum Mamadou Waly", 2025, DAY)
WHO = shown_patient(CHILD, (CHILD, TWIN), DAY)
COVERED = eligibility.answer(LONGEST.name, WHO, "WMWMWM", day=DAY, until=END)

MESSAGES: dict[str, Sentence] = {
    "cover checked": messages.checked(LONGEST, AT),
    "code used again": messages.used_again(LONGEST, AT),
    "answer to a check: covered": COVERED,
    "answer to a check: covered, asked again": eligibility.answered_before(COVERED, "23:59"),
    "answer to a check: not covered": eligibility.answer(LONGEST.name, WHO, "WMWMWM", day=DAY, until=None),
    "answer to a check: not recognised": eligibility.NOT_RECOGNISED,
    "answer to a check: code used before": eligibility.used(DAY, "23:59"),
    "answer to a check: the facility's day is over": eligibility.stopped(DESK),
    "answer to a check: the facility's day by SMS is over": eligibility.stopped(
        replace(DESK, by_message=True)
    ),
    "answer to a check: the doctor's day is over": eligibility.used_up(DESK),
    "answer to a check: only doctors": eligibility.NOT_A_DOCTOR,
}
