"""PostgreSQL as web and worker hold it: so many connections, no statement for ever, none given out that died.

A connection that was in use a moment ago is not asked whether it still lives: the question is three ways to the server
and back, more than a hop needs for all that it reads. If it does not, one caller is told so, and the pool is renewed.

A server that is gone without a word (its host lost, a firewall that forgot the connection) ends nothing by itself:
every statement has a deadline here, the system gives up what nobody acknowledges; what was silent is not used again.
"""

import socket
from functools import partial
from time import monotonic
from typing import Any

import asyncpg
from asyncpg.exceptions import InterfaceError, PostgresError
from sqlalchemy import URL, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

POOL_SIZE = 10
CONNECT_TIMEOUT_S = 3
ALIVE_TIMEOUT_S = 3  # for the answer of a connection that is asked whether it lives
STATEMENT_TIMEOUT_MS = 10_000  # past every deadline: a stuck statement must not hold a connection for ever
IDLE_IN_TRANSACTION_MS = 15_000  # who stopped in the middle of a transaction must not hold its locks for ever
DEADLINE_S = 12  # for a statement as seen from here: the server, if it lives, has ended it before
IDLE_S = 1.0
# Of a pool used from its top, the bottom may be idle for hours: a firewall between would forget it without a word.
SERVER_SETTINGS = {
    "tcp_keepalives_idle": "60",
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
}
# The same from our side, sooner: what is not acknowledged for 10 s, or does not answer three questions, is lost.
SOCKET_OPTIONS = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 5),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 2),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 10_000),
)
AWAY = (
    "08",
    "57P",
    "53300",
)  # beginnings of SQLSTATE: no connection, the server stops or starts, it has too many
_SINCE = "idle since"


class Watched(asyncpg.Connection):
    """A connection whose system tells us when the other side is gone."""

    def __init__(self, protocol: Any, transport: Any, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        link = transport.get_extra_info("socket")
        if link.family != socket.AF_UNIX:
            for level, name, value in SOCKET_OPTIONS:
                if hasattr(socket, name):  # not every system has each
                    link.setsockopt(level, getattr(socket, name), value)


def open_pool(url: str | URL, size: int = POOL_SIZE) -> AsyncEngine:
    """The connections of one process; none is made before it is needed."""
    pool = create_async_engine(
        url,
        hide_parameters=True,  # a statement's values are people's names and messages: never in a log
        pool_size=size,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT_S,
        pool_use_lifo=True,  # the one used last has its plans made; a new one makes forty in its first action
        connect_args=connect_args(),
    )
    event.listen(pool.sync_engine, "checkin", _remember)
    event.listen(pool.sync_engine, "checkout", _expect_alive)
    event.listen(pool.sync_engine, "handle_error", _give_up)
    return pool


def connect_args() -> dict[str, Any]:
    """How each connection of web and worker is made, also the first ones, which look whether they may start."""
    return {
        "timeout": CONNECT_TIMEOUT_S,
        "command_timeout": DEADLINE_S,
        "connection_class": Watched,
        "server_settings": SERVER_SETTINGS,
    }


def is_away(fault: BaseException) -> bool:
    """Whether `fault` says that PostgreSQL cannot be reached now, and nothing else."""
    if isinstance(fault, DBAPIError):
        state = str(getattr(fault.orig, "sqlstate", None) or "")
        return fault.connection_invalidated or state.startswith(AWAY)
    if isinstance(fault, PostgresError):  # while it connects
        return str(getattr(fault, "sqlstate", "")).startswith(AWAY)
    return isinstance(fault, OSError | PoolTimeout | InterfaceError)


# A new file that grows by some pages, in a transaction that is committed: a disk that is full and a server that is
# read-only show here, while a row that is written over finds room on its own page for long.
PROOF = text(
    "create temp table keneya_proof on commit drop as select repeat('x', 500) from generate_series(1, 32)"
)


async def prove_a_write(pool: AsyncEngine) -> None:
    """Raises the database's own error where it does not take what is written."""
    async with pool.begin() as db:
        await db.execute(PROOF)


def _remember(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    entry.info[_SINCE] = monotonic()


def _expect_alive(connection: DBAPIConnection, entry: ConnectionPoolEntry, _handed_out: object) -> None:
    """Ask a connection that was idle for long; if it is dead, all of its age are taken for dead."""
    since = entry.info.get(_SINCE)
    if since is None or monotonic() - since < IDLE_S:
        return
    try:
        ask_alive(connection)
    except (PostgresError, InterfaceError, OSError) as fault:
        connection.driver_connection.terminate()  # a word of parting would be waited for
        raise InvalidatePoolError from fault


def ask_alive(connection: Any) -> None:
    """One way to the server and back."""
    connection.run_async(partial(_ask, timeout_s=ALIVE_TIMEOUT_S))


async def _ask(driver: Any, timeout_s: float) -> None:
    await driver.execute("select 1", timeout=timeout_s)


def _give_up(context: ExceptionContext) -> None:
    """A connection that did not answer in time is no longer one, nor are those of its age."""
    if isinstance(context.original_exception, TimeoutError) and context.connection is not None:
        context.is_disconnect = True
        driver: Any = context.connection.connection.driver_connection
        driver.terminate()
