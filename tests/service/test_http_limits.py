"""What a connection may ask of web: each limit on a running server, for each protocol of uvicorn's that may serve."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from engines import processes, run
from service import http_limits, metrics
from service.http_limits import LARGEST_HEAD, LimitedH11, LimitedHttpTools
from tests.conftest import Database
from tests.support.launching import wait_until
from tests.support.patience import PATIENCE_S, as_busy, until
from tests.support.running_service import SECRET, listener, served
from tests.test_starting import environment

PROTOCOLS = [LimitedHttpTools, LimitedH11]
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


@dataclass
class Asker:
    """A connection, and what it has been told."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, *pieces: bytes, pause_s: float = 0.0) -> int:
        """Send the pieces one after the other, and count them; one who was cut off sends no more."""
        sent = 0
        with suppress(ConnectionError):
            for piece in pieces:
                self.writer.write(piece)
                await self.writer.drain()
                sent += 1
                await asyncio.sleep(pause_s)
        return sent

    async def told(self) -> bytes:
        """All that is said until the other side closes."""
        heard = b""
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                while piece := await self.reader.read(65536):
                    heard += piece
        return heard


@dataclass
class Served:
    """A server that answers the length of a body after a while, at some length."""

    port: int
    server: uvicorn.Server
    stack: AsyncExitStack
    held: "Held"

    async def connect(self) -> Asker:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.stack.callback(writer.close)
        return Asker(reader, writer)

    async def ask(self, *pieces: bytes, pause_s: float = 0.0) -> bytes:
        asker = await self.connect()
        asking = asyncio.create_task(asker.say(*pieces, pause_s=pause_s))
        told = await asker.told()
        await asking
        return told


@dataclass
class Held:
    """Requests that are answered when the test says so."""

    waiting: list[Request] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)


async def answer(request: Request) -> Response:
    body = await request.body()
    if "held" in request.query_params:
        request.app.state.held.waiting.append(request)
        await request.app.state.held.go.wait()
    await asyncio.sleep(float(request.query_params.get("wait", 0)))
    return PlainTextResponse(f"{len(body)} bytes" + "." * int(request.query_params.get("size", 0)))


