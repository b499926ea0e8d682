"""Whether a pooler such as PgBouncer that stands before PostgreSQL leaves alone what the service relies on.

In transaction mode one client's statements go to any of its server connections. Statements that were prepared once, and
the time limits of each connection, must hold on all of them: else half of all hops fail, some only under load.
"""

from contextlib import AsyncExitStack
from typing import Any

from asyncpg.exceptions import InvalidSQLStatementNameError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from prepared import driver_of
from service.database import SERVER_SETTINGS

OWN_PID = "select pg_backend_pid()"
LIMITS = ("statement_timeout", "idle_in_transaction_session_timeout")
LOOKS = 8  # connections that are opened to meet the server connection of the first


class PoolerError(Exception):
    """A pooler is set up so that calls would fail; the message is one line for a person."""


_ADVICE = (
    f"in pgbouncer.ini put ignore_startup_parameters = {', '.join(SERVER_SETTINGS)}, behind the database "
    f"connect_query='{'; '.join(f'set {name} = {SERVER_SETTINGS[name]}' for name in LIMITS)}', "
    "and with pool_mode = session server_reset_query = deallocate all"
)
_LOST = (
    "the pooler before PostgreSQL loses prepared statements: PgBouncer 1.21 or newer with max_prepared_statements, "
    "or pool_mode = session, or no pooler: web and worker have pools of their own"
)


def explain_refusal(fault: BaseException) -> str | None:
    """What to do about a pooler, where it made the very first question fail; None for every other fault."""
    if "unsupported startup parameter" in str(fault):
        return f"the pooler before PostgreSQL refuses our time limits: {_ADVICE}"
    return _LOST if "prepared statement" in str(fault) else None


async def refuse_pooler(pool: AsyncEngine) -> None:
    """PoolerError if there is a pooler that does not hold what we rely on; without one a single statement is asked."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(pool.connect())
        driver = driver_of(first)
        server = await driver.fetchval(OWN_PID)
        if server == driver.get_server_pid():
            return
        for name in LIMITS:
            said = await driver.fetchval("select setting from pg_settings where name = $1", name)
            if said != SERVER_SETTINGS[name]:
                raise PoolerError(f"the pooler before PostgreSQL drops our {name}: {_ADVICE}")
        await _expect_prepared(stack, pool, driver)


async def _expect_prepared(stack: AsyncExitStack, pool: AsyncEngine, driver: Any) -> None:
    """Let others take the server connection on which a statement was prepared, and ask it once more."""
    prepared = await driver.prepare(OWN_PID)
    server = await prepared.fetchval()
    for _look in range(LOOKS):
        other: AsyncConnection = await stack.enter_async_context(pool.connect())
        taken = driver_of(other)
        await taken.execute("begin")
        if await taken.fetchval(OWN_PID) != server:
            continue
        try:
            await prepared.fetchval()
        except InvalidSQLStatementNameError:
            raise PoolerError(_LOST) from None
        return
