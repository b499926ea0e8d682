"""The treasurer's digest: income, balances, households up to date, open payments, counted on one snapshot.

A digest that was sent is kept figure by figure with its snapshot: it can be counted again, and two digests in a row
leave out no franc and count none twice. It shows the newest seal of the book: a ledger that is rewritten later no
longer fits the treasurers' SMS.

A second message shows the balance of each mobile money account: the treasurer compares it with the operator's own menu,
the only place that shows a payment that was settled but never made. One more comes where many checks were made without
a code.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.positions import Mark, Position, floats, position
from ledger.seals import newest
from locales import render
from mutuelle.care.unproven import unproven_checks
from mutuelle.contributions.payments import OPEN
from mutuelle.contributions.portfolio import portfolio
from mutuelle.officers.roles import Role, officers_of
from mutuelle.schedules.digest.words import Figures, floats_to_compare, is_for_payouts, summary
from mutuelle.schedules.schedules import Schedule, change, end, next_hour, read_schedule
from mutuelle.schedules.tables import digest, schedule
from mutuelle.scheme.limits import limits_of
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.tables import payment, payment_case, route
from mutuelle.treasury.cash_in_hand import holders_of_cash
from mutuelle.treasury.receipt_days import recorded_late
from mutuelle.treasury.tables import cash_dispute, statement_line
from mutuelle.treasury.unmatched.decisions import is_decided
from sms.outbox import Message, enqueue
from talk.preferences import language_of
from talk.words import Caller

DIGEST = "digest"
FLOATS = "digest, floats"  # the template of the second SMS, with the operators' balances
UNPROVEN = "digest, checks"  # of one more where many checks went without a code
UNRESOLVED_AFTER = timedelta(hours=1)  # a younger payment is merely under way
FROM_THE_START = Mark("1:1:", datetime(2000, 1, 1, tzinfo=UTC))  # a snapshot that sees nothing


@dataclass(frozen=True)
class Counted:
    """The figures of a digest, and the marks between which they were counted."""

    figures: Figures
    position: Position
    since: Mark


async def count(db: AsyncConnection, mutuelle: Mutuelle, begun: Schedule | None, now: datetime) -> Counted:
    """The figures of `mutuelle` at `now`, since the last digest of this schedule (without one: from the start)."""
    since = FROM_THE_START
    if begun and begun.counted_to and begun.counted_at:
        since = Mark(begun.counted_to, begun.counted_at)
    held = await position(db, mutuelle.id, mutuelle.currency, since=since)
    insured = (await portfolio(db, mutuelle, mutuelle.today(now))).values()
    unresolved, oldest_at = await _unresolved(db, mutuelle.id, now)
    late, oldest_on = await recorded_late(db, mutuelle.id, since)
    if oldest_on:
        oldest_at = min(oldest_at or now, datetime.combine(oldest_on, time(12), UTC))
    figures = Figures(
        mutuelle=mutuelle,
        since=begun.since if begun else None,
        at=now,
        received_minor=held.received_minor,
        payers=held.payers,
        cash_minor=held.cash_minor,
        mobile_minor=held.mobile_minor,
        bank_minor=held.bank_minor,
        up_to_date=sum(one.is_up_to_date for one in insured),
        households=len(insured),
        unresolved=unresolved + late,
        oldest_at=oldest_at,
        late=late,
        collectors_minor=await held_by_collectors(db, mutuelle.id, held.boxes),
        by_operator=await has_route(db, mutuelle.id),
    )
    return Counted(figures, held, since)


async def held_by_collectors(db: AsyncConnection, mutuelle_id: str, boxes: dict[str, int]) -> int:
    """How much of the cash in these accounts is still with collectors, in or out of office."""
    holders = await holders_of_cash(db, mutuelle_id)
    return sum(
        minor for code, minor in boxes.items() if code in holders and holders[code].role == Role.COLLECTOR
    )


async def has_route(db: AsyncConnection, mutuelle_id: str) -> bool:
    """Whether an operator can ask any phone for this mutuelle's money."""
    return bool(await db.scalar(select(sa.exists().where(route.c.mutuelle_id == mutuelle_id))))


