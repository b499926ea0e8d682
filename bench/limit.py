"""The limit of a hop that keeps a journal: a bare Starlette route, its form, one GET and one SETEX, and no menu.

The commands of one turn of the loop go to Redis in one write, straight over hiredis: nothing reconnects, nothing is
checked, nobody is told of a fault.
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import parse_qsl

import hiredis
from redis.asyncio.connection import parse_url
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service import metrics
from settings import DEMO_SECRET

TTL_S = 900


class Link(asyncio.Protocol):
    """One connection to Redis, and who waits on it."""

    def __init__(self) -> None:
        self._unsent: list[bytes] = []
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._replies = hiredis.Reader()
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, *words: str | bytes | int) -> "asyncio.Future[Any]":
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(hiredis.pack_command(cast(Any, words)))
        answer = self._loop.create_future()
        self._waiting.append(answer)
        return answer

    def _send(self) -> None:
        self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        self._replies.feed(data)
        while (reply := self._replies.gets()) is not False:
            self._waiting.popleft().set_result(reply)


async def hop(request: Request) -> Response:
    """The caller's last text is read, this one is kept; the answer names her call."""
    fields = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    link: Link = request.app.state.link
    key = f"limit:{fields['sessionId']}"
    await link.ask("GET", key)
    await link.ask("SETEX", key, TTL_S, fields["text"])
    return Response(f"CON {fields['sessionId']}", headers={"content-type": "text/plain; charset=utf-8"})


async def live(_request: Request) -> Response:
    """It has started."""
    return Response()


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    where = parse_url(os.environ["REDIS_URL"])
    address = where["host"], where["port"]
    _transport, app.state.link = await asyncio.get_running_loop().create_connection(Link, *address)
    if password := where.get("password"):
        await app.state.link.ask("AUTH", password)
    metrics.settle_garbage_collector()
    yield


def create_app() -> Starlette:
    """For `uvicorn --factory`."""
    routes = [Route(f"/at/{DEMO_SECRET}/ussd", hop, methods=["POST"]), Route("/health/live", live)]
    return Starlette(routes=routes, lifespan=_lifespan)
