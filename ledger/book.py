"""The book: open accounts, post and reverse journals, read balances and statements.

Nothing here changes a row that was written. Every function works in the caller's transaction, and a refusal
is an answer, not an exception: only the caller knows what a refused journal means for what it was doing.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import ARRAY, Row, Text, any_, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import MINOR_DIGITS, parse
from ledger.tables import entry, journal, movement

MAX_JOURNALS = 1000  # of one call: a batch holds its locks until the caller commits
MAX_AMOUNT_MINOR = 1_000_000_000_000  # of one movement: millions of them still add up within a bigint
_JOURNAL_IDS = uuid5(NAMESPACE_URL, "urn:keneya:ledger:journal")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL keeps no such text and would end the transaction


class Verdict(StrEnum):
    """What became of a journal. EXISTS: this key was spent on this very content before."""

    CREATED = "created"
    EXISTS = "exists"
    CONFLICT = "conflict"
    REFUSED = "refused"


class Phase(StrEnum):
    """SINGLE moves at once; PENDING reserves; POST (of all or a part, the rest is freed) or VOID resolves."""

    SINGLE = "single"
    PENDING = "pending"
    POST = "post"
    VOID = "void"


class AccountRefused(Exception):
    """An account that cannot be opened: its code is taken in another currency, or was closed."""


@dataclass(frozen=True)
class Account:
    """An account to open. ValueError: the code is not one of `ledger.accounts`, or the currency unknown."""

    mutuelle: str
    code: str
    currency: str

    def __post_init__(self) -> None:
        parse(self.code)
        if self.currency not in MINOR_DIGITS:
            raise ValueError(f"account {self.code!r}: unknown currency {self.currency!r}")


class Reservation(NamedTuple):
    """A PENDING movement: the journal that holds it and its position there, from 1."""

    journal_id: UUID
    position: int


@dataclass(frozen=True)
class Movement:
    """`amount_minor` > 0 from the credited to the debited account; `resolves` is for POST and VOID only."""

    debit: str
    credit: str
    amount_minor: int
    currency: str
    phase: Phase = Phase.SINGLE
    resolves: Reservation | None = None


@dataclass(frozen=True)
class Journal:
    """One business event. (mutuelle, source, key) is spent once; `actor` and `memo` hold no personal data.

    ValueError when a text holds what PostgreSQL cannot store (NUL, half a surrogate pair).
    """

    mutuelle: str
    source: str
    key: str
    kind: str
    effective_on: date
    actor: str
    reason: str
    movements: Sequence[Movement]
    reverses: UUID | None = None
    memo: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts = (self.mutuelle, self.source, self.key, self.kind, self.actor, self.reason)
        if any(_UNSTORABLE.search(value) for value in (*texts, *self.memo, *self.memo.values())):
            raise ValueError("a journal's text holds a character that cannot be stored")

    @property
    def id(self) -> UUID:
        """Follows from the key, so that a caller knows it before it posts and after any crash."""
        return uuid5(_JOURNAL_IDS, json.dumps([self.mutuelle, self.source, self.key]))


@dataclass(frozen=True)
class Posted:
    """The answer for one journal: `journal_id` when it stands (CREATED, EXISTS), else `reason`."""

    verdict: Verdict
    journal_id: UUID | None
    reason: str | None

    @property
    def stands(self) -> bool:
        return self.journal_id is not None


@dataclass(frozen=True)
class Balance:
    """Sums of all posted movements, in minor units."""

    debits: int
    credits: int

    @property
    def net(self) -> int:
        """Debits less credits: positive when the account is in debit."""
        return self.debits - self.credits


@dataclass(frozen=True)
class Entry:
    """One line of a statement; `debit` or `credit` is 0. `reversed`: a later journal takes this one back."""

    journal_id: UUID
    kind: str
    effective_on: date
    recorded_at: datetime
    debit: int
    credit: int
    counter_account: str
    reverses_id: UUID | None
    reversed: bool


async def open_accounts(db: AsyncConnection, accounts: Sequence[Account]) -> None:
    """Open what is not open yet, in one round trip. AccountRefused names every account that clashes."""
    wire = json.dumps([{"mutuelle": a.mutuelle, "code": a.code, "currency": a.currency} for a in accounts])
    rows = await db.execute(
        text("select * from ledger.open_accounts(cast(:accounts as jsonb))"), {"accounts": wire}
    )
    refused = [f"{accounts[row.nth - 1].code}: {row.reason}" for row in rows if row.verdict == "refused"]
    if refused:
        raise AccountRefused("; ".join(refused))


def _wire_movement(movement: Movement) -> dict[str, object]:
    wire: dict[str, object] = {
        "debit": movement.debit,
        "credit": movement.credit,
        "amount": movement.amount_minor,
        "currency": movement.currency,
        "phase": movement.phase,
    }
    if movement.resolves is not None:
        wire["pending_journal"] = str(movement.resolves.journal_id)
        wire["pending_position"] = movement.resolves.position
    return wire


def _wire(journal: Journal) -> dict[str, object]:
    wire: dict[str, object] = {
        "mutuelle": journal.mutuelle,
        "source": journal.source,
        "key": journal.key,
        "id": str(journal.id),
        "kind": journal.kind,
        "effective_on": journal.effective_on.isoformat(),
        "actor": journal.actor,
        "reason": journal.reason,
        "memo": dict(journal.memo),
        "movements": [_wire_movement(movement) for movement in journal.movements],
    }
    if journal.reverses is not None:
        wire["reverses"] = str(journal.reverses)
    return wire


async def post(db: AsyncConnection, journals: Sequence[Journal]) -> list[Posted]:
    """Post up to MAX_JOURNALS in one round trip; an answer for each, in order, as if they came one by one."""
    if len(journals) > MAX_JOURNALS:
        raise ValueError(f"{len(journals)} journals in one call, at most {MAX_JOURNALS}")
    wire = json.dumps([_wire(journal) for journal in journals])
    rows = await db.execute(text("select * from ledger.post(cast(:journals as jsonb))"), {"journals": wire})
    return [Posted(Verdict(row.verdict), row.journal_id, row.reason) for row in rows]


async def reverse(
    db: AsyncConnection,
    mutuelle: str,
    journal_id: UUID,
    *,
    source: str,
    key: str,
    effective_on: date,
    actor: str,
    reason: str,
) -> Posted:
    """Take a journal back by its exact mirror; the original stays. Refused if unknown or reversed before."""
    rows = await db.execute(
        select(movement)
        .where(movement.c.mutuelle_id == mutuelle, movement.c.journal_id == journal_id)
        .order_by(movement.c.position)
    )
    mirror = [Movement(row.credit_account, row.debit_account, row.amount, row.currency) for row in rows]
    reversal = Journal(
        mutuelle, source, key, "reversal", effective_on, actor, reason, mirror, reverses=journal_id
    )
    return (await post(db, [reversal]))[0]


async def balance(db: AsyncConnection, mutuelle: str, account: str, as_of: date | None = None) -> Balance:
    """The account's posted sums up to and including `as_of`; both 0 for an account that nothing moved."""
    sums = select(func.coalesce(func.sum(entry.c.debit), 0), func.coalesce(func.sum(entry.c.credit), 0))
    sums = sums.where(entry.c.mutuelle_id == mutuelle, entry.c.account == account)
    if as_of is not None:
        sums = sums.where(entry.c.effective_on <= as_of)
    debits, credits = (await db.execute(sums)).one()
    return Balance(int(debits), int(credits))


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    return Entry(
        row.journal_id,
        row.kind,
        row.effective_on,
        row.recorded_at,
        row.debit,
        row.credit,
        row.counter_account,
        row.reverses_id,
        row.reversed,
    )


