"""What must always hold, room by room: each room lists its own in `checks.py`, `keneya check` runs them all.

An invariant is one SQL query that returns a row for each offender and nothing when all is well, so that a
person can paste it into a database prompt at night and see the same rows.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

OFFENDERS_SHOWN = 20


@dataclass(frozen=True)
class Invariant:
    """`name` is what an operator greps for; `meaning` is one sentence; `offenders` selects one text column."""

    name: str
    meaning: str
    offenders: str


@dataclass(frozen=True)
class Finding:
    """The result of one invariant: it holds when `offenders` is empty (at most OFFENDERS_SHOWN are listed)."""

    invariant: Invariant
    offenders: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.offenders


async def examine(db: AsyncConnection, invariants: Iterable[Invariant]) -> list[Finding]:
    """Run every invariant, also after a broken one: an operator wants the whole list."""
    findings = []
    for invariant in invariants:
        rows = await db.execute(text(invariant.offenders))
        shown = tuple(str(row[0]) for row in rows.fetchmany(OFFENDERS_SHOWN))
        findings.append(Finding(invariant, shown))
    return findings
