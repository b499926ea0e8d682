"""Cash received from households by collectors, and deposited with treasurers.

It is posted and receipted to the household in the transaction that records it; the household can dispute it. The amount
that one person holds, and how long, is limited: past the limit she must deposit first.
"""

import base64
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Journal, Movement
from locales import Money, Sentence, _
from mutuelle.contributions.contribution_calls import with_calls
from mutuelle.contributions.standing import PaymentTerms, Standing, standing
from mutuelle.cover.policies import write_policy
from mutuelle.enrolment.enrolment import agreed_standing
from mutuelle.free_codes import draw_free, insert_if_free
from mutuelle.households.households import Household, find_household, household_named, lock_household
from mutuelle.households.member_numbers import shown_number
from mutuelle.notify import notify
from mutuelle.officers.pins import try_pin
from mutuelle.officers.roles import Appointment, Role, appointment_of
from mutuelle.officers.tables import cash_deposit, cash_receipt
from mutuelle.posting import RECEIVED, post_all
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.tables import payment
from mutuelle.treasury.cash_in_hand import (
    CashInHand,
    cash_in_hand_of,
    collectors_cash_in_hand,
    expect_room,
    holder_of,
    is_own,
    lock_cash_in_hand,
)
from mutuelle.treasury.messages import deposit_confirmed, send_cash_receipts
from mutuelle.treasury.receipt_days import expect_receipt_day
from talk.answers import Secret
from talk.trouble import RefusedError
from talk.words import Caller
from values import value

DEPOSITED = "cash deposited"
CODE_BYTES = 4  # of which thirty bits are shown: six letters and digits


@value
class CashGiven:
    """Cash that the household `number` gave to a collector on `received_on`."""

    number: str
    amount: Money
    received_on: date


@value
class CashDeposit:
    """`amount` of the cash that the collector `holder` held, `held` in all, given to a treasurer."""

    holder: str
    amount: Money
    held: Money


@dataclass(frozen=True)
class Recorded:
    """Cash that was recorded: its receipt, what its collector now holds, and whether the household gets an SMS."""

    receipt_code: str
    held: Money
    notified: bool


async def household_here(db: AsyncConnection, appointment: Appointment, number: str) -> Household:
    """The open household of the officer's own mutuelle with this number; Refused, in one sentence, for any other."""
    household = await find_household(db, number)
    if household is None or household.mutuelle_id != appointment.mutuelle_id:
        raise RefusedError(_("No household has the number {number}.", number=shown_number(number)))
    return household


async def household_asked(
    db: AsyncConnection, caller: Caller, appointment: Appointment, number: str
) -> Household:
    """The same for a number that an officer types in a call; unknown numbers are counted and limited."""
    await household_named(db, caller, number, appointment.mutuelle_id)
    return await household_here(db, appointment, number)


async def receive_cash(
    db: AsyncConnection, caller: Caller, *, mutuelle: str, cash: CashGiven, terms: PaymentTerms, pin: Secret
) -> Recorded | Sentence:
    """Record that the calling collector received `cash` under the agreed `terms`; a sentence if the PIN is wrong.

    1. Lock the household, then the collector's cash in hand: limits hold also for simultaneous receipts.
    2. Refuse terms that have changed, and what would pass a limit. Only then check the PIN.
    3. Write the renewal that was agreed to, if any; post the contribution calls that the money makes, then the receipt,
       to the collector's own account: all on the day on which the money was received.
    4. Write the record and the receipt by SMS, all in one transaction.
    """
    appointment = await appointment_of(db, caller, mutuelle, Role.COLLECTOR)
    await lock_household(db, cash.number)
    household = await household_here(db, appointment, cash.number)
    await lock_cash_in_hand(db, appointment)
    stands = await agreed_standing(db, household, terms, caller.at)
    await expect_room(db, appointment, cash.amount, caller.at)
    await expect_receipt_day(db, appointment, stands, cash.received_on, caller.at)
    if wrong := await try_pin(db, caller, pin):
        return wrong
    owner = await get_mutuelle(db, mutuelle)
    holder = await holder_of(db, owner, appointment, caller.at)
    await _renew(db, household, stands, cash.received_on, caller.at)
    reference, code = await _write(db, household, holder, cash, caller.at)
    await _post(db, owner, household, holder, reference, cash)
    stands = await standing(db, household, caller.at)
    notified = await send_cash_receipts(db, stands, cash.amount, code, cash.received_on, caller.at)
    return Recorded(code, (await cash_in_hand_of(db, appointment)).held, notified)


