"""The time of web and worker is PostgreSQL's: locks, codes and waits must not depend on which machine reads the clock.

Between two looks at the server's clock it goes on by the machine's monotonic one. A process whose own clock is far
from the server's does not start; one whose clock goes wrong later says so, and goes on by the server's.
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from time import monotonic

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

log = logging.getLogger("keneya.clock")

MOST_SKEW = timedelta(seconds=60)  # more, and the machine's logs, certificates and backups are wrong as well
JITTER = timedelta(milliseconds=500)  # less is the way to the server and back: the clock does not jump for it
LOOK_EVERY_S = 10.0

NOW = text("select clock_timestamp()")


class WrongClockError(Exception):
    """This machine's clock and PostgreSQL's are more than MOST_SKEW apart."""


async def skew(db: AsyncConnection) -> timedelta:
    """How far this machine's clock is ahead of PostgreSQL's, to some milliseconds."""
    server: datetime = (await db.execute(NOW)).scalar_one()
    return datetime.now(UTC) - server


async def refuse_wrong_clock(db: AsyncConnection) -> None:
    """WrongClockError if this machine's clock is not PostgreSQL's."""
    if abs(ahead := await skew(db)) > MOST_SKEW:
        side = "ahead of" if ahead > timedelta() else "behind"
        raise WrongClockError(
            f"the clock of this machine is {abs(ahead).total_seconds():.0f} s {side} PostgreSQL's: set it right (NTP)"
        )


class DatabaseClock:
    """Call it for the time: aware, UTC, as PostgreSQL has it; this machine's own before the first look."""

    def __init__(self) -> None:
        self._at, self._since = datetime.now(UTC), monotonic()
        self.is_off = False  # this machine's own, at the last look

    def __call__(self) -> datetime:
        return self._at + timedelta(seconds=monotonic() - self._since)

    async def look(self, pool: AsyncEngine) -> None:
        """Set it by the server; tell a person once when this machine's own clock is wrong, once when it is right."""
        async with pool.connect() as db:
            begun = monotonic()
            server: datetime = (await db.execute(NOW)).scalar_one()
            machine, ended = datetime.now(UTC), monotonic()
        if abs(server - self()) > JITTER:
            self._at, self._since = server, (begun + ended) / 2
        is_off = abs(machine - server) > MOST_SKEW
        if is_off is not self.is_off:
            facts = {"ahead_s": round((machine - server).total_seconds())}
            log.log(
                logging.ERROR if is_off else logging.INFO,
                "clock.off" if is_off else "clock.right",
                extra=facts,
            )
        self.is_off = is_off

    async def follow(self, pool: AsyncEngine) -> None:
        """Look again and again until it is cancelled; a server that is gone is looked at later."""
        while True:
            try:
                await self.look(pool)
            except Exception as fault:  # whatever it is, the clock goes on and is set again
                log.debug("clock.not_seen", extra={"fault": type(fault).__name__})
            await asyncio.sleep(LOOK_EVERY_S)
