"""An engine that is gone: every answer stays a true sentence, nothing is half done, and all goes on by itself.

The servers that are stopped and killed here are this file's own.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from sqlalchemy import Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from engines.embedded import Engine, Engines
from locales import DEFAULT_LANGUAGE, Sentence, render
from locales.letters import fold
from mutuelle import tables
from talk.tables import action
from tests.conftest import TEMPLATE, Database, Sql, make_template, open_folder, superuser, wait_until_unlocked
from tests.support.launching import start, wait_until
from tests.support.patience import PATIENCE_S
from tests.support.running_service import SECRET, House, WirePhone
from tests.support.town import AWA
from ussd import calls

AT_HEADER = "at-ussd-hop-metadata"
TO_THE_CONFIRMATION = ("1", "1", "Awa Koné", "45*38*12*7", "1")
WELCOME = "END Bienvenue"
SMS = {"date": "2026-11-22T12:00:00Z", "from": AWA, "id": "in-1", "text": "SOLDE", "to": "38457"}
REPORT = {"id": "ATXid_1", "status": "Success", "phoneNumber": AWA, "networkCode": "99999"}
OPTOUT = {"senderId": "KENEYA", "phoneNumber": "+22376000055"}


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    """Servers of this file's own, instead of the session's."""
    folder = open_folder("keneya-outages-")
    with start(folder / "var") as running:
        yield running
    wait_until_unlocked(folder / "var")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def _template(engines: Engines) -> str:
    with superuser(engines) as sql:
        make_template(engines, sql)
    return TEMPLATE


@pytest.fixture
def _superuser(engines: Engines) -> Sql:
    """A connection a statement: none outlives its server."""

    def run(statement: str) -> object:
        with superuser(engines) as sql:
            return sql(statement)

    return run


@asynccontextmanager
async def down(engines: Engines, name: Engine, how: signal.Signals) -> AsyncIterator[None]:
    """One engine is gone; it is back at the end, on its former port."""
    os.kill(engines.addresses.pids[name], how)
    wait_until(lambda: name in engines.dead())
    try:
        yield
    finally:
        engines.start()


def ended(sentence: Sentence) -> str:
    """The body of a call that ends with `sentence`."""
    return f"END {fold(render(sentence, DEFAULT_LANGUAGE))}"


async def count(database: Database, table: Table) -> int:
    """How many rows there are, over a connection that saw no outage."""
    engine = create_async_engine(database.url, poolclass=NullPool)
    async with engine.connect() as db:
        found = await db.scalar(select(func.count()).select_from(table))
    await engine.dispose()
    return int(found or 0)


async def to_the_confirmation(house: House) -> WirePhone:
    phone = WirePhone(house)
    await phone.dial()
    assert "J'accepte" in await phone.type(*TO_THE_CONFIRMATION)
    return phone


async def member(house: House) -> WirePhone:
    phone = await to_the_confirmation(house)
    assert (await phone.type("1")).startswith(WELCOME)
    return phone


STOPS = [signal.SIGINT, signal.SIGKILL]


@pytest.mark.parametrize("how", STOPS)
async def test_without_postgresql_a_caller_is_told_so_and_later_goes_on(
    house: House, engines: Engines, how: signal.Signals
) -> None:
    phone, other = WirePhone(house), WirePhone(house, phone="+22376000044")
    await phone.dial()
    assert "habitez-vous" in await phone.type("1")
    async with down(engines, "postgres", how):
        assert await other.dial() == ended(calls.DOWN)
        assert await phone.type("1") == ended(calls.DOWN)
        assert (await house.http.get("/health/live")).status_code == 200
    assert "prénom" in await phone.send(), "the same hop again goes on where the call was"
    assert (await other.dial()).startswith("CON ")


async def test_without_postgresql_nothing_is_accepted_and_afterwards_everything_is(
    house: House, engines: Engines, database: Database
) -> None:
    phone = await member(house)
    prompt = await house.prompt(phone.phone)
    money = prompt["notice_url"].split("/money/")[1]
    posts = {"sms": SMS, "delivery": REPORT, "optout": OPTOUT}

    async def codes() -> list[int]:
        replies = [await house.http.post(f"/at/{SECRET}/{path}", data=form) for path, form in posts.items()]
        replies.append(await house.http.post(f"/money/{money}", json={}))
        replies.append(await house.http.get("/health/ready"))
        return [reply.status_code for reply in replies]

    async with down(engines, "postgres", signal.SIGKILL):
        assert await codes() == [503] * 5
        assert (await house.http.get("/health/ready")).json() == {
            "status": "unavailable",
            "postgresql": "down",
            "redis": "up",
        }
        assert (await house.http.post("/at/not-the-secret/sms", data=SMS)).status_code == 404
    assert await codes() == [200] * 5
    await house.pool.dispose()  # the worker's own pool looks at a connection before it uses it
    await house.answer(prompt, "approve")
    assert "12 000 F" in await house.message("REÇU")


async def test_postgresql_killed_after_the_confirmation_leaves_nothing_and_the_hop_again_acts(
    house: House, engines: Engines, database: Database
) -> None:
    phone = await to_the_confirmation(house)
    async with down(engines, "postgres", signal.SIGKILL):
        assert await phone.type("1") == ended(calls.DOWN)
    assert [await count(database, table) for table in (action, tables.household, tables.payment)] == [0, 0, 0]
    assert (await phone.send()).startswith(WELCOME)
    assert [await count(database, table) for table in (action, tables.household, tables.payment)] == [1, 1, 1]


async def test_postgresql_killed_in_the_middle_of_an_action_leaves_nothing_of_it(
    house: House, engines: Engines, database: Database, owner: AsyncEngine
) -> None:
    phone = await to_the_confirmation(house)
    async with owner.connect() as db:
        await db.execute(text("lock table payment in exclusive mode"))
        acting = asyncio.create_task(phone.type("1"))
        await until_waiting(owner)  # the action and the household are written, the payment is not
        async with down(engines, "postgres", signal.SIGKILL):
            assert await acting == ended(calls.DOWN)
        await db.invalidate()
    assert [await count(database, table) for table in (action, tables.household, tables.payment)] == [0, 0, 0]
    assert (await phone.send()).startswith(WELCOME)
    assert await count(database, tables.household) == 1


async def until_waiting(owner: AsyncEngine) -> None:
    """Return when somebody waits for a lock."""
    async with asyncio.timeout(PATIENCE_S), owner.connect() as db:
        while not await db.scalar(text("select count(*) from pg_locks where not granted")):
            await db.rollback()
            await asyncio.sleep(0.02)


async def test_a_server_killed_under_a_busy_backend_comes_back(engines: Engines, database: Database) -> None:
    engine = create_async_engine(database.url, poolclass=NullPool)

    async def count_far() -> None:
        async with engine.connect() as db:
            await db.execute(text("select count(*) from generate_series(1, 12000000)"))

    busy = asyncio.create_task(count_far())
    await asyncio.sleep(0.3)
    assert not busy.done()
    async with down(engines, "postgres", signal.SIGKILL):
        pass
    assert engines.dead() == []
    await asyncio.gather(busy, return_exceptions=True)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_without_redis_what_only_reads_goes_on_to_its_end(
    house: House, engines: Engines, how: signal.Signals
) -> None:
    awa = await member(house)
    stranger = WirePhone(house, phone="+22376000044")
    async with down(engines, "redis", how):
        ready = await house.http.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert "1 Ma couverture" in await awa.dial()
        assert "en cours" in await awa.type("1")
        assert "1 Adhérer" in await stranger.dial()
        assert "1 Les prix" in await stranger.type("7")
        assert "12 000 F" in await stranger.type("1")
    assert (await house.http.get("/health/ready")).json()["status"] == "ready"


async def test_without_redis_a_menu_that_acts_says_that_nothing_was_changed(
    house: House, engines: Engines, database: Database
) -> None:
    phone = WirePhone(house)
    async with down(engines, "redis", signal.SIGKILL):
        await phone.dial()
        assert await phone.type("1", "1", "Awa Koné", "45", "1") == ended(calls.NO_MEMORY)
    assert await count(database, action) == 0
    await member(house)
    assert await count(database, tables.household) == 1


async def test_redis_lost_between_the_confirmation_and_its_answer_does_nothing(
    house: House, engines: Engines, database: Database
) -> None:
    phone = await to_the_confirmation(house)
    async with down(engines, "redis", signal.SIGKILL):
        assert await phone.type("1") == ended(calls.NO_MEMORY)
    assert await count(database, action) == 0


async def test_a_call_whose_session_is_lost_starts_at_home_where_the_gateway_proves_it(
    house: House, database: Database, redis_url: str
) -> None:
    phone = await to_the_confirmation(house)
    await flush(redis_url)
    house.http.headers[AT_HEADER] = "open"
    assert "1 Adhérer" in await phone.type("1")
    assert await count(database, action) == 0
    assert "habitez-vous" in await phone.type("1")


async def test_a_call_whose_session_is_lost_is_asked_to_confirm_again_elsewhere(
    house: House, database: Database, redis_url: str
) -> None:
    phone = WirePhone(house)
    await phone.dial()
    await phone.type("1", "1", "Awa Koné", "45 38 12", "1")
    await flush(redis_url)
    assert "J'accepte" in await phone.type("1"), "the words are shown again before they count"
    assert await count(database, action) == 0
    assert (await phone.type("1")).startswith(WELCOME)


async def flush(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()


async def test_without_redis_the_acting_hop_again_shows_its_actions_own_screen(
    house: House, engines: Engines, database: Database
) -> None:
    phone = await to_the_confirmation(house)
    welcome = await phone.type("1")
    async with down(engines, "redis", signal.SIGKILL):
        assert await phone.send() == welcome
    assert await phone.send() == welcome, "the journal is lost, the action is not"
    assert await count(database, tables.household) == 1
