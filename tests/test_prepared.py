"""A look over the driver's own connection: a connection that is none any more is thrown away and told as a fault."""

import asyncpg
import pytest
from asyncpg.exceptions import InternalClientError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from prepared import Reader


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
    assert (after[0][0] == before[0][0]) is (type(fault) is OSError)
