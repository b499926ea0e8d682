"""Treasurers who read their accounts all the time, and a bell that says when a digest is due: a kill may aim at it.

A digest comes to each every few seconds; they answer it, and ask for the balance between.
"""

import asyncio
from datetime import datetime
from time import monotonic

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bench.engine import engine_of
from torture.strikes import Heard
from torture.writers import Phone

BELL_S = 0.1
FAULT_PAUSE_S = 0.5
ON_TIME_WITHIN_S = 100.0  # a firing that failed is tried again after a minute
BALANCE = ("depuis le",)
ANSWERED = ("Votre réponse est enregistrée", "Aucun bilan")

NEXT_DUE = text("select min(due_at) as due_at, now() as now from schedule where kind = 'digest'")
# A line is stopped only while none of its hours is due: what is due must fire.
STOP = text(
    "update schedule set stopped_at = clock_timestamp()"
    " where kind = 'digest' and stopped_at is null and due_at > clock_timestamp()"
)
LEFT = text("select count(*) from schedule where kind = 'digest' and stopped_at is null")


async def ring(database_url: str, happened: Heard) -> None:
    """Say "digest" as soon as one is due, until cancelled."""
    rung_for: datetime | None = None
    async with engine_of(database_url) as engine:
        while True:
            try:
                async with engine.connect() as db:
                    row = (await db.execute(NEXT_DUE)).one()
            except (SQLAlchemyError, OSError):
                await asyncio.sleep(FAULT_PAUSE_S)  # it may just have been killed
                continue
            if row.due_at and rung_for != row.due_at <= row.now:
                rung_for = row.due_at
                happened("digest")
            await asyncio.sleep(BELL_S)


async def stop_digests(database_url: str) -> None:
    """No digest any more, so that the books stand still; a line that stays behind its time is left as it is."""
    began, left = monotonic(), 1
    async with engine_of(database_url) as engine:
        while left and monotonic() - began < ON_TIME_WITHIN_S:
            async with engine.begin() as db:
                await db.execute(STOP)
                left = await db.scalar(LEFT) or 0
            await asyncio.sleep(BELL_S)


class Treasurer(Phone):
    """Asks for the balance, then answers the last digest."""

    async def live(self) -> None:
        """Twice, apart."""
        for _time in range(2):
            await asyncio.sleep(self.chance.uniform(1, 6))
            await self.ask("BILAN", BALANCE)
            await self.ask("OK", ANSWERED)
