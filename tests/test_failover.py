"""A primary is killed, its synchronous standby promoted: what was acknowledged is there, and the pool finds it."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from asyncpg.exceptions import PostgresError
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

import settings
from engines import processes
from engines.embedded import Engines
from service.database import is_away, open_pool
from tests.support.launching import ask, start
from tests.support.patience import PATIENCE_S

WRITES_BEFORE, WRITES_AFTER = 100, 20


@contextmanager
def standby_of(primary: Engines, folder: Path) -> Iterator[int]:
    """A synchronous standby of `primary`; yields its port."""
    url, port, place = make_url(primary.superuser_url), processes.free_port(), primary.place
    environment = processes.plain_environment() | {"PGPASSWORD": str(url.password)}
    address = ["-h", str(url.host), "-p", str(url.port), "-U", str(url.username)]
    copy = [
        str(place.programs.postgres_bin / "pg_basebackup"),
        *address,
        "-D",
        str(folder),
        "-R",
        "-c",
        "fast",
    ]
    copying = processes.start(copy, identity=place.identity, environment=environment)
    assert copying.wait(PATIENCE_S) == 0
    server = [str(place.programs.postgres_bin / "postgres"), "-D", str(folder)]
    for option in (f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories="):
        server += ["-c", option]
    child = processes.start(
        server, death_signal=signal.SIGINT, identity=place.identity, output=subprocess.DEVNULL
    )
    try:
        yield port
    finally:
        processes.stop(child, signal.SIGINT, PATIENCE_S)


async def until_true(url: str, question: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if await ask(url, question):
                    return
            except (OSError, DBAPIError, PostgresError):  # it is starting
                pass
            await asyncio.sleep(0.1)


async def test_nothing_acknowledged_is_lost_and_writes_go_on(data: Path) -> None:
    primary = start(data, durable=True)
    home = primary.place.root / "standby"
    home.mkdir(mode=0o700)
    os.chown(home, primary.place.identity.uid, primary.place.identity.gid)
    pool = None
    try:
        with standby_of(primary, home) as port:
            first = make_url(primary.superuser_url)
            as_superuser = first.set(port=port).render_as_string(hide_password=False)
            await until_true(as_superuser, "select pg_is_in_recovery()")
            await ask(primary.url("owner"), "create table kept (nth int primary key)")
            await ask(primary.url("owner"), "grant select, insert on kept to keneya_service")
            named = "alter system set synchronous_standby_names = '*'"
            await ask_alone(primary.superuser_url, named, "select pg_reload_conf()")
            await until_true(primary.superuser_url, "select sync_state = 'sync' from pg_stat_replication")
            service = make_url(primary.url("service"))
            hosts = f"127.0.0.1:{port},127.0.0.1:{first.port}"  # the standby first: it must not be taken
            login = f"{service.username}:{service.password}"
            pool = open_pool(settings.database_url(f"postgresql://{login}@{hosts}/{service.database}"))
            standbys = open_pool(
                settings.database_url(f"postgresql://{login}@127.0.0.1:{port},127.0.0.1:{port}/keneya")
            )
            with pytest.raises(ConnectionError, match="none of 2 hosts takes writes"):
                await standbys.connect()
            await standbys.dispose()
            acknowledged: list[int] = []
            for nth in range(WRITES_BEFORE):
                async with pool.begin() as db:
                    await db.execute(text("insert into kept values (:nth)"), {"nth": nth})
                acknowledged.append(nth)
            os.kill(primary.addresses.pids["postgres"], signal.SIGKILL)
            with pytest.raises((OSError, DBAPIError)) as refused:
                async with pool.begin() as db:
                    await db.execute(text("insert into kept values (-1)"))
            assert is_away(refused.value)
            await ask_alone(as_superuser, "select pg_promote()")
            nth = WRITES_BEFORE
            async with asyncio.timeout(PATIENCE_S):
                while nth < WRITES_BEFORE + WRITES_AFTER:
                    try:
                        async with pool.begin() as db:
                            await db.execute(text("insert into kept values (:nth)"), {"nth": nth})
                    except (OSError, DBAPIError):
                        await asyncio.sleep(0.1)
                        continue
                    acknowledged.append(nth)
                    nth += 1
            async with pool.connect() as db:
                kept = list(await db.scalars(text("select nth from kept order by nth")))
            assert set(acknowledged) <= set(kept)
            await pool.dispose()
    finally:
        if pool is not None:
            await pool.dispose()
        primary.stop()


async def ask_alone(url: str, *statements: str) -> None:
    """Each statement outside of a transaction."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as db:
        for statement in statements:
            await db.execute(text(statement))
    await engine.dispose()