@pytest.fixture(params=PROTOCOLS, ids=lambda protocol: protocol.__name__)
async def web(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    app, bound = Starlette(routes=[Route("/", answer, methods=["GET", "POST"])]), listener()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(served(app, bound, http=request.param))
        server.config.timeout_keep_alive = 75
        app.state.held = Held()
        yield Served(bound.getsockname()[1], server, stack, app.state.held)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of a connection is a fiftieth of one here."""
    monkeypatch.setattr(http_limits, "TICK_S", 0.02)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(http_limits, "MOST_CONNECTIONS", 3)
    monkeypatch.setattr(http_limits, "_logged_at", {})
    return 3


def closed(reason: str) -> float:
    return float(metrics.closed.labels(reason)._value.get())


def header(size: int) -> bytes:
    """A request whose head has so many bytes."""
    rest = size - len(LAST) - len("X: \r\n")
    return LAST.removesuffix(b"\r\n") + b"X: " + b"x" * rest + b"\r\n\r\n"


async def test_a_head_may_be_so_large_and_no_larger_however_it_comes(web: Served) -> None:
    whole = header(LARGEST_HEAD)
    assert b" 200 OK" in await web.ask(whole)
    assert b" 200 OK" in await web.ask(whole[:20_000], whole[20_000:], pause_s=0.02)
    larger = header(3 * LARGEST_HEAD)
    for pieces in ([larger], [larger[start : start + 999] for start in range(0, len(larger), 999)]):
        assert b" 200 OK" not in await web.ask(*pieces)


async def test_an_endless_line_is_cut_off(web: Served) -> None:
    asker = await web.connect()
    await asker.say(b"GET /" + b"a" * 99, *[b"a" * 1000] * 40)
    assert b" 200 OK" not in await asker.told()


@pytest.mark.usefixtures("quick")
async def test_a_request_that_does_not_arrive_is_not_waited_for(web: Served) -> None:
    before = closed("slow")
    for begun in (
        b"GET / HT",
        GET[:-2],
        POST + b"Content-Length: 9\r\n\r\nab",
        POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab",
    ):
        assert b" 408 " in await web.ask(begun), begun
    assert closed("slow") == before + 4


@pytest.mark.usefixtures("quick")
async def test_a_request_that_comes_byte_by_byte_has_no_longer(web: Served) -> None:
    for start, drops in ((b"GET / HTTP/1.1\r\nX: ", b"x"), (POST + b"Content-Length: 900\r\n\r\n", b"y")):
        asker = await web.connect()
        asking = asyncio.create_task(asker.say(start, *[drops] * 500, pause_s=0.01))
        assert b" 408 " in await asker.told()
        assert await asking < 500, "it is cut off before it has sent them all"


@pytest.mark.usefixtures("quick")
async def test_who_says_nothing_is_closed_and_who_waits_for_an_answer_is_not(web: Served) -> None:
    web.server.config.timeout_keep_alive = 15
    silent, waiting = await web.connect(), await web.connect()
    await waiting.say(b"GET /?wait=0.8 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert await silent.told() == b""
    assert b"0 bytes" in await waiting.told()


@pytest.mark.usefixtures("quick")
async def test_who_does_not_read_its_answer_is_not_waited_for(web: Served) -> None:
    web.server.config.timeout_keep_alive = 15
    for more in (b"", b"Connection: close\r\n"):
        asker = await web.connect()
        cast(asyncio.Transport, asker.writer.transport).pause_reading()
        await asker.say(b"GET /?size=30000000 HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n")
        await asyncio.sleep(0.1)
        assert web.server.server_state.connections
        await until(lambda: not web.server.server_state.connections)


@pytest.mark.usefixtures("quick")
async def test_a_line_with_one_request_after_the_other_stays_open(web: Served) -> None:
    asker = await web.connect()
    asking = asyncio.create_task(asker.say(*[GET] * 40, LAST, pause_s=0.02))
    assert (await asker.told()).count(b" 200 OK") == 41
    await asking


async def test_eight_may_wait_behind_a_request_and_no_more(web: Served) -> None:
    slow = b"GET /?wait=0.1 HTTP/1.1\r\nHost: x\r\n\r\n"
    assert (await web.ask(slow + GET * 7 + LAST)).count(b" 200 OK") == 9
    told = await web.ask(slow + GET * 500 + LAST)
    if web.server.config.http_protocol_class is LimitedH11:
        assert told.count(b" 200 OK") == 502, "it reads the next one when it has answered the one before"
    else:
        assert told.count(b" 200 OK") == 0


async def test_too_many_connections_close_the_one_that_was_idle_longest(
    web: Served, few: int, caplog: pytest.LogCaptureFixture
) -> None:
    asked = await web.connect()
    await asked.say(GET)
    await asked.reader.readuntil(b"bytes")
    idle = [await web.connect() for _nth in range(few + 2)]
    before = closed("full")
    with caplog.at_level(logging.WARNING):
        assert b" 200 OK" in await web.ask(LAST)
        assert b" 200 OK" in await web.ask(LAST)
    assert closed("full") > before
    assert {record.message for record in caplog.records} <= {"web.connection_closed"}
    await asked.say(LAST)
    assert b" 200 OK" in await asked.told(), "who has asked before is spared"
    assert await idle[0].told() == b""


async def test_where_all_are_being_answered_the_next_is_refused_and_it_is_logged(
    web: Served, few: int, caplog: pytest.LogCaptureFixture
) -> None:
    slow = b"GET /?held=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    busy = [asyncio.create_task(web.ask(slow)) for _nth in range(few)]
    await until(lambda: len(web.held.waiting) == few)
    with caplog.at_level(logging.WARNING, "keneya.web"):
        for _again in range(3):
            assert b" 503 " in await web.ask(LAST)
    assert [record.message for record in caplog.records] == ["web.connection_closed"], "once in a while"
    web.held.go.set()
    assert all(b" 200 OK" in told for told in await asyncio.gather(*busy))
    assert b" 200 OK" in await web.ask(LAST)


UPGRADES = ["h2c", "websocket", "TLS/1.0", "h2c, websocket"]


@pytest.mark.parametrize("wish", UPGRADES)
async def test_a_request_that_would_like_another_protocol_is_read_in_this_one(web: Served, wish: str) -> None:
    more = f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {wish}\r\nHTTP2-Settings: AAMAAABk\r\n".encode()
    sized = POST + more + b"Content-Length: 11\r\n\r\n"
    chunked = POST + more + b"Transfer-Encoding: chunked\r\n\r\n"
    end = b"5\r\nhello\r\n6\r\n again\r\n0\r\n\r\n"
    for pieces in (
        [sized + b"hello again"],
        [sized, b"hello again"],
        [sized[:40], sized[40:] + b"hello", b" again"],
    ):
        assert b"11 bytes" in await web.ask(*pieces, LAST, pause_s=0.02)
    assert b"11 bytes" in await web.ask(chunked + end, LAST, pause_s=0.02)
    told = await web.ask(sized + b"hello again" + LAST)
    assert [told.count(words) for words in (b"11 bytes", b"0 bytes")] == [1, 1]


async def test_a_tunnel_is_refused(web: Served) -> None:
    assert b" 200 OK" not in await web.ask(
        b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", LAST
    )


# The process itself, as it is started.


@dataclass
class Process:
    """A web that runs by itself."""

    port: int
    child: "subprocess.Popen[bytes]"

    def memory_mb(self) -> float:
        pages = int(Path(f"/proc/{self.child.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    async def live_s(self) -> float:
        """How long it takes to say that it lives."""
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b" 200 OK" in await asyncio.wait_for(reader.read(), 2 * PATIENCE_S)
        writer.close()
        return time.monotonic() - began


@contextmanager
def running(
    database: Database, redis_url: str, files: int | None = None, log: Path | None = None
) -> Iterator[Process]:
    """Web as `Procfile` starts it, where no process may open more than so many files."""
    port = processes.free_port()
    environ = processes.plain_environment() | environment(database.url, redis_url) | {"PORT": str(port)}
    command = f"{f'ulimit -n {files}; ' if files else ''}exec {sys.executable} web.py"
    with (log or Path(os.devnull)).open("wb") as output:
        child = subprocess.Popen(["sh", "-c", command], cwd=run.HOME, env=environ, stderr=output)
    try:
        wait_until(lambda: _listens(port))
        yield Process(port, child)
    finally:
        child.terminate()
        child.wait()


@pytest.fixture
def process(database: Database, redis_url: str) -> Iterator[Process]:
    with running(database, redis_url) as started:
        yield started


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_no_flood_stops_the_process_or_fills_its_memory(process: Process) -> None:
    await process.live_s()
    before = process.memory_mb()

    async def pour(start: bytes, piece: bytes, times: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
        with suppress(ConnectionError):
            writer.write(start)
            for _nth in range(times):
                writer.write(piece)
                await writer.drain()
            await reader.read()
        writer.close()

    await asyncio.gather(
        pour(b"GET / HTTP/1.1\r\nX: ", b"x" * 4096, 5000),
        *(pour(GET, b"GET / HTTP/1.1\r\n\r\n" * 2000, 280) for _nth in range(4)),
        pour(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"x" * 512, 20_000),
        pour(
            POST.replace(b" / ", f" /at/{SECRET}/ussd ".encode()) + b"Content-Length: 99999999\r\n\r\n",
            b"y" * 4096,
            5000,
        ),
    )
    assert await process.live_s() < as_busy(5)
    assert process.memory_mb() - before < 40


async def test_where_few_files_may_be_open_a_flood_of_connections_keeps_nobody_out(
    database: Database, redis_url: str, tmp_path: Path
) -> None:
    """They come faster than the system says that there are too many."""
    log = tmp_path / "web.log"
    with running(database, redis_url, files=160, log=log) as process:
        async with AsyncExitStack() as stack:
            for _nth in range(10):
                flood = [asyncio.open_connection("127.0.0.1", process.port) for _one in range(60)]
                for _reader, writer in await asyncio.gather(*flood):
                    stack.callback(writer.close)
                assert await process.live_s() < as_busy(5)
    said = log.read_text()
    assert said.count("web.connection_closed") == 1, "once in a while"
    assert "Traceback" not in said


async def test_it_ends_in_order(process: Process) -> None:
    process.child.terminate()
    assert process.child.wait(PATIENCE_S) in (0, -15)
