"""The connection pool of web and worker: a fixed size, a deadline for each statement, no dead connection handed out.

A connection used a moment ago is not pinged: a ping is three round trips, more than all the reads of a hop. If it is
dead and the driver has not heard of it, one caller sees the fault, and the pool is renewed.

A server may vanish without closing its connections (its host is lost, a firewall dropped them). So each statement has
a deadline here, and the system closes connections that get no acknowledgement; a silent one is not used again.
"""

import asyncio
import socket
from functools import partial
from time import monotonic
from typing import Any

import asyncpg
from asyncpg.exceptions import InterfaceError, InternalClientError, PostgresError
from sqlalchemy import URL, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

POOL_SIZE = 10
CONNECT_TIMEOUT_S = 3
ALIVE_TIMEOUT_S = 3  # for the answer to a ping
STATEMENT_TIMEOUT_MS = 10_000  # beyond every deadline: a stuck statement must not hold a connection for ever
IDLE_IN_TRANSACTION_MS = 15_000  # a client stopped in a transaction must not hold its locks for ever
DEADLINE_S = 12  # of a statement on our side: a living server has ended it before
IDLE_S = 1.0  # a connection idle for longer is pinged
# The pool reuses the newest connection first, so the others may be idle for hours, and a firewall would drop them.
SERVER_SETTINGS = {
    "tcp_keepalives_idle": "60",
    "statement_timeout": str(STATEMENT_TIMEOUT_MS),
    "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
}
# Keepalive on our side, sooner: a connection is lost after 10 s without acknowledgement, or three unanswered probes.
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
)  # beginnings of SQLSTATE: no connection, the server stops or starts, too many connections
_SINCE = "idle since"


class Watched(asyncpg.Connection):
    """A connection with TCP keepalive, so that the system reports a lost server."""

    def __init__(self, protocol: Any, transport: Any, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        link = transport.get_extra_info("socket")
        if link.family != socket.AF_UNIX:
            for level, name, value in SOCKET_OPTIONS:
                if hasattr(socket, name):  # not every system has every option
                    link.setsockopt(level, getattr(socket, name), value)


def open_pool(url: str | URL, size: int = POOL_SIZE) -> AsyncEngine:
    """The connection pool of one process; connections are made when needed."""
    pool = create_async_engine(
        url,
        hide_parameters=True,  # a statement's values are people's names and messages: never in a log
        pool_size=size,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT_S,
        pool_use_lifo=True,  # the newest connection has its plans; another prepares forty in its first action
        connect_args=connect_args(),
    )
    event.listen(pool.sync_engine, "checkin", _remember)
    event.listen(pool.sync_engine, "checkout", _expect_alive)
    event.listen(pool.sync_engine, "handle_error", _give_up)
    return pool


def connect_args() -> dict[str, Any]:
    """The arguments of every connection of web and worker, also of the checks before their start."""
    return {
        "async_creator_fn": connect,
        "timeout": CONNECT_TIMEOUT_S,
        "command_timeout": DEADLINE_S,
        "connection_class": Watched,
        "server_settings": SERVER_SETTINGS,
    }


async def connect(*, host: Any = None, port: Any = None, **more: Any) -> Any:
    """A connection to one host, or to the first of several that answers and takes writes: the primary.

    All are asked at once: one that vanished without a word would otherwise use up the time of those behind it.
    """
    if not isinstance(host, list):
        return await asyncpg.connect(host=host, port=port, **more)
    asked = [
        asyncio.create_task(asyncpg.connect(host=h, port=p, **more)) for h, p in zip(host, port, strict=True)
    ]
    refusals: list[Exception] = []
    first = None
    try:
        for answered in asyncio.as_completed(asked):
            try:
                first = await answered
                return first
            except (OSError, PostgresError, InterfaceError, InternalClientError) as refusal:
                refusals.append(refusal)
    finally:
        for one in asked:
            one.add_done_callback(partial(_close_unused, used=first))
            one.cancel()
    told = next((one for one in refusals if isinstance(one, PostgresError)), None)
    raise told or ConnectionError(f"none of {len(asked)} hosts takes writes: {refusals[0]}")


def _close_unused(asked: "asyncio.Task[Any]", used: Any) -> None:
    """The connection of a host that was not the first; what one refused is asked for, so that nobody warns of it."""
    if not asked.cancelled() and asked.exception() is None and asked.result() is not used:
        asked.result().terminate()


def is_away(fault: BaseException) -> bool:
    """Whether `fault` means that PostgreSQL cannot be reached now."""
    if isinstance(fault, DBAPIError):
        state = str(getattr(fault.orig, "sqlstate", None) or "")
        return fault.connection_invalidated or state.startswith(AWAY)
    if isinstance(fault, PostgresError):  # while connecting
        return str(getattr(fault, "sqlstate", "")).startswith(AWAY)
    return isinstance(fault, OSError | PoolTimeout | InterfaceError)


# A new file of some pages in a committed transaction: it fails on a full disk and on a read-only server, while an
# update of one row would long find room on its page.
PROOF = text(
    "create temp table keneya_proof on commit drop as select repeat('x', 500) from generate_series(1, 32)"
)


async def prove_a_write(pool: AsyncEngine) -> None:
    """Raise the database's error if it does not accept a write."""
    async with pool.begin() as db:
        await db.execute(PROOF)


def _remember(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    entry.info[_SINCE] = monotonic()


def _expect_alive(connection: DBAPIConnection, entry: ConnectionPoolEntry, _handed_out: object) -> None:
    """Ping a connection that was idle for IDLE_S; if it is dead, drop all that were made before now.

    One that the server has closed is known at once: after a restart no caller is handed another of them.
    """
    since, driver = entry.info.get(_SINCE), connection.driver_connection
    if driver.is_closed():
        raise InvalidatePoolError
    if since is None or monotonic() - since < IDLE_S:
        return
    try:
        ask_alive(connection)
    except (PostgresError, InterfaceError, OSError) as fault:
        driver.terminate()  # a clean close would wait for the server
        raise InvalidatePoolError from fault


def ask_alive(connection: Any) -> None:
    """Ping: one round trip to the server."""
    connection.run_async(partial(_ask, timeout_s=ALIVE_TIMEOUT_S))


async def _ask(driver: Any, timeout_s: float) -> None:
    await driver.execute("select 1", timeout=timeout_s)


def _give_up(context: ExceptionContext) -> None:
    """After a time-out drop the connection, and all that were made before now."""
    if isinstance(context.original_exception, TimeoutError) and context.connection is not None:
        context.is_disconnect = True
        driver: Any = context.connection.connection.driver_connection
        driver.terminate()
