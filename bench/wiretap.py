"""Counts what a process says to PostgreSQL and Redis: it listens between them, on the wire, whatever the driver.

A count is the same at every run. Counted for PostgreSQL: *statements* (each one executed, once where it is sent with
many rows; but for BEGIN, COMMIT, savepoints and the pool's pings), *control* (those) and *round trips* (each time
the client asks for all answers and waits: Query, Sync or Flush); *acting* are the statements between BEGIN and COMMIT.
For Redis: commands, and how often some left together.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from sqlalchemy import make_url

from bench.place import BenchPlace
from engines.processes import LOOPBACK
from service.clock import NOW
from torture.listening import listening

PINGS = ("", "select 1")  # of a connection that was idle for a second: `service/database.py`
BEGIN, END, WITHIN = ("BEGIN", "START"), ("COMMIT", "ROLLBACK"), ("SAVEPOINT", "ROLLBACK TO", "RELEASE")
CHUNK_BYTES = 65_536
ASKS_FOR_ANSWERS = b"QSH"  # Query, Sync, Flush


@dataclass(frozen=True)
class Count:
    """What was said, of one process or of one hop."""

    statements: int = 0
    acting: int = 0
    control: int = 0
    round_trips: int = 0
    redis_commands: int = 0
    redis_round_trips: int = 0

    def __sub__(self, other: "Count") -> "Count":
        return Count(*(getattr(self, name) - getattr(other, name) for name in Count.__dataclass_fields__))


def fewest(before: list[Count] | None, now: list[Count]) -> list[Count]:
    """The same call counted once more, hop by hop: a connection that was just opened says more than its hop."""
    pairs = zip(before or now, now, strict=True)
    return [min(pair, key=lambda one: (one.statements, one.round_trips)) for pair in pairs]


class Tap:
    """The count so far of all connections, and the words of the statements, to find one to save."""

    def __init__(self) -> None:
        self.count = Count()
        self.words: list[str] = []

    def add(self, **more: int) -> None:
        self.count = replace(self.count, **{name: getattr(self.count, name) + n for name, n in more.items()})


class Listener(Protocol):
    """Hears what a client sends over one connection."""

    def hear(self, data: bytes) -> None: ...


class PostgresListener:
    """PostgreSQL's messages from a client: letter, length, body; the first ones of a connection have no letter."""

    def __init__(self, tap: Tap) -> None:
        self._tap, self._rest, self._started = tap, b"", False
        self._prepared: dict[bytes, str] = {}
        self._bound: dict[bytes, str] = {}
        self._before = ""  # what was executed since the client last waited
        self._acts = False  # a transaction is open
        self._looks = False  # at the time: no hop's work, though it may come while one is counted

    def hear(self, data: bytes) -> None:
        self._rest += data
        while True:
            head = 1 if self._started else 0
            if len(self._rest) < head + 4:
                return
            end = head + int.from_bytes(self._rest[head : head + 4])
            if len(self._rest) < end:
                return
            letter, body, self._rest = self._rest[:head], self._rest[head + 4 : end], self._rest[end:]
            if self._started:
                self._message(letter, body)
            elif body[:4] != b"\x04\xd2\x16\x2f":  # a question whether TLS is spoken comes before the start
                self._started = True

    def _message(self, letter: bytes, body: bytes) -> None:
        if letter in ASKS_FOR_ANSWERS:
            self._tap.add(round_trips=0 if self._looks else 1)
            self._before = ""
        first, _, rest = body.partition(b"\0")
        if letter == b"Q":
            self._executed(first.decode())
        elif letter == b"P":
            self._prepared[first] = rest.partition(b"\0")[0].decode()
        elif letter == b"B":
            self._bound[first] = self._prepared.get(rest.partition(b"\0")[0], "?")
        elif letter == b"E":
            self._executed(self._bound.get(first, "?"))

    def _executed(self, words: str) -> None:
        said = " ".join(words.rstrip("; ").split())
        if said == str(NOW):
            self._tap.add(control=-int(self._acts), round_trips=-int(self._acts))  # its BEGIN
            self._looks = True
        elif said in PINGS or said.upper().startswith(BEGIN + END + WITHIN):
            self._tap.add(control=0 if self._looks else 1)
            if said not in PINGS and not said.upper().startswith(WITHIN):
                self._acts, self._looks = said.upper().startswith(BEGIN), False
        elif said != self._before:
            self._before = said
            self._tap.add(statements=1, acting=int(self._acts))
            self._tap.words.append(said)


class RedisListener:
    """Commands as arrays of strings, `*2 $3 GET $1 k`; what arrives in one piece left in one piece."""

    def __init__(self, tap: Tap) -> None:
        self._tap, self._rest = tap, b""

    def hear(self, data: bytes) -> None:
        self._rest += data
        commands = 0
        while end := self._end():
            commands, self._rest = commands + 1, self._rest[end:]
        self._tap.add(redis_commands=commands, redis_round_trips=1 if commands else 0)

    def _end(self) -> int:
        """Where the first command ends; 0 while it is not whole."""
        line = self._rest.find(b"\r\n")
        if line < 0:
            return 0
        at = line + 2
        for _word in range(int(self._rest[1:line])):
            line = self._rest.find(b"\r\n", at)
            if line < 0:
                return 0
            at = line + 2 + int(self._rest[at + 1 : line]) + 2
        return at if at <= len(self._rest) else 0


@asynccontextmanager
async def tapped(place: BenchPlace) -> AsyncIterator[tuple[BenchPlace, Tap]]:
    """The same place, heard by a Tap."""
    tap = Tap()
    async with (
        between(place.service_url, lambda: PostgresListener(tap)) as service,
        between(place.owner_url, lambda: PostgresListener(tap)) as owner,
        between(place.redis_url, lambda: RedisListener(tap)) as redis,
    ):
        yield replace(place, service_url=service, owner_url=owner, redis_url=redis), tap


@asynccontextmanager
async def between(url: str, listener: Callable[[], Listener]) -> AsyncIterator[str]:
    """Listens on a port of its own and passes everything on to `url`; yields the URL with that port."""
    there = make_url(url)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_connection(there.host, there.port)
        try:
            await asyncio.gather(
                _pass_on(reader, asks, listener().hear),
                _pass_on(answers, writer, None),
                return_exceptions=True,
            )
        finally:
            asks.transport.abort()

    async with listening(serve) as port:
        yield there.set(host=LOOPBACK, port=port).render_as_string(hide_password=False)


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hear: Callable[[bytes], None] | None
) -> None:
    try:
        while data := await reader.read(CHUNK_BYTES):
            if hear:
                hear(data)
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
