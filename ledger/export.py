"""The whole book as text for other programs: beancount, hledger, CSV.

Each export is one snapshot, streamed in constant memory. After the journals come balances to assert: each account's
before and after every day on which it moved, and all accounts' at the end of the last day. So a line changed later is
found. Exports are never imported.
"""

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, Executable, Row, Select, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.charts import Chart
from ledger.formats import BEANCOUNT, HLEDGER, Closing, Format, JournalLine, csv_line
from ledger.tables import account, journal, movement, request

ROWS_AT_ONCE = 1000
_NO_VALUES: Mapping[str, object] = MappingProxyType({})


async def snapshot(db: AsyncConnection) -> None:
    """Make the transaction REPEATABLE READ, one snapshot for all its queries. DBAPIError after an earlier query.

    Several exports and the trial balance may share it: calling it again does nothing.
    """
    await db.execute(text("set transaction isolation level repeatable read, read only"))
    await db.execute(text("select 1"))  # the first query takes the snapshot: take it now


async def _rows(
    db: AsyncConnection, query: Executable, values: Mapping[str, object] = _NO_VALUES
) -> AsyncIterator[Row[*tuple[Any, ...]]]:
    """The rows of `query`, in pieces."""
    async with db.stream(query, values) as found:
        async for some in found.partitions(ROWS_AT_ONCE):
            for row in some:
                yield row


def _only(
    query: Select[*tuple[Any, ...]], owner: Column[str], mutuelle: str | None
) -> Select[*tuple[Any, ...]]:
    return query if mutuelle is None else query.where(owner == mutuelle)


def _movements(mutuelle: str | None) -> Select[*tuple[Any, ...]]:
    """Every journal with its movements, the columns in the order of JournalLine, oldest first.

    A journal without movements (a close or reopening) has one row, its last columns empty.
    """
    j, m, r = journal.c, movement.c, request.c
    query = (
        select(j.mutuelle_id, j.id, j.kind, j.effective_on, j.recorded_at, j.actor, j.reason)
        .add_columns(r.source, r.key, j.reverses_id, j.memo, m.position, m.phase, m.debit_account)
        .add_columns(m.credit_account, m.amount, m.currency, m.pending_journal_id, m.pending_position)
        .add_columns(j.xid, j.occurred_on, m.expires_at)
        .join_from(journal, movement, (m.mutuelle_id == j.mutuelle_id) & (m.journal_id == j.id), isouter=True)
        .join(request, (r.mutuelle_id == j.mutuelle_id) & (r.journal_id == j.id), isouter=True)
        .order_by(j.mutuelle_id, j.effective_on, j.recorded_at, j.id, m.position)
    )
    return _only(query, j.mutuelle_id, mutuelle)


async def _journals(db: AsyncConnection, mutuelle: str | None) -> AsyncIterator[list[JournalLine]]:
    """The posted movements, journal by journal, without reservations."""
    lines: list[JournalLine] = []
    async for row in _rows(db, _movements(mutuelle).where(movement.c.phase.in_(("single", "post")))):
        line = JournalLine._make(row)
        if lines and (lines[0].mutuelle, lines[0].journal) != (line.mutuelle, line.journal):
            yield lines
            lines = []
        lines.append(line)
    if lines:
        yield lines


# The balance of every account on every day on which it moved and on the day before, so that a journal dated to another
# day is found; and of every account, also one without movements, on the last day.
_CLOSINGS = """
with moved as (
    select mutuelle_id, effective_on as day, account, currency, sum(debit) - sum(credit) as net
      from ledger.entry where cast(:mutuelle as text) is null or mutuelle_id = :mutuelle
     group by mutuelle_id, effective_on, account, currency
), step as (
    select mutuelle_id, day, account, currency, net from moved
    union all
    select mutuelle_id, day - 1, account, currency, 0 from moved
    union all
    select mutuelle_id, last.day, a.code, a.currency, 0
      from ledger.account a join (select mutuelle_id, max(day) as day from moved group by mutuelle_id) last
     using (mutuelle_id)
)
select mutuelle_id, day, account, currency,
       sum(sum(net)) over (partition by mutuelle_id, account, currency order by day)
  from step group by mutuelle_id, day, account, currency
 order by mutuelle_id, day, account, currency
"""


async def _closings(db: AsyncConnection, mutuelle: str | None) -> AsyncIterator[Closing]:
    async for owner, day, code, currency, net in _rows(db, text(_CLOSINGS), {"mutuelle": mutuelle}):
        yield Closing(owner, day, code, currency, int(net))


async def _opened(
    db: AsyncConnection, mutuelle: str | None, form: Format, chart: Chart | None
) -> AsyncIterator[str]:
    c = account.c
    currencies = _only(select(c.currency).distinct().order_by(c.currency), c.mutuelle_id, mutuelle)
    yield form.head(list(await db.scalars(currencies)))
    codes = select(c.mutuelle_id, c.code, c.currency).order_by(c.mutuelle_id, c.code)
    async for owner, code, currency in _rows(db, _only(codes, c.mutuelle_id, mutuelle)):
        yield form.account(owner, code, currency, chart)


async def _book(
    db: AsyncConnection, mutuelle: str | None, form: Format, chart: Chart | None
) -> AsyncIterator[str]:
    await snapshot(db)
    async for chunk in _opened(db, mutuelle, form, chart):
        yield chunk
    async for lines in _journals(db, mutuelle):
        yield form.journal(lines)
    async for closing in _closings(db, mutuelle):
        yield form.closing(closing)


def beancount(
    db: AsyncConnection, mutuelle: str | None = None, chart: Chart | None = None
) -> AsyncIterator[str]:
    """The book for beancount 3, every balance a `balance` directive.

    `chart` adds an accountant's number and label to each account. `db` must not have run a query yet.
    """
    return _book(db, mutuelle, BEANCOUNT, chart)


def hledger(
    db: AsyncConnection, mutuelle: str | None = None, chart: Chart | None = None
) -> AsyncIterator[str]:
    """The book for `hledger check --strict`, every balance asserted by a posting of 0. Otherwise as `beancount`.

    Hledger applies an assertion to the lines above it on the same day. So all assertions stand at the end, where a
    journal dated to another day makes them fail.
    """
    return _book(db, mutuelle, HLEDGER, chart)


async def csv(db: AsyncConnection, mutuelle: str | None = None) -> AsyncIterator[str]:
    """One row a movement, reservations included, oldest first. `db` must not have run a query yet."""
    await snapshot(db)
    yield csv_line(JournalLine._fields)
    async for row in _rows(db, _movements(mutuelle)):
        yield csv_line(tuple(row))
