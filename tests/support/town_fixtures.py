"""Fixtures of the town: a line on real engines, a clock, a handset."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from menus.home import home
from mutuelle.households.caller_profile import profile_of
from talk.keyring import Keyring
from talk.session import Sessions
from tests.support.running_service import House, housed
from tests.support.town import Clock, Handset, found_town
from ussd import africastalking, calls

if TYPE_CHECKING:
    from tests.conftest import Database

KEYS = (b"a key of the tests, not a secret",)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def deps_of(pool: AsyncEngine, redis_url: str, clock: Clock) -> AsyncIterator[calls.UssdDeps]:
    """What a hop needs, with the test's clock."""
    redis = Redis.from_url(redis_url)
    yield calls.UssdDeps(
        pool,
        calls.Turns(pool),
        Sessions(redis, africastalking.NAME),
        home,
        KEYS,
        clock,
        profile_of,
        Keyring(KEYS),
    )
    await redis.aclose()


@pytest.fixture
async def ussd_deps(pool: AsyncEngine, redis_url: str, clock: Clock) -> AsyncIterator[calls.UssdDeps]:
    await found_town(pool)
    async with deps_of(pool, redis_url, clock) as deps:
        yield deps


@pytest.fixture
async def house(
    database: "Database", redis_url: str, tmp_path: Path, pool: AsyncEngine
) -> AsyncIterator[House]:
    await found_town(pool)
    async with housed(database.url, redis_url, tmp_path, pool) as running:
        yield running


@pytest.fixture
def awa(ussd_deps: calls.UssdDeps) -> Handset:
    return Handset(ussd_deps)
