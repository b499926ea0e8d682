"""The books as they stand after the quiet period: ours in one snapshot, and the outside's own."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.engine import engine_of
from ledger.export import snapshot

Row = dict[str, Any]

PAYMENTS = text("select reference::text, number, amount_minor, payer_phone, state, receipt_code from payment")
POSTINGS = text(
    "select r.key as reference, r.source, sum(m.amount)::bigint as amount from ledger.request r"
    " join ledger.movement m on m.mutuelle_id = r.mutuelle_id and m.journal_id = r.journal_id"
    " where r.source in ('payment', 'suspense') and r.verdict = 'created' group by 1, 2, r.journal_id"
)
HOUSEHOLDS = text("select number, phone from household_phone")
DEEDS = text("select gateway, call, phone, screen from action")
OUTBOX = text(
    "select key, phone, template, body, receipt_code, state, resends, provider_message_id from sms_outbox"
)
INBOX = text("select provider_message_id as id, phone, body, state, handled_as from sms_inbox")
SCHEDULES = text("select subject as phone, fires_for, due_at, stopped_at from schedule where kind = 'digest'")
FIRINGS = text(
    "select subject as phone, fired_for, outcome, messages from firing where kind = 'digest' order by 1, 2"
)
DIGESTS = text("select phone, fired_for, message_key, received_minor from digest")
VOUCHERS = text("select code, number, proposed_by as phone from voucher")
COUNTS = text("select reference, holder from cash_count")
QUERIES = (
    PAYMENTS,
    POSTINGS,
    HOUSEHOLDS,
    DEEDS,
    OUTBOX,
    INBOX,
    SCHEDULES,
    FIRINGS,
    DIGESTS,
    VOUCHERS,
    COUNTS,
)


@dataclass(frozen=True)
class Books:
    """What stands where; `collections` and `messages` are the outside's own record."""

    collections: list[Row]
    messages: list[Row]
    payments: list[Row]
    postings: list[Row]
    households: list[Row]
    actions: list[Row]
    outbox: list[Row]
    inbox: list[Row] = field(default_factory=list)
    schedules: list[Row] = field(default_factory=list)
    firings: list[Row] = field(default_factory=list)
    digests: list[Row] = field(default_factory=list)
    vouchers: list[Row] = field(default_factory=list)
    counts: list[Row] = field(default_factory=list)


async def open_books(database_url: str, store: Path) -> Books:
    """Read everything; `store` is the simulator's own record."""
    async with engine_of(database_url) as engine, engine.connect() as db:
        await snapshot(db)
        inside = [await _rows(db, query) for query in QUERIES]
    return Books(*_outside(store), *inside)


async def _rows(db: AsyncConnection, query: Any) -> list[Row]:
    return [dict(row) for row in (await db.execute(query)).mappings()]


def _outside(store: Path) -> tuple[list[Row], list[Row]]:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        collections = [dict(row) for row in db.execute("select * from money where direction = 'in'")]
        messages = [dict(row) for row in db.execute("select * from message")]
    return collections, messages
