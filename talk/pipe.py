"""One connection to Redis for a whole process: what is asked in one turn of the loop goes out in one write.

redis-py opens it, as its URL says (TLS, password, database). From there its transport is ours, for a call of its
client costs more than all the rest of a hop. Whatever fails, fails as redis.exceptions, and nothing is sent twice.
"""

import asyncio
import hashlib
from collections import deque
from typing import Any, cast

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError, ResponseError, TimeoutError

TIMEOUT_S = 1.0  # a server that says nothing for so long is given up, with all that waits for it

Word = bytes | str | int


class Script:
    """A Lua script, and the digest that Redis knows it by once it has run."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


class Pipe:
    """Commands in the order in which they were asked; `redis` opens the connection and closes it at its own end."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._link: _Link | None = None
        self._opening: asyncio.Task[_Link] | None = None

    async def ask(self, *command: Word) -> Any:
        """Redis's answer; raises RedisError when there is none or it is a fault."""
        link = self._link
        if link is None or link.lost:
            link = await self._open()
        return await link.ask(hiredis.pack_command(cast(Any, command)))  # its annotation knows one word only

    async def run(self, script: Script, *keys_and_words: Word, keys: int) -> Any:
        """The answer of `script`, whose first `keys` words are the names of keys."""
        try:
            return await self.ask("EVALSHA", script.digest, keys, *keys_and_words)
        except ResponseError as fault:
            if not str(fault).startswith("NOSCRIPT"):
                raise
        return await self.ask("EVAL", script.source, keys, *keys_and_words)

    async def _open(self) -> "_Link":
        """A new connection, one for all who wait for it; each of them is told if it cannot be had."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._connect())
            self._opening.add_done_callback(self._opened)
        return await asyncio.shield(self._opening)

    async def _connect(self) -> "_Link":
        pool = self._redis.connection_pool
        if self._link is not None:
            lost, self._link = self._link.connection, None
            await lost.disconnect(nowait=True)
            await pool.release(lost)
        self._link = _Link(await pool.get_connection())
        return self._link

    def _opened(self, opening: "asyncio.Task[_Link]") -> None:
        self._opening = None
        if not opening.cancelled():
            opening.exception()  # told to those who wait, if they still do


class _Link(asyncio.Protocol):
    """An open connection: what was not sent yet, and who waits for an answer, in the order of the questions."""

    def __init__(self, connection: AbstractConnection) -> None:
        writer = connection._writer
        if writer is None:
            raise ConnectionError("Redis closed the connection at once")
        self.connection, self.lost = connection, False
        self._transport, self._loop = writer.transport, asyncio.get_running_loop()
        self._replies = hiredis.Reader(replyError=ResponseError)
        self._unsent: list[bytes] = []
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._silent_since = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._before = self._transport.get_protocol()  # redis-py's: it waits to be told of the end
        self._transport.set_protocol(self)

    def ask(self, packed: bytes) -> "asyncio.Future[Any]":
        if self.lost:  # since it was opened
            raise ConnectionError("Redis closed the connection")
        if not self._unsent:
            self._loop.call_soon(self._send)
        if not self._waiting:
            self._silent_since = self._loop.time()
        self._unsent.append(packed)
        answer = self._loop.create_future()
        self._waiting.append(answer)
        return answer

    def _send(self) -> None:
        if self.lost:
            return
        if self._watch is None:
            self._watch = self._loop.call_later(TIMEOUT_S, self._look)
        self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        self._silent_since = self._loop.time()
        try:
            self._replies.feed(data)
            while (reply := self._replies.gets()) is not False:
                self._take(reply)
        except hiredis.ProtocolError as fault:
            self._lose(ConnectionError(str(fault)))

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose(ConnectionError(str(exc or "Redis closed the connection")))
        self._before.connection_lost(exc)

    def _take(self, reply: Any) -> None:
        if isinstance(reply, hiredis.PushNotification):
            return
        if not self._waiting:
            raise hiredis.ProtocolError("an answer that nobody asked for")
        answer = self._waiting.popleft()
        if answer.done():  # the hop that asked was cancelled
            return
        if isinstance(reply, ResponseError):
            answer.set_exception(reply)
            if str(reply).startswith(
                "READONLY"
            ):  # it was the master once: the next question goes to who is now
                self._lose(ConnectionError(str(reply)))
        else:
            answer.set_result(reply)

    def _look(self) -> None:
        """Whether Redis still answers; the clock runs only while somebody waits."""
        self._watch = None
        silent_s = self._loop.time() - self._silent_since
        if not self._waiting or self.lost:
            return
        if silent_s < TIMEOUT_S:
            self._watch = self._loop.call_later(TIMEOUT_S - silent_s, self._look)
            return
        self._lose(TimeoutError(f"Redis was silent for {TIMEOUT_S:g} s"))

    def _lose(self, fault: ConnectionError | TimeoutError) -> None:
        """End the connection and tell those who wait. What they asked may have been done."""
        self.lost = True
        self._transport.close()
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(fault)
