"""An action: something done once for one hop of one call, with its facts and the words agreed to, in one transaction.

Its key is gateway, call, phone and position in the transcript: a second copy of the same hop waits for the first
and is shown the same screen. Everything that was agreed to is among the facts; a PIN never is.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from locales import Money
from prepared import Prepared, transaction
from talk.answers import Secret
from talk.engine import Finish
from talk.screen import Shown
from talk.words import Caller, Consent, Do

LOCK_NOT_AVAILABLE = "55P03"
LOCK_TIMEOUT = "4s"  # under the 5 s in which every hop is answered


class StillRunningError(Exception):
    """The first copy of this hop is still at its action: what becomes of it is not known yet."""


@dataclass(frozen=True)
class ActionKey:
    """`position` is the length of the call's text at the acting hop.

    `transcripts` are the digests of that text: the first is written, any of them is recognised (while keys rotate).
    """

    gateway: str
    call: str
    phone: str
    position: int
    transcripts: tuple[str, ...]


def recorded_facts(facts: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """The facts as JSON keeps them: no secret among them, the consent apart; a value is recorded as its fields."""
    kept: dict[str, Any] = {}
    for name, fact in facts:
        if isinstance(fact, Secret | Consent):
            continue
        if is_dataclass(fact) and not isinstance(fact, Money):
            kept |= recorded_facts(tuple((field.name, getattr(fact, field.name)) for field in fields(fact)))
        else:
            kept[name] = _plain(fact)
    return kept


def _plain(fact: Any) -> Any:
    if isinstance(fact, Money):
        return {"amount_minor": fact.amount_minor, "currency": fact.currency}
    if isinstance(fact, date):
        return fact.isoformat()
    if is_dataclass(fact):
        return recorded_facts(tuple((field.name, getattr(fact, field.name)) for field in fields(fact)))
    if isinstance(fact, tuple | list):
        return [_plain(part) for part in fact]
    if isinstance(fact, dict):
        return {name: _plain(part) for name, part in fact.items()}
    if fact is None or (isinstance(fact, str | int | bool) and not isinstance(fact, Secret)):
        return fact
    raise TypeError(f"a fact of an action is plain data, not {type(fact).__name__}")


def facts_hash(name: str, facts: Mapping[str, Any], consent: str) -> bytes:
    """SHA-256 over the action's name, facts and words, in one canonical form."""
    canonical = json.dumps([name, facts, consent], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()


async def outcome(db: AsyncConnection, key: ActionKey) -> Shown | None:
    """The screen that the action at `key` ended with, or None if nothing was done there."""
    row = await _OUTCOME.row(db, _at(key))
    return Shown(row[0], end=True) if row else None


async def perform(
    unframed: AsyncEngine, key: ActionKey, caller: Caller, action: Do[Any], consent: str, finish: Finish
) -> Shown:
    """`enact` in a transaction of its own."""
    async with transaction(unframed) as db:
        return await enact(db, key, caller, action, consent, finish)


async def enact(
    db: AsyncConnection, key: ActionKey, caller: Caller, action: Do[Any], consent: str, finish: Finish
) -> Shown:
    """Do `action` once and keep its screen; where it was done before, the screen it ended with.

    Raises whatever the action raises, and then the caller's transaction must keep nothing of it; StillRunningError
    while another copy is at it.
    """
    name = action.act.__qualname__
    facts = recorded_facts(action.facts)
    row = {
        "gateway": key.gateway,
        "call": key.call,
        "phone": key.phone,
        "position": key.position,
        "transcript": key.transcripts[0],
        "name": name,
        "facts": json.dumps(facts),
        "facts_hash": facts_hash(name, facts, consent),
        "consent": consent,
        "done_at": caller.at,
    }
    if not await _is_first(db, row):
        done = await outcome(db, key)
        if done is None:
            raise RuntimeError("an action without an outcome")
        return done
    shown = finish(await action.act(db, caller, **dict(action.facts)))
    await _KEEP.rows(db, _at(key) | {"shown": shown.on_record})
    return shown


async def _is_first(db: AsyncConnection, row: dict[str, Any]) -> bool:
    """Whether nobody was at this action before. A copy that came first holds the row: the insert waits for its end.

    From here on the transaction waits for no lock longer than LOCK_TIMEOUT.
    """
    try:
        return await _FIRST.row(db, row | {"timeout": LOCK_TIMEOUT}) is not None
    except DBAPIError as fault:
        if getattr(fault.orig, "sqlstate", "") == LOCK_NOT_AVAILABLE:
            raise StillRunningError(row["name"]) from fault
        raise


_FIRST = Prepared(
    text("""
    with waits as materialized (select set_config('lock_timeout', :timeout, true))
    insert into action (gateway, call, phone, position, transcript, name, facts, facts_hash, consent, done_at)
    select :gateway, :call, :phone, :position, :transcript, :name, cast(cast(:facts as text) as jsonb), :facts_hash,
           :consent, :done_at
      from waits
    on conflict do nothing
    returning position
""")
)
_AT = """gateway = :gateway and call = :call and phone = :phone and position = :position
     and transcript = any(cast(:transcripts as text[]))"""
_OUTCOME = Prepared(text("select screen from action where AT".replace("AT", _AT)))
_KEEP = Prepared(text("update action set screen = :shown where AT".replace("AT", _AT)))


def _at(key: ActionKey) -> dict[str, Any]:
    """Where the action is, as the statements above name it."""
    return {
        "gateway": key.gateway,
        "call": key.call,
        "phone": key.phone,
        "position": key.position,
        "transcripts": list(key.transcripts),
    }