async def statements(db: AsyncConnection, mutuelle: str, accounts: Sequence[str]) -> dict[str, list[Entry]]:
    """The entries of each account, oldest first by accounting date; no account asked for is left out."""
    later = journal.alias("later")
    lines = (
        select(entry, journal.c.kind, journal.c.recorded_at, journal.c.reverses_id)
        .add_columns(later.c.id.is_not(None).label("reversed"))
        .join(journal, (journal.c.mutuelle_id == entry.c.mutuelle_id) & (journal.c.id == entry.c.journal_id))
        .outerjoin(
            later, (later.c.mutuelle_id == journal.c.mutuelle_id) & (later.c.reverses_id == journal.c.id)
        )
        .where(entry.c.mutuelle_id == mutuelle, entry.c.account == any_(literal(list(accounts), ARRAY(Text))))
        .order_by(entry.c.effective_on, journal.c.recorded_at, journal.c.id, entry.c.position)
    )
    found: dict[str, list[Entry]] = {account: [] for account in accounts}
    for row in await db.execute(lines):
        found[row.account].append(_entry(row))
    return found


async def statement(db: AsyncConnection, mutuelle: str, account: str) -> list[Entry]:
    """The entries of one account, oldest first by accounting date."""
    return (await statements(db, mutuelle, [account]))[account]
