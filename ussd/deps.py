"""The dependencies of a hop, the hop itself while it is handled, and the channel that its menu is played on.

One connection serves all that a hop reads; it is given back before the hop acts, which takes another. Hops take turns
for connections in the order in which they came: who waits in the pool's own queue is overtaken again and again.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol, cast

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from locales import DEFAULT_LANGUAGE
from prepared import Reader, unframed
from talk import actions
from talk.actions import ActionKey
from talk.engine import Finish, Menu, State
from talk.keyring import NO_KEYRING, Keyring
from talk.memory import Memory
from talk.screen import Fit, Shown
from talk.session import NamedText, Session, Sessions
from talk.trouble import CannotActError
from talk.words import Caller, Do, Look
from ussd.hop import Hop
from ussd.order import REPEAT_MS, text_of
from ussd.screens import ROOM, fit_for

DEADLINE_S = 5.0  # half of what the gateway allows
MOST_WAIT_S = 3.0  # for a connection
LEFT_FREE = 2  # connections of the pool
# Hops that PostgreSQL has to answer at once. More of them would only wait, until none is answered in time: they are
# told so. Who is in the middle of a call comes before who dials, or few calls would come to their end.
MOST_AT_ONCE, MOST_FOR_A_DIAL = 96, 64


def in_ms(moment: datetime) -> int:
    """A moment as a session keeps it: milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


class BusyError(Exception):
    """More hops are under way than PostgreSQL answers in time: nothing was read or done for this one."""


class Spoken(Protocol):
    """What is known of a caller before anything is said: how to say it, and for the log who knows her."""

    @property
    def language(self) -> str: ...

    @property
    def mutuelles(self) -> Sequence[str]: ...


class Turns:
    """Which hops meet PostgreSQL now. All gateways of a process share one, as they share its pool."""

    def __init__(self, pool: AsyncEngine) -> None:
        connections: Any = pool.pool
        # A hop that has its turn finds a connection, and so does what comes without a call: an SMS, a notice.
        self._free = asyncio.Semaphore(max(1, connections.size() - LEFT_FREE))
        self.at_the_database = self.refused = 0  # hops: under way, and told that too many are

    def is_full(self, *, dial: bool) -> bool:
        """Whether so many hops meet PostgreSQL that one more would wait in vain."""
        return self.at_the_database >= (MOST_FOR_A_DIAL if dial else MOST_AT_ONCE)

    async def take(self) -> None:
        """Wait for a connection. BusyError without one in time."""
        try:
            async with asyncio.timeout(MOST_WAIT_S if self._free.locked() else None):
                await self._free.acquire()
        except TimeoutError as late:
            raise BusyError from late

    def give_back(self) -> None:
        """The connection is the next one's."""
        self._free.release()


