"""A primary is killed, its standby promoted: a synchronous one has what was acknowledged, and the pool finds it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

import settings
from engines.embedded import Engines
from service.database import is_away, open_pool
from tests.support.launching import ask, start
from tests.support.patience import PATIENCE_S
from torture.standbys import Standby, standby_of

WRITES_BEFORE, WRITES_AFTER = 100, 20
HELD_BACK_S = 1.0
TROUBLE = (OSError, DBAPIError)


@dataclass
class Pair:
    """A primary with its standby, and the service's pool, which knows both."""

    primary: Engines
    standby: Standby
    pool: AsyncEngine

    async def write(self, numbers: range) -> list[int]:
        """Write each number in a transaction of its own, again while nobody takes writes; what was acknowledged."""
        acknowledged: list[int] = []
        async with asyncio.timeout(PATIENCE_S):
            for nth in numbers:
                while not acknowledged or acknowledged[-1] != nth:
                    try:
                        await self.write_once(nth)
                        acknowledged.append(nth)
                    except TROUBLE:
                        await asyncio.sleep(0.1)
        return acknowledged

    async def write_once(self, nth: int) -> None:
        async with self.pool.begin() as db:
            await db.execute(text("insert into kept values (:nth)"), {"nth": nth})

    async def kept(self) -> set[int]:
        async with self.pool.connect() as db:
            return set(await db.scalars(text("select nth from kept")))

    def kill(self) -> None:
        os.kill(self.primary.addresses.pids["postgres"], signal.SIGKILL)


@asynccontextmanager
async def paired(data: Path, *, synchronous: bool) -> AsyncIterator[Pair]:
    with start(data, durable=True) as primary:
        async with standby_of(primary, synchronous=synchronous) as standby:
            await ask(primary.url("owner"), "create table kept (nth int primary key)")
            await ask(primary.url("owner"), "grant select, insert on kept to keneya_service")
            pool = open_pool(settings.database_url(standby.with_primary(primary.url("service"))))
            try:
                yield Pair(primary, standby, pool)
            finally:
                await pool.dispose()


async def test_nothing_acknowledged_is_lost_and_writes_go_on(data: Path) -> None:
    async with paired(data, synchronous=True) as pair:
        await refuses_standbys(pair.standby)
        acknowledged = await pair.write(range(WRITES_BEFORE))
        pair.kill()
        with pytest.raises(TROUBLE) as refused:
            await pair.write_once(-1)
        assert is_away(refused.value)
        await pair.standby.promote()
        acknowledged += await pair.write(range(WRITES_BEFORE, WRITES_BEFORE + WRITES_AFTER))
        assert set(acknowledged) <= await pair.kept()


async def refuses_standbys(standby: Standby) -> None:
    hosts = standby.with_primary(standby.alone(standby.primary.url("service")))
    pool = open_pool(settings.database_url(hosts))
    with pytest.raises(ConnectionError, match="none of 2 hosts takes writes"):
        await pool.connect()
    await pool.dispose()


@pytest.mark.parametrize("synchronous", [True, False])
async def test_what_the_standby_has_not_taken_is_acknowledged_only_where_it_is_asynchronous(
    data: Path, synchronous: bool
) -> None:
    """Why the standby must be synchronous: the other one loses a write of which a caller has read that it is done."""
    async with paired(data, synchronous=synchronous) as pair:
        await pair.write_once(1)
        await pair.standby.cut_off()
        writing = asyncio.create_task(pair.write_once(2))
        acknowledged, _waiting = await asyncio.wait((writing,), timeout=HELD_BACK_S if synchronous else None)
        pair.kill()
        await asyncio.gather(writing, return_exceptions=True)
        await pair.standby.promote()
        await pair.write(range(3, 4))
        assert bool(acknowledged) is not synchronous
        assert await pair.kept() == {1, 3}
