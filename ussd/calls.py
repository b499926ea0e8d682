"""One hop of a call: new, repeated, late or lost, played once and answered in time.

Whatever happens, the answer is a screen with a true sentence, within the deadline.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from locales import DEFAULT_LANGUAGE, Sentence, _
from talk import engine
from talk.begun import Led
from talk.deeds import StillRunning
from talk.engine import State, Turn
from talk.journal import Journal, Overtaken, digest
from talk.preferences import language_of
from talk.screen import Screen, Shown
from talk.trouble import CannotAct
from talk.words import Option
from ussd.hop import Hop
from ussd.screens import say
from ussd.stage import Busy, Call, Mark, Stage
from ussd.stage import Line as Line  # whoever makes calls makes one

log = logging.getLogger("keneya.ussd")

Show = Callable[[Shown], None]  # what is done with the screen of a hop

TRIES = 4  # copies of one hop that may overtake each other before the caller is asked to dial again

SLOW = _("The network is slow. Your request is being handled: dial again in a minute to see the result.")
BUSY = _("Many people are calling right now. Please dial again in a moment.")
DOWN = _("The service cannot be reached right now. Please dial again in a few minutes.")
FAULT = _("Something went wrong on our side. Please dial again in a few minutes.")
NO_MEMORY = _("Nothing can be recorded right now. Please dial again in a few minutes to see where you stand.")
GO_ON, START_AGAIN = "1", "2"


def hop(line: Line, heard: Hop, show: Show) -> None:
    """Show the screen for one hop, once and in time. Work that is past the deadline goes on alone, never cancelled.

    A dial that would be refused is, before anything is looked up: where too many come, this is what most of them cost.
    """
    if not heard.text:
        try:
            line.admit(dial=True)
        except Busy:
            return show(say(BUSY, DEFAULT_LANGUAGE))
    call = Call(line, heard, tuple([digest(key, heard.text) for key in line.keys]))
    Led(_answer(call), show, partial(_go_apart, call, time.monotonic(), show))
    return None


def _go_apart(call: Call, began: float, show: Show, work: Coroutine[Any, Any, Shown]) -> None:
    """Go on with the work of a hop in a task, and show its screen or, past the deadline, that it is slow."""
    task = asyncio.create_task(work)
    running = call.line.running
    running.add(task)
    task.add_done_callback(running.discard)

    def in_time(_done: object) -> None:
        timer.cancel()
        show(task.result())

    def late() -> None:
        if not task.done():  # else `in_time` is about to be called
            task.remove_done_callback(in_time)
            log.warning("hop.late", extra={"call": call.heard.call})
            show(say(SLOW, call.language))

    task.add_done_callback(in_time)
    left_s = call.line.deadline_s - (time.monotonic() - began)
    timer = asyncio.get_running_loop().call_later(left_s, late)


async def _answer(call: Call) -> Shown:
    try:
        for _attempt in range(TRIES):
            try:
                return await _play_hop(call)
            except Overtaken:
                await call.leave()
            finally:
                await call.close()
        return say(SLOW, call.language)
    except StillRunning:
        return say(SLOW, call.language)
    except Busy:
        return say(BUSY, call.language)
    except (SQLAlchemyError, OSError) as fault:
        log.error("hop.database", extra={"call": call.heard.call, "fault": type(fault).__name__})
        return say(DOWN, call.language)
    except Exception:
        log.exception("hop.fault", extra={"call": call.heard.call})
        return say(FAULT, call.language)


async def _play_hop(call: Call) -> Shown:
    try:
        journal, raw = await call.line.journals.load(call.heard.call)
        if journal is None:
            return await _first_hop(call, raw)
    except RedisError as fault:
        log.error("hop.redis_down", extra={"call": call.heard.call, "fault": type(fault).__name__})
        return await _without_memory(call)
    call.language = journal.language
    try:
        return await _next_hop(call, journal)
    except RedisError:
        return say(NO_MEMORY, journal.language)


async def _first_hop(call: Call, raw: bytes) -> Shown:
    """A dial, with its answers dialled at once; or a call whose journal is lost, which starts at home."""
    line, heard = call.line, call.heard
    journal = call.new_journal(await language_of(await call.reader(), heard.phone), raw)
    if heard.text and (done := await call.done_before()):
        return done
    if not heard.text and (offered := await line.journals.dropped(heard.phone, heard.service)):
        shown = _offer(line, journal.language)
        await _keep(call, replace(journal, offered=offered), shown, journal.state, resumable=True)
        return shown
    words = [] if heard.past_dial or raw or not heard.text else heard.text.split("*")
    return await _play(call, journal, words)


def _offer(line: Line, language: str, note: Sentence | None = None) -> Shown:
    choices = (
        Option("go_on", _("Continue where you were"), GO_ON),
        Option("again", _("Start again"), START_AGAIN),
    )
    return line.fit(Screen(_("Your last call was cut off."), note, choices), language)


async def _next_hop(call: Call, journal: Journal) -> Shown:
    """What this hop adds to the last one: nothing (repeated), less (late), or one more input."""
    heard = call.heard
    same_caller = journal.phone == heard.phone and journal.service == heard.service
    if same_caller and (shown := _shown_before(call, journal)):
        return shown
    if not same_caller or not _goes_on(call, journal):
        log.warning("hop.diverged", extra={"call": heard.call})
        return await _play(call, call.new_journal(journal.language, journal.raw), [])
    if journal.acting in call.digests:
        return await _repeat_deed(call, journal)
    typed = _typed(heard, journal)
    if journal.offered:
        return await _after_offer(call, journal, typed)
    return await _play(call, journal, [typed])


def _shown_before(call: Call, journal: Journal) -> Shown | None:
    """The stored screen of a hop that was answered before."""
    return next(filter(None, map(journal.shown, call.digests)), None)


def _goes_on(call: Call, journal: Journal) -> bool:
    """Whether this text is the last one, in a call still open, with something more behind it."""
    before, last = call.heard.text[: journal.length], journal.last
    return not journal.ended and any(digest(key, before) == last for key in call.line.keys)


def _typed(heard: Hop, journal: Journal) -> str:
    """What this hop adds. Never the part behind the last star: a name may hold one."""
    return heard.text[journal.length :].removeprefix("*")


async def _after_offer(call: Call, journal: Journal, typed: str) -> Shown:
    line, pressed = call.line, typed.strip()
    if pressed not in (GO_ON, START_AGAIN):
        shown = _offer(line, journal.language, _("Please press 1 or 2."))
        await _keep(call, journal, shown, journal.state, resumable=True)
        return shown
    accepted = journal.offered if pressed == GO_ON else ()
    stage = Stage(call, call.caller(journal.language), _already_marked)
    turn = await engine.resume(line.home, stage.caller, accepted, stage, line.fit)
    await call.close()
    await _keep(call, replace(journal, offered=()), turn.shown, turn.state, resumable=True)
    return turn.shown


async def _repeat_deed(call: Call, journal: Journal) -> Shown:
    """The acting hop again: its outcome is the screen, looked up before anything is replayed."""
    if done := await call.done_before():
        return done
    # The first copy still runs, or died before its deed. Playing on meets its row and waits, or acts in its place.
    turn = await _turn(call, journal, [_typed(call.heard, journal)], _already_marked)
    return await call.done_before() or turn.shown


async def _already_marked() -> None:
    return None


async def _play(call: Call, journal: Journal, words: Sequence[str]) -> Shown:
    marked = journal

    async def mark() -> None:
        nonlocal marked
        acting = replace(journal, acting=call.digests[0])
        raw = await call.line.journals.save(call.heard.call, acting, resumable=False)
        marked = replace(acting, raw=raw)

    turn = await _turn(call, journal, words, mark)
    await call.close()  # what comes now needs Redis alone
    resumable = len(turn.state.answers) > 1 and not turn.shown.end
    try:
        await _keep(call, marked, turn.shown, turn.state, resumable=resumable)
    except RedisError:
        if marked is journal:
            raise
        # Its row in PostgreSQL answers a repeat.
        log.error("hop.deed_not_journalled", extra={"call": call.heard.call})
    return turn.shown


async def _turn(call: Call, journal: Journal, words: Sequence[str], mark: Mark) -> Turn:
    stage = Stage(call, call.caller(journal.language), mark)
    return await engine.play(call.line.home, stage.caller, journal.state, words, stage, call.line.fit)


async def _keep(call: Call, journal: Journal, shown: Shown, state: State, *, resumable: bool) -> None:
    """Write what this hop led to."""
    kept = journal.answered(call.digests[0], len(call.heard.text), shown, state)
    await call.line.journals.save(call.heard.call, kept, resumable=resumable)


async def _without_memory(call: Call) -> Shown:
    """Redis is down: the call is played again from its dial, word by word; menus that act say that they cannot."""
    line, text = call.line, call.heard.text
    language = await language_of(await call.reader(), call.heard.phone)
    stage = Stage(call, call.caller(language), None)
    if text and (done := await call.done_before()):
        return done
    try:
        turn = await engine.play(line.home, stage.caller, State(), [], stage, line.fit)
        for word in text.split("*") if text else []:
            if turn.shown.end:
                break
            turn = await engine.play(line.home, stage.caller, turn.state, [word], stage, line.fit)
    except CannotAct:
        return say(NO_MEMORY, language)
    return turn.shown
