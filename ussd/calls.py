"""One hop of a call: new, repeated, late or lost, played once and answered in time.

Whatever happens, the answer is a screen with a true sentence, within the deadline.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from locales import DEFAULT_LANGUAGE, _
from talk import deeds, engine
from talk.deeds import DeedKey, StillRunning
from talk.engine import CannotAct, Finish, Menu, State, Turn
from talk.journal import Journal, Journals, Overtaken, Step, digest
from talk.preferences import language_of
from talk.screen import Fit, Screen, Shown
from talk.seals import NO_SEALS, Seals
from talk.words import Caller, Do, Look, Option
from ussd.hop import Hop
from ussd.screens import fit_for, say

log = logging.getLogger("keneya.ussd")

DEADLINE_S = 5.0  # half of what the gateway allows
TRIES = 4  # copies of one hop that may overtake each other before the caller is asked to dial again

SLOW = _("The network is slow. Your request is being handled: dial again in a minute to see the result.")
DOWN = _("The service cannot be reached right now. Please dial again in a few minutes.")
FAULT = _("Something went wrong on our side. Please dial again in a few minutes.")
NO_MEMORY = _("Nothing can be recorded right now. Please dial again in a few minutes to see where you stand.")
GO_ON, START_AGAIN = "1", "2"


@dataclass
class Line:
    """What a hop needs of the house: the database, the journals, the home menu, the network's screens."""

    pool: AsyncEngine
    journals: Journals
    home: Menu
    keys: tuple[bytes, ...]
    clock: Callable[[], datetime]
    seals: Seals = NO_SEALS
    fit: Fit = field(default_factory=fit_for)
    deadline_s: float = DEADLINE_S
    running: set[asyncio.Task[Shown]] = field(default_factory=set)


@dataclass
class _Stage:
    """The engine's stage for one hop: one connection for its reads, one transaction for its deed."""

    line: Line
    caller: Caller
    key: DeedKey
    mark: Any  # called before the deed; None where the call has no memory
    _reader: AsyncConnection | None = None

    async def read(self, look: Look[Any]) -> Any:
        if self._reader is None:
            self._reader = await self.line.pool.connect()
        return await look.read(self._reader, *look.args)

    def admit_deed(self) -> None:
        if self.mark is None:
            raise CannotAct

    async def act(self, deed: Do[Any], consent: str, finish: Finish) -> Shown:
        await self.close()
        await self.mark()
        return await deeds.perform(self.line.pool, self.key, self.caller, deed, consent, finish)

    async def close(self) -> None:
        if self._reader is not None:
            await self._reader.close()
            self._reader = None


async def hop(line: Line, heard: Hop) -> Shown:
    """The screen for one hop. Work that is past the deadline goes on alone and is never cancelled."""
    spoken = _Spoken()
    task = asyncio.create_task(_answer(line, heard, spoken))
    line.running.add(task)
    task.add_done_callback(line.running.discard)
    done, _late = await asyncio.wait({task}, timeout=line.deadline_s)
    if done:
        return task.result()
    log.warning("hop.late", extra={"call": heard.call})
    return say(SLOW, spoken.language)


@dataclass
class _Spoken:
    """The caller's language as far as it is known: also an apology is said in it."""

    language: str = DEFAULT_LANGUAGE


async def _answer(line: Line, heard: Hop, spoken: _Spoken) -> Shown:
    try:
        for _attempt in range(TRIES):
            try:
                return await _play_hop(line, heard, spoken)
            except Overtaken:
                continue
        return say(SLOW, spoken.language)
    except StillRunning:
        return say(SLOW, spoken.language)
    except (SQLAlchemyError, OSError) as fault:
        log.error("hop.database", extra={"call": heard.call, "fault": type(fault).__name__})
        return say(DOWN, spoken.language)
    except Exception:
        log.exception("hop.fault", extra={"call": heard.call})
        return say(FAULT, spoken.language)


async def _play_hop(line: Line, heard: Hop, spoken: _Spoken) -> Shown:
    try:
        journal, raw = await line.journals.load(heard.call)
        if journal is None:
            return await _first_hop(line, heard, raw)
    except RedisError as fault:
        log.error("hop.redis_down", extra={"call": heard.call, "fault": type(fault).__name__})
        return await _without_memory(line, heard)
    spoken.language = journal.language
    try:
        return await _next_hop(line, heard, journal)
    except RedisError:
        return say(NO_MEMORY, journal.language)


async def _first_hop(line: Line, heard: Hop, raw: str) -> Shown:
    """A dial, with its answers dialled at once; or a call whose journal is lost, which starts at home."""
    async with line.pool.connect() as db:
        language = await language_of(db, heard.phone)
    journal = Journal(heard.phone, heard.service, language, raw=raw)
    if heard.text and (done := await _done_before(line, _stage(line, heard, journal))):
        return done
    if not heard.text:
        offered = await line.journals.dropped(heard.phone, heard.service)
        if offered:
            shown = _offer(line, language)
            await _keep(
                line, heard, replace(journal, offered=offered), shown, journal.state, resumable=offered
            )
            return shown
    words = [] if heard.past_dial or raw or not heard.text else heard.text.split("*")
    return await _play(line, heard, journal, words)


def _offer(line: Line, language: str) -> Shown:
    choices = (
        Option("go_on", _("Continue where you were"), GO_ON),
        Option("again", _("Start again"), START_AGAIN),
    )
    return line.fit(Screen(_("Your last call was cut off."), choices=choices), language)


