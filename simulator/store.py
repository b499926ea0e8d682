"""The simulator's state, in one SQLite file.

Everything is committed here before the simulator answers: a restart loses nothing.
"""

import sqlite3
from pathlib import Path
from typing import Any

Row = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS call (
    id TEXT PRIMARY KEY,
    phone TEXT NOT NULL,
    service_code TEXT NOT NULL,
    text TEXT NOT NULL,
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

CREATE TABLE IF NOT EXISTS collection (
    position INTEGER PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    prompt_id TEXT NOT NULL UNIQUE,
    phone TEXT NOT NULL,
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    note TEXT NOT NULL,
    notice_url TEXT NOT NULL,
    expires_at REAL NOT NULL,
    answer TEXT,
    final_at REAL,
    final_status TEXT,
    final_reason TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS collection_waiting ON collection (phone) WHERE answer IS NULL;

CREATE TABLE IF NOT EXISTS trouble (
    position INTEGER PRIMARY KEY,
    mode TEXT NOT NULL,
    at TEXT,
    phone TEXT,
    remaining INTEGER,
    seconds REAL NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS outgoing (
    position INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body TEXT NOT NULL,
    due_at REAL NOT NULL,
    retry_s REAL NOT NULL,
    growth REAL NOT NULL,
    tries_left INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS outgoing_due ON outgoing (due_at) WHERE tries_left > 0;
"""


def open_store(directory: Path) -> sqlite3.Connection:
    """Open, or make, `simulator.sqlite3` in `directory`. Every statement commits by itself."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    db = sqlite3.connect(directory / "simulator.sqlite3", isolation_level=None, timeout=5)
    db.row_factory = _row
    # A commit must survive a killed process, which tests cause; it need not survive a power cut.
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.executescript(SCHEMA)
    return db


def _row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}