@dataclass
class UssdDeps:
    """What a hop needs of the house: the database, the sessions, the home menu, the network's screens.

    A screen holds `room` septets. Where a gateway sends the last input only, the same one within `repeat_ms` of the
    last answer is the same hop.
    """

    pool: AsyncEngine
    turns: Turns
    sessions: Sessions
    home: Menu
    keys: tuple[bytes, ...] = field(repr=False)
    clock: Callable[[], datetime]
    profile: Callable[[AsyncConnection, Caller], Awaitable[Spoken]]  # read by a dial; home looks there too
    keyring: Keyring = NO_KEYRING
    room: int = ROOM
    repeat_ms: int = REPEAT_MS
    deadline_s: float = DEADLINE_S
    fit: Fit = field(init=False)
    running: set[asyncio.Task[Shown]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.fit = fit_for(self.room)
        # A read is one statement: a transaction around it is two more ways to the server and back.
        self.unframed = unframed(self.pool)


@dataclass(slots=True)
class Call:
    """A hop while it is handled. One connection serves all that is read in it; `text` is its place in the call."""

    deps: UssdDeps
    heard: Hop
    language: str = DEFAULT_LANGUAGE  # as far as it is known: also an apology is said in it
    at: datetime = field(init=False)
    at_ms: int = field(init=False)
    text: NamedText = field(init=False)
    name: str = field(init=False)
    memory: Memory = field(init=False)
    profile: Spoken | None = None
    _reader: Reader | None = None
    _admitted: bool = False
    _has_turn: bool = False

    def __post_init__(self) -> None:
        self.at = self.deps.clock()
        self.at_ms = in_ms(self.at)
        self.memory = Memory(self.at)

    def find_place(self, session: Session) -> None:
        """Find where this hop stands in the call that `session` is; its name is no earlier call's."""
        self.name = f"{self.heard.call}~{session.nonce}" if session.nonce else self.heard.call
        self.text = text_of(self.heard, session, self.deps.keys, self.at_ms, self.deps.repeat_ms)

    def remember(self, session: Session) -> None:
        """Go on with what this call has looked up before."""
        self.memory = Memory(self.at, session.known, session.began)

    async def reader(self) -> AsyncConnection:
        if self._reader is None:
            await self.admit()
            self._reader = Reader(self.deps.unframed)
        return cast(AsyncConnection, self._reader)  # as far as a look knows

    async def admit(self) -> None:
        """From here on the hop meets PostgreSQL. BusyError where too many do, or none is done in time."""
        turns = self.deps.turns
        if not self._admitted:
            if turns.is_full(dial=self.heard.is_dial):
                turns.refused += 1
                raise BusyError
            self._admitted = True
            turns.at_the_database += 1
        if not self._has_turn:
            await turns.take()
            self._has_turn = True

    def leave(self) -> None:
        """It is answered."""
        if self._admitted:
            self._admitted = False
            self.deps.turns.at_the_database -= 1

    async def read(self, look: Look[Any]) -> Any:
        """The answer of a look, remembered or read."""
        answer = await self.memory.read(look, partial(self._ask, look))
        if look.read is self.deps.profile:
            self.profile = answer
        return answer

    async def _ask(self, look: Look[Any]) -> Any:
        return await look.read(await self.reader(), *look.args)

    async def close(self) -> None:
        """Give the connection to the next hop; what this one may still read waits for another."""
        await self.stop_reading()
        if self._has_turn:
            self._has_turn = False
            self.deps.turns.give_back()

    async def stop_reading(self) -> None:
        """Give the connection back, and keep the turn: the action takes another."""
        if self._reader is not None:
            reader, self._reader = self._reader, None
            await reader.close()

    async def done_before(self) -> Shown | None:
        """The screen of the action at this hop, if the hop has acted before."""
        return await actions.outcome(await self.reader(), self.key())

    def key(self) -> ActionKey:
        heard = self.heard
        return ActionKey(heard.gateway, self.name, heard.phone, self.text.length, self.text.digests)

    def caller(self) -> Caller:
        heard, deps = self.heard, self.deps
        return Caller(heard.phone, self.language, heard.gateway, heard.call, self.at, deps.keyring)

    async def learn_profile(self) -> None:
        """Who calls, and in which language the rest is said."""
        await self.read(Look(self.deps.profile, (self.caller(),)))
        if self.profile:
            self.language = self.profile.language

    def new_session(self, raw: bytes = b"") -> Session:
        """A call that begins with this hop. Its nonce tells it from another that had the same name."""
        nonce = secrets.token_hex(8) if self.heard.last_only else ""
        session = Session(self.heard.phone, self.heard.service, self.language, raw=raw, nonce=nonce)
        self.find_place(session)
        return session

    def to_keep(self, session: Session, shown: Shown, state: State) -> Session:
        """What this hop led to. A screen that is agreed to is read afresh, so nothing is remembered then."""
        kept = session.answered(self.text, shown, state, in_ms(self.deps.clock()))
        if self.profile:
            kept = replace(kept, mutuelles=tuple(self.profile.mutuelles))
        if shown.end or state.view.words:
            return kept
        return replace(kept, began=self.memory.began, known=self.memory.to_keep())


Mark = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class UssdChannel:
    """The engine's channel for one hop: its reads, and one transaction for its action."""

    call: Call
    caller: Caller
    mark: Mark | None  # called before the action; None where the call has no memory

    async def read(self, look: Look[Any]) -> Any:
        return await self.call.read(look)

    def forget(self) -> bool:
        return self.call.memory.forget()

    def admit_action(self) -> None:
        if self.mark is None:
            raise CannotActError

    async def act(self, action: Do[Any], consent: str, finish: Finish) -> Shown:
        if self.mark is None:
            raise CannotActError
        await self.call.admit()
        self.call.memory.forget()  # whatever comes of it, the rest is read afresh
        await self.call.stop_reading()
        await self.mark()
        unframed, key = self.call.deps.unframed, self.call.key()
        return await actions.perform(unframed, key, self.caller, action, consent, finish)
