"""The connections of web: one that died while it was idle is not handed out, one just used is not asked."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

import service.database as connections
from engines.embedded import Engines
from tests.conftest import Database


@pytest.fixture
async def opened(database: Database) -> AsyncIterator[AsyncEngine]:
    pool = connections.open_pool(database.url)
    yield pool
    await pool.dispose()


@pytest.fixture
async def superuser(engines: Engines, database: Database) -> AsyncIterator[AsyncEngine]:
    """Who may end the connections of others."""
    url = make_url(engines.superuser_url).set(database=database.name)
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    yield engine
    await engine.dispose()


async def ask(pool: AsyncEngine) -> int:
    """The server's process behind the connection that answers."""
    async with pool.connect() as db:
        return int(await db.scalar(text("select pg_backend_pid()")) or 0)


async def kill(superuser: AsyncEngine) -> None:
    """End every other connection to this database, as a restarted server does."""
    others = "datname = current_database() and pid <> pg_backend_pid()"
    async with superuser.connect() as db:
        await db.execute(text(f"select pg_terminate_backend(pid, 1000) from pg_stat_activity where {others}"))


async def test_a_connection_that_died_while_it_was_idle_is_replaced_unseen(
    opened: AsyncEngine, superuser: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_S", 0.0)
    before = await ask(opened)
    assert await ask(opened) == before
    await kill(superuser)
    assert await ask(opened) != before


async def test_one_that_was_just_used_is_not_asked_and_a_death_not_heard_of_is_told_once(
    opened: AsyncEngine, superuser: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened.connect(), opened.connect():
        pass
    before = {await ask(opened)}
    await kill(superuser)
    heard: Callable[[Any], bool] = connections.Watched.is_closed
    at_first = iter([False])
    monkeypatch.setattr(connections.Watched, "is_closed", lambda driver: next(at_first, heard(driver)))
    with pytest.raises(DBAPIError):
        await ask(opened)
    after = [await ask(opened) for _time in range(3)]
    assert not before & set(after), "the others of its age are not tried one by one"


async def test_what_is_in_use_all_the_time_costs_no_question(
    opened: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    await ask(opened)
    monkeypatch.setattr(connections, "ask_alive", asked.append)
    await ask(opened)
    assert not asked
    monkeypatch.setattr(connections, "IDLE_S", 0.0)
    await ask(opened)
    assert len(asked) == 1
