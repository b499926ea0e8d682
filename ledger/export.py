"""The whole book as text for other programs: beancount, hledger, CSV.

Each export is one snapshot, read through a cursor: a book larger than the memory goes through, and nothing
posted meanwhile is half in it. It ends with every closing balance, so that a line changed later is found.
"""

import csv as csv_format
import io
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Column, Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.formats import BEANCOUNT, HLEDGER, Format, JournalLine
from ledger.reports import account_sums
from ledger.tables import account, journal, movement, request

CSV_HEAD = tuple(field.name for field in fields(JournalLine))


async def _snapshot(db: AsyncConnection) -> None:
    """One view of the book for all the queries of an export; PostgreSQL refuses it after an earlier query."""
    await db.execute(text("set transaction isolation level repeatable read, read only"))
    await db.execute(text("select 1"))  # the view is that of the first query, so it is taken here and now


def _only(
    query: Select[*tuple[Any, ...]], owner: Column[str], mutuelle: str | None
) -> Select[*tuple[Any, ...]]:
    return query if mutuelle is None else query.where(owner == mutuelle)


def _movements(mutuelle: str | None) -> Select[*tuple[Any, ...]]:
    """Every movement, its columns in the order of JournalLine, oldest first."""
    j, m, r = journal.c, movement.c, request.c
    query = (
        select(j.mutuelle_id, j.id, j.kind, j.effective_on, j.recorded_at, j.actor, j.reason)
        .add_columns(r.source, r.key, j.reverses_id, j.memo, m.position, m.phase, m.debit_account)
        .add_columns(m.credit_account, m.amount, m.currency, m.pending_journal_id, m.pending_position)
        .join_from(journal, movement, (m.mutuelle_id == j.mutuelle_id) & (m.journal_id == j.id))
        .join(request, (r.mutuelle_id == j.mutuelle_id) & (r.journal_id == j.id), isouter=True)
        .order_by(j.mutuelle_id, j.effective_on, j.recorded_at, j.id, m.position)
    )
    return _only(query, j.mutuelle_id, mutuelle)


async def _journals(db: AsyncConnection, mutuelle: str | None) -> AsyncIterator[list[JournalLine]]:
    """The posted movements, journal by journal; a reservation alone is no posting."""
    lines: list[JournalLine] = []
    async with db.stream(_movements(mutuelle).where(movement.c.phase.in_(("single", "post")))) as rows:
        async for row in rows:
            line = JournalLine(*row)
            if lines and (lines[0].mutuelle, lines[0].journal) != (line.mutuelle, line.journal):
                yield lines
                lines = []
            lines.append(line)
    if lines:
        yield lines


async def _opened(db: AsyncConnection, mutuelle: str | None, form: Format) -> AsyncIterator[str]:
    c = account.c
    currencies = _only(select(c.currency).distinct().order_by(c.currency), c.mutuelle_id, mutuelle)
    yield form.head(list(await db.scalars(currencies)))
    codes = select(c.mutuelle_id, c.code, c.currency).order_by(c.mutuelle_id, c.code)
    async with db.stream(_only(codes, c.mutuelle_id, mutuelle)) as rows:
        async for row in rows:
            yield form.account(*row)


async def _closing(db: AsyncConnection, mutuelle: str | None, form: Format, on: date) -> AsyncIterator[str]:
    """Every account's balance, also the zero of one that never moved."""
    c, sums = account.c, account_sums(mutuelle, None).subquery()
    owner, code, _, debits, credits = sums.c
    nets = (
        select(c.mutuelle_id, c.code, func.coalesce(debits - credits, 0), c.currency)
        .join_from(account, sums, (owner == c.mutuelle_id) & (code == c.code), isouter=True)
        .order_by(c.mutuelle_id, c.code)
    )
    async with db.stream(_only(nets, c.mutuelle_id, mutuelle)) as rows:
        async for row in rows:
            yield form.closing(on, row[0], row[1], int(row[2]), row[3])


async def _book(db: AsyncConnection, mutuelle: str | None, form: Format) -> AsyncIterator[str]:
    await _snapshot(db)
    async for chunk in _opened(db, mutuelle, form):
        yield chunk
    latest = None
    async for lines in _journals(db, mutuelle):
        latest = max(latest or lines[0].effective_on, lines[0].effective_on)
        yield form.journal(lines)
    if latest:
        async for chunk in _closing(db, mutuelle, form, latest + timedelta(days=1)):
            yield chunk


def beancount(db: AsyncConnection, mutuelle: str | None = None) -> AsyncIterator[str]:
    """The book for beancount 3, with closing `balance` directives. `db` must have read nothing yet."""
    return _book(db, mutuelle, BEANCOUNT)


def hledger(db: AsyncConnection, mutuelle: str | None = None) -> AsyncIterator[str]:
    """The book for `hledger check --strict`, with closing assertions. `db` must have read nothing yet."""
    return _book(db, mutuelle, HLEDGER)


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False) if value else ""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value  # a spreadsheet would run it as a formula
    return value


def _csv_line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv_format.writer(line, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return line.getvalue()


async def csv(db: AsyncConnection, mutuelle: str | None = None) -> AsyncIterator[str]:
    """One row a movement, reservations included, oldest first. `db` must have read nothing yet."""
    await _snapshot(db)
    yield _csv_line(CSV_HEAD)
    async with db.stream(_movements(mutuelle)) as rows:
        async for row in rows:
            yield _csv_line(tuple(row))
