"""A hop is answered by the protocol as its route would: whatever way the bytes come, whatever is wrong with them."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import webhooks
from service import forms
from service.http_limits import LimitedHttpTools
from service.ussd_hops import HOP_ROUTES, HopProtocol, HopRoute
from talk.screen import Shown
from tests.support.gateway_forms import FORM
from tests.support.running_service import listener, served
from ussd.calls import Show

CLOSE = "Connection: close\r\n"


def write_screen(shown: Shown) -> tuple[str, dict[str, str]]:
    if shown.text == "unwritable":
        raise RuntimeError
    return f"CON {shown.text}", {"content-type": "text/plain; charset=utf-8"} | shown.keys


HEARS = SimpleNamespace(METHODS=("POST",), write_screen=write_screen)
ASKS = SimpleNamespace(METHODS=("GET",), write_screen=write_screen)  # another gateway


class Words(HopRoute):
    """A desk that says what was typed, after as many turns of the loop or seconds as are asked for."""

    def answer(self, fields: Mapping[str, str], headers: Mapping[str, str], show: Show) -> None:
        if "fault" in fields:
            raise RuntimeError(fields["fault"])
        shown = Shown(fields.get("text", ""), False, {"x-heard": headers.get("x-said", "")})
        loop, turns = asyncio.get_running_loop(), int(fields.get("turns", 1))  # none: at once

        def turn() -> None:
            nonlocal turns
            turns -= 1
            if turns < 0:
                show(shown)
            else:
                loop.call_soon(turn)

        if "wait" in fields:
            loop.call_later(float(fields["wait"]), show, shown)
        else:
            turn()


@dataclass
class Web:
    """A running server with one desk; `usual` are the paths that came to a route."""

    port: int
    server: uvicorn.Server
    usual: list[str] = field(default_factory=list)

    async def say(self, *pieces: bytes) -> bytes:
        """What is answered to the pieces, sent one after the other, until the server closes or the last is answered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.02 if len(pieces) > 1 else 0)
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        return re.sub(rb"date: [^\r]*\r\n", b"", answer)


@asynccontextmanager
async def web(http: type[asyncio.Protocol]) -> AsyncIterator[Web]:
    desk, asking = (Words(cast(Any, gateway), cast(Any, None)) for gateway in (HEARS, ASKS))
    usual: list[str] = []

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
        yield {HOP_ROUTES: {b"/hop": desk, b"/asks": asking}}

    async def hop(request: Request) -> Response:
        usual.append(request.url.path)
        return await webhooks.ussd_hop(request)

    async def other(request: Request) -> Response:
        return PlainTextResponse("another page")

    routes = [
        Route("/hop", hop, methods=["POST"]),
        Route("/asks", hop, methods=["GET"]),
        Route("/other", other, methods=["GET", "POST"]),
    ]
    bound = listener()
    async with served(Starlette(routes=routes, lifespan=lifespan), bound, http=http) as server:
        yield Web(bound.getsockname()[1], server, usual)


@pytest.fixture
async def plain() -> AsyncIterator[Web]:
    async with web(HopProtocol) as running:
        yield running


