"""Periods: the books are closed through a day, and nothing is dated on or before it afterwards.

A close and a reopening are journals themselves, explained and never changed. Periods close in order; the last one
closed may be reopened. What comes late is booked today and says for which day it is.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.book import Posted, PostVerdict, journal_id


@dataclass(frozen=True)
class PeriodAct:
    """One close or reopening of the days `first_on` to `last_on`; `stands`: the books are closed by it today."""

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
    """What a close found on one account: sums of the period, and up to and including its last day."""

    account: str
    debits: int
    credits: int
    cum_debits: int
    cum_credits: int


async def close_period(
    db: AsyncConnection, mutuelle: str, last_on: date, *, source: str, key: str, actor: str, reason: str
) -> Posted:
    """Close the books from where they are open through `last_on`, and keep the trial balance of that day.

    Waits for every posting that is under way. Refused: `period_not_over` (today or later), `period_closed`.
    """
    facts = _facts(mutuelle, source, key, actor, reason)
    return _posted((await db.execute(text(_CLOSE), facts | {"last_on": last_on})).one())


async def reopen_period(
    db: AsyncConnection, mutuelle: str, *, source: str, key: str, actor: str, reason: str
) -> Posted:
    """Open the period that was closed last. Refused: `period_not_closed`."""
    facts = _facts(mutuelle, source, key, actor, reason)
    return _posted((await db.execute(text(_REOPEN), facts)).one())


async def closed_through(db: AsyncConnection, mutuelle: str) -> date | None:
    """The last day of the closed books; None where nothing is closed."""
    day: date | None = await db.scalar(
        text("select closed_through from ledger.book where mutuelle_id = :mutuelle"), {"mutuelle": mutuelle}
    )
    return day


async def period_acts(db: AsyncConnection, mutuelle: str) -> list[PeriodAct]:
    """Every close and reopening, in order."""
    rows = await db.execute(text(_ACTS), {"mutuelle": mutuelle})
    return [PeriodAct(*row) for row in rows]


async def period_totals(db: AsyncConnection, mutuelle: str, close: UUID) -> list[PeriodTotal]:
    """The trial balance that the close with this journal id found, by account."""
    rows = await db.execute(text(_TOTALS), {"mutuelle": mutuelle, "journal": close})
    return [PeriodTotal(*row) for row in rows]


def _facts(mutuelle: str, source: str, key: str, actor: str, reason: str) -> dict[str, object]:
    spent = {"mutuelle": mutuelle, "source": source, "key": key, "id": journal_id(mutuelle, source, key)}
    return spent | {"actor": actor, "reason": reason}


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
