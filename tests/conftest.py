"""What every test stands on: real engines, a fresh migrated database each, and no socket but the loopback.

The tests connect as the service's own role, so that a forgotten right shows. Nothing is written before
PostgreSQL has said that its data lie in the tests' own temporary directory.
"""

import asyncio
import itertools
import os
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest
from redis.asyncio import Redis
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

import migrations
from engines import processes
from engines.cluster import OWNER_ROLE, SERVICE_ROLE, find_programs, is_locked, version
from engines.embedded import Engines, start_engines
from tests.support.patience import PATIENCE_S
from tests.support.ports import own_ports
from tests.support.warm_database import WarmDatabase, end_tasks, open_warm

pytest_plugins = ["tests.support.town_fixtures", "tests.support.ci", "tests.support.touched"]

TEMPLATE = "keneya_template"
MEMORY = Path("/dev/shm")
MEMORY_WANTED = 4 * 1024**3  # bytes: the data of a whole run and its temporary files
LOOPBACK_HOSTS = {"127.0.0.1", "::1", "localhost", "", None}

Sql = Callable[[str], Any]  # runs a statement, gives the first cell of its answer

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """A fresh database: `url` for the service's role, `owner_url` for the owner of its tables."""

    name: str
    url: str
    owner_url: str


def program(variable: str) -> Path | None:
    """The program that an environment variable asks the whole run to use."""
    value = os.environ.get(variable)
    return Path(value) if value else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-transcripts", action="store_true", help="write tests/transcripts anew, to be read"
    )
    parser.addoption(
        "--rewrite-shipped", action="store_true", help="write migrations/shipped.txt anew, to be read"
    )


def pytest_report_header() -> str:
    programs = find_programs(program("POSTGRES_BIN"), program("REDIS_BIN"))
    used = (programs.postgres_bin / "postgres", programs.redis_server)
    return f"engines: {'; '.join(version(one) for one in used if one)}"


