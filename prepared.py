"""Questions that calls ask all day: compiled once, and asked of the driver itself where a hop looks something up.

A statement through SQLAlchemy's connection costs web several times what asyncpg takes for it, as much as all the rest
of a hop. An action asks the same question over its own connection, in its transaction, like any other statement.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from asyncpg.exceptions import InterfaceError, InternalClientError, PostgresError
from sqlalchemy import Select, TextClause
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class Prepared:
    """A statement whose rows are read by position, whichever way they come."""

    def __init__(self, statement: Select[Any] | TextClause) -> None:
        compiled: Any = statement.compile(dialect=dialect())  # type: ignore[no-untyped-call]
        self._statement, self._words = statement, str(compiled)
        self._names, self._given = tuple(compiled.positiontup), compiled.params

    async def rows(self, db: "AsyncConnection | Reader", facts: Mapping[str, Any]) -> Sequence[Any]:
        """The rows for these facts. Faults are SQLAlchemy's, as everywhere."""
        if isinstance(db, AsyncConnection):
            return (await db.execute(self._statement, dict(facts))).all()
        values = self._given | facts
        return await db.fetch(self._words, *[values[name] for name in self._names])


class Reader:
    """What looks are given as their `db`: each is a statement of its own, and gives its connection back at once.

    What is prepared goes over the driver's connection. All else goes over one of SQLAlchemy's, kept until `close`.
    """

    def __init__(self, pool: AsyncEngine) -> None:
        self._pool = pool
        self._connection: AsyncConnection | None = None

    async def fetch(self, words: str, *values: Any) -> Sequence[Any]:
        """The rows of one statement, in the driver's own words."""
        await self.close()
        pooled = await self._pool.raw_connection()
        driver: Any = pooled.driver_connection
        try:
            rows: Sequence[Any] = await driver.fetch(words, *values)
        except (PostgresError, InterfaceError, InternalClientError, OSError) as fault:
            # It did not answer in time, or the driver lost count as the server died: it is no longer a connection.
            if isinstance(fault, TimeoutError | InternalClientError):
                driver.terminate()
            if driver.is_closed():
                pooled.invalidate(fault)
            raise DBAPIError("", None, fault, hide_parameters=True) from fault
        finally:
            pooled.close()
        return rows

    async def execute(self, *asked: Any) -> Any:
        """As of a connection."""
        return await (await self._usual()).execute(*asked)

    async def scalar(self, *asked: Any) -> Any:
        """As of a connection."""
        return await (await self._usual()).scalar(*asked)

    async def scalars(self, *asked: Any) -> Any:
        """As of a connection."""
        return await (await self._usual()).scalars(*asked)

    async def close(self) -> None:
        """Give back what is held; what is asked next takes another."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()

    async def _usual(self) -> AsyncConnection:
        if self._connection is None:
            self._connection = await self._pool.connect()
        return self._connection
