"""The simulator's state, in one SQLite file.

Everything is committed here before the simulator answers: a restart loses nothing.
"""

import sqlite3
from pathlib import Path
from typing import Any

Row = dict[str, Any]

FORM_OF_STORE = 4  # with another one, what was played before is forgotten

SCHEMA = """
CREATE TABLE IF NOT EXISTS call (
    id TEXT PRIMARY KEY,
    phone TEXT NOT NULL,
    service_code TEXT NOT NULL,
    gateway TEXT NOT NULL,
    dialled TEXT NOT NULL,
    typed TEXT NOT NULL DEFAULT '[]',
    metadata TEXT NOT NULL DEFAULT '',
    hops INTEGER NOT NULL DEFAULT 0,
    hops_metadata TEXT NOT NULL DEFAULT '',
    last_answer TEXT NOT NULL DEFAULT '',
    screen TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'Open',
    fault TEXT NOT NULL DEFAULT '',
    started_at REAL NOT NULL,
    touched_at REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS call_open ON call (phone) WHERE status = 'Open';

CREATE TABLE IF NOT EXISTS message (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    phone TEXT NOT NULL,
    sender TEXT NOT NULL,
    text TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS message_phone ON message (phone, position);

CREATE TABLE IF NOT EXISTS written (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    phone TEXT NOT NULL,
    text TEXT NOT NULL,
    at REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS written_phone ON written (phone, position);

-- Money that a provider was asked to move. `key` is what the provider knows an order by, `reference` is ours,
-- `token` its own. Amounts are in thousandths: exact in any currency. `told` counts its lines in the journal.
CREATE TABLE IF NOT EXISTS money (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    direction TEXT NOT NULL,
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    reference TEXT NOT NULL,
    token TEXT NOT NULL,
    receipt TEXT NOT NULL,
    phone TEXT NOT NULL,
    amount TEXT NOT NULL,
    moved_milli INTEGER NOT NULL,
    fee_milli INTEGER NOT NULL,
    currency TEXT NOT NULL,
    note TEXT NOT NULL,
    notice_url TEXT NOT NULL,
    more TEXT NOT NULL,
    scenario TEXT NOT NULL DEFAULT '',
    begun_at REAL,
    expires_at REAL,
    answer TEXT,
    final_at REAL,
    final_state TEXT,
    final_reason TEXT,
    told INTEGER NOT NULL DEFAULT 0,
    UNIQUE (provider, direction, key)
) STRICT;
CREATE INDEX IF NOT EXISTS money_waiting ON money (phone) WHERE answer IS NULL;
CREATE INDEX IF NOT EXISTS money_expires ON money (expires_at) WHERE answer IS NULL;
CREATE INDEX IF NOT EXISTS money_token ON money (provider, token);
CREATE INDEX IF NOT EXISTS money_wallet ON money (provider, account, currency);

-- What a wallet had before all that is in `money`.
CREATE TABLE IF NOT EXISTS wallet (
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    opening_milli INTEGER NOT NULL,
    PRIMARY KEY (provider, account, currency)
) STRICT;

-- The one address for notices that an account's owner typed into the provider's dashboard.
CREATE TABLE IF NOT EXISTS dashboard (
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    notice_url TEXT NOT NULL,
    PRIMARY KEY (provider, account)
) STRICT;

-- An API user of MTN's sandbox: its name is the client's, its key MTN's.
CREATE TABLE IF NOT EXISTS api_user (
    id TEXT PRIMARY KEY,
    callback_host TEXT NOT NULL,
    api_key TEXT
) STRICT;

-- What pawaPay's dashboard has of an account: the key that its requests are signed with, and how notices are signed.
CREATE TABLE IF NOT EXISTS pawapay_account (
    account TEXT PRIMARY KEY,
    key_id TEXT NOT NULL,
    public_key TEXT NOT NULL,
    notices TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS pawapay_statement (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    callback TEXT NOT NULL,
    country TEXT NOT NULL,
    currency TEXT NOT NULL,
    starts_at TEXT NOT NULL,
    ends_at TEXT NOT NULL,
    compressed INTEGER NOT NULL,
    made_at REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS pawapay_provider (
    provider TEXT PRIMARY KEY,
    status TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS trouble (
    position INTEGER PRIMARY KEY,
    mode TEXT NOT NULL,
    provider TEXT,
    at TEXT,
    phone TEXT,
    remaining INTEGER,
    seconds REAL NOT NULL,
    seed TEXT,
    rate REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS outgoing (
    position INTEGER PRIMARY KEY,
    method TEXT NOT NULL,
    address TEXT NOT NULL,
    headers TEXT NOT NULL,
    seal TEXT NOT NULL,
    body TEXT NOT NULL,
    due_at REAL NOT NULL,
    retry_s REAL NOT NULL,
    growth REAL NOT NULL,
    tries_left INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS outgoing_due ON outgoing (due_at) WHERE tries_left > 0;
"""

FORGET = f"""
DROP TABLE IF EXISTS collection;
DROP TABLE IF EXISTS trouble;
DROP TABLE IF EXISTS outgoing;
PRAGMA user_version = {FORM_OF_STORE};
"""


def open_store(directory: Path) -> sqlite3.Connection:
    """Open, or make, `simulator.sqlite3` in `directory`. Every statement commits by itself."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    db = sqlite3.connect(directory / "simulator.sqlite3", isolation_level=None, timeout=5)
    db.row_factory = _row
    # A commit must survive a killed process, which tests cause; it need not survive a power cut.
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    if db.execute("PRAGMA user_version").fetchone()["user_version"] != FORM_OF_STORE:
        db.executescript(FORGET)
    db.executescript(SCHEMA)
    return db


def _row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}
