"""Retention by the clock: once a day for a mutuelle, at most so many rows of each kind, the rest the day after.

Idempotent: what is gone is not found again. How many rows of which kind is logged, never what they said.
"""

import logging
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.acts import By
from mutuelle.schedules.retention.erasure import due_for_erasure, erase_household
from mutuelle.schedules.retention.kinds import KINDS
from mutuelle.schedules.schedules import Schedule

log = logging.getLogger("keneya.schedules")

RETENTION = "retention"
EVERY_DAY = "30 11 * * *"  # when least is asked of the service; never at night, as all schedules
MOST_ROWS, MOST_HOUSEHOLDS = 30_000, 50  # of a kind, of a mutuelle, in one run
BY_CLOCK = ("keneya", "the term is over")
_FORGET = text("select forget(:kind, :before, :most)")


async def keep_terms(db: AsyncConnection, at: datetime, most: int = MOST_ROWS) -> dict[str, int]:
    """Let go what is older than its term, at most so many rows of each kind; returns how many of which."""
    gone: dict[str, int] = {}
    for kind in KINDS:
        if kind.days is not None:
            facts = {"kind": kind.name, "before": at - timedelta(days=kind.days), "most": most}
            gone[kind.name] = int(await db.scalar(_FORGET, facts) or 0)
    return {name: rows for name, rows in gone.items() if rows}


async def keep_retention(db: AsyncConnection, found: Schedule, now: datetime) -> int:
    """What is due of the terms, and of this mutuelle the households that left long ago; returns how many rows."""
    gone = await keep_terms(db, now)
    for number in await due_for_erasure(db, found.mutuelle_id, now, MOST_HOUSEHOLDS):
        await erase_household(db, number, By(*BY_CLOCK, now))
        gone["household"] = gone.get("household", 0) + 1
    if gone:
        log.info(
            "retention.kept", extra={"mutuelle": found.mutuelle_id, **{f"of {k}": n for k, n in gone.items()}}
        )
    return sum(gone.values())
