"""What a hop stands on: the house behind it, the hop itself while it is handled, and the stage of its menu.

One connection serves all that a hop reads; it is given back before the hop acts, which takes another.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from locales import DEFAULT_LANGUAGE
from talk import deeds
from talk.begun import APART
from talk.deeds import DeedKey
from talk.engine import Finish, Menu
from talk.journal import Journal, Journals
from talk.screen import Fit, Shown
from talk.seals import NO_SEALS, Seals
from talk.trouble import CannotAct
from talk.words import Caller, Do, Look
from ussd.hop import Hop
from ussd.screens import fit_for

DEADLINE_S = 5.0  # half of what the gateway allows
# Hops that PostgreSQL has to answer at once. More of them would only wait, until none is answered in time: they are
# told so. Who is in the middle of a call comes before who dials, or few calls would come to their end.
MOST_AT_ONCE, MOST_FOR_A_DIAL = 96, 64


class Busy(Exception):
    """More hops are under way than PostgreSQL answers in time: nothing was read or done for this one."""


@dataclass
class Line:
    """What a hop needs of the house: the database, the journals, the home menu, the network's screens."""

    pool: AsyncEngine
    journals: Journals
    home: Menu
    keys: tuple[bytes, ...] = field(repr=False)
    clock: Callable[[], datetime]
    seals: Seals = NO_SEALS
    fit: Fit = field(default_factory=fit_for)
    deadline_s: float = DEADLINE_S
    running: set[asyncio.Task[Shown]] = field(default_factory=set)
    refused: int = 0  # hops, because too many were under way

    def __post_init__(self) -> None:
        # A read is one statement: a transaction around it is two more ways to the server and back.
        self.reads = self.pool.execution_options(isolation_level="AUTOCOMMIT")

    def admit(self, *, dial: bool) -> None:
        """Raise Busy for a hop that would meet PostgreSQL where too many do already."""
        if len(self.running) >= (MOST_FOR_A_DIAL if dial else MOST_AT_ONCE):
            self.refused += 1
            raise Busy


@dataclass(slots=True)
class Call:
    """A hop while it is handled. One connection serves all that is read in it.

    `digests` are those of its text under every key in force: the first is written, any of them is recognised.
    """

    line: Line
    heard: Hop
    digests: tuple[str, ...]
    language: str = DEFAULT_LANGUAGE  # as far as it is known: also an apology is said in it
    _reader: AsyncConnection | None = None
    _apart: bool = False

    async def reader(self) -> AsyncConnection:
        if self._reader is None:
            await self.leave()
            self._reader = await self.line.reads.connect()
        return self._reader

    async def leave(self) -> None:
        """From here on the hop is a task of its own: nothing cancels it, however long it takes. Raises Busy."""
        if not self._apart:
            self.line.admit(dial=not self.heard.text)
            self._apart = True
            await APART

    async def close(self) -> None:
        if self._reader is not None:
            reader, self._reader = self._reader, None
            await reader.close()

    async def done_before(self) -> Shown | None:
        """The screen of the deed at this hop, if the hop has acted before."""
        return await deeds.outcome(await self.reader(), self.key())

    def key(self) -> DeedKey:
        heard = self.heard
        return DeedKey(heard.gateway, heard.call, heard.phone, len(heard.text), self.digests)

    def caller(self, language: str) -> Caller:
        heard, line = self.heard, self.line
        return Caller(heard.phone, language, heard.gateway, heard.call, line.clock(), line.seals)

    def new_journal(self, language: str, raw: bytes = b"") -> Journal:
        return Journal(self.heard.phone, self.heard.service, language, raw=raw)


Mark = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Stage:
    """The engine's stage for one hop: its reads, and one transaction for its deed."""

    call: Call
    caller: Caller
    mark: Mark | None  # called before the deed; None where the call has no memory

    async def read(self, look: Look[Any]) -> Any:
        return await look.read(await self.call.reader(), *look.args)

    def admit_deed(self) -> None:
        if self.mark is None:
            raise CannotAct

    async def act(self, deed: Do[Any], consent: str, finish: Finish) -> Shown:
        if self.mark is None:
            raise CannotAct
        await self.call.leave()
        await self.call.close()
        await self.mark()
        return await deeds.perform(self.call.line.pool, self.call.key(), self.caller, deed, consent, finish)
