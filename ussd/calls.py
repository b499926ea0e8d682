"""One hop of a call: new, repeated, late or lost, played once and answered in time.

Whatever happens, the answer is a screen with a true sentence, within the deadline.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from locales import DEFAULT_LANGUAGE, _
from talk import engine
from talk.actions import StillRunningError
from talk.engine import State, Turn
from talk.questions import Answer
from talk.screen import Screen, Shown
from talk.session import OvertakenError, Session, digest
from talk.trouble import CannotActError
from talk.words import CHOSEN, Option
from ussd.deps import BusyError, Call, Mark, UssdChannel
from ussd.deps import Turns as Turns  # callers of `hop` make one, and its UssdDeps
from ussd.deps import UssdDeps as UssdDeps
from ussd.hop import Hop
from ussd.screens import say

log = logging.getLogger("keneya.ussd")

TRIES = 4  # copies of one hop that may overtake each other before the caller is asked to dial again

SLOW = _("The network is slow. Your request is being handled: dial again in a minute to see the result.")
BUSY = _("Many people are calling right now. Please dial again in a moment.")
DOWN = _("The service cannot be reached right now. Please dial again in a few minutes.")
FAULT = _("Something went wrong on our side. Please dial again in a few minutes.")
NO_MEMORY = _("Nothing can be recorded right now. Please dial again in a few minutes to see where you stand.")
GO_ON, START_AGAIN = "1", "2"
LONGEST_STATUS = 40


async def hop(deps: UssdDeps, heard: Hop) -> Shown:
    """The screen for one hop, in time. Work that is past the deadline goes on alone, never cancelled.

    A dial that would be refused is, before anything is looked up: where too many come, this is what most of them cost.
    """
    if not heard.text and deps.turns.is_full(dial=True):
        deps.turns.refused += 1
        return say(BUSY, DEFAULT_LANGUAGE)
    call = Call(deps, heard, tuple([digest(key, heard.text) for key in deps.keys]))
    work = asyncio.create_task(_answer(call))
    deps.running.add(work)
    work.add_done_callback(deps.running.discard)
    done, _late = await asyncio.wait((work,), timeout=deps.deadline_s)
    if done:
        return work.result()
    log.warning("hop.late", extra={"call": heard.call})
    return say(SLOW, call.language)


async def _answer(call: Call) -> Shown:
    try:
        for _attempt in range(TRIES):
            try:
                return await _play_hop(call)
            except OvertakenError:
                continue
            finally:
                await call.close()
        return say(SLOW, call.language)
    except StillRunningError:
        return say(SLOW, call.language)
    except BusyError:
        return say(BUSY, call.language)
    except (SQLAlchemyError, OSError) as fault:
        log.error("hop.database", extra={"call": call.heard.call, "fault": type(fault).__name__})
        return say(DOWN, call.language)
    except Exception:
        log.exception("hop.fault", extra={"call": call.heard.call})
        return say(FAULT, call.language)
    finally:
        call.leave()


async def _play_hop(call: Call) -> Shown:
    try:
        session, raw, dropped = await _load(call)
        if session is None:
            return await _first_hop(call, raw, dropped)
    except RedisError as fault:
        log.error("hop.redis_down", extra={"call": call.heard.call, "fault": type(fault).__name__})
        return await _without_memory(call)
    call.language = session.language
    try:
        return await _next_hop(call, session)
    except RedisError:
        return say(NO_MEMORY, session.language)


async def _load(call: Call) -> tuple[Session | None, bytes, tuple[Answer, ...]]:
    """The call's session, what stands in its place; for a dial also what a call that was cut off had answered."""
    heard, sessions = call.heard, call.deps.sessions
    if heard.text:
        return *await sessions.load(heard.call), ()
    return await sessions.load_dial(heard.call, heard.phone, heard.service)


async def _first_hop(call: Call, raw: bytes, dropped: tuple[Answer, ...]) -> Shown:
    """A dial, with its answers dialled at once; or a call whose session is lost, which starts at home."""
    deps, heard = call.deps, call.heard
    await call.learn_profile()
    session = call.new_session(raw)
    if heard.text and (done := await call.done_before()):
        return done
    if dropped:
        shown = _offer(deps, call.language)
        await _keep(call, replace(session, offered=dropped), shown, session.state, resumable=True)
        return shown
    words = [] if heard.past_dial or raw or not heard.text else heard.text.split("*")
    return await _play(call, session, words)


def _is_worth_keeping(answer: Answer) -> bool:
    """Whether it was typed, agreed to or of money: digits pressed are as soon pressed again."""
    return answer.kind != CHOSEN


def _offer(deps: UssdDeps, language: str) -> Shown:
    choices = (
        Option("go_on", _("Continue where you were"), GO_ON),
        Option("again", _("Start again"), START_AGAIN),
    )
    return deps.fit(Screen(_("Your last call was cut off."), choices=choices), language)


