"""Waits for the horizon: the server's own housekeeping may hold it back for a moment."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

PAUSE_S = 0.02


async def settled(pool: AsyncEngine) -> None:
    """Return when all that is committed now is behind the horizon."""
    async with pool.begin() as db:
        mark = int(await db.scalar(text("select ledger.tick()::text")) or 0)
    while True:
        async with pool.connect() as db:
            if int(await db.scalar(text("select ledger.horizon()::text")) or 0) > mark:
                return
        await asyncio.sleep(PAUSE_S)
