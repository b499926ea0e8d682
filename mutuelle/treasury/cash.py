"""Cash received from households by collectors, or by a treasurer at the desk, and deposited with treasurers.

It is posted and receipted to the household in the transaction that records it; the household can dispute it. The amount
that one collector holds, and how long, is limited: past the limit she must deposit first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Journal, Movement
from locales import Money, Sentence, _
from mutuelle.contributions.contribution_calls import called_so_far, calls_reached
from mutuelle.contributions.payments import UNDER_WAY
from mutuelle.contributions.standing import Facts, PaymentTerms, Standing, facts_of, stands_on
from mutuelle.cover.policies import policy_of, uncalled, write_policy
from mutuelle.enrolment.enrolment import expect_agreed
from mutuelle.free_codes import draw_free
from mutuelle.household_key import HouseholdKey
from mutuelle.households.households import (
    Household,
    expect_household,
    lock_households,
)
from mutuelle.notify import notify
from mutuelle.officers.pins import try_pin
from mutuelle.officers.roles import Appointment, Role, appointment_of
from mutuelle.posting import RECEIVED, post_all
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.treasury.cash_in_hand import (
    CashInHand,
    cash_in_hand_of,
    collectors_cash_in_hand,
    expect_room,
    holder_of,
    is_own,
    lock_cash_in_hand,
)
from mutuelle.treasury.messages import cash_receipt as receipt_sentence
from mutuelle.treasury.messages import cash_receipt_in_doubt, deposit_confirmed, send_cash_receipts
from mutuelle.treasury.receipt_codes import RECEIPTS, draw_receipt_code
from mutuelle.treasury.receipt_days import expect_receipt_day
from mutuelle.treasury.tables import cash_deposit, cash_receipt
from prepared import Prepared
from talk.answers import Secret
from talk.trouble import RefusedError
from talk.words import Caller
from values import value

DEPOSITED = "cash deposited"


@value
class CashGiven:
    """Cash that the household `number` gave on `received_on` to a collector, or to a treasurer at the desk."""

    number: str
    amount: Money
    received_on: date
    taken_by: Role = Role.COLLECTOR


@value
class CashDeposit:
    """`amount` of the cash that the collector `holder` held, `held` in all, given to a treasurer."""

    holder: str
    amount: Money
    held: Money


@dataclass(frozen=True)
class Recorded:
    """Cash that was recorded: its receipt, what its collector now holds, and whether the household gets an SMS."""

    number: str
    receipt_code: str
    held: Money
    notified: bool


class Holder(NamedTuple):
    """Who receives cash: the role, and the opaque reference of the holder's account."""

    role: Role
    reference: str


async def receive_cash(
    db: AsyncConnection, caller: Caller, *, mutuelle: str, cash: CashGiven, terms: PaymentTerms, pin: Secret
) -> Recorded | Sentence:
    """Record that the caller received `cash` under the agreed `terms`; a sentence if the PIN is wrong."""
    done = await receive_all_cash(db, caller, mutuelle=mutuelle, cash=(cash,), terms=(terms,), pin=pin)
    return done if isinstance(done, Sentence) else done[0]


async def receive_all_cash(
    db: AsyncConnection,
    caller: Caller,
    *,
    mutuelle: str,
    cash: tuple[CashGiven, ...],
    terms: tuple[PaymentTerms, ...],
    pin: Secret,
) -> tuple[Recorded, ...] | Sentence:
    """The same for several households at once, each with its own terms: all of it or nothing.

    1. Lock the households, always in one order, then the officer's cash in hand: limits hold also for simultaneous
       receipts.
    2. Refuse terms that have changed, and what would pass a limit. Only then check the PIN.
    3. For each, all on the day on which the money was received: write the renewal that was agreed to, if any; post the
       contribution calls that the money makes, then the receipt, to the officer's own account.
    4. Write the record and the receipt by SMS, all in one transaction.
    """
    appointment = await appointment_of(db, caller, mutuelle, cash[0].taken_by)
    numbers = {one.number for one in cash}
    if len(numbers) < len(cash):  # the second would be judged by what was so before the first
        raise RefusedError(_("The same household is in the list twice. Nothing was done."))
    locked = await lock_households(db, {HouseholdKey(mutuelle, number) for number in numbers})
    still_open = {household.number: household for household, is_closed in locked if not is_closed}
    households = [expect_household(still_open.get(one.number), one.number) for one in cash]
    await lock_cash_in_hand(db, appointment)
    facts = [await facts_of(db, household, caller.at) for household in households]
    stands = [stands_on(*of) for of in zip(households, facts, strict=True)]
    for standing, agreed in zip(stands, terms, strict=True):
        if standing.own_payment and standing.own_payment.holds_up_cash(caller.at):
            raise RefusedError(UNDER_WAY)
        expect_agreed(standing, agreed)
    cash_in_hand = await cash_in_hand_of(db, appointment)
    expect_room(cash_in_hand, total_of(cash), caller.at)
    for standing, one in zip(stands, cash, strict=True):
        await expect_receipt_day(db, appointment, standing, one.received_on, caller.at)
    if wrong := await try_pin(db, caller, pin):
        return wrong
    holder = await holder_of(db, cash_in_hand, appointment, caller.at)
    held, done = cash_in_hand.held, []
    for standing, of, one in zip(stands, facts, cash, strict=True):
        held = Money(held.amount_minor + one.amount.amount_minor, held.currency)
        code, notified = await _record(db, standing, of, Holder(appointment.role, holder), one, caller.at)
        done.append(Recorded(one.number, code, held, notified))
    return tuple(done)


