"""Periods: the books are closed through a day; afterwards no journal is dated on or before it.

A close and a reopening are journals themselves, with actor and reason, never changed. Periods close in order; only
the last closed one may be reopened. A late journal is booked today and keeps its original day (`occurred_on`).
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.book import Origin, Posted, PostVerdict, journal_id


@dataclass(frozen=True)
class PeriodAct:
    """One close or reopening of the days `first_on` to `last_on`; `stands`: it is a close and still in force."""

    number: int
    act: str
    first_on: date
    last_on: date
    journal_id: UUID
    recorded_at: datetime
    actor: str
    reason: str
    stands: bool


@dataclass(frozen=True)
class PeriodTotal:
    """The sums of one account at a close: within the period, and (`cum_`) through its last day. Minor units."""

    account: str
    debits: int
    credits: int
    cum_debits: int
    cum_credits: int


async def close_period(db: AsyncConnection, mutuelle: str, last_on: date, origin: Origin) -> Posted:
    """Close the books through `last_on`, and store the trial balance of that day.

    Waits for postings under way. Refused: `period_not_over` (today or later), `period_closed`, `book_in_use`.
    """
    facts = _facts(mutuelle, origin) | {"last_on": last_on}
    return _posted((await db.execute(text(_CLOSE), facts)).one())


async def reopen_period(db: AsyncConnection, mutuelle: str, origin: Origin) -> Posted:
    """Open the last closed period again. Refused: `period_not_closed`."""
    return _posted((await db.execute(text(_REOPEN), _facts(mutuelle, origin))).one())


async def closed_through(db: AsyncConnection, mutuelle: str) -> date | None:
    """The last closed day; None if nothing is closed."""
    day: date | None = await db.scalar(
        text("select closed_through from ledger.book where mutuelle_id = :mutuelle"), {"mutuelle": mutuelle}
    )
    return day


async def period_acts(db: AsyncConnection, mutuelle: str) -> list[PeriodAct]:
    """Every close and reopening, in order."""
    rows = await db.execute(text(_ACTS), {"mutuelle": mutuelle})
    return [PeriodAct(*row) for row in rows]


async def period_totals(db: AsyncConnection, mutuelle: str, close: UUID) -> list[PeriodTotal]:
    """The trial balance that the close with this journal id stored, by account."""
    rows = await db.execute(text(_TOTALS), {"mutuelle": mutuelle, "journal": close})
    return [PeriodTotal(*row) for row in rows]


def _facts(mutuelle: str, origin: Origin) -> dict[str, object]:
    return {"mutuelle": mutuelle, "id": journal_id(mutuelle, origin.source, origin.key)} | vars(origin)


def _posted(row: Row[tuple[object, ...]]) -> Posted:
    return Posted(PostVerdict(row.verdict), row.journal_id, row.refused)


_CLOSE = "select * from ledger.close_period(:mutuelle, :source, :key, :id, :actor, :reason, :last_on)"
_REOPEN = "select * from ledger.reopen_period(:mutuelle, :source, :key, :id, :actor, :reason)"
_ACTS = """
select p.number, p.act, p.first_on, p.last_on, p.journal_id, j.recorded_at, j.actor, j.reason,
       p.act = 'close' and p.last_on <= b.closed_through
       and p.number = (select max(q.number) from ledger.period_act q
                        where q.mutuelle_id = p.mutuelle_id and q.last_on = p.last_on) as stands
  from ledger.period_act p
  join ledger.journal j on j.mutuelle_id = p.mutuelle_id and j.id = p.journal_id
  join ledger.book b on b.mutuelle_id = p.mutuelle_id
 where p.mutuelle_id = :mutuelle order by p.number
"""
_TOTALS = """
select account, debits, credits, cum_debits, cum_credits from ledger.period_total
 where mutuelle_id = :mutuelle and journal_id = :journal order by account
"""
