"""The lines of the book as reports read them: each leg of a posted movement, with what its journal says of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.charts import Chart
from ledger.reports.page import Question
from ledger.reports.sums import IN_ORDER, WITHIN, facts

BATCH = 500
SHORT = 8  # letters of a journal's id: enough to find it again among millions


@dataclass(frozen=True)
class Leg:
    """One side of a movement, or a journal without any (the act of a period: no account, no amount).

    `for_on` is the day it is for, where that lay in closed books and it was booked on `on`.
    """

    account: str
    against: str
    debit: int
    credit: int
    currency: str
    on: date
    for_on: date | None
    recorded_at: datetime
    journal_id: UUID
    kind: str
    reason: str
    actor: str
    key: str
    reverses_id: UUID | None

    @property
    def fund(self) -> str:
        return self.account.partition(":")[0]

    @property
    def reference(self) -> str:
        """The journal's id, shortened for people."""
        return short(self.journal_id)


def short(journal_id: UUID) -> str:
    """A journal's id as reports print it."""
    return journal_id.hex[:SHORT]


_LEGS = """
select coalesce(e.account, ''), coalesce(e.counter_account, ''), coalesce(e.debit, 0), coalesce(e.credit, 0),
       coalesce(e.currency, ''), j.effective_on, j.occurred_on, j.recorded_at, j.id, j.kind, j.reason, j.actor,
       coalesce(r.source || ':' || r.key, ''), j.reverses_id
  from ledger.journal j
  JOINED ledger.entry e on e.mutuelle_id = j.mutuelle_id and e.journal_id = j.id
  left join ledger.request r on r.mutuelle_id = j.mutuelle_id and r.journal_id = j.id
 where j.mutuelle_id = :mutuelle and j.effective_on > :before and j.effective_on <= :last and (ONLY)
 order by ORDER j.effective_on, j.recorded_at, j.id, e.position, e.credit
"""
_ACT = "exists (select from ledger.period_act p where p.mutuelle_id = j.mutuelle_id and p.journal_id = j.id)"
_WITHIN, _IN_ORDER = WITHIN.format("e.account"), IN_ORDER.format("e.account", "e.currency")


async def legs_by_account(db: AsyncConnection, question: Question, chart: Chart) -> AsyncIterator[Leg]:
    """Account by account in the chart's order, each account's lines oldest first."""
    query = _LEGS.replace("JOINED", "join").replace("ONLY", _WITHIN).replace("ORDER", _IN_ORDER + ",")
    async for leg in _stream(db, query, question, chart):
        yield leg


async def legs_by_day(db: AsyncConnection, question: Question, chart: Chart) -> AsyncIterator[Leg]:
    """Oldest first, journal by journal, the acts of periods among them."""
    query = _LEGS.replace("JOINED", "left join").replace("ONLY", f"{_WITHIN} or {_ACT}").replace("ORDER", "")
    async for leg in _stream(db, query, question, chart):
        yield leg


async def _stream(db: AsyncConnection, query: str, question: Question, chart: Chart) -> AsyncIterator[Leg]:
    asked = {name: fact for name, fact in facts(question, chart).items() if f":{name}" in query}
    async with db.stream(text(query), asked) as rows:
        async for some in rows.partitions(BATCH):  # row by row costs more than reading does
            for row in some:
                yield Leg(*row)
