"""The messages about cash and waived debts, with the longest facts that the tables allow."""

from dataclasses import replace

from locales import Sentence
from mutuelle.cover.rules import CoverState
from mutuelle.officers.messages import signature_asked, signature_refused
from mutuelle.officers.roles import Role
from mutuelle.scheme.mutuelles import Officer
from mutuelle.treasury import messages
from mutuelle.treasury.waivers import WAIVER
from tests.support.messages_officers import DAY, MUTUELLE, NAME, PHONE
from tests.support.messages_receipts import HOME, MOST, stands
from tests.support.messages_receipts import MUTUELLE as TOWN

WAIVED = {"number": HOME.number, "amount_minor": MOST.amount_minor, "currency": MOST.currency}

MESSAGES: dict[str, Sentence] = {
    **{
        f"cash receipt, {state}": messages.cash_receipt(stands(state), MOST, "ABC234", None)
        for state in CoverState
    },
    **{
        f"cash receipt, late, {state}": messages.cash_receipt(stands(state), MOST, "ABC234", DAY)
        for state in (CoverState.WAITING, CoverState.COVERED, CoverState.SUSPENDED)
    },
    "signature asked, waiver": signature_asked(MUTUELLE, NAME, WAIVER.label(WAIVED)),
    "signature refused, waiver": signature_refused(MUTUELLE, NAME, WAIVER.label(WAIVED)),
    "debt waived": messages.debt_waived(MUTUELLE, MOST, HOME.number, DAY),
    "cash deposited": messages.deposit_confirmed(MUTUELLE, MOST, NAME, MOST),
    "cash cancelled": messages.cash_cancelled(replace(TOWN, complaints_phone=PHONE), MOST, "ABC234"),
    "cash contested": messages.cash_disputed(
        HOME.number, MOST, "ABC234", Officer(Role.COLLECTOR, PHONE, NAME)
    ),
}
