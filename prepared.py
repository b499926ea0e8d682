"""What is asked of PostgreSQL all day: compiled once, and asked of the driver itself.

A statement through SQLAlchemy's connection costs web several times what asyncpg takes for it (65 to 160 us beside 17),
and its transaction twice as much as the driver's own.
"""

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from asyncpg.exceptions import InterfaceError, InternalClientError, PostgresError
from sqlalchemy import CompoundSelect, Delete, Insert, PoolProxiedConnection, Select, TextClause, Update
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

Statement = Select[Any] | CompoundSelect[Any] | Insert | Update | Delete | TextClause


class Prepared:
    """A statement whose rows are read by position, whichever way they come. JSON is given as text."""

    def __init__(self, statement: Statement) -> None:
        compiled: Any = statement.compile(dialect=dialect())  # type: ignore[no-untyped-call]
        self._statement, self._words = statement, str(compiled)
        self._names, self._given = tuple(compiled.positiontup or ()), compiled.params

    async def rows(self, db: "AsyncConnection | Reader", facts: Mapping[str, Any]) -> Sequence[Any]:
        """The rows for these facts. Faults are SQLAlchemy's, as everywhere."""
        given = self._given | facts
        values = [given[name] for name in self._names]
        if not isinstance(db, AsyncConnection):
            return await db.fetch(self._words, *values)
        driver = driver_of(db)
        # SQLAlchemy begins its transaction with the first statement that it is given; a lost connection is its to tell.
        if driver.is_closed() or not driver.is_in_transaction():
            found = await db.execute(self._statement, dict(facts))
            return found.all() if found.returns_rows else ()
        try:
            return cast(Sequence[Any], await _answer(driver, driver.fetch(self._words, *values)))
        except DBAPIError as fault:
            if fault.connection_invalidated and db.in_transaction():  # its own; `transaction` ends otherwise
                await db.invalidate(fault)
            raise

    async def row(self, db: "AsyncConnection | Reader", facts: Mapping[str, Any]) -> Any:
        """The first row for these facts; None without one."""
        return next(iter(await self.rows(db, facts)), None)

    async def value(self, db: "AsyncConnection | Reader", facts: Mapping[str, Any]) -> Any:
        """The first column of the first row for these facts; None without one."""
        row = await self.row(db, facts)
        return None if row is None else row[0]


def driver_of(db: AsyncConnection) -> Any:
    """The driver's connection behind an open one of SQLAlchemy's."""
    connection: Any = db.sync_connection
    return connection.connection.driver_connection


async def _answer(driver: Any, asked: Awaitable[Any]) -> Any:
    """The driver's answer. Faults are as SQLAlchemy tells them."""
    try:
        return await asked
    except (PostgresError, InterfaceError, InternalClientError, OSError) as fault:
        if isinstance(fault, TimeoutError | InternalClientError):
            # It did not answer in time, or the driver lost count as the server died: it is no longer a connection.
            driver.terminate()
        lost = driver.is_closed()
        raise DBAPIError("", None, fault, hide_parameters=True, connection_invalidated=lost) from fault


def unframed(pool: AsyncEngine) -> AsyncEngine:
    """The same pool without SQLAlchemy's transactions: each statement by itself, or several in a `transaction`."""
    return pool.execution_options(isolation_level="AUTOCOMMIT")


@asynccontextmanager
async def transaction(unframed: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """As `pool.begin()`, but the driver begins and ends it: SQLAlchemy's own takes twice the time."""
    if unframed.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        raise ValueError("two would frame the transaction")
    async with unframed.connect() as db:
        driver = driver_of(db)
        try:
            async with savepoint(db):
                yield db
        finally:
            if not driver.is_closed() and driver.is_in_transaction():
                driver.terminate()  # its end got no answer: the next caller would act in it
            if driver.is_closed():
                await db.invalidate()


@asynccontextmanager
async def savepoint(db: AsyncConnection) -> AsyncIterator[None]:
    """A part of a transaction that a fault in it undoes alone; without a transaction it is one itself."""
    driver = driver_of(db)
    frame = await _answer(driver, _begin(driver))
    try:
        yield
    except BaseException:
        if not driver.is_closed():
            await _answer(driver, frame.rollback())
        raise
    await _answer(driver, frame.commit())


async def _begin(driver: Any) -> Any:
    frame, outermost = driver.transaction(), not driver.is_in_transaction()
    try:
        await frame.start()
    except BaseException:
        if outermost:
            driver.terminate()  # the driver would take every later transaction for a part of this one
        raise
    return frame


class Reader:
    """What looks are given as their `db`: each is a statement of its own, over a connection that is kept until `close`.

    What is prepared goes over the driver's connection, all else over one of SQLAlchemy's; never are both held.
    """

    def __init__(self, unframed: AsyncEngine) -> None:
        self._pool = unframed
        self._pooled: PoolProxiedConnection | None = None
        self._usual: AsyncConnection | None = None

    async def fetch(self, words: str, *values: Any) -> Sequence[Any]:
        """The rows of one statement, in the driver's own words."""
        if self._pooled is None:
            await self.close()
            self._pooled = await self._pool.raw_connection()
        driver: Any = self._pooled.driver_connection
        try:
            return cast(Sequence[Any], await _answer(driver, driver.fetch(words, *values)))
        except DBAPIError as fault:
            if fault.connection_invalidated:
                self._pooled.invalidate(fault)
                await self.close()
            raise

    async def execute(self, *asked: Any) -> Any:
        """As of a connection."""
        return await (await self._connection()).execute(*asked)

    async def scalar(self, *asked: Any) -> Any:
        """As of a connection."""
        return await (await self._connection()).scalar(*asked)

    async def scalars(self, *asked: Any) -> Any:
        """As of a connection."""
        return await (await self._connection()).scalars(*asked)

    async def close(self) -> None:
        """Give back what is held; what is asked next takes another."""
        if self._pooled is not None:
            pooled, self._pooled = self._pooled, None
            pooled.close()
        if self._usual is not None:
            usual, self._usual = self._usual, None
            await usual.close()

    async def _connection(self) -> AsyncConnection:
        if self._usual is None:
            await self.close()
            self._usual = await self._pool.connect()
        return self._usual
