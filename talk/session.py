"""What was answered in a call, kept in Redis for as long as the call can come back; its loss costs nobody money.

The text of a call may hold a PIN: only its length and a keyed digest are kept. Two copies of one hop are settled
by compare-and-set, never by a lock.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import field, replace
from itertools import starmap
from typing import Any, NamedTuple

import orjson
from redis.asyncio import Redis

from talk.engine import State
from talk.pipe import Pipe, Script
from talk.questions import Answer
from talk.screen import Shown, View
from values import value

VERSION = 8
SESSION_TTL_S = 900  # a call lasts three minutes; a gateway may repeat a hop a while later
RESUME_TTL_S = 600  # a dropped call is offered again for ten minutes
SCREENS_KEPT = 60

# KEYS: session, call to go on with. ARGV: the session as it was read (empty: none), as it shall be, its seconds,
# the call that a redial may go on with (empty: none), its seconds. Answers 1 when nobody else wrote in between.
SWAP = Script("""
local seen = redis.call('get', KEYS[1]) or ''
if seen ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2], 'EX', ARGV[3])
if ARGV[4] == '' then redis.call('del', KEYS[2]) else redis.call('set', KEYS[2], ARGV[4], 'EX', ARGV[5]) end
return 1
""")


@value
class Session:
    """One call. `screens` are those that its texts were answered with, by the digest of the text, in their order.

    `length` is that of the last of these texts, whose screen `ended` the call or not. Where a gateway sends the last
    input only, a text is this call's `nonce`, the number of the hop and its input, and `length` is that number.
    `answered_ms` is when the last hop was answered, `over_ms` when the gateway said that the call is over (0: it did
    not). `rest` are the parts of the last screen that are still to be shown; the last of them ends the call if
    `rest_ends`. `acting` is the digest of the hop that is about to act; `offered` waits for "go on or start again".
    `known` is what was looked up since `began` (`memory.py`). `mutuelles` are the caller's, for the call's line in the
    log.
    """

    phone: str
    service: str
    language: str
    state: State = field(default_factory=State)
    screens: dict[str, str] = field(default_factory=dict)
    length: int = 0
    ended: bool = False
    acting: str = ""
    offered: tuple[Answer, ...] = ()
    began: int = 0
    known: dict[str, Any] = field(default_factory=dict)
    mutuelles: tuple[str, ...] = ()
    nonce: str = ""
    answered_ms: int = 0
    over_ms: int = 0
    rest: tuple[str, ...] = ()
    rest_ends: bool = False
    raw: bytes = b""  # as it was read, to compare with when it is written back

    @property
    def last(self) -> str:
        """The digest of the text that was answered last; empty if none was."""
        return next(reversed(self.screens), "")

    def is_closed(self, at_ms: int) -> bool:
        """Whether what comes at this time cannot go on with the call: it has ended, or was over before."""
        return self.ended or 0 < self.over_ms <= at_ms

    def shown(self, text_digest: str) -> Shown | None:
        """What a text was answered, if it was."""
        screen = self.screens.get(text_digest)
        over = self.ended or self.over_ms > 0
        return None if screen is None else Shown(screen, over and text_digest == self.last)

    def answered(self, text: "NamedText", shown: Shown, state: State, at_ms: int) -> "Session":
        """This session, as it is to be written once `text` was answered with `shown`."""
        screens = {**self.screens, text.digests[0]: shown.on_record}
        if len(screens) > SCREENS_KEPT:
            del screens[next(iter(screens))]
        return replace(
            self,
            state=state,
            screens=screens,
            length=text.length,
            ended=shown.end,
            acting="",
            began=0,
            known={},
            answered_ms=at_ms,
            rest=(),
            rest_ends=False,
        )


class OvertakenError(Exception):
    """Another copy of the hop wrote first: read again."""


class NamedText(NamedTuple):
    """What a call has come to at one hop: the keyed digests of its text (the first is written), and its length."""

    digests: tuple[str, ...]
    length: int


def named_text(keys: Sequence[bytes], words: str, length: int) -> NamedText:
    """The name of a text, under every key in force."""
    return NamedText(tuple([digest(key, words) for key in keys]), length)


def digest(key: bytes, words: str) -> str:
    """A keyed digest of a call's text: equal texts are recognised, a PIN in them cannot be read back."""
    return hashlib.blake2b(words.encode(), key=key, digest_size=16).hexdigest()


def _written(session: Session) -> bytes:
    state, view = session.state, session.state.view
    return orjson.dumps(
        (
            VERSION,
            session.phone,
            session.service,
            session.language,
            [*map(list, state.answers)],  # orjson knows no tuples with names
            state.once,
            (view.question, view.page, view.letters, view.keys, view.words, view.again),
            session.screens,
            session.length,
            session.ended,
            session.acting,
            [*map(list, session.offered)],
            session.began,
            session.known,
            session.mutuelles,
            session.nonce,
            session.answered_ms,
            session.over_ms,
            session.rest,
            session.rest_ends,
        )
    )


def _read(raw: bytes) -> Session | None:
    """None for a session of another version: such a call starts at home."""
    content = orjson.loads(raw)
    if not isinstance(content, list) or content[:1] != [VERSION]:
        return None
    _version, phone, service, language, answers, once, view, screens, length, ended, acting, *more = content
    offered, began, known, mutuelles, nonce, answered_ms, over_ms, rest, rest_ends = more
    state, offers = State(_answers(answers), View(*view), once), _answers(offered)
    kept = (screens, length, ended, acting, offers, began, known, tuple(mutuelles))
    order = (nonce, answered_ms, over_ms, tuple(rest), rest_ends)
    return Session(phone, service, language, state, *kept, *order, raw)


def _answers(rows: list[list[str]]) -> tuple[Answer, ...]:
    return tuple(starmap(Answer, rows))


class Sessions:
    """The sessions of one channel, in the Redis behind `redis`; they keep one connection of it."""

    def __init__(self, redis: Redis, gateway: str) -> None:
        self._pipe, self._gateway = Pipe(redis), gateway

    def _call(self, call: str) -> str:
        return f"call:{self._gateway}:{call}"

    def _resume(self, phone: str, service: str) -> str:
        return f"resume:{self._gateway}:{service}:{phone}"

    async def load(self, call: str) -> tuple[Session | None, bytes]:
        """The session of `call` (None if there is none to go on with), and what stands in its place."""
        raw = await self._pipe.ask("GET", self._call(call))
        return (_read(raw) if raw else None), raw or b""

    async def load_dial(
        self, call: str, phone: str, service: str
    ) -> tuple[Session | None, bytes, tuple[Answer, ...]]:
        """The same for a dial; and the answers of this phone's last call if it was cut off a short while ago."""
        raw, before = await self._pipe.ask("MGET", self._call(call), self._resume(phone, service))
        dropped, _raw = await self.load(before.decode()) if before else (None, b"")
        answers = dropped.offered or dropped.state.answers if dropped else ()
        return (_read(raw) if raw else None), raw or b"", answers

    async def save(self, call: str, session: Session, *, resumable: bool) -> bytes:
        """Write `session` over what it was read as, or raise OvertakenError; answers what stands there now.

        `resumable`: a redial may go on with it.
        """
        written = _written(session)
        keys = (self._call(call), self._resume(session.phone, session.service))
        words = (session.raw, written, SESSION_TTL_S, call if resumable else "", RESUME_TTL_S)
        if not await self._pipe.run(SWAP, *keys, *words, keys=len(keys)):
            raise OvertakenError(call)
        return written
