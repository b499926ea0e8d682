"""Load over keep-alive sockets: as many callers as there are connections, or calls that come at their own time.

Every answer is compared with the one screen that its caller may see; the client is kept as small as it can be, since
it shares the machine with what it measures.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple, TypeVar, cast

from engines.processes import LOOPBACK

PATIENCE_S = 10.0  # of a gateway
IDLE_S = 60.0  # the server closes after 75
THINKS_S = (0.05, 0.25)  # a caller between two screens: quicker than people are
Heard = Callable[[int, bytes], None]


class WireHop(NamedTuple):
    """One request as it goes over the wire, and the only body that is right (or the pattern of it)."""

    request: bytes
    expected: bytes | re.Pattern[bytes]

    def is_answered_by(self, body: bytes) -> bool:
        if isinstance(self.expected, bytes):
            return body == self.expected
        return self.expected.fullmatch(body) is not None


@dataclass
class Load:
    """What came back. `crossed`: a screen, yet not this caller's; `bad`: no CON and no END, or no 200."""

    waits_s: list[float] = field(default_factory=list)
    took_s: float = 0.0
    crossed: int = 0
    bad: int = 0

    @property
    def hops_per_s(self) -> float:
        return len(self.waits_s) / self.took_s if self.took_s else 0.0

    def take(self, hop: WireHop, status: int, body: bytes, wait_s: float) -> None:
        """Count one answer."""
        self.waits_s.append(wait_s)
        if status != 200 or not body.startswith((b"CON ", b"END ")):
            self.bad += 1
        elif not hop.is_answered_by(body):
            self.crossed += 1


L = TypeVar("L", bound=Load)


class Connection(asyncio.Protocol):
    """One socket: a request out, its answer back, one at a time. Status 0: the connection was lost."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._got = b""
        self._heard: Heard | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            asyncio.Transport, transport
        )  # by its kind: uvloop's inherits nothing of asyncio's

    def ask(self, request: bytes, heard: Heard) -> None:
        """Send `request`; `heard` gets status and body."""
        assert self._transport is not None
        self._heard = heard
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        if end and len(body) >= _length(head):
            self._got = b""
            self._tell(int(head[9:12]), body)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._tell(0, b"")

    def _tell(self, status: int, body: bytes) -> None:
        heard, self._heard = self._heard, None
        if heard:
            heard(status, body)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _length(head: bytes) -> int:
    _before, _name, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0] or 0)


async def _connect(port: int) -> Connection:
    _transport, connection = await asyncio.get_running_loop().create_connection(Connection, LOOPBACK, port)
    return connection


async def closed_loop(
    port: int, callers: Sequence[Iterator[WireHop]], seconds: float, load: Load | None = None
) -> Load:
    """Each caller asks again as soon as she is answered, for `seconds` or while she has something to ask."""
    load = load or Load()
    connections = [await _connect(port) for _caller in callers]
    began = time.perf_counter()
    endings = [
        _converse(connection, caller, load, began + seconds)
        for connection, caller in zip(connections, callers, strict=True)
    ]
    await asyncio.wait_for(asyncio.gather(*endings), seconds + PATIENCE_S)
    load.took_s = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return load


def in_turn(calls: Iterator[list[WireHop]]) -> Iterator[WireHop]:
    """The hops of one call after the other; callers who share `calls` take whole calls."""
    for call in calls:
        yield from call


def _converse(
    connection: Connection, caller: Iterator[WireHop], load: Load, until: float
) -> asyncio.Future[None]:
    """Callbacks instead of a task: a task switch would cost about as much as a constant answer."""
    ended = asyncio.get_running_loop().create_future()

    def go_on() -> None:
        hop, sent = next(caller, None), time.perf_counter()
        if hop is None:
            return ended.set_result(None)

        def heard(status: int, body: bytes) -> None:
            now = time.perf_counter()
            load.take(hop, status, body, now - sent)
            if now < until and status:
                go_on()
            else:
                ended.set_result(None)

        connection.ask(hop.request, heard)
        return None

    go_on()
    return ended


class Exchange:
    """Connections for calls that come when they come: an idle one, or a new one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[float, Connection]] = []  # with the time of its last answer

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """One answer; TimeoutError after a gateway's patience."""
        connection = await self._connection()
        answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()

        def heard(status: int, body: bytes) -> None:
            if not answer.done():  # the patience is at its end
                answer.set_result((status, body))

        connection.ask(request, heard)
        try:
            told = await asyncio.wait_for(answer, PATIENCE_S)
        except TimeoutError:
            connection.close()
            raise
        if told[0]:
            self._idle.append((time.monotonic(), connection))
        return told

    async def _connection(self) -> Connection:
        while self._idle and self._idle[-1][0] > time.monotonic() - IDLE_S:
            _since, connection = self._idle.pop()
            if not connection.lost:
                return connection
        self.close()
        return await _connect(self._port)

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop()[1].close()


async def open_loop(
    port: int,
    calls: Iterator[list[WireHop]],
    calls_per_s: float,
    seconds: float,
    chance: Random,
    load: L | None = None,
) -> L:
    """Calls begin at their own time, however slow the answers are; each wait counts from when the hop was due."""
    load = load or cast(L, Load())
    exchange, running = Exchange(port), set[asyncio.Task[None]]()
    began = due = time.perf_counter()
    while (due := due + chance.expovariate(calls_per_s)) < began + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        thoughts = [0.0, *(chance.uniform(*THINKS_S) for _hop in range(12))]
        running.add(asyncio.create_task(_call(exchange, next(calls), load, due, thoughts)))
    await asyncio.gather(*running)
    load.took_s = time.perf_counter() - began
    exchange.close()
    return load


async def _call(
    exchange: Exchange, hops: list[WireHop], load: Load, due: float, thoughts: Sequence[float]
) -> None:
    for hop, thinks_s in zip(hops, thoughts, strict=False):
        due += thinks_s
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        try:
            status, body = await exchange.ask(hop.request)
        except TimeoutError:
            status, body = 0, b""
        now = time.perf_counter()
        load.take(hop, status, body, now - due)
        if not status:
            return
        due = now
