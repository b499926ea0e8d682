"""A wire that can be cut: a relay on the loopback between writers and PostgreSQL.

A cut closes both ends at once; a cut at the answer lets the server do what it was asked and nobody hear of it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random

from engines.processes import LOOPBACK
from torture.listening import listening

CHUNK_BYTES = 65_536


@dataclass(eq=False)
class Pair:
    """One connection: the writer's end and the server's."""

    ends: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    answers_left: int | None = None  # so many answers are still heard, then it is cut

    def cut(self) -> None:
        for end in self.ends:
            end.transport.abort()


@dataclass
class Cutter:
    """The relay on `port`; `cuts` counts."""

    target: int
    port: int = 0
    cuts: int = 0
    _pairs: set[Pair] = field(default_factory=set)

    def cut_one(self, chance: Random, *, at_answer: bool) -> bool:
        """Cut a connection, now or when the server next answers; False if there is none."""
        if not self._pairs:
            return False
        pair = chance.choice(list(self._pairs))
        self.cuts += 1
        if at_answer:
            pair.answers_left = chance.randint(0, 1)  # that to the posting, or that to its commit
        else:
            pair.cut()
        return True

    async def close(self) -> None:
        """Cut every connection, and return when the last is gone."""
        while self._pairs:
            for pair in self._pairs:
                pair.cut()
            await asyncio.sleep(0.01)

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either end closes or it is cut."""
        with ExitStack() as ends:  # also where it ends while it connects
            ends.callback(writer.transport.abort)
            with suppress(OSError):
                there = await asyncio.open_connection(LOOPBACK, self.target)
                pair = Pair((writer, there[1]))
                ends.callback(self._pairs.discard, pair)
                ends.callback(pair.cut)
                self._pairs.add(pair)
                await asyncio.gather(_carry(reader, there[1], None), _carry(there[0], writer, pair))


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter, hears: Pair | None) -> None:
    with suppress(OSError):
        while data := await source.read(CHUNK_BYTES):
            if hears and hears.answers_left is not None:
                if hears.answers_left == 0:
                    hears.cut()
                    return
                hears.answers_left -= 1
            sink.write(data)
            await sink.drain()
    sink.close()


@asynccontextmanager
async def cutter(target: int) -> AsyncIterator[Cutter]:
    """A relay to the port `target` on a free one."""
    wire = Cutter(target)
    async with listening(wire.relay) as wire.port:
        yield wire
        await wire.close()
