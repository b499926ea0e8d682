"""The messages about care codes and eligibility checks, with the longest facts that the tables allow."""

from dataclasses import replace
from datetime import UTC, date, datetime

from locales import Sentence
from mutuelle.benefits.rules import MOST_MINOR, Benefit, Quote, QuoteState
from mutuelle.benefits.words import patient_pays
from mutuelle.care import answers, eligibility, messages, patients
from mutuelle.care.guess_limits import DoctorAtFacility
from mutuelle.care.patients import shown_patient
from mutuelle.cover.people import Person
from mutuelle.households.households import Household
from mutuelle.scheme.limits import Limits
from tests.support.messages_receipts import MUTUELLE

AT = datetime(2026, 12, 22, 23, 59, tzinfo=UTC)
DAY, END = date(2026, 12, 22), date(2027, 12, 21)
LONGEST = replace(MUTUELLE, complaints_phone="+2290197123456")
DESK = DoctorAtFacility(LONGEST, "+22376000041", "hopital", "hospital", False, Limits(checks_a_day=1_000))
CHILD = Person(2, "Nana Mariam Wassa", 2025, DAY)
TWIN = Person(3, "Nouhoum Mamadou Waly", 2025, DAY)
WHO = shown_patient(CHILD, (CHILD, TWIN), DAY)
COVERED = answers.CheckAnswer(LONGEST.name, "WMWMWM", DAY, END).about(WHO)
WITHOUT_CODE = answers.CheckAnswer(LONGEST.name, "WMWMWM", DAY, END, without_code=True).about(WHO)
HOUSEHOLD = Household("BEN", "199000010", "Nana Mariam Wassa Diarra", LONGEST.name)
PEOPLE = [Person(rank, "Nana Mariam Wassa", 1926, DAY) for rank in range(1, 31)]
NAMED, COUNTED = patients.shown_covered(HOUSEHOLD, PEOPLE, 30, DAY)
OF_CARD = answers.CheckAnswer(LONGEST.name, "WMWMWM", DAY, END).about(COUNTED)
OF_YEAR = answers.CheckAnswer(LONGEST.name, "WMWMWM", DAY, END, without_code=True).about(COUNTED)
RULE = Benefit("P1", "ACC", "hospital", DAY, copay_percent=99, needs_referral=True, needs_agreement=True)
CAPPED = replace(RULE, act_ceiling_minor=MOST_MINOR)
QUOTES = {
    "all of it known": Quote(QuoteState.PAID, "ACC", "hospital", 999_999, 999_999, 99, True, benefit=RULE),
    "without a price": Quote(QuoteState.PAID, "ACC", "hospital", None, None, 99, True, benefit=RULE),
    "without a price, an act's ceiling": Quote(
        QuoteState.PAID, "ACC", "hospital", None, None, 99, benefit=CAPPED
    ),
    **{f"{state}": Quote(state, "ACC", "hospital") for state in QuoteState if state is not QuoteState.PAID},
}


def with_share(quote: Quote, *, again: bool = False) -> Sentence:
    """The shortest wording of an answer with the patient's share, without a code."""
    share = patient_pays(quote, LONGEST, "W" * 20, "WWW")
    answer = answers.CheckAnswer(LONGEST.name, "WMWMWM", DAY, END, share, without_code=not again)
    said = answer.about(WHO)
    if again:
        said = answers.answered_before(said, "23:59")
    while said.shorter:
        said = said.shorter
    return said


TO_KNOW = messages.CheckToKnow("WMWMWM", "Hôpital de district Fousseyni", "..010", by_card=False)

MESSAGES: dict[str, Sentence] = {
    "cover checked": messages.checked(LONGEST, AT),
    "cover checked without a code": messages.checked(LONGEST, AT, without_code=True),
    "check without a code, to a treasurer": messages.to_know(LONGEST, TO_KNOW, AT),
    "check by card, to a treasurer": messages.to_know(LONGEST, replace(TO_KNOW, by_card=True), AT),
    "card handed over": messages.card_given(LONGEST, AT),
    "card ended": messages.card_ended(LONGEST, AT),
    "code used again": messages.used_again(LONGEST, AT),
    "answer to a check: covered": COVERED,
    "answer to a check: covered, asked again": answers.answered_before(COVERED, "23:59"),
    "answer to a check: not covered": answers.CheckAnswer(LONGEST.name, "WMWMWM", DAY, None).about(WHO),
    "answer to a check: covered, without code": WITHOUT_CODE,
    "answer to a check: not covered, without code": answers.CheckAnswer(
        LONGEST.name, "WMWMWM", DAY, None, without_code=True
    ).about(WHO),
    "answer to a check: some of a household": OF_CARD,
    "answer to a check: some of a household, without code": OF_YEAR,
    "answer to a check: no more without a code": answers.only_with_code(DESK),
    "answer to a check: not recognised": eligibility.NOT_RECOGNISED,
    "answer to a check: code used before": answers.used(DAY, "23:59"),
    "answer to a check: the facility's day is over": answers.stopped(DESK),
    "answer to a check: the facility's day by SMS is over": answers.stopped(replace(DESK, by_message=True)),
    "answer to a check: the doctor's day is over": answers.used_up(DESK),
    "answer to a check: only doctors": eligibility.NOT_A_DOCTOR,
    **{f"answer to a check, with the share: {name}": with_share(quote) for name, quote in QUOTES.items()},
    **{
        f"the same again, with the share: {name}": with_share(quote, again=True)
        for name, quote in QUOTES.items()
    },
}
