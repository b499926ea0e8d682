"""A standby of a PostgreSQL server, its promotion, and the address that names both: for proofs and tests."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from asyncpg.exceptions import PostgresError
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from bench.engine import engine_of
from engines import processes
from engines.embedded import Engines

PATIENCE_S = 60.0
RELOAD = "select pg_reload_conf()"
SYNCHRONOUS = "alter system set synchronous_standby_names = '*'"
IN_STEP = "select coalesce(bool_and(sync_state = '{state}'), false) from pg_stat_replication"


@dataclass(frozen=True)
class Standby:
    """A server that follows `primary` until it is promoted."""

    primary: Engines
    port: int

    @property
    def superuser_url(self) -> str:
        return make_url(self.primary.superuser_url).set(port=self.port).render_as_string(hide_password=False)

    def with_primary(self, url: str) -> str:
        """`url` of the primary, with both hosts: the standby first, which must not be taken while it is one."""
        given = make_url(url)
        hosts = f"{processes.LOOPBACK}:{self.port},{processes.LOOPBACK}:{given.port}"
        return f"postgresql://{given.username}:{given.password}@{hosts}/{given.database}"

    def alone(self, url: str) -> str:
        """`url` of the primary, on this server."""
        return make_url(url).set(port=self.port).render_as_string(hide_password=False)

    async def cut_off(self) -> None:
        """Take nothing from the primary any more, as if the wire between them was cut."""
        await alone(self.superuser_url, "alter system set primary_conninfo = ''", RELOAD)
        await until_true(self.primary.superuser_url, "select count(*) = 0 from pg_stat_replication")

    async def promote(self) -> None:
        """Make it the primary: only once the old one is surely off."""
        await alone(self.superuser_url, "select pg_promote()")


@asynccontextmanager
async def standby_of(primary: Engines, *, synchronous: bool = True) -> AsyncIterator[Standby]:
    """A standby in a directory beside the primary's, in step with it when the block begins."""
    place, port = primary.place, processes.free_port()
    folder = place.root / "standby"
    folder.mkdir(mode=0o700)
    os.chown(folder, place.identity.uid, place.identity.gid)
    _copy(primary, folder)
    server = [str(place.programs.postgres_bin / "postgres"), "-D", str(folder)]
    for option in (f"port={port}", f"listen_addresses={processes.LOOPBACK}", "unix_socket_directories="):
        server += ["-c", option]
    child = processes.start(
        server, death_signal=signal.SIGINT, identity=place.identity, output=subprocess.DEVNULL
    )
    try:
        standby = Standby(primary, port)
        await until_true(standby.superuser_url, "select pg_is_in_recovery()")
        if synchronous:
            await alone(primary.superuser_url, SYNCHRONOUS, RELOAD)
        state = "sync" if synchronous else "async"
        await until_true(primary.superuser_url, IN_STEP.format(state=state))
        yield standby
    finally:
        processes.stop(child, signal.SIGINT, PATIENCE_S)


def _copy(primary: Engines, folder: Path) -> None:
    url, place = make_url(primary.superuser_url), primary.place
    program = str(place.programs.postgres_bin / "pg_basebackup")
    address = ["-h", str(url.host), "-p", str(url.port), "-U", str(url.username)]
    copying = processes.start(
        [program, *address, "-D", str(folder), "-R", "-c", "fast"],
        identity=place.identity,
        environment=processes.plain_environment() | {"PGPASSWORD": str(url.password)},
    )
    if copying.wait(PATIENCE_S):
        raise RuntimeError(f"pg_basebackup ended with {copying.returncode}")


async def until_true(url: str, question: str) -> None:
    """Ask until the answer is true, also while the server does not answer yet."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                async with engine_of(url) as engine, engine.connect() as db:
                    if await db.scalar(text(question)):
                        return
            except (OSError, DBAPIError, PostgresError):  # it is starting
                pass
            await asyncio.sleep(0.1)


async def alone(url: str, *statements: str) -> None:
    """Each statement outside of a transaction."""
    async with engine_of(url, isolation_level="AUTOCOMMIT") as engine, engine.connect() as db:
        for statement in statements:
            await db.execute(text(statement))
