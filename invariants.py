"""Invariants: what must always hold. Each room lists its own in `invariants.py`, `keneya check` runs them all.

An invariant is one SQL query that returns a row for each offender, none if it holds, so that a person can paste it
into a database prompt and see the same rows. Where the program's rules decide (a cover), it is a function that applies
them again: there is no second set of rules in SQL.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

OFFENDERS_SHOWN = 20
Replay = Callable[[AsyncConnection], Awaitable[Sequence[str]]]


@dataclass(frozen=True)
class Invariant:
    """`name` is unique, to search for; `meaning` is one sentence; `offenders` selects one text column."""

    name: str
    meaning: str
    offenders: str | Replay


@dataclass(frozen=True)
class Finding:
    """The result of one invariant: it holds when `offenders` is empty (at most OFFENDERS_SHOWN are listed)."""

    invariant: Invariant
    offenders: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.offenders


async def examine(db: AsyncConnection, invariants: Iterable[Invariant]) -> list[Finding]:
    """Run every invariant, also after a broken one, for the whole list."""
    findings = []
    for invariant in invariants:
        findings.append(Finding(invariant, tuple(await _offenders(db, invariant.offenders))))
    return findings


async def _offenders(db: AsyncConnection, offenders: str | Replay) -> Sequence[str]:
    if isinstance(offenders, str):
        rows = await db.execute(text(offenders))
        return [str(row[0]) for row in rows.fetchmany(OFFENDERS_SHOWN)]
    return (await offenders(db))[:OFFENDERS_SHOWN]