async def balance_now(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> Figures:
    """The present figures, since the caller's last digest; nothing is sent or kept."""
    mutuelle = await get_mutuelle(db, mutuelle_id)
    begun = await digest_schedule(db, mutuelle_id, caller.phone)
    return (await count(db, mutuelle, begun, caller.at)).figures


async def digest_schedule(db: AsyncConnection, mutuelle_id: str, phone: str) -> Schedule | None:
    """When this treasurer gets digests of this mutuelle; None before the worker has seen the appointment."""
    row = (
        await db.execute(
            select(schedule).where(
                schedule.c.mutuelle_id == mutuelle_id,
                schedule.c.kind == DIGEST,
                schedule.c.subject == phone,
            )
        )
    ).one_or_none()
    return read_schedule(row) if row else None


async def send_digest(db: AsyncConnection, due: Schedule, now: datetime) -> int:
    """Count, keep and send one digest, all in the transaction of its firing; none to a former treasurer."""
    officers = await officers_of(db, due.mutuelle_id, now)
    if not any(officer.role is Role.TREASURER and officer.phone == due.subject for officer in officers):
        await end(db, due)
        return 0
    mutuelle = await get_mutuelle(db, due.mutuelle_id)
    moved = {} if due.is_chosen else await _moved(db, due, mutuelle.today(now))
    if moved and next_hour(str(moved["cron"]), due.timezone, due.fires_for) - due.fires_for < timedelta(
        days=1
    ):
        await change(db, due, **moved)  # it comes later today
        return 0
    counted = await count(db, mutuelle, due, now)
    key = f"{DIGEST} {uuid4()}"  # no phone: a key may stand in a log
    language = await language_of(db, due.subject)
    sealed = await newest(db, due.mutuelle_id)  # `mutuelle.schedules.jobs` had it sealed just before
    words = summary(counted.figures, language, asks=True, seal=sealed.short if sealed else None)
    row = _row(due, counted, key, now) | {"seal_root": sealed.root if sealed else None}
    await db.execute(insert(digest), row)
    held = await floats(db, due.mutuelle_id, counted.figures.mutuelle.currency)
    asks = counted.figures.by_operator
    told = [(code, minor) for code, minor in held if minor or (asks and not is_for_payouts(code))]
    compared = floats_to_compare(counted.figures.mutuelle, told, now, language)
    sent = [Message(due.mutuelle_id, key, due.subject, DIGEST, render(words, language))]
    sent += [
        Message(due.mutuelle_id, f"{key} {nth}", due.subject, FLOATS, render(one, language))
        for nth, one in enumerate(compared, start=1)
    ]
    unproven = await unproven_checks(db, due.mutuelle_id, now)
    if unproven.is_high:
        said = render(unproven.said(mutuelle), language)
        sent.append(Message(due.mutuelle_id, f"{key} checks", due.subject, UNPROVEN, said))
    await enqueue(db, sent, now)
    mark = counted.position.mark
    await change(db, due, counted_to=mark.snapshot, counted_at=mark.at, since=now, **moved)
    return len(sent)


def weekly(hour: int) -> str:
    """The calendar of a treasurer who has chosen none: every Monday at `hour`."""
    return f"0 {hour} * * 1"


async def _moved(db: AsyncConnection, due: Schedule, today: date) -> dict[str, object]:
    """The columns of a schedule whose mutuelle has decided another hour since; the worker plans it."""
    cron = weekly((await limits_of(db, due.mutuelle_id, today)).digest_hour)
    return {} if cron == due.cron else {"cron": cron, "is_new": True}


def _row(due: Schedule, counted: Counted, key: str, now: datetime) -> dict[str, object]:
    figures, mark = counted.figures, counted.position.mark
    return {
        "mutuelle_id": due.mutuelle_id,
        "phone": due.subject,
        "fired_for": due.fires_for,
        "message_key": key,
        "since": due.since,
        "sent_at": now,
        "counted_from": counted.since.snapshot,
        "counted_from_at": counted.since.at,
        "counted_to": mark.snapshot,
        "counted_to_at": mark.at,
        "received_minor": figures.received_minor,
        "payers": figures.payers,
        "cash_minor": figures.cash_minor,
        "collectors_minor": figures.collectors_minor,
        "mobile_minor": figures.mobile_minor,
        "bank_minor": figures.bank_minor,
        "up_to_date": figures.up_to_date,
        "households": figures.households,
        "unresolved": figures.unresolved,
        "oldest_at": figures.oldest_at,
    }


async def _unresolved(db: AsyncConnection, mutuelle_id: str, now: datetime) -> tuple[int, datetime | None]:
    """How many payments wait for an answer, for a person or for their owner, and since when the oldest does."""
    waiting = select(payment.c.reference, payment.c.asked_at.label("at")).where(
        payment.c.mutuelle_id == mutuelle_id,
        payment.c.state.in_(OPEN),
        payment.c.asked_at <= now - UNRESOLVED_AFTER,
    )
    of_case = (payment_case.c.mutuelle_id == payment.c.mutuelle_id) & (
        payment_case.c.reference == payment.c.reference
    )
    cases = (
        select(payment.c.reference, payment.c.asked_at)
        .join(payment_case, of_case)
        .where(payment_case.c.mutuelle_id == mutuelle_id, payment_case.c.closed_at.is_(None))
    )
    contested = select(cash_dispute.c.reference, cash_dispute.c.disputed_at).where(
        cash_dispute.c.mutuelle_id == mutuelle_id, cash_dispute.c.closed_at.is_(None)
    )
    came_on = sa.cast(statement_line.c.occurred_on, sa.TIMESTAMP) + timedelta(hours=12)
    unmatched = select(statement_line.c.reference, sa.func.timezone("UTC", came_on)).where(
        statement_line.c.mutuelle_id == mutuelle_id,
        statement_line.c.kind == "unmatched",
        ~statement_line.c.by_payment,
        ~is_decided("statement", statement_line.c.reference),
    )
    every = sa.union(waiting, cases, contested, unmatched).subquery()
    row = (await db.execute(select(sa.func.count(), sa.func.min(every.c.at)).select_from(every))).one()
    return row[0], row[1]
