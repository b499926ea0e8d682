"""What was answered in a call, kept in Redis for as long as the call can come back; its loss costs nobody money.

The text of a call may hold a PIN: only its length and a keyed digest are kept. Two copies of one hop are settled
by compare-and-set, never by a lock.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from redis.asyncio import Redis

from talk.engine import State
from talk.questions import Answer
from talk.screen import Shown, View

VERSION = 1
JOURNAL_TTL_S = 900  # a call lasts three minutes; a gateway may repeat a hop a while later
RESUME_TTL_S = 600  # a dropped call is offered again for ten minutes
HOPS_KEPT = 60

# KEYS: journal, resumable answers. ARGV: the journal as it was read (empty: none), as it shall be, its seconds,
# the resumable answers (empty: forget them), their seconds. Answers 1 when nobody else wrote in between.
SWAP = """
local seen = redis.call('get', KEYS[1]) or ''
if seen ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2], 'EX', ARGV[3])
if ARGV[4] == '' then redis.call('del', KEYS[2]) else redis.call('set', KEYS[2], ARGV[4], 'EX', ARGV[5]) end
return 1
"""


@dataclass(frozen=True)
class Step:
    """One hop that was answered: its text as length and digest, and the screen it got."""

    length: int
    digest: str
    screen: str
    end: bool

    @property
    def shown(self) -> Shown:
        return Shown(self.screen, self.end)


@dataclass(frozen=True)
class Journal:
    """One call. `acting` is the digest of the hop that is about to act; `offered` waits for "go on or start again"."""

    phone: str
    service: str
    language: str
    state: State = field(default_factory=State)
    steps: tuple[Step, ...] = ()
    acting: str = ""
    offered: tuple[Answer, ...] = ()
    raw: str = ""  # as it was read, to compare with when it is written back


class Overtaken(Exception):
    """Another copy of the hop wrote first: read again."""


def digest(key: bytes, words: str) -> str:
    """A keyed digest of a call's text: equal texts are recognised, a PIN in them cannot be read back."""
    return hmac.new(key, words.encode(), hashlib.sha256).hexdigest()[:32]


def _answers(rows: Sequence[Sequence[str]]) -> tuple[Answer, ...]:
    return tuple(Answer(*row) for row in rows)


def _rows(answers: Sequence[Answer]) -> list[list[str]]:
    return [[a.question, a.kind, a.meant] for a in answers]


def _written(journal: Journal) -> str:
    content = {
        "version": VERSION,
        "phone": journal.phone,
        "service": journal.service,
        "language": journal.language,
        "answers": _rows(journal.state.answers),
        "view": asdict(journal.state.view),
        "steps": [asdict(step) for step in journal.steps[-HOPS_KEPT:]],
        "acting": journal.acting,
        "offered": _rows(journal.offered),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _read(raw: str) -> Journal | None:
    """None for a journal of another version: such a call starts at home."""
    content: dict[str, Any] = json.loads(raw)
    if content.get("version") != VERSION:
        return None
    return Journal(
        phone=content["phone"],
        service=content["service"],
        language=content["language"],
        state=State(_answers(content["answers"]), View(**content["view"])),
        steps=tuple(Step(**step) for step in content["steps"]),
        acting=content["acting"],
        offered=_answers(content["offered"]),
        raw=raw,
    )


def _text(stored: bytes | str | None) -> str:
    return stored.decode() if isinstance(stored, bytes) else stored or ""


class Journals:
    """The journals of one channel, in the Redis behind `redis` ."""

    def __init__(self, redis: Redis, gateway: str) -> None:
        self._redis, self._gateway = redis, gateway
        self._swap = redis.register_script(SWAP)

    def _call(self, call: str) -> str:
        return f"call:{self._gateway}:{call}"

    def _resume(self, phone: str, service: str) -> str:
        return f"resume:{self._gateway}:{service}:{phone}"

    async def load(self, call: str) -> tuple[Journal | None, str]:
        """The journal of `call` (None if there is none to go on with), and what stands in its place."""
        raw = _text(await self._redis.get(self._call(call)))
        return (_read(raw) if raw else None), raw

    async def save(self, call: str, journal: Journal, *, resumable: Sequence[Answer]) -> Journal:
        """Write `journal` over what it was read as, or raise Overtaken. `resumable`: what a redial may go on with."""
        written = _written(journal)
        keys = [self._call(call), self._resume(journal.phone, journal.service)]
        kept = json.dumps(_rows(resumable), ensure_ascii=False) if resumable else ""
        if not await self._swap(keys=keys, args=[journal.raw, written, JOURNAL_TTL_S, kept, RESUME_TTL_S]):
            raise Overtaken(call)
        return _read(written) or journal

    async def dropped(self, phone: str, service: str) -> tuple[Answer, ...]:
        """The answers of this phone's last call if it was cut off a short while ago."""
        raw = _text(await self._redis.get(self._resume(phone, service)))
        return _answers(json.loads(raw)) if raw else ()
