"""The fold: adds movements behind the transaction horizon to day rows, exactly once.

No reader waits for it: a balance adds the movements not folded yet. The fold only keeps their number small.
"""

import asyncio
import time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

BATCH = 5000  # journals of one transaction
PAUSE_S = 0.05


async def fold(db: AsyncConnection, mutuelle: str, most: int = BATCH) -> int:
    """Fold up to `most` journals and return how many. 0: none is left, or another connection folds this mutuelle."""
    folded = await db.scalar(
        text("select ledger.fold(:mutuelle, :most)"), {"mutuelle": mutuelle, "most": most}
    )
    return int(folded or 0)


async def fold_all(pool: AsyncEngine) -> int:
    """Fold one batch of every mutuelle, as far as the horizon; returns the number of journals."""
    async with pool.connect() as db:
        behind = (await db.execute(text(_BEHIND))).scalars().all()
    folded = 0
    for mutuelle in behind:
        async with pool.begin() as db:
            folded += await fold(db, mutuelle)
    return folded


async def catch_up(pool: AsyncEngine, mutuelle: str, within_s: float = 10.0) -> bool:
    """Fold until all that is committed now is in the day rows; False if that takes longer than `within_s`.

    Call it before large reads. A transaction still open elsewhere holds the horizon back.
    """
    async with pool.begin() as db:
        mark = await db.scalar(text("select ledger.tick()"))
    deadline = time.monotonic() + within_s
    while True:
        async with pool.begin() as db:
            while await fold(db, mutuelle):
                pass
            waiting = await db.scalar(text(_WAITING), {"mutuelle": mutuelle, "mark": mark})
        if not waiting:
            return True
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(PAUSE_S)


_BEHIND = """
select f.mutuelle_id from ledger.fold f cross join (select ledger.horizon() as tick) horizon
 where exists (select from ledger.journal j
                where j.mutuelle_id = f.mutuelle_id and j.xid >= f.upto and j.xid < horizon.tick)
 order by f.mutuelle_id
"""
_WAITING = """
select exists (select from ledger.journal j join ledger.fold f on f.mutuelle_id = j.mutuelle_id
                where j.mutuelle_id = :mutuelle and j.xid >= f.upto and j.xid < cast(:mark as xid8))
"""
