"""A connection to Redis straight over hiredis: the commands of one turn of the loop go in one write.

Nothing reconnects, nothing is checked, nobody is told of a fault: it is for limits.
"""

import asyncio
from collections import deque
from typing import Any, cast

import hiredis
from redis.asyncio.connection import parse_url


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


async def linked(url: str) -> Link:
    """One connection, its password given."""
    where = parse_url(url)
    address = where["host"], where["port"]
    _transport, link = await asyncio.get_running_loop().create_connection(Link, *address)
    if password := where.get("password"):
        await link.ask("AUTH", password)
    return link
