"""What goes over the driver's own connection: kept or undone as over SQLAlchemy's; a dead connection is thrown away."""

import asyncio
from contextlib import suppress

import asyncpg
import pytest
from asyncpg.exceptions import InternalClientError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from prepared import Prepared, Reader, driver_of, savepoint, transaction, unframed
from service.database import open_pool
from tests.conftest import Database

SPEAK = Prepared(text("insert into preference values (:phone, 'en', now())"))


async def speak(db: AsyncConnection, phone: str) -> None:
    await SPEAK.rows(db, {"phone": phone})


@pytest.mark.parametrize(
    "fault", [InternalClientError("cannot switch to state 12"), TimeoutError(), OSError()]
)
async def test_a_connection_that_fails_is_a_fault_of_the_database_and_the_next_look_has_another(
    pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    reader = Reader(pool)
    before = await reader.fetch("select pg_backend_pid()")

    async def broken(*_asked: object) -> None:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.Connection, "fetch", broken)
        with pytest.raises(DBAPIError):
            await reader.fetch("select 1")
    after = await reader.fetch("select pg_backend_pid()")
    await reader.close()
    assert (after[0][0] == before[0][0]) is (type(fault) is OSError)


async def test_what_a_transaction_did_is_kept_if_it_ends_well_and_a_savepoint_is_undone_alone(
    pool: AsyncEngine,
) -> None:
    async with transaction(unframed(pool)) as db:
        await speak(db, "+22370000001")
        with suppress(KeyError):
            async with savepoint(db):
                await speak(db, "+22370000002")
                raise KeyError
        await db.execute(text("insert into preference values ('+22370000003', 'en', now())"))
    with suppress(KeyError):
        async with transaction(unframed(pool)) as db:
            await speak(db, "+22370000004")
            raise KeyError
    async with pool.connect() as db:
        kept = await db.scalars(text("select phone from preference order by phone"))
        assert kept.all() == ["+22370000001", "+22370000003"]


async def test_a_transaction_whose_server_is_gone_is_a_fault_of_the_database_and_leaves_no_connection(
    pool: AsyncEngine,
) -> None:
    gone = set()

    async def act_while_it_goes() -> None:
        async with transaction(unframed(pool)) as db:
            gone.add(driver_of(db).get_server_pid())
            async with pool.connect() as other:
                await other.execute(text("select pg_terminate_backend(:pid, 1000)"), {"pid": min(gone)})
            await speak(db, "+22370000001")

    with pytest.raises(DBAPIError) as told:
        await act_while_it_goes()
    assert told.value.connection_invalidated
    async with transaction(unframed(pool)) as db:
        assert driver_of(db).get_server_pid() not in gone


@pytest.mark.parametrize("deaf_to", ["BEGIN", "ROLLBACK"])
@pytest.mark.parametrize("fault", [TimeoutError(), asyncio.CancelledError()])
async def test_a_transaction_without_an_answer_to_its_begin_or_end_leaves_no_connection(
    pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch, deaf_to: str, fault: BaseException
) -> None:
    """As when the answer is late, or the caller is cancelled: PostgreSQL may be in the transaction for ever."""
    asked = asyncpg.Connection.execute
    async with transaction(unframed(pool)) as db:
        used = driver_of(db).get_server_pid()

    async def act() -> None:
        async with transaction(unframed(pool)) as db:
            await speak(db, "+22370000001")
            raise KeyError

    async def no_answer(driver: asyncpg.Connection, words: str, *rest: object) -> object:
        if words.startswith(deaf_to):
            raise fault
        return await asked(driver, words, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.Connection, "execute", no_answer)
        with pytest.raises((DBAPIError, asyncio.CancelledError)):
            await act()
    async with transaction(unframed(pool)) as db:
        assert driver_of(db).get_server_pid() != used
        await speak(db, "+22370000002")
    async with pool.connect() as other:
        kept = await other.scalars(text("select phone from preference"))
        assert kept.all() == ["+22370000002"]


async def test_a_transaction_has_one_frame(pool: AsyncEngine) -> None:
    with pytest.raises(ValueError, match="two would frame"):
        async with transaction(pool):
            raise AssertionError


async def test_of_connections_that_the_server_has_closed_none_is_handed_out(database: Database) -> None:
    """As after its restart under traffic: all of them were used a moment ago, so none of them is pinged."""
    pool = open_pool(database.url)
    readers = [Reader(unframed(pool)) for _nth in range(3)]
    backends = [(await reader.fetch("select pg_backend_pid()"))[0][0] for reader in readers]
    *others, last = readers
    for reader in others:
        await reader.close()
    killed = await last.fetch("select pg_terminate_backend(pid) from unnest($1::int[]) pid", backends[:-1])
    assert [row[0] for row in killed] == [True, True]
    await asyncio.sleep(0.1)  # the driver hears of it
    for reader in others:
        assert (await reader.fetch("select pg_backend_pid()"))[0][0] not in backends
    for reader in readers:
        await reader.close()
    await pool.dispose()