@pytest.fixture
async def both() -> AsyncIterator[list[Web]]:
    """With the short way, and without."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(web(http)) for http in (HopProtocol, LimitedHttpTools)]


def hop(body: str = "text=1", more: str = "", head: str = "POST /hop HTTP/1.1", form: str = FORM) -> bytes:
    typed = f"Content-Type: {form}\r\n" if form else ""
    length = "" if "chunked" in more else f"Content-Length: {len(body)}\r\n"
    return f"{head}\r\nHost: x\r\n{typed}{length}{more}\r\n{body}".encode()


LAST = hop("text=last", CLOSE)
OTHER = b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"

PLAIN = {
    "alone": [LAST],
    "with a header that its gateway reads": [hop("text=1", f"X-Said: open\r\n{CLOSE}")],
    "letters": [hop("text=Ko%C3%AFta+%2A%231&text2=", CLOSE)],
    "an empty form": [hop("", CLOSE)],
    "of an old proxy": [hop(head="POST /hop HTTP/1.0")],
    "of an old proxy that keeps the line": [
        hop("text=1", "Connection: keep-alive\r\n", "POST /hop HTTP/1.0")
    ],
    "one after the other": [hop("text=1"), hop("text=2"), LAST],
    "at once": [hop("turns=0&text=1"), hop("turns=0&text=2"), hop("turns=0&text=3", CLOSE)],
    "in chunks": [hop("3\r\ntex\r\n3\r\nt=7\r\n0\r\n\r\n", CHUNKED + CLOSE)],
    "at the limit": [hop("text=" + "x" * (forms.LARGEST_FORM - 5), CLOSE)],
    "a parameter behind the type": [hop("text=1", CLOSE, form=f"{FORM.upper()}; charset=UTF-8")],
    "after another page": [OTHER, LAST],
    "that would be something else": [hop("text=1", "Connection: upgrade\r\nUpgrade: websocket\r\n"), LAST],
}
USUAL = {
    "in pieces": [LAST[:20], LAST[20:-3], LAST[-3:]],
    "without its body": [LAST[:-9], LAST[-9:]],
    "too large": [hop("text=" + "x" * forms.LARGEST_FORM, CLOSE)],
    "too large in chunks": [hop(f"{9000:x}\r\n{'x' * 9000}\r\n0\r\n\r\n", CHUNKED + CLOSE)],
    "of another type": [hop("{}", CLOSE, form="application/json")],
    "of no type": [hop("text=1", CLOSE, form="")],
    "that asks first": [hop("text=1", f"Expect: 100-continue\r\n{CLOSE}")],
    "of a gateway that asks": [hop("", CLOSE, "GET /asks?text=1 HTTP/1.1")],
    "with a question": [hop("text=1", CLOSE, "POST /hop?x=1 HTTP/1.1")],
    "by another name": [hop("text=1", CLOSE, "POST /h%6fp HTTP/1.1")],
}
NONE = {
    "of a wrong method": [hop("", CLOSE, "GET /hop HTTP/1.1")],
    "only its head": [hop("", CLOSE, "HEAD /hop HTTP/1.1")],
    "to a gateway that asks": [hop("text=1", CLOSE, "POST /asks HTTP/1.1")],
    "of a wrong path": [hop("text=1", CLOSE, "POST /hops HTTP/1.1")],
    "no HTTP": [b"hello\r\n\r\n"],
    "a length that is none": [hop("text=1", "Content-Length: x\r\n")],
    "broken behind its head": [hop("zz\r\n", CHUNKED)],
}


async def test_it_is_answered_as_by_its_route(both: list[Web]) -> None:
    for name, pieces in (PLAIN | USUAL | NONE).items():
        ours, theirs = [_told(await one.say(*pieces)) for one in both]
        assert (name, ours) == (name, theirs)
        assert ours[0].startswith(b"HTTP/1.1 "), name


def _told(answers: bytes) -> list[bytes]:
    """The lines of the answers; those of a head in any order."""
    lines = []
    for part in answers.split(b"\r\n\r\n"):
        head, *rest = part.split(b"\r\n")
        lines += [head, *sorted(rest)]
    return lines


async def test_a_hop_that_came_whole_needs_no_route(plain: Web) -> None:
    for name, pieces in PLAIN.items():
        assert b" 200 OK" in await plain.say(*pieces), name
        assert plain.usual == [], name


async def test_what_is_not_plain_or_to_be_refused_goes_to_its_route(plain: Web) -> None:
    for name, pieces in USUAL.items():
        plain.usual.clear()
        assert await plain.say(*pieces)
        assert len(plain.usual) == 1, name


async def test_requests_sent_without_waiting_are_answered_in_their_order(both: list[Web]) -> None:
    slow, quick = hop("text=slow&turns=20"), hop("text=quick")
    for one in both:
        answer = await one.say(slow + quick + OTHER + slow + LAST)
        said = re.findall(rb"\r\n\r\n(CON [a-z]+|another page)", answer)
        assert said == [b"CON slow", b"CON quick", b"another page", b"CON slow", b"CON last"]


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_who_hangs_up_meanwhile_hurts_nobody(
    new_loop: Callable[[], asyncio.AbstractEventLoop], caplog: pytest.LogCaptureFixture
) -> None:
    """Not on the loop that web runs on either, which refuses to write to who has gone."""

    async def hang_up() -> None:
        async with web(HopProtocol) as plain:
            _reader, writer = await asyncio.open_connection("127.0.0.1", plain.port)
            writer.write(hop("text=1&wait=0.1"))
            await asyncio.sleep(0.03)
            writer.close()
            await asyncio.sleep(0.15)
            assert b"CON last" in await plain.say(LAST)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(hang_up())
    assert not caplog.records


async def test_an_idle_line_is_not_closed_on_a_hop_that_came_with_the_one_before(plain: Web) -> None:
    plain.server.config.timeout_keep_alive = 0
    answer = await plain.say(hop("turns=0&text=1") + hop("wait=0.1&text=2", CLOSE))
    assert answer.endswith(b"CON 2")


async def test_who_does_not_read_is_written_no_further(plain: Web) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", plain.port)
    await asyncio.sleep(0.05)
    (connection,) = plain.server.server_state.connections
    cast(HopProtocol, connection).pause_writing()  # as its transport does when too much waits to be sent
    writer.write(LAST)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.1)
    cast(HopProtocol, connection).resume_writing()
    assert (await reader.read()).endswith(b"CON last")
    writer.close()


async def test_a_fault_closes_the_connection_and_is_logged(
    plain: Web, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        for fault in ("fault=1", "text=unwritable&turns=3"):
            assert await plain.say(hop(fault)) == b""
    assert [record.message for record in caplog.records] == ["hop.fault"] * 2


async def test_a_server_that_stops_answers_the_hop_under_way_and_closes(plain: Web) -> None:
    asking = asyncio.create_task(plain.say(hop("text=1&wait=0.2")))
    await asyncio.sleep(0.05)
    plain.server.should_exit = True
    answer = await asking
    assert b"connection: close" in answer
    assert answer.endswith(b"CON 1")


async def test_hops_are_counted_and_an_idle_line_is_closed_in_its_time(plain: Web) -> None:
    plain.server.config.timeout_keep_alive = 0
    assert (await plain.say(hop("text=1"))).endswith(b"CON 1")
    assert plain.server.server_state.total_requests == 1


async def test_where_requests_are_logged_or_limited_all_goes_the_usual_way() -> None:
    for setting, value in (("access_log", True), ("limit_concurrency", 100), ("root_path", "/keneya")):
        config = uvicorn.Config(Starlette(), **cast(Any, {"lifespan": "off", setting: value}))
        config.load()
        state = {HOP_ROUTES: {b"/hop": object()}}
        protocol = HopProtocol(config, uvicorn.server.ServerState(), state)
        assert not protocol._desks
