"""`keneya who`: what support must know of a phone or a household, and no more. Every look-up is written down.

Heads by their initials, phones by their last two digits, no word of a message, nothing of anybody's health.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Money
from mobilemoney.networks import network_by_prefix
from mutuelle.acts import By
from mutuelle.contributions.payments import PAYMENTS, PAYOUTS, Kept, PaymentState, networks_said
from mutuelle.contributions.standing import Standing, standing
from mutuelle.cover.people import people_of, present
from mutuelle.household_key import of_household
from mutuelle.households.change_log import changes_of
from mutuelle.households.holders import masked
from mutuelle.households.households import Household, find_household, initials_of, phones_of_all
from mutuelle.households.support_acts import WHO, NewSupportAct, write_act
from mutuelle.households.tables import support_act
from mutuelle.officers.roles import appointments_of_phone
from mutuelle.support.households import cover_in_words, households_of_phone
from mutuelle.tables import household as household_table
from mutuelle.tables import payment, payment_case, payout, place
from mutuelle.treasury.cash_in_hand import is_cancelled
from mutuelle.treasury.statements.files import of_file
from mutuelle.treasury.tables import (
    cash_dispute,
    cash_holder,
    cash_receipt,
    group_list,
    group_part,
    money_decision,
    statement_file,
    statement_line,
)
from sms.tables import OWN_STOPS, optout, outbox
from talk.preferences import language_of

LAST = 5  # of payments, cash receipts, SMS, answers, changes: how many more there are is said
WITH_RECEIPT = {PaymentState.PAID, PaymentState.REVERSED}


async def about_phone(db: AsyncConnection, phone: str, by: By) -> list[str]:
    """The facts about a phone and each household that it speaks for, closed ones too; one line a fact."""
    lines = [line async for line in _phone(db, phone, by.at)]
    households = await households_of_phone(db, phone)
    subjects: list[Household | None] = [*households] or [None]
    for of in subjects:  # each reads that it was looked at
        await write_act(db, NewSupportAct(WHO, phone, of), by)
    for household in households:
        lines += [line async for line in _household(db, household, by.at, but=phone)]
    return lines if households else [*lines, "  speaks for no household"]


async def about_household(db: AsyncConnection, number: str, by: By) -> list[str]:
    """The facts about a household, also a closed one; one line a fact."""
    household = await find_household(db, number, closed=True)
    if household is None:
        await write_act(db, NewSupportAct(WHO, number), by)
        return [f"no household has the number {number}"]
    await write_act(db, NewSupportAct(WHO, number, household), by)
    return [line async for line in _household(db, household, by.at)]


async def _phone(db: AsyncConnection, phone: str, at: datetime) -> AsyncIterator[str]:
    yield f"phone {masked(phone)}"
    yield f"  language {await language_of(db, phone)}"
    for network in (await networks_said(db, [phone])).values():
        yield f"  network {network}, not that of its prefix ({network_by_prefix(phone) or 'none is known'})"
    stopped = select(optout.c.since, optout.c.source).where(optout.c.phone == phone, optout.c.until.is_(None))
    for stop in await db.execute(stopped):
        ended = (
            "no reminders go there"
            if stop.source in OWN_STOPS
            else "the provider delivers nothing but replies"
        )
        yield f"  said STOP on {_day(stop.since)}: {ended}"
    for appointment in await appointments_of_phone(db, phone, at):
        yield f"  {appointment.role} of {appointment.mutuelle_id}"
    async for line in _payments(db, payment.c.payer_phone == phone):
        yield line
    async for line in _payouts(db, payout.c.phone == phone):
        yield line
    async for line in _messages(db, outbox.c.phone == phone):
        yield line


async def _household(
    db: AsyncConnection, household: Household, at: datetime, but: str = ""
) -> AsyncIterator[str]:
    """The facts about a household; the SMS to each of its phones `but` one whose own are shown."""
    stands = await standing(db, household, at)
    yield f"household {household.shown_number}, {household.mutuelle_id} {household.mutuelle_name}: {household.initials}"
    for line in await _state(db, household):
        yield f"  {line}"
    # Not of a closed one, where it would be wrong: a merge has moved its money.
    if await find_household(db, household.number):
        yield f"  {_cover(stands)}"
    for person in present(await people_of(db, household)):
        role = " (head)" if person.rank == household.head_rank else ""
        name = initials_of(person.name) if person.name else "no name"
        yield f"  person {person.rank}{role}: {name}, born {person.birth_year}"
    parts = (
        _phones(db, household, at, but),
        _payments(db, of_household(payment, household)),
        _cash(db, household),
        _payouts(
            db,
            (payout.c.mutuelle_id == household.mutuelle_id) & (payout.c.debit == household.account),
        ),
        _stated(db, household),
        _decided(db, household),
        _cases(db, household),
        _changes(db, household),
        _acts(db, household),
    )
    for part in parts:
        async for line in part:
            yield line


async def _phones(db: AsyncConnection, household: Household, at: datetime, but: str) -> AsyncIterator[str]:
    [phones] = await phones_of_all(db, [household], at, unconfirmed=True)
    for phone, doubt in phones.items():
        yield f"  phone {masked(phone)}" + (f", IN DOUBT: {doubt}" if doubt else "")
        if phone != but:
            to_it = (outbox.c.phone == phone) & (outbox.c.mutuelle_id == household.mutuelle_id)
            async for line in _messages(db, to_it):
                yield f"  {line}"


async def _changes(db: AsyncConnection, household: Household) -> AsyncIterator[str]:
    changes = await changes_of(db, household, LAST + 1)
    for change in changes[:LAST]:
        yield f"  {_minute(change.changed_at)} {change.what}, by {_actor(change.actor)}"
    if len(changes) > LAST:
        yield "  … and older changes"


async def _state(db: AsyncConnection, household: Household) -> list[str]:
    row = (
        await db.execute(
            select(
                household_table.c.enrolled_at,
                household_table.c.closed_at,
                household_table.c.frozen_at,
                household_table.c.registered_by,
                household_table.c.confirmed_at,
                place.c.name,
            )
            .join(
                place,
                (place.c.mutuelle_id == household_table.c.mutuelle_id)
                & (place.c.id == household_table.c.place_id),
            )
            .where(of_household(household_table, household))
        )
    ).one()
    lines = [f"in {row.name} since {_day(row.enrolled_at)}"]
    if row.registered_by and not row.confirmed_at:
        lines.append("written down by an officer, not confirmed yet")
    if row.frozen_at:
        lines.append(f"FROZEN on {_day(row.frozen_at)}: one of its phones said NO, see its changes")
    if household.has_pin:
        lines.append("has asked for a PIN of its own")
    if row.closed_at:
        lines.append(f"CLOSED on {_day(row.closed_at)}")
    return lines


def _cover(stands: Standing) -> str:
    credit = f", credit {stands.credit}" if stands.credit.amount_minor else ""
    return f"{stands.product.name}: {cover_in_words(stands.cover)}, due {stands.due}{credit}"


async def _payments(db: AsyncConnection, which: sa.ColumnElement[bool]) -> AsyncIterator[str]:
    last_ones = (
        select(
            payment.c.asked_at,
            payment.c.amount_minor,
            payment.c.currency,
            payment.c.number,
            payment.c.payer_phone,
            payment.c.operator,
            payment.c.state,
            payment.c.receipt_code,
            payment.c.reference,
            _last_reason(PAYMENTS).label("reason"),
        )
        .where(which)
        .order_by(payment.c.asked_at.desc(), payment.c.receipt_code)
    )
    async for line in _last(db, last_ones, _payment, "payments"):
        yield line


def _last_reason(kept: Kept) -> sa.ScalarSelect[Any]:
    """Why the last move was made."""
    its = (kept.moves.c.mutuelle_id == kept.rows.c.mutuelle_id) & (
        kept.moves.c.reference == kept.rows.c.reference
    )
    moves = select(kept.moves.c.reason).where(its).order_by(kept.moves.c.position.desc())
    return moves.limit(1).scalar_subquery()


def _payment(row: Any) -> str:
    amount = Money(row.amount_minor, row.currency)
    receipt = f"receipt {row.receipt_code}" if row.state in WITH_RECEIPT else "no receipt"
    return (
        f"  payment {_minute(row.asked_at)} {amount} for {row.number} by {masked(row.payer_phone)} at {row.operator}: "
        f"{row.state}{_because(row.reason)}, {receipt}, {row.reference}"
    )


async def _payouts(db: AsyncConnection, which: sa.ColumnElement[bool]) -> AsyncIterator[str]:
    """Money that an operator sent, or is to send."""
    last_ones = (
        select(payout, _last_reason(PAYOUTS).label("reason"))
        .where(which)
        .order_by(payout.c.asked_at.desc(), payout.c.reference)
    )
    async for line in _last(db, last_ones, _payout, "payouts"):
        yield line


def _payout(row: Any) -> str:
    amount = Money(row.amount_minor, row.currency)
    return (
        f"  payout {_minute(row.asked_at)} {amount} ({row.kind}) to {masked(row.phone)} at {row.operator}: "
        f"{row.state}{_because(row.reason)}, {row.reference}"
    )


async def _cash(db: AsyncConnection, household: Household) -> AsyncIterator[str]:
    """Cash that a collector recorded, and whether its receipt was contested or cancelled."""
    last_ones = (
        select(cash_receipt, cash_holder.c.phone.label("holder_phone"), is_cancelled().label("cancelled"))
        .add_columns(cash_dispute.c.disputed_at, cash_dispute.c.closed_at, cash_dispute.c.outcome)
        .join(
            cash_holder,
            (cash_holder.c.mutuelle_id == cash_receipt.c.mutuelle_id)
            & (cash_holder.c.holder == cash_receipt.c.holder),
        )
        .outerjoin(
            cash_dispute,
            (cash_dispute.c.mutuelle_id == cash_receipt.c.mutuelle_id)
            & (cash_dispute.c.reference == cash_receipt.c.reference),
        )
        .where(of_household(cash_receipt, household))
        .order_by(cash_receipt.c.received_at.desc(), cash_receipt.c.receipt_code)
    )
    async for line in _last(db, last_ones, _cash_receipt, "cash receipts"):
        yield line


def _cash_receipt(row: Any) -> str:
    said = f"  cash {_minute(row.received_at)} {Money(row.amount_minor, row.currency)} given on {row.received_on}"
    said += f" to {masked(row.holder_phone)}: receipt {row.receipt_code}"
    if row.cancelled:
        said += ", CANCELLED"
    if row.closed_at:
        return f"{said}, contest closed on {_day(row.closed_at)}: {row.outcome}"
    return f"{said}, CONTESTED on {_day(row.disputed_at)}" if row.disputed_at else said


async def _stated(db: AsyncConnection, household: Household) -> AsyncIterator[str]:
    """Money that a statement of an operator or a bank has brought."""
    last_ones = (
        select(statement_line, statement_file.c.taken_at)
        .join(statement_file, of_file())
        .where(of_household(statement_line, household))
        .order_by(statement_file.c.taken_at.desc(), statement_line.c.receipt_code)
    )
    async for line in _last(db, last_ones, _stated_receipt, "receipts by statement"):
        yield line


def _stated_receipt(row: Any) -> str:
    money, account = Money(row.amount_minor, row.currency), row.account.rpartition(":")[2]
    said = f"  statement {_minute(row.taken_at)} {money} paid on {row.occurred_on} to {account}"
    return f"{said}: receipt {row.receipt_code}, line {row.line_id}"


async def _decided(db: AsyncConnection, household: Household) -> AsyncIterator[str]:
    """Money that two treasurers gave to it, or set right; its parts of what was paid for many."""
    d, p, g = money_decision.c, group_part.c, group_list.c
    of_all = d.decided_at, d.occurred_on, d.act
    alone = select(*of_all, d.amount_minor, d.currency, d.receipt_code, d.outcome)
    of_group = (
        select(*of_all, p.amount_minor, p.currency, p.receipt_code, sa.literal("paid for many by ") + g.payer)
        .select_from(money_decision)
        .join(group_part, (p.mutuelle_id == d.mutuelle_id) & (p.list == d.list))
        .join(group_list, (g.mutuelle_id == d.mutuelle_id) & (g.receipt_code == d.list))
        .where(of_household(group_part, household))
    )
    alone = alone.where(of_household(money_decision, household))
    every = alone.union_all(of_group).subquery()
    last_ones = select(every).order_by(every.c.decided_at.desc(), every.c.act)
    async for line in _last(db, last_ones, _decision, "decisions of two treasurers"):
        yield line


def _decision(row: Any) -> str:
    money = Money(row.amount_minor, row.currency)
    said = f"  decided {_minute(row.decided_at)} {money} of {row.occurred_on}: {row.outcome}"
    return f"{said}, receipt {row.receipt_code}" if row.receipt_code else said


async def _messages(db: AsyncConnection, which: sa.ColumnElement[bool]) -> AsyncIterator[str]:
    """The last SMS by which the phone was told something, receipts among them; then the last answers to its own."""
    for is_reply, what in ((False, "SMS"), (True, "answers")):
        last_ones = (
            select(outbox.c.created_at, outbox.c.template, outbox.c.state, outbox.c.reason)
            .where(which, outbox.c.is_reply == is_reply)
            .order_by(outbox.c.recorded_at.desc(), outbox.c.key)
        )
        async for line in _last(db, last_ones, _message, what):
            yield line


def _message(row: Any) -> str:
    return f"  SMS {_minute(row.created_at)} {row.template}: {row.state}" + _because(row.reason)


async def _last(
    db: AsyncConnection, newest_first: sa.Select[Any], said: Callable[[Any], str], what: str
) -> AsyncIterator[str]:
    """A line for each of the first rows, and how many more there are."""
    counted = newest_first.add_columns(sa.func.count().over().label("in_all")).limit(LAST)
    rows = (await db.execute(counted)).all()
    for row in rows:
        yield said(row)
    if rows and rows[0].in_all > LAST:
        yield f"  … and {rows[0].in_all - LAST} older {what}"


async def _cases(db: AsyncConnection, household: Household) -> AsyncIterator[str]:
    rows = await db.execute(
        select(payment_case.c.opened_at, payment_case.c.kind, payment_case.c.detail, payment_case.c.reference)
        .join(
            payment,
            (payment.c.mutuelle_id == payment_case.c.mutuelle_id)
            & (payment.c.reference == payment_case.c.reference),
        )
        .where(
            of_household(payment, household),
            payment_case.c.closed_at.is_(None),
        )
        .order_by(payment_case.c.opened_at, payment_case.c.kind)
    )
    for row in rows:
        yield f"  OPEN CASE {_minute(row.opened_at)} {row.kind}: {row.detail}, {row.reference}"


async def _acts(db: AsyncConnection, household: Household) -> AsyncIterator[str]:
    last_ones = (
        select(support_act.c.done_at, support_act.c.act, support_act.c.actor, support_act.c.reason)
        .where(
            of_household(support_act, household),
            support_act.c.act != WHO,
        )
        .order_by(support_act.c.nth.desc())
    )
    async for line in _last(db, last_ones, _act, "acts of support"):
        yield line


def _act(row: Any) -> str:
    return f"  {_minute(row.done_at)} {row.act}, by {row.actor}: {row.reason}"


def _actor(actor: str) -> str:
    return masked(actor) if actor.startswith("+") else actor


def _because(reason: str | None) -> str:
    return f" ({reason})" if reason else ""


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
