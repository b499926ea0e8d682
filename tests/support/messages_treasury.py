"""The messages about cash and waived debts, with the longest facts that the tables allow."""

from dataclasses import replace

from locales import Sentence
from mutuelle.cover.rules import CoverState
from mutuelle.treasury import messages
from tests.support.messages_officers import DAY, MUTUELLE, NAME, PHONE
from tests.support.messages_receipts import HOME, MOST, stands
from tests.support.messages_receipts import MUTUELLE as TOWN

MESSAGES: dict[str, Sentence] = {
    **{
        f"cash receipt, {state}": messages.cash_receipt(stands(state), MOST, "ABC234", None)
        for state in CoverState
    },
    **{
        f"cash receipt, late, {state}": messages.cash_receipt(stands(state), MOST, "ABC234", DAY)
        for state in (CoverState.WAITING, CoverState.COVERED, CoverState.SUSPENDED)
    },
    "waiver proposed": messages.waiver_proposed(MUTUELLE, MOST, HOME.number, NAME),
    "waiver refused": messages.waiver_refused(MUTUELLE, MOST, HOME.number, NAME),
    "debt waived": messages.debt_waived(MUTUELLE, MOST, HOME.number, DAY),
    "cash deposited": messages.deposit_confirmed(MUTUELLE, MOST, NAME, MOST),
    "cash cancelled": messages.cash_cancelled(replace(TOWN, complaints_phone=PHONE), MOST, "ABC234"),
    "cash contested": messages.cash_disputed(HOME.number, MOST, "ABC234", NAME, PHONE),
}
