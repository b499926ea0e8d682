"""Statements as they are kept: which lines are known already, and the writing of those that are new."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.treasury.statements.accounts import StatedAccount
from mutuelle.treasury.statements.lines import StatementLine, line_reference
from mutuelle.treasury.tables import statement_file, statement_line
from values import value

AT_ONCE = 1000  # lines of one statement to the database


@value
class StatementSource:
    """The file that a statement came in: its name, the preset it was read with, and the hash of its bytes."""

    account: StatedAccount
    name: str
    preset: str
    sha256: bytes


@dataclass
class DecidedLine:
    """A line, and what becomes of its money: `kind` as in the table, its household, its receipt, its payment or payout.

    `by_payment`: the payment's own journal has its money. `is_settled`: this line settled the payment.
    """

    line: StatementLine
    reference: UUID
    kind: str
    number: str | None = None
    receipt_code: str | None = None
    payment: UUID | None = None
    payout: UUID | None = None
    own_journal: UUID | None = None
    by_payment: bool = False
    is_settled: bool = False


def of_file() -> sa.ColumnElement[bool]:
    """The condition: a line is of that file."""
    return (statement_line.c.mutuelle_id == statement_file.c.mutuelle_id) & (
        statement_line.c.file == statement_file.c.file
    )


def decided(account: StatedAccount, line: StatementLine, kind: str) -> DecidedLine:
    """A line of this account with its reference."""
    return DecidedLine(line, line_reference(account.mutuelle_id, account.code, line.line_id), kind)


async def stored_contents(
    db: AsyncConnection, account: StatedAccount, ids: Sequence[str]
) -> dict[str, tuple[Any, ...]]:
    """The content of the lines of this account that are kept already, by their ids, as `StatementLine.content`."""
    found: dict[str, tuple[Any, ...]] = {}
    for start in range(0, len(ids), AT_ONCE):
        facts = {
            "mutuelle": account.mutuelle_id,
            "account": account.code,
            "ids": list(ids[start : start + AT_ONCE]),
        }
        found |= {line_id: tuple(content) for line_id, *content in await db.execute(_STORED, facts)}
    return found


async def is_kept(db: AsyncConnection, source: StatementSource) -> bool:
    """Whether this very file was taken in before."""
    facts = {"mutuelle": source.account.mutuelle_id, "account": source.account.code, "hash": source.sha256}
    return bool(await db.scalar(_KEPT, facts))


async def write_lines(
    db: AsyncConnection,
    source: StatementSource,
    lines: Sequence[DecidedLine],
    days: Sequence[date],
    now: datetime,
) -> None:
    """Write the file and its new lines; `days` are those of all its lines."""
    account, file = source.account, uuid4()
    row = {
        "mutuelle_id": account.mutuelle_id,
        "file": file,
        "account": account.code,
        "name": source.name[:200],
        "preset": source.preset,
        "sha256": source.sha256,
        "lines": len(days),
        "first_on": min(days),
        "last_on": max(days),
        "taken_at": now,
    }
    await db.execute(insert(statement_file), row)
    for start in range(0, len(lines), AT_ONCE):
        rows = [_row(account, file, one) for one in lines[start : start + AT_ONCE]]
        await db.execute(_WRITE, {"rows": json.dumps(rows, default=str)})


def _row(account: StatedAccount, file: UUID, one: DecidedLine) -> Mapping[str, object]:
    line = one.line
    return {
        "mutuelle_id": account.mutuelle_id,
        "account": account.code,
        "line_id": line.line_id,
        "reference": one.reference,
        "file": file,
        "position": line.position,
        "said": dict(line.said),
        "occurred_on": line.on,
        "occurred_at": line.at and line.at.isoformat(),
        "payer": line.payer,
        "amount_minor": line.amount_minor,
        "fee_minor": line.fee_minor,
        "currency": line.currency,
        "note": line.note,
        "kind": one.kind,
        "number": one.number,
        "receipt_code": one.receipt_code,
        "payment": one.payment,
        "payout": one.payout,
        "by_payment": one.by_payment,
        "own_journal": one.own_journal,
    }


_KEPT = text(
    """
    select exists (select from statement_file f where f.mutuelle_id = :mutuelle and f.account = :account
                      and f.sha256 = :hash)
    """
)
_STORED = text(
    """
    select s.line_id, s.occurred_on, s.payer, s.amount_minor, s.fee_minor, s.currency, s.note
      from unnest(cast(:ids as text[])) as asked (id)
     cross join lateral (select * from statement_line found
                          where found.mutuelle_id = :mutuelle and found.account = :account
                            and found.line_id = asked.id offset 0) s
    """
)
_WRITE = text(
    """
    insert into statement_line
    select * from jsonb_populate_recordset(cast(null as statement_line), cast(:rows as jsonb))
    """
)