async def _next_hop(line: Line, heard: Hop, journal: Journal) -> Shown:
    """What this hop adds to the last one: nothing (repeated), less (late), or one more input."""
    same_caller = journal.phone == heard.phone and journal.service == heard.service
    if same_caller and (shown := _shown_before(line, heard, journal)):
        return shown
    if not same_caller or not _goes_on(line, heard, journal):
        log.warning("hop.diverged", extra={"call": heard.call})
        return await _play(
            line, heard, Journal(heard.phone, heard.service, journal.language, raw=journal.raw), []
        )
    if journal.acting in _digests(line, heard.text):
        return await _repeat_deed(line, heard, journal)
    typed = _typed(heard, journal)
    if journal.offered:
        return await _after_offer(line, heard, journal, typed)
    return await _play(line, heard, journal, [typed])


def _digests(line: Line, words: str) -> set[str]:
    """The digests of `words` under every key in force."""
    return {digest(key, words) for key in line.keys}


def _shown_before(line: Line, heard: Hop, journal: Journal) -> Shown | None:
    """The stored screen of a hop that was answered before."""
    known = _digests(line, heard.text)
    return next((step.shown for step in journal.steps if step.digest in known), None)


def _goes_on(line: Line, heard: Hop, journal: Journal) -> bool:
    """Whether this text is the last one, in a call still open, with something more behind it."""
    if not journal.steps or journal.steps[-1].end:
        return False
    last = journal.steps[-1]
    return len(heard.text) > last.length and last.digest in _digests(line, heard.text[: last.length])


def _typed(heard: Hop, journal: Journal) -> str:
    """What this hop adds. Never the part behind the last star: a name may hold one."""
    return heard.text[journal.steps[-1].length :].removeprefix("*")


async def _after_offer(line: Line, heard: Hop, journal: Journal, typed: str) -> Shown:
    if typed.strip() not in (GO_ON, START_AGAIN):
        shown = _offer(line, journal.language)
        await _keep(line, heard, journal, shown, journal.state, resumable=journal.offered)
        return shown
    accepted = journal.offered if typed.strip() == GO_ON else ()
    journal = replace(journal, offered=())
    stage = _stage(line, heard, journal)
    try:
        turn = await engine.resume(line.home, stage.caller, accepted, stage, line.fit)
    finally:
        await stage.close()
    await _keep(line, heard, journal, turn.shown, turn.state, resumable=turn.state.answers)
    return turn.shown


async def _repeat_deed(line: Line, heard: Hop, journal: Journal) -> Shown:
    """The acting hop again: its outcome is the screen, looked up before anything is replayed."""
    stage = _stage(line, heard, journal)
    if done := await _done_before(line, stage):
        return done
    # The first copy still runs, or died before its deed. Playing on meets its row and waits, or acts in its place.
    typed = _typed(heard, journal)
    turn = await _turn(line, stage, journal, [typed])
    return await _done_before(line, stage) or turn.shown


async def _play(line: Line, heard: Hop, journal: Journal, words: Sequence[str]) -> Shown:
    marked = journal

    async def mark() -> None:
        nonlocal marked
        acting = replace(journal, acting=digest(line.keys[0], heard.text))
        marked = await line.journals.save(heard.call, acting, resumable=())

    stage = _stage(line, heard, journal, mark)
    turn = await _turn(line, stage, journal, words)
    resumable = turn.state.answers if len(turn.state.answers) > 1 and not turn.shown.end else ()
    try:
        await _keep(line, heard, marked, turn.shown, turn.state, resumable=resumable)
    except RedisError:
        if marked is journal:
            raise
        log.error(
            "hop.deed_not_journalled", extra={"call": heard.call}
        )  # its row in PostgreSQL answers a repeat
    return turn.shown


async def _turn(line: Line, stage: _Stage, journal: Journal, words: Sequence[str]) -> Turn:
    try:
        return await engine.play(line.home, stage.caller, journal.state, words, stage, line.fit)
    finally:
        await stage.close()


async def _keep(
    line: Line, heard: Hop, journal: Journal, shown: Shown, state: State, *, resumable: Sequence[Any]
) -> None:
    step = Step(len(heard.text), digest(line.keys[0], heard.text), shown.on_record, shown.end)
    steps = tuple(s for s in journal.steps if s.length < step.length)
    kept = replace(journal, state=state, steps=(*steps, step), acting="")
    await line.journals.save(heard.call, kept, resumable=resumable)


def _stage(line: Line, heard: Hop, journal: Journal, mark: Any = None) -> _Stage:
    async def already_marked() -> None:
        return None

    caller = Caller(heard.phone, journal.language, heard.gateway, heard.call, line.clock(), line.seals)
    transcripts = tuple(digest(key, heard.text) for key in line.keys)
    key = DeedKey(heard.gateway, heard.call, heard.phone, len(heard.text), transcripts)
    return _Stage(line, caller, key, mark or already_marked)


async def _without_memory(line: Line, heard: Hop) -> Shown:
    """Redis is down: the call is played again from its dial, word by word; menus that act say that they cannot."""
    async with line.pool.connect() as db:
        language = await language_of(db, heard.phone)
    stage = _stage(line, heard, Journal(heard.phone, heard.service, language))
    stage.mark = None
    if heard.text and (done := await _done_before(line, stage)):
        return done
    try:
        turn = await engine.play(line.home, stage.caller, State(), [], stage, line.fit)
        for word in heard.text.split("*") if heard.text else []:
            if turn.shown.end:
                break
            turn = await engine.play(line.home, stage.caller, turn.state, [word], stage, line.fit)
    except CannotAct:
        return say(NO_MEMORY, language)
    finally:
        await stage.close()
    return turn.shown


async def _done_before(line: Line, stage: _Stage) -> Shown | None:
    """The screen of the deed at this hop, if the hop has acted before."""
    async with line.pool.connect() as db:
        return await deeds.outcome(db, stage.key)
