"""What was answered in a call, kept in Redis for as long as the call can come back; its loss costs nobody money.

The text of a call may hold a PIN: only its length and a keyed digest are kept. Two copies of one hop are settled
by compare-and-set, never by a lock.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Any, NamedTuple

import orjson
from redis.asyncio import Redis

from talk.engine import State
from talk.pipe import Pipe, Script
from talk.questions import Answer
from talk.screen import Shown, View
from values import value

VERSION = 2
JOURNAL_TTL_S = 900  # a call lasts three minutes; a gateway may repeat a hop a while later
RESUME_TTL_S = 600  # a dropped call is offered again for ten minutes
HOPS_KEPT = 60

# KEYS: journal, resumable answers. ARGV: the journal as it was read (empty: none), as it shall be, its seconds,
# the resumable answers (empty: forget them), their seconds. Answers 1 when nobody else wrote in between.
SWAP = Script("""
local seen = redis.call('get', KEYS[1]) or ''
if seen ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2], 'EX', ARGV[3])
if ARGV[4] == '' then redis.call('del', KEYS[2]) else redis.call('set', KEYS[2], ARGV[4], 'EX', ARGV[5]) end
return 1
""")


class Step(NamedTuple):
    """One hop that was answered: its text as length and digest, and the screen it got."""

    length: int
    digest: str
    screen: str
    end: bool

    @property
    def shown(self) -> Shown:
        return Shown(self.screen, self.end)


@value
class Journal:
    """One call. `acting` is the digest of the hop that is about to act; `offered` waits for "go on or start again"."""

    phone: str
    service: str
    language: str
    state: State = field(default_factory=State)
    steps: tuple[Step, ...] = ()
    acting: str = ""
    offered: tuple[Answer, ...] = ()
    raw: bytes = b""  # as it was read, to compare with when it is written back


class Overtaken(Exception):
    """Another copy of the hop wrote first: read again."""


def digest(key: bytes, words: str) -> str:
    """A keyed digest of a call's text: equal texts are recognised, a PIN in them cannot be read back."""
    return hashlib.blake2b(words.encode(), key=key, digest_size=16).hexdigest()


def _rows(values: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """As JSON has them: it knows no tuples with names."""
    return [[*value] for value in values]


def _answers(rows: Iterable[list[str]]) -> tuple[Answer, ...]:
    return tuple([Answer(*row) for row in rows])


def _written(journal: Journal) -> bytes:
    content = {
        "version": VERSION,
        "phone": journal.phone,
        "service": journal.service,
        "language": journal.language,
        "answers": _rows(journal.state.answers),
        "view": journal.state.view,
        "steps": _rows(journal.steps[-HOPS_KEPT:]),
        "acting": journal.acting,
        "offered": _rows(journal.offered),
    }
    return orjson.dumps(content)


def _read(raw: bytes) -> Journal | None:
    """None for a journal of another version: such a call starts at home."""
    content: dict[str, Any] = orjson.loads(raw)
    if content.get("version") != VERSION:
        return None
    return Journal(
        phone=content["phone"],
        service=content["service"],
        language=content["language"],
        state=State(_answers(content["answers"]), View(**content["view"])),
        steps=tuple([Step(*row) for row in content["steps"]]),
        acting=content["acting"],
        offered=_answers(content["offered"]),
        raw=raw,
    )


class Journals:
    """The journals of one channel, in the Redis behind `redis`; they keep one connection of it."""

    def __init__(self, redis: Redis, gateway: str) -> None:
        self._pipe, self._gateway = Pipe(redis), gateway

    def _call(self, call: str) -> str:
        return f"call:{self._gateway}:{call}"

    def _resume(self, phone: str, service: str) -> str:
        return f"resume:{self._gateway}:{service}:{phone}"

    async def load(self, call: str) -> tuple[Journal | None, bytes]:
        """The journal of `call` (None if there is none to go on with), and what stands in its place."""
        raw = await self._pipe.ask("GET", self._call(call))
        return (_read(raw) if raw else None), raw or b""

    async def save(self, call: str, journal: Journal, *, resumable: Sequence[Answer]) -> bytes:
        """Write `journal` over what it was read as, or raise Overtaken; answers what stands there now.

        `resumable`: what a redial may go on with.
        """
        written = _written(journal)
        keys = (self._call(call), self._resume(journal.phone, journal.service))
        answers = orjson.dumps(_rows(resumable)) if resumable else b""
        words = (journal.raw, written, JOURNAL_TTL_S, answers, RESUME_TTL_S)
        if not await self._pipe.run(SWAP, *keys, *words, keys=len(keys)):
            raise Overtaken(call)
        return written

    async def dropped(self, phone: str, service: str) -> tuple[Answer, ...]:
        """The answers of this phone's last call if it was cut off a short while ago."""
        raw = await self._pipe.ask("GET", self._resume(phone, service))
        return _answers(orjson.loads(raw)) if raw else ()
