"""Reservations: money is held before it moves, then posted, voided or expired, once.

No other journal can spend what a reservation holds on a limited account. A reservation for an operator's payout has
no deadline: only the operator's final answer ends it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.book import Journal, Movement, Phase, Posted, PostVerdict, Reservation, Voucher, post

EXPIRED = "reservation expired"  # the source and kind of the journals that free overdue reservations
BATCH = 200


@dataclass(frozen=True)
class Held:
    """Open reservations of an account, in minor units."""

    debits: int
    credits: int


@dataclass(frozen=True)
class DueReservation:
    """A reservation whose deadline has passed."""

    mutuelle: str
    reservation: Reservation
    movement: Movement


async def reserve(
    db: AsyncConnection,
    voucher: Voucher,
    movements: Sequence[Movement],
    expires_at: datetime | None = None,
) -> tuple[Posted, list[Reservation]]:
    """Reserve these movements (given as SINGLE), until `expires_at` if given; returns one reservation each.

    Refused: `balance_too_low` if a limited account has less than that free. ValueError: a movement is not SINGLE.
    """
    if any(m.phase is not Phase.SINGLE for m in movements):
        raise ValueError("only a plain movement can be reserved")
    pending = [replace(m, phase=Phase.PENDING, expires_at=expires_at) for m in movements]
    [posted] = await post(db, [voucher.journal(pending)])
    if posted.journal_id is None:
        return posted, []
    return posted, [Reservation(posted.journal_id, nth) for nth, _ in enumerate(pending, start=1)]


async def settle_reservation(
    db: AsyncConnection, voucher: Voucher, reservation: Reservation, amount_minor: int | None = None
) -> Posted:
    """Post a reservation, all of it or `amount_minor`; the rest is free again.

    Refused: `pending_unknown`, `pending_resolved` (posted, voided or expired before), `pending_other_amount` (more
    than is held), `pending_expired` (its deadline has passed).
    """
    return await _resolve(db, voucher, reservation, Phase.POST, amount_minor)


async def void(db: AsyncConnection, voucher: Voucher, reservation: Reservation) -> Posted:
    """Free a reservation. Refused: `pending_unknown`, `pending_resolved`."""
    return await _resolve(db, voucher, reservation, Phase.VOID)


async def _resolve(
    db: AsyncConnection,
    voucher: Voucher,
    reservation: Reservation,
    phase: Phase,
    amount_minor: int | None = None,
) -> Posted:
    found = await find_reservation(db, voucher.mutuelle, reservation)
    if found is None:
        return Posted(PostVerdict.REFUSED, None, "pending_unknown")
    [posted] = await post(db, [voucher.journal([_resolving(found, reservation, phase, amount_minor)])])
    return posted


def _resolving(
    held: Movement, reservation: Reservation, phase: Phase, amount_minor: int | None = None
) -> Movement:
    amount = held.amount_minor if amount_minor is None else amount_minor
    return Movement(held.debit, held.credit, amount, held.currency, phase, reservation)


async def held(db: AsyncConnection, mutuelle: str, account: str) -> Held:
    """The sums of an account's open reservations on each side."""
    row = (await db.execute(text(_HELD), {"mutuelle": mutuelle, "account": account})).one()
    return Held(int(row.debits), int(row.credits))


async def find_reservation(db: AsyncConnection, mutuelle: str, reservation: Reservation) -> Movement | None:
    """The held movement, resolved or not; None if there is none."""
    where = {"mutuelle": mutuelle, "journal": reservation.journal_id, "position": reservation.position}
    row = (await db.execute(text(_ONE), where)).one_or_none()
    return _movement(row) if row else None


async def due_reservations(db: AsyncConnection, limit: int = BATCH) -> list[DueReservation]:
    """Open reservations of any mutuelle whose deadline has passed, the oldest first."""
    rows = (await db.execute(text(_DUE), {"limit": limit})).all()
    return [DueReservation(r.mutuelle_id, Reservation(r.journal_id, r.position), _movement(r)) for r in rows]


async def expire_due(pool: AsyncEngine, on: date) -> int:
    """Free overdue reservations, in one transaction; returns how many."""
    async with pool.begin() as db:
        due = await due_reservations(db)
        return sum(posted.stands for posted in await expire(db, due, on)) if due else 0


async def expire(db: AsyncConnection, due: Sequence[DueReservation], on: date) -> list[Posted]:
    """Free overdue reservations, each by its own journal.

    Refused: `pending_resolved` (by others meanwhile), `pending_not_due` (by the database's clock).
    """
    return await post(db, [_expiry(one, on) for one in due])


def _expiry(due: DueReservation, on: date) -> Journal:
    # One key a day, so that a refused expiry (say, a clock was put back) is retried. Only one can resolve it.
    key = f"{due.reservation.journal_id} {due.reservation.position} {on}"
    voucher = Voucher(due.mutuelle, EXPIRED, key, EXPIRED, on, "ledger", "its deadline has passed")
    return voucher.journal([_resolving(due.movement, due.reservation, Phase.EXPIRE)])


def _movement(row: Row[tuple[object, ...]]) -> Movement:
    sides = (row.debit_account, row.credit_account)
    return Movement(*sides, row.amount, row.currency, Phase.PENDING, None, row.expires_at)


_HELD = """
select coalesce(sum(amount) filter (where debit_account = :account), 0) as debits,
       coalesce(sum(amount) filter (where credit_account = :account), 0) as credits
  from ledger.held where mutuelle_id = :mutuelle and (debit_account = :account or credit_account = :account)
"""
_ONE = """
select * from ledger.movement
 where mutuelle_id = :mutuelle and journal_id = :journal and position = :position and phase = 'pending'
"""
_DUE = """
select h.* from ledger.book b cross join lateral (
    select * from ledger.held q where q.mutuelle_id = b.mutuelle_id and q.expires_at <= clock_timestamp()
     order by q.expires_at, q.journal_id, q.position limit :limit) h
 order by h.expires_at, h.mutuelle_id, h.journal_id, h.position limit :limit
"""
