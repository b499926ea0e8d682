"""PostgreSQL that goes silent: a relay stands between, and forwards nothing any more, as where its host is lost.

The connections stay open and say nothing. Web and worker are back as soon as new ones would work.
"""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urlencode

import httpx
import pytest
import uvloop
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

import service.database as connections
import worker
from engines import processes, run
from service.database import SOCKET_OPTIONS
from tests.conftest import Database
from tests.support.gateway_forms import FORM, HOP
from tests.support.patience import PATIENCE_S, as_busy, until
from tests.support.running_service import SECRET
from tests.support.town import found_town
from tests.test_starting import environment
from torture.listening import listening


@dataclass
class Relay:
    """Forwards to PostgreSQL; who was connected when it froze hears nothing for ever."""

    target: tuple[str, int]
    url: str = ""
    frozen: bool = False
    flowing: set[asyncio.Event] = field(default_factory=set)

    def freeze(self) -> None:
        """No connection is served, neither those that are open nor new ones."""
        self.frozen = True
        for flows in self.flowing:
            flows.clear()

    def forget(self) -> None:
        """Those that are open are served no more; new ones are."""
        self.freeze()
        self.frozen = False
        self.flowing.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flows = asyncio.Event()
        self.flowing.add(flows)
        if not self.frozen:
            flows.set()
        there = await asyncio.open_connection(*self.target)
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(self.pump(reader, there[1], flows), self.pump(there[0], writer, flows))
        there[1].transport.abort()

    async def pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event
    ) -> None:
        while piece := await reader.read(65536):
            await flows.wait()
            writer.write(piece)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def relayed(database_url: str) -> AsyncIterator[Relay]:
    url = make_url(database_url)
    relay = Relay((str(url.host), url.port or 5432))
    async with listening(relay.serve) as port:
        relay.url = url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        yield relay


@pytest.fixture
async def relay(database: Database) -> AsyncIterator[Relay]:
    async with relayed(database.url) as running:
        yield running


@pytest.fixture
async def opened(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncEngine]:
    """A pool as web and worker open theirs, with a deadline of half a second."""
    monkeypatch.setattr(connections, "DEADLINE_S", 0.5)
    monkeypatch.setattr(connections, "ALIVE_TIMEOUT_S", 0.3)
    pool = connections.open_pool(relay.url)
    yield pool
    await pool.dispose()


async def ask(pool: AsyncEngine) -> int:
    """The server's process behind the connection that answers."""
    async with pool.connect() as db:
        return int(await db.scalar(text("select pg_backend_pid()")) or 0)


async def test_a_statement_that_is_not_answered_ends_and_the_next_goes_over_a_new_connection(
    relay: Relay, opened: AsyncEngine
) -> None:
    async with opened.connect(), opened.connect():
        pass
    before = await ask(opened)
    relay.forget()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(TimeoutError) as told:
            await ask(opened)
    assert connections.is_away(told.value)
    assert await asyncio.wait_for(ask(opened), PATIENCE_S) != before


async def test_of_idle_connections_that_are_silent_none_is_handed_out(
    relay: Relay, opened: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await ask(opened)
    monkeypatch.setattr(connections, "IDLE_S", 0.0)
    relay.forget()
    assert await asyncio.wait_for(ask(opened), PATIENCE_S) != before


async def test_where_no_new_one_can_be_had_either_each_who_asks_is_told_so(
    relay: Relay, opened: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_S", 0.0)
    await ask(opened)
    relay.freeze()
    with pytest.raises((OSError, SQLAlchemyError)) as told:
        await asyncio.wait_for(ask(opened), PATIENCE_S)
    assert connections.is_away(told.value)


def test_the_system_watches_over_each_connection(database: Database) -> None:
    """On both loops: the worker's, and web's."""

    async def options() -> dict[str, int]:
        pool = connections.open_pool(database.url)
        async with pool.connect() as db:
            driver = (await db.get_raw_connection()).driver_connection
            assert driver is not None
            link = driver._transport.get_extra_info("socket")
            found = {
                name: link.getsockopt(level, getattr(socket, name)) for level, name, _value in SOCKET_OPTIONS
            }
        await pool.dispose()
        return found

    wanted = {name: value for _level, name, value in SOCKET_OPTIONS}
    assert wanted["TCP_USER_TIMEOUT"] == 10_000
    assert asyncio.run(options()) == wanted
    assert uvloop.run(options()) == wanted


# The processes themselves.


@dataclass
class Running:
    """Web and worker behind the relay."""

    port: int
    log: Path

    def events(self, name: str) -> int:
        return self.log.read_text().count(f'"{name}"')

    async def hop(self) -> str:
        form = urlencode(HOP | {"sessionId": f"ATUid_{time.monotonic_ns()}"})
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as http:
            answer = await http.post(
                f"http://127.0.0.1:{self.port}/at/{SECRET}/ussd", content=form, headers={"content-type": FORM}
            )
        assert answer.status_code == 200
        return answer.text

    async def told(self, event: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not self.events(event):  # noqa: ASYNC110 # another process writes it
                await asyncio.sleep(0.1)

    async def back(self) -> None:
        while True:
            with suppress(httpx.HTTPError):
                if (await self.hop()).startswith("CON "):
                    return
            await asyncio.sleep(0.2)


@pytest.fixture
async def running(relay: Relay, pool: AsyncEngine, redis_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    await found_town(pool)
    port, log = processes.free_port(), tmp_path / "worker.log"
    demo = {"SIMULATOR": "1", "SIMULATOR_URL": "http://127.0.0.1:1", "PORT": str(port)}
    environ = processes.plain_environment() | environment(relay.url, redis_url) | demo
    with (
        log.open("wb") as output,
        started("worker.py", environ, output),
        started("web.py", environ, output),
    ):
        found = Running(port, log)
        async with asyncio.timeout(PATIENCE_S):
            await found.back()
            await found.told("worker.started")
        yield found


@contextmanager
def started(program: str, environ: dict[str, str], output: IO[bytes]) -> Iterator[None]:
    """A process of ours until the block ends."""
    child = subprocess.Popen([sys.executable, program], cwd=run.HOME, env=environ, stderr=output)
    try:
        yield
    finally:
        child.kill()
        child.wait()


async def test_web_and_worker_are_back_within_15_s_and_say_so_once(relay: Relay, running: Running) -> None:
    relay.forget()
    async with asyncio.timeout(as_busy(15)):
        await running.back()
    relay.freeze()
    assert (await running.hop()).startswith("END ")
    await running.told("worker.database_gone")
    relay.forget()
    async with asyncio.timeout(as_busy(15)):
        await running.back()
        await until(lambda: running.events("worker.database_back") == running.events("worker.database_gone"))
    assert running.events("worker.database_gone") <= 2
    assert "Traceback" not in running.log.read_text()


def test_an_outage_is_told_once_whichever_loops_meet_it(caplog: pytest.LogCaptureFixture) -> None:
    outage = worker.Outage()
    before = time.monotonic()
    outage.back(before)
    outage.gone(before, TimeoutError())
    outage.gone(before, OSError())
    outage.back(before)
    assert outage.gone_at is not None, "what began before it was gone says nothing"
    outage.back(time.monotonic())
    outage.gone(before, TimeoutError())  # one that was stuck since
    assert [record.message for record in caplog.records] == ["worker.database_gone", "worker.database_back"]
