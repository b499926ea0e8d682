"""Unmatched money is a household's: an act of two people. The household gets the receipt as after any payment.

The money is of the day on which it came: cover goes by it, however late its owner was found.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Money, Sentence, _
from mutuelle.contributions.received_money import ReceivedMoney
from mutuelle.contributions.settlement.receive import receive_all
from mutuelle.households.households import Household, find_household, lock_household, phones_of
from mutuelle.households.member_numbers import shown_number
from mutuelle.officers.joint_acts import ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.roles import Appointment
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import payment_case
from mutuelle.treasury.receipt_codes import free_receipt_codes
from mutuelle.treasury.statements.owners import owners_of
from mutuelle.treasury.unmatched.decisions import MoneyDecision, MoneyOutcome, journal_voucher, write_decision
from mutuelle.treasury.unmatched.money import (
    DECIDED_BY_NOW,
    OTHER_CURRENCY,
    SHOWN_DIGITS,
    Unmatched,
    find_unmatched,
)
from talk.trouble import RefusedError
from talk.words import Caller

MISMATCH = "mismatch"  # the case of a payment whose money lies in suspense


@dataclass(frozen=True)
class Match:
    """Unmatched money and the household that has it, as they are at a signature."""

    money: Unmatched
    household: Household


def match_of(money: Unmatched, number: str, reason: str) -> NewJointAct:
    """The proposal that this money is of the household `number`."""
    facts = {
        "source": money.source,
        "key": money.key_of_journal,
        "amount_minor": money.amount.amount_minor,
        "currency": money.amount.currency,
        "on": money.on.isoformat(),
        "number": number,
    }
    return NewJointAct(MONEY_MATCH.name, facts, reason)


def _said(facts: Facts) -> dict[str, Fact]:
    return {
        "amount": Money(facts["amount_minor"], facts["currency"]),
        "day": f"{date.fromisoformat(facts['on']):%d/%m}",
        "number": shown_number(facts["number"]),
    }


async def _lock(db: AsyncConnection, _own: Appointment, facts: Facts) -> None:
    await lock_household(db, facts["number"])


async def _look_again(db: AsyncConnection, caller: Caller, own: Appointment, facts: Facts) -> Match:
    """RefusedError where somebody has decided about the money, or for the phones of the household itself."""
    money = await find_unmatched(db, own.mutuelle_id, facts["source"], facts["key"])
    if money is None:
        raise RefusedError(DECIDED_BY_NOW)
    return Match(money, await owner_of(db, caller, own, facts["number"], money.amount.currency))


async def owner_of(
    db: AsyncConnection, caller: Caller, own: Appointment, number: str, currency: str
) -> Household:
    """The household that has the money of this number, or the one that it was joined with. RefusedError: none."""
    owner = (await owners_of(db, own.mutuelle_id, [number])).get(number)
    household = await find_household(db, owner, closed=True) if owner else None
    if household is None:
        raise RefusedError(_("No household has the number {number}.", number=shown_number(number)))
    if caller.phone in await phones_of(db, household, unconfirmed=True):
        raise RefusedError(_("Nobody decides about the money of her own household. Ask another treasurer."))
    if (await get_mutuelle(db, own.mutuelle_id)).currency != currency:
        raise RefusedError(OTHER_CURRENCY)
    return household


def _words(found: Match, reason: str) -> Sentence:
    money = found.money
    said: dict[str, Fact] = {
        "amount": money.amount,
        "day": f"{money.on:%d/%m}",
        "place": money.place,
        "name": found.household.head_name,
        "number": found.household.shown_number,
        "reason": reason,
    }
    if not money.payer:
        return _("{amount} of {day} by {place}: for {name}, {number}. {reason}", **said)
    return _(
        "{amount} of {day} by {place}, phone {payer}: for {name}, {number}. {reason}",
        payer=money.payer[-SHOWN_DIGITS:],
        **said,
    )


async def _carry_out(db: AsyncConnection, act: JointAct, found: Match, at: datetime) -> None:
    """Post the money to the household, which gets its receipt; close the case of the payment that brought it."""
    money, number = found.money, found.household.number
    [code] = await free_receipt_codes(db, act.mutuelle_id, 1)
    received = ReceivedMoney(
        number=number,
        amount=money.amount,
        debit=money.account,
        voucher=journal_voucher(act, money.on),
        receipt_code=code,
        payer_phone=money.payer or None,
    )
    await receive_all(db, [received], at)
    decided = (MoneyOutcome.HOUSEHOLD, money.amount, money.on, number, code)
    await write_decision(
        db, MoneyDecision(act.mutuelle_id, money.source, money.key_of_journal, *decided), act.id, at
    )
    await close_case(db, money, at)


async def close_case(db: AsyncConnection, money: Unmatched, at: datetime) -> None:
    """Of money that an operator's answer brought: a person has looked at it."""
    c = payment_case.c
    of_payment = (c.mutuelle_id == money.mutuelle_id) & (c.kind == MISMATCH) & c.closed_at.is_(None)
    if money.source == "suspense":
        whose = of_payment & (c.reference == UUID(money.key_of_journal))
        await db.execute(sa.update(payment_case).where(whose).values(closed_at=at))


MONEY_MATCH = known(
    ActKind(
        "money match",
        label=lambda facts: _("{amount} of {day} for {number}", **_said(facts)),
        look_again=_look_again,
        words=_words,
        carry_out=_carry_out,
        done=lambda facts: _(
            "Done. {amount} is with household {number}, its receipt leaves by SMS.", **_said(facts)
        ),
        lock=_lock,
        subject=("source", "key"),
    )
)