@pytest.fixture(scope="session", autouse=True)
def _own_ports() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "free_port", own_ports())
        yield


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """No test speaks to the outside: connecting or even asking for a foreign name fails."""
    patch = pytest.MonkeyPatch()
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _expect_loopback(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _expect_loopback(address)
        return connect_ex(self, address)

    def guarded_look_up(host: Any, *details: Any, **more: Any) -> Any:
        _expect_loopback((host,))
        return look_up(host, *details, **more)

    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    patch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield
    patch.undo()


def _expect_loopback(address: object) -> None:
    if isinstance(address, tuple):  # a Unix socket's address is text
        host = address[0].decode() if isinstance(address[0], bytes) else address[0]
        if host not in LOOPBACK_HOSTS:
            raise RuntimeError(f"a test wanted to speak to {host!r}: only the loopback is open")


def open_folder(prefix: str, within: Path | None = None) -> Path:
    """A temporary directory that the user of root's servers may pass through."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=within))
    folder.chmod(0o711)
    return folder


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """PostgreSQL and Redis for the whole session, in a temporary directory of their own."""
    folder = open_folder("keneya-tests-", _memory())
    try:
        with start_engines(
            folder / "var",
            postgres_bin=program("POSTGRES_BIN"),
            redis_bin=program("REDIS_BIN"),
            durable=False,
        ) as running:
            yield running
    finally:
        shutil.rmtree(folder)


def _memory() -> Path | None:
    """A folder in memory, where there is one with room: a database is copied for each test, which keeps a disk busy."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_WANTED
    return MEMORY if roomy else None


@pytest.fixture(scope="session")
def _superuser(engines: Engines) -> Iterator[Sql]:
    with superuser(engines) as sql:
        yield sql


@contextmanager
def superuser(engines: Engines) -> Iterator[Sql]:
    """Runs statements that make and drop databases, each by itself, over one connection of its own."""
    loop = asyncio.new_event_loop()
    url = make_url(engines.superuser_url).set(drivername="postgresql")
    db = loop.run_until_complete(asyncpg.connect(url.render_as_string(hide_password=False)))
    try:
        yield lambda statement: loop.run_until_complete(db.fetchval(statement))
    finally:
        loop.run_until_complete(db.close())
        loop.close()


@pytest.fixture(scope="session")
def _template(engines: Engines, _superuser: Sql) -> str:
    """The migrated database that every test's own is copied from."""
    make_template(engines, _superuser)
    return TEMPLATE


def make_template(engines: Engines, sql: Sql) -> None:
    directory = sql("show data_directory")
    assert directory == engines.addresses.data_directory, f"a foreign PostgreSQL answers: {directory}"
    sql(f"create database {TEMPLATE} owner {OWNER_ROLE}")
    asyncio.run(migrations.migrate(engines.url("owner", TEMPLATE), SERVICE_ROLE))


@pytest.fixture
def database(engines: Engines, _template: str, _superuser: Sql) -> Iterator[Database]:
    """A fresh copy of the migrated template, dropped afterwards."""
    name = f"test_{next(_numbers)}"
    _superuser(f"create database {name} template {_template} owner {OWNER_ROLE} strategy file_copy")
    yield Database(name, url=engines.url("service", name), owner_url=engines.url("owner", name))
    _superuser(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
async def _warm_databases() -> AsyncIterator[list[WarmDatabase]]:
    """The database that tests share, once there is one."""
    kept: list[WarmDatabase] = []
    yield kept
    for one in kept:
        await one.drop()


@pytest.fixture
async def _warm(
    engines: Engines, _template: str, _warm_databases: list[WarmDatabase]
) -> AsyncIterator[WarmDatabase]:
    """The shared database, empty. A new one where the last test did not leave it as it was."""
    if not _warm_databases:
        _warm_databases.append(await open_warm(engines, _template, f"warm_{next(_numbers)}"))
    before = asyncio.all_tasks()
    yield _warm_databases[0]
    await end_tasks(before)
    if not await _warm_databases[0].empty():
        await _warm_databases.pop().drop()


@pytest.fixture
async def _fresh_pool(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database.url, pool_size=15, max_overflow=0)
    yield engine
    await engine.dispose()


@pytest.fixture
def pool(request: pytest.FixtureRequest, engines: Engines) -> AsyncEngine:
    """Connections as the service's role; like production's, a pool that never has more of them than it keeps.

    To the shared database, or to the test's own if it asks for `database` too.
    """
    if "database" in request.fixturenames:
        return cast(AsyncEngine, request.getfixturevalue("_fresh_pool"))
    return cast(WarmDatabase, request.getfixturevalue("_warm")).service


@pytest.fixture
async def db(pool: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One connection as the service's role, in a transaction that commits at the end of the test."""
    async with pool.begin() as connection:
        yield connection


@pytest.fixture
async def _fresh_owner(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database.owner_url)
    yield engine
    await engine.dispose()


@pytest.fixture
def owner(request: pytest.FixtureRequest, engines: Engines) -> AsyncEngine:
    """Connections as the owner of the tables, for tests that set up or tamper; to the same database as `pool`."""
    if "database" in request.fixturenames:
        return cast(AsyncEngine, request.getfixturevalue("_fresh_owner"))
    return cast(WarmDatabase, request.getfixturevalue("_warm")).owner


@pytest.fixture
async def redis_url(engines: Engines) -> str:
    """The address of an empty Redis."""
    url = engines.addresses.redis_url
    assert url
    async with Redis.from_url(url) as redis:
        await redis.flushall()
    return url


@pytest.fixture
def data() -> Iterator[Path]:
    """A data directory for engines of a test's own: not there yet, removed once no server has it open."""
    folder = open_folder("keneya-engines-")
    yield folder / "var"
    wait_until_unlocked(folder / "var")
    shutil.rmtree(folder)


def wait_until_unlocked(data: Path) -> None:
    """Wait for the last server on `data` to end."""
    deadline = time.monotonic() + PATIENCE_S
    while (data / "engines.lock").exists() and is_locked(data):
        assert time.monotonic() < deadline, f"a server still runs on {data}"
        time.sleep(0.02)
