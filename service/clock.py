"""The time of web and worker is PostgreSQL's: locks, codes and waits must not depend on a machine's clock.

Between two readings of the server's clock the machine's monotonic clock continues it. A process does not start if the
machine's clock is far from the server's; if it goes wrong later, that is logged.
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from time import monotonic

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

log = logging.getLogger("keneya.clock")

MOST_SKEW = timedelta(seconds=60)  # with more, the machine's logs, certificates and backups are wrong too
JITTER = timedelta(milliseconds=500)  # a smaller difference is the round trip: the clock is not set for it
LOOK_EVERY_S = 10.0

NOW = text("select clock_timestamp()")


class WrongClockError(Exception):
    """This machine's clock and PostgreSQL's are more than MOST_SKEW apart."""


async def skew(db: AsyncConnection) -> timedelta:
    """How far this machine's clock is ahead of PostgreSQL's, accurate to some milliseconds."""
    server: datetime = (await db.execute(NOW)).scalar_one()
    return datetime.now(UTC) - server


async def refuse_wrong_clock(db: AsyncConnection) -> None:
    """WrongClockError if this machine's clock is more than MOST_SKEW from PostgreSQL's."""
    if abs(ahead := await skew(db)) > MOST_SKEW:
        side = "ahead of" if ahead > timedelta() else "behind"
        raise WrongClockError(
            f"the clock of this machine is {abs(ahead).total_seconds():.0f} s {side} PostgreSQL's: set it right (NTP)"
        )


class DatabaseClock:
    """Call it for the time: aware, UTC, PostgreSQL's; this machine's own before the first `look`."""

    def __init__(self) -> None:
        self._at, self._since = datetime.now(UTC), monotonic()
        self.is_off = False  # whether this machine's clock was wrong at the last `look`

    def __call__(self) -> datetime:
        return self._at + timedelta(seconds=monotonic() - self._since)

    async def look(self, pool: AsyncEngine) -> None:
        """Set it by the server; log once when this machine's clock goes wrong, and once when it is right again."""
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
        """Repeat `look` until cancelled; if the server is away, try again later."""
        while True:
            try:
                await self.look(pool)
            except Exception as fault:  # after any fault the clock continues and is set again later
                log.debug("clock.not_seen", extra={"fault": type(fault).__name__})
            await asyncio.sleep(LOOK_EVERY_S)