async def _next_hop(call: Call, session: Session) -> Shown:
    """What this hop adds to the last one: nothing (repeated), less (late), or one more input."""
    heard = call.heard
    same_caller = session.phone == heard.phone and session.service == heard.service
    if same_caller and (shown := _shown_before(call, session)):
        return shown
    if same_caller:
        call.remember(session)
    if not same_caller or not _goes_on(call, session):
        log.warning("hop.diverged", extra={"call": heard.call})
        return await _play(call, call.new_session(session.raw), [])
    if session.acting in call.digests:
        return await _repeat_action(call, session)
    typed = _typed(heard, session)
    if session.offered:
        return await _after_offer(call, session, typed)
    return await _play(call, session, [typed])


def _shown_before(call: Call, session: Session) -> Shown | None:
    """The stored screen of a hop that was answered before."""
    return next(filter(None, map(session.shown, call.digests)), None)


def _goes_on(call: Call, session: Session) -> bool:
    """Whether this text is the last one, in a call still open, with something more behind it."""
    before, last = call.heard.text[: session.length], session.last
    return not session.ended and any(digest(key, before) == last for key in call.deps.keys)


def _typed(heard: Hop, session: Session) -> str:
    """What this hop adds. Never the part behind the last star: a name may hold one."""
    return heard.text[session.length :].removeprefix("*")


async def _after_offer(call: Call, session: Session, typed: str) -> Shown:
    """Go on, or start again; any other digit is one of home, dialled by heart."""
    deps, pressed = call.deps, typed.strip()
    if pressed not in (GO_ON, START_AGAIN):
        return await _play(call, replace(session, offered=()), [typed])
    accepted = session.offered if pressed == GO_ON else ()
    channel = UssdChannel(call, call.caller(), _already_marked)
    turn = await engine.resume(deps.home, channel.caller, accepted, channel, deps.fit)
    await call.close()
    await _keep(call, replace(session, offered=()), turn.shown, turn.state, resumable=True)
    return turn.shown


async def _repeat_action(call: Call, session: Session) -> Shown:
    """The acting hop again: its outcome is the screen, looked up before anything is replayed."""
    if done := await call.done_before():
        return done
    # The first copy still runs, or died before its action. Playing on meets its row and waits, or acts in its place.
    turn = await _turn(call, session, [_typed(call.heard, session)], _already_marked)
    return await call.done_before() or turn.shown


async def _already_marked() -> None:
    return None


async def _play(call: Call, session: Session, words: Sequence[str]) -> Shown:
    marked = session

    async def mark() -> None:
        nonlocal marked
        acting = replace(session, acting=call.digests[0])
        raw = await call.deps.sessions.save(call.heard.call, acting, resumable=False)
        marked = replace(acting, raw=raw)

    turn = await _turn(call, session, words, mark)
    await call.close()  # what comes now needs Redis alone
    resumable = not turn.shown.end and any(map(_is_worth_keeping, turn.state.answers))
    try:
        await _keep(call, marked, turn.shown, turn.state, resumable=resumable)
    except RedisError:
        if marked is session:
            raise
        # Its row in PostgreSQL answers a repeat.
        log.error("hop.action_not_in_session", extra={"call": call.heard.call})
    return turn.shown


async def _turn(call: Call, session: Session, words: Sequence[str], mark: Mark) -> Turn:
    channel = UssdChannel(call, call.caller(), mark)
    return await engine.play(call.deps.home, channel.caller, session.state, words, channel, call.deps.fit)


async def _keep(call: Call, session: Session, shown: Shown, state: State, *, resumable: bool) -> None:
    """Write what this hop led to; the hop that ends the call leaves its line in the log."""
    kept = call.to_keep(session, shown, state)
    await call.deps.sessions.save(call.heard.call, kept, resumable=resumable)
    if shown.end:
        _log_end(call.heard.call, kept, "acted" if session.acting else "answered")


async def hung_up(deps: UssdDeps, call: str, status: str) -> None:
    """The gateway says that `call` is over, with its word for how; logged unless the call had come to its end."""
    with suppress(RedisError):
        session, _raw = await deps.sessions.load(call)
        if session and session.screens and not session.ended:
            _log_end(call, session, "left", gateway_says=status[:LONGEST_STATUS])


def _log_end(call: str, session: Session, ending: str, **more: str) -> None:
    """The one line of a call. `menu` is what was chosen at home: nothing that was typed."""
    first = session.state.answers[0] if session.state.answers else None
    facts = {
        "call": call,
        "mutuelles": session.mutuelles,
        "menu": first.meant if first and first.kind == CHOSEN else "home",
        "hops": len(session.screens),
        "ending": ending,
    }
    log.info("call.ended", extra=facts | more)


async def _without_memory(call: Call) -> Shown:
    """Redis is down: the call is played again from its dial, word by word; menus that act say that they cannot."""
    deps, text = call.deps, call.heard.text
    await call.learn_profile()
    channel = UssdChannel(call, call.caller(), None)
    if text and (done := await call.done_before()):
        return done
    try:
        turn = await engine.play(deps.home, channel.caller, State(), [], channel, deps.fit)
        for word in text.split("*") if text else []:
            if turn.shown.end:
                break
            turn = await engine.play(deps.home, channel.caller, turn.state, [word], channel, deps.fit)
    except CannotActError:
        return say(NO_MEMORY, call.language)
    return turn.shown
