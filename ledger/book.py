"""The book: open accounts, post and reverse journals. `balances.py` and `statements.py` read it.

Nothing here changes a row that was written. Every function works in the caller's transaction. A refusal is an
answer, not an exception: only the caller knows what a refused journal means for its work.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from json.encoder import encode_basestring_ascii as quoted
from typing import NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from currencies import MINOR_DIGITS
from ledger.accounts import parse
from ledger.tables import movement
from prepared import Prepared
from values import value

MAX_JOURNALS = 1000  # in one call: a batch holds its locks until the caller commits
MAX_AMOUNT_MINOR = 1_000_000_000_000  # of one movement: the sum of millions of them fits a bigint
_JOURNAL_IDS = uuid5(NAMESPACE_URL, "urn:keneya:ledger:journal")
_OPEN = Prepared(text("select nth, verdict, reason from ledger.open_accounts(cast(:accounts as jsonb))"))
_POST = Prepared(text("select nth, verdict, journal_id, reason from ledger.post(cast(:journals as jsonb))"))
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL keeps no such text and would end the transaction


def journal_id(mutuelle: str, source: str, key: str) -> UUID:
    """The id of the journal with this key."""
    return uuid5(_JOURNAL_IDS, f"[{quoted(mutuelle)}, {quoted(source)}, {quoted(key)}]")


class PostVerdict(StrEnum):
    """The result of posting a journal. EXISTS: a retry, this key was posted with the same content before."""

    CREATED = "created"
    EXISTS = "exists"
    CONFLICT = "conflict"
    REFUSED = "refused"


class Phase(StrEnum):
    """SINGLE moves at once; PENDING reserves; POST (of all or a part, the rest is freed), VOID or EXPIRE resolves."""

    SINGLE = "single"
    PENDING = "pending"
    POST = "post"
    VOID = "void"
    EXPIRE = "expire"


class AccountRefusedError(Exception):
    """An account cannot be opened: its code exists in another currency, or is closed."""


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


@value
class Movement:
    """`amount_minor` > 0 from the credited to the debited account.

    `resolves` is for POST, VOID and EXPIRE only; `expires_at` (with a time zone) for PENDING only: the reservation
    cannot be posted from then on, and may be expired.
    """

    debit: str
    credit: str
    amount_minor: int
    currency: str
    phase: Phase = Phase.SINGLE
    resolves: Reservation | None = None
    expires_at: datetime | None = None


@value
class Journal:
    """One business event. (mutuelle, source, key) is its idempotency key; `actor` and `memo` hold no personal data.

    If the books are closed on `effective_on`, the journal is booked on the first open day from today, and its
    entries keep the original day (`occurred_on`).

    ValueError: a text holds what PostgreSQL cannot store (NUL, half a surrogate pair).
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
        if _UNSTORABLE.search(" ".join((*texts, *self.memo, *self.memo.values()))):
            raise ValueError("a journal's text holds a character that cannot be stored")

    @property
    def id(self) -> UUID:
        """Computed from the key, so that a caller knows it before it posts and after a crash."""
        return journal_id(self.mutuelle, self.source, self.key)


@dataclass(frozen=True)
class Voucher:
    """A journal without its movements: its key, kind, accounting day, actor and reason."""

    mutuelle: str
    source: str
    key: str
    kind: str
    effective_on: date
    actor: str
    reason: str
    memo: Mapping[str, str] = field(default_factory=dict)

    def journal(self, movements: Sequence[Movement], reverses: UUID | None = None) -> Journal:
        """The journal of these movements."""
        facts = (self.mutuelle, self.source, self.key, self.kind, self.effective_on, self.actor, self.reason)
        return Journal(*facts, movements, reverses, self.memo)


@dataclass(frozen=True)
class Origin:
    """Where a reversal, or the closing of a period, comes from: the key it spends, who does it and why."""

    source: str
    key: str
    actor: str
    reason: str


@value
class Posted:
    """The answer for one journal: its `journal_id` if CREATED or EXISTS, else the `reason`."""

    verdict: PostVerdict
    journal_id: UUID | None
    reason: str | None

    @property
    def stands(self) -> bool:
        return self.journal_id is not None


async def open_accounts(db: AsyncConnection, accounts: Sequence[Account]) -> None:
    """Open the accounts that are not open yet, in one round trip. AccountRefusedError names each that cannot be."""
    wire = [{"mutuelle": a.mutuelle, "code": a.code, "currency": a.currency} for a in accounts]
    rows = await _OPEN.rows(db, {"accounts": orjson.dumps(wire).decode()})
    refused = [f"{accounts[nth - 1].code}: {reason}" for nth, verdict, reason in rows if verdict == "refused"]
    if refused:
        raise AccountRefusedError("; ".join(refused))


def _wire_movement(movement: Movement) -> dict[str, object]:
    wire: dict[str, object] = {
        "debit": movement.debit,
        "credit": movement.credit,
        "amount": str(movement.amount_minor),  # as text, so that the ledger can refuse one beyond 64 bits
        "currency": movement.currency,
        "phase": movement.phase,
    }
    if movement.resolves is not None:
        wire["pending_journal"] = movement.resolves.journal_id
        wire["pending_position"] = movement.resolves.position
    if movement.expires_at is not None:
        if movement.expires_at.tzinfo is None:
            raise ValueError("a deadline without a time zone: it would be another in each session")
        wire["expires_at"] = movement.expires_at
    return wire


def _wire(journal: Journal) -> dict[str, object]:
    wire: dict[str, object] = {
        "mutuelle": journal.mutuelle,
        "source": journal.source,
        "key": journal.key,
        "id": journal.id,
        "kind": journal.kind,
        "effective_on": journal.effective_on,
        "actor": journal.actor,
        "reason": journal.reason,
        "memo": dict(journal.memo),
        "movements": [_wire_movement(movement) for movement in journal.movements],
    }
    if journal.reverses is not None:
        wire["reverses"] = journal.reverses
    return wire


def _wire_id(other: object) -> str:
    """The driver's own subclass of UUID as text: orjson does not write it."""
    if isinstance(other, UUID):
        return str(other)
    raise TypeError(f"a journal holds no {type(other).__name__}")


async def post(db: AsyncConnection, journals: Sequence[Journal]) -> list[Posted]:
    """Post up to MAX_JOURNALS in one round trip; one answer each, in order, the same as if posted one by one."""
    if len(journals) > MAX_JOURNALS:
        raise ValueError(f"{len(journals)} journals in one call, at most {MAX_JOURNALS}")
    wire = orjson.dumps([_wire(journal) for journal in journals], default=_wire_id)
    rows = await _POST.rows(db, {"journals": wire.decode()})
    return [Posted(PostVerdict(verdict), journal_id, reason) for _nth, verdict, journal_id, reason in rows]


async def reverse(
    db: AsyncConnection, mutuelle: str, journal_id: UUID, effective_on: date, origin: Origin
) -> Posted:
    """Post the exact mirror of a journal; the original stays. Refused if unknown or reversed before."""
    rows = await db.execute(
        select(movement)
        .where(movement.c.mutuelle_id == mutuelle, movement.c.journal_id == journal_id)
        .order_by(movement.c.position)
    )
    mirror = [Movement(row.credit_account, row.debit_account, row.amount, row.currency) for row in rows]
    facts = (origin.source, origin.key, "reversal", effective_on, origin.actor, origin.reason)
    return (await post(db, [Journal(mutuelle, *facts, mirror, reverses=journal_id)]))[0]
