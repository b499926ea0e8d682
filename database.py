"""PostgreSQL as web holds it: so many connections, no statement for ever, none handed out that died while it was idle.

A connection that was in use a moment ago is not asked whether it still lives: the question is three ways to the server
and back, more than a hop needs for all that it reads. If it does not, one caller is told so, and the pool is renewed.
"""

from functools import partial
from time import monotonic

from sqlalchemy import URL, event
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

POOL_SIZE = 10
CONNECT_TIMEOUT_S = 3
STATEMENT_TIMEOUT_MS = 10_000  # past every deadline: a stuck statement must not hold a connection for ever
IDLE_S = 1.0
# Of a pool used from its top, the bottom may be idle for hours: a firewall between would forget it without a word.
KEPT_ALIVE = {"tcp_keepalives_idle": "60"}
_SINCE = "idle since"


def open_pool(url: str | URL) -> AsyncEngine:
    """The connections of one web process; none is made before it is needed."""
    pool = create_async_engine(
        url,
        hide_parameters=True,  # a statement's values are people's names and messages: never in a log
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=CONNECT_TIMEOUT_S,
        pool_use_lifo=True,  # the one used last has its plans made; a new one makes forty in its first deed
        connect_args={
            "timeout": CONNECT_TIMEOUT_S,
            "server_settings": {"statement_timeout": str(STATEMENT_TIMEOUT_MS)} | KEPT_ALIVE,
        },
    )
    event.listen(pool.sync_engine, "checkin", _remember)
    event.listen(pool.sync_engine, "checkout", partial(_expect_alive, pool.dialect))
    return pool


def _remember(_connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    entry.info[_SINCE] = monotonic()


def _expect_alive(
    dialect: Dialect, connection: DBAPIConnection, entry: ConnectionPoolEntry, _handed_out: object
) -> None:
    """Ask a connection that was idle for long; if it is dead, all of its age are taken for dead."""
    since = entry.info.get(_SINCE)
    if since is None or monotonic() - since < IDLE_S:
        return
    try:
        dialect.do_ping(connection)
    except (dialect.loaded_dbapi.Error, OSError) as fault:
        raise InvalidatePoolError from fault
