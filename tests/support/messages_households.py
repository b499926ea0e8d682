"""The messages about a household and its people, with the longest facts that the tables allow."""

from dataclasses import replace
from datetime import UTC, date, datetime

from locales import Money, Sentence
from menus.holder import noted, to_prove
from menus.household import household_words
from mutuelle.contributions.foresight import Foreseen
from mutuelle.contributions.ways_to_pay import PayInCash
from mutuelle.cover.rules import Cover, CoverState
from mutuelle.enrolment.edits import household_changed
from mutuelle.enrolment.enrolment import DueInCash, due_in_cash
from mutuelle.households.change_log import Change
from mutuelle.households.confirmation import Unconfirmed, is_it_you, not_recognised
from mutuelle.households.holders import denied, something_waits
from mutuelle.households.households import Household
from mutuelle.households.pins import pin_changed, pin_locked
from mutuelle.support.freezes import NOTICES, frozen, to_look, unfrozen
from talk.words import Caller

HOME = Household("LONGCODE", "199000010", "N'Golo-Marie Ouattara Syll", "Mutuelle Yèrèdèmè-Wa")
OFFICER = "Mariam-Fatoumata Sangaré A"
TODAY = date(2026, 12, 22)
AT = datetime(2026, 12, 22, tzinfo=UTC)
WAITING = Unconfirmed(HOME, "Kouroubarrage-Zangasso 9", 12, OFFICER, TODAY, True, False)
WAITS = Cover(CoverState.WAITING, date(2027, 1, 22), date(2027, 12, 21))
DUE = DueInCash(HOME, Money(999_999, "XOF"), TODAY, Foreseen(WAITS, Money(0, "XOF"), covered=False))

MESSAGES: dict[str, Sentence] = {
    **{f"household changed, {what}": household_changed(HOME, what, "+2290197123456") for what in Change},
    "household registered": is_it_you(WAITING),
    "household registered, by a relative": is_it_you(replace(WAITING, officer="", by_phone="+2290197123456")),
    "household denied": not_recognised(WAITING),
    "household frozen": frozen(HOME, "01 97 12 34 56"),
    **{f"household frozen, to a treasurer, {what}": to_look(HOME, about) for what, about in NOTICES.items()},
    "household unfrozen": unfrozen(HOME, "01 97 12 34 56"),
    "household code given": pin_changed(HOME, Change.PIN_GIVEN, "01 97 12 34 56"),
    "household code taken away": pin_changed(HOME, Change.PIN_TAKEN, "01 97 12 34 56"),
    "household code locked": pin_locked(HOME, 10, "01 97 12 34 56"),
    "phone denied": denied(HOME),
    "to a phone in doubt": something_waits(HOME.mutuelle_name),
    "answer to a phone in doubt": to_prove(Caller("+22376000001", "fr", "sms", "a call", AT)),
    "answer to a NO": noted(HOME.shown_number, "01 97 12 34 56"),
    "due in cash": due_in_cash(DUE, PayInCash(HOME.head_name, "+2290197123456", another_phone=False)),
    "due in cash, by merchant code": due_in_cash(
        DUE,
        PayInCash(HOME.head_name, "+2290197123456", another_phone=False, merchant_code="*144*391*123456#"),
    ),
    "my household by SMS": household_words(HOME, (45,) * 30),
}