def total_of(cash: Sequence[CashGiven]) -> Money:
    """The sum of it."""
    return Money(sum(one.amount.amount_minor for one in cash), cash[0].amount.currency)


async def _record(
    db: AsyncConnection, stands: Standing, facts: Facts, holder: Holder, cash: CashGiven, at: datetime
) -> tuple[str, bool]:
    """Write and post the cash of one household; its receipt code, and whether the household gets an SMS."""
    household = stands.household
    facts = await _renew(db, household, stands, facts, cash.received_on, at)
    reference, code = await _write(db, household, holder.reference, cash, at)
    await _post(db, household, facts, holder, reference, cash)
    stands = stands_on(household, facts.with_receipt(cash.received_on, cash.amount))
    late_of = cash.received_on if cash.received_on < facts.today else None
    receipt = receipt_sentence(stands, cash.amount, code, late_of)
    in_doubt = cash_receipt_in_doubt(cash.amount, code)
    return code, await send_cash_receipts(db, facts, receipt, in_doubt, code, at)


async def deposit_cash(
    db: AsyncConnection, caller: Caller, *, mutuelle: str, deposit: CashDeposit, pin: Secret
) -> CashInHand | Sentence:
    """Record what the calling treasurer received of a collector's cash in hand; a sentence where the PIN is wrong.

    RefusedError for the collector's own cash, also under a second phone.
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
    box = await holder_of(db, await cash_in_hand_of(db, appointment), appointment, caller.at)
    await _move_cash(db, owner, found, box, amount, caller.at)
    left = await cash_in_hand_of(db, collector)
    sentence = deposit_confirmed(owner.name, amount, appointment.name, left.held)
    await notify(db, mutuelle, "cash deposited", {found.phone: sentence}, caller.at)
    return left


async def _renew(
    db: AsyncConnection, household: Household, stands: Standing, facts: Facts, agreed_on: date, at: datetime
) -> Facts:
    """Write the new period that this money agrees to, on the day it was given; returns the facts with it."""
    if not (stands.renews and stands.renewal):
        return facts
    sequence = len(stands.periods) + 1
    await write_policy(db, household, stands.renewal, sequence=sequence, agreed_on=agreed_on, at=at)
    return facts.with_policy(policy_of(stands.renewal, sequence, agreed_on))


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
        return bool(await _WRITE.value(db, row | {"receipt_code": code}))

    return reference, await draw_free("receipt code", draw_receipt_code, write)


_WRITTEN = [
    cash_receipt.c[name]
    for name in (
        "mutuelle_id",
        "reference",
        "holder",
        "number",
        "amount_minor",
        "currency",
        "received_at",
        "received_on",
        "receipt_code",
    )
]
_HAVE_CODE = [
    select(table.c.receipt_code)
    .where(table.c.mutuelle_id == bindparam("mutuelle_id"), table.c.receipt_code == bindparam("receipt_code"))
    .exists()
    for table in RECEIPTS
    if table is not cash_receipt  # it has a key for them
]
_WRITE = Prepared(
    insert(cash_receipt)
    .from_select(
        _WRITTEN,
        select(*(bindparam(c.name, type_=c.type) for c in _WRITTEN)).where(*(~have for have in _HAVE_CODE)),
    )
    .on_conflict_do_nothing()
    .returning(cash_receipt.c.receipt_code)
)


async def _post(
    db: AsyncConnection,
    household: Household,
    facts: Facts,
    holder: Holder,
    reference: UUID,
    cash: CashGiven,
) -> None:
    amount = cash.amount
    movement = Movement(
        accounts.cash(holder.reference), household.account, amount.amount_minor, amount.currency
    )
    receipt = Journal(
        mutuelle=household.mutuelle_id,
        source="cash",
        key=str(reference),
        kind=RECEIVED,
        effective_on=cash.received_on,
        actor=f"{holder.role} {holder.reference}",
        reason="paid in cash",
        movements=[movement],
        memo={"cash": str(reference)},
    )
    called, credit = called_so_far(facts.entries)
    left, credit = uncalled(facts.policies, called), credit + amount.amount_minor
    calls = calls_reached(facts.mutuelle, household, left, credit, on=cash.received_on, actor=receipt.actor)
    await post_all(db, [*calls, receipt])


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