async def deposit_cash(
    db: AsyncConnection, caller: Caller, *, mutuelle: str, deposit: CashDeposit, pin: Secret
) -> CashInHand | Sentence:
    """Record what the calling treasurer received of a collector's cash in hand; a sentence where the PIN is wrong.

    Refused for the collector's own cash, also under a second phone.
    """
    appointment = await appointment_of(db, caller, mutuelle, Role.TREASURER)
    found = {
        cash_in_hand.holder: cash_in_hand for cash_in_hand in await collectors_cash_in_hand(db, mutuelle)
    }.get(deposit.holder)
    if found is None or is_own(found, appointment):
        raise RefusedError(_("This cash cannot be received by this phone."))
    collector = Appointment(mutuelle, appointment.mutuelle_name, Role.COLLECTOR, found.phone, found.name)
    await lock_cash_in_hand(db, collector)
    found = await cash_in_hand_of(db, collector)
    amount = deposit.amount
    if found.held != deposit.held or not 0 < amount.amount_minor <= found.held.amount_minor:
        raise RefusedError(_("What this collector holds has changed. Please look again."))
    if wrong := await try_pin(db, caller, pin):
        return wrong
    owner = await get_mutuelle(db, mutuelle)
    await lock_cash_in_hand(db, appointment)
    box = await holder_of(db, owner, appointment, caller.at)
    await _move_cash(db, owner, found, box, amount, caller.at)
    left = await cash_in_hand_of(db, collector)
    sentence = deposit_confirmed(owner.name, amount, appointment.name, left.held)
    await notify(db, mutuelle, "cash deposited", {found.phone: sentence}, caller.at)
    return left


async def _renew(
    db: AsyncConnection, household: Household, stands: Standing, agreed_on: date, at: datetime
) -> None:
    """Write the new period that this money agrees to, on the day it was given."""
    if stands.renews and stands.renewal:
        sequence = len(stands.periods) + 1
        await write_policy(db, household, stands.renewal, sequence=sequence, agreed_on=agreed_on, at=at)


async def _write(
    db: AsyncConnection, household: Household, holder: str, cash: CashGiven, at: datetime
) -> tuple[UUID, str]:
    """Write the record; returns its reference, and a receipt code that no other receipt of the mutuelle has."""
    reference = uuid4()
    row: dict[str, Any] = {
        "mutuelle_id": household.mutuelle_id,
        "reference": reference,
        "holder": holder,
        "number": household.number,
        "amount_minor": cash.amount.amount_minor,
        "currency": cash.amount.currency,
        "received_at": at,
        "received_on": cash.received_on,
    }

    async def write(code: str) -> bool:
        of_payment = (payment.c.mutuelle_id == household.mutuelle_id) & (payment.c.receipt_code == code)
        if await db.scalar(select(payment.c.reference).where(of_payment)):
            return False
        return await insert_if_free(db, cash_receipt, {**row, "receipt_code": code})

    return reference, await draw_free("receipt code", _draw_receipt_code, write)


def _draw_receipt_code() -> str:
    return base64.b32encode(secrets.randbelow(256**CODE_BYTES).to_bytes(CODE_BYTES))[:6].decode()


async def _post(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    household: Household,
    holder: str,
    reference: UUID,
    cash: CashGiven,
) -> None:
    amount = cash.amount
    movement = Movement(accounts.cash(holder), household.account, amount.amount_minor, amount.currency)
    receipt = Journal(
        mutuelle=mutuelle.id,
        source="cash",
        key=str(reference),
        kind=RECEIVED,
        effective_on=cash.received_on,
        actor=f"collector {holder}",
        reason="paid in cash",
        movements=[movement],
        memo={"cash": str(reference)},
    )
    await post_all(db, await with_calls(db, mutuelle, household, receipt))


async def _move_cash(
    db: AsyncConnection, mutuelle: Mutuelle, collector: CashInHand, box: str, amount: Money, at: datetime
) -> None:
    """Post a deposit from the collector's account to the treasurer's, and write its record."""
    reference = uuid4()
    row = {
        "mutuelle_id": mutuelle.id,
        "reference": reference,
        "from_holder": collector.holder,
        "to_holder": box,
        "amount_minor": amount.amount_minor,
        "currency": amount.currency,
        "deposited_at": at,
    }
    await db.execute(insert(cash_deposit), row)
    pair = (accounts.cash(box), accounts.cash(collector.holder))
    journal = Journal(
        mutuelle=mutuelle.id,
        source="deposit",
        key=str(reference),
        kind=DEPOSITED,
        effective_on=mutuelle.today(at),
        actor=f"treasurer {box}",
        reason="counted and received by a treasurer",
        movements=[Movement(*pair, amount.amount_minor, amount.currency)],
        memo={"deposit": str(reference)},
    )
    await post_all(db, [journal])
