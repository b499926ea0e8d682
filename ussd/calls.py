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
from talk.questions import MORE, Answer, is_confirmation
from talk.screen import Screen, Shown
from talk.session import OvertakenError, Session
from talk.trouble import CannotActError
from talk.words import CHOSEN, Option
from ussd.deps import BusyError, Call, Mark, UssdChannel, in_ms
from ussd.deps import Turns as Turns  # callers of `hop` make one, and its UssdDeps
from ussd.deps import UssdDeps as UssdDeps
from ussd.hop import Hop
from ussd.order import begins_anew, goes_on, typed
from ussd.screens import ROOM, in_parts, say

log = logging.getLogger("keneya.ussd")

TRIES = 4  # copies of one hop that may overtake each other before the caller is asked to dial again

SLOW = _("The network is slow. Your request is being handled: dial again in a minute to see the result.")
BUSY = _("Many people are calling right now. Please dial again in a moment.")
DOWN = _("The service cannot be reached right now. Please dial again in a few minutes.")
FAULT = _("Something went wrong on our side. Please dial again in a few minutes.")
NO_MEMORY = _("Nothing can be recorded right now. Please dial again in a few minutes to see where you stand.")
OVER = _("The call has ended.")
GO_ON, START_AGAIN = "1", "2"
LONGEST_STATUS = 40


async def hop(deps: UssdDeps, heard: Hop) -> Shown:
    """The screen for one hop, in time. Work that is past the deadline goes on alone, never cancelled.

    A dial that would be refused is, before anything is looked up: where too many come, this is what most of them cost.
    """
    if heard.is_dial and deps.turns.is_full(dial=True):
        deps.turns.refused += 1
        return say(BUSY, DEFAULT_LANGUAGE)
    call = Call(deps, heard)
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
        if session:
            call.find_place(session)
        if session is None or begins_anew(call.heard, session, call.text, call.at_ms, call.deps.repeat_ms):
            return await _first_hop(call, raw, dropped, unreadable=bool(raw) and session is None)
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
    if heard.past_dial if heard.last_only else heard.text:
        return *await sessions.load(heard.call), ()
    return await sessions.load_dial(heard.call, heard.phone, heard.service)


async def _first_hop(call: Call, raw: bytes, dropped: tuple[Answer, ...], *, unreadable: bool) -> Shown:
    """A dial, with its answers dialled at once; or a call whose session is lost, which starts at home."""
    deps, heard = call.deps, call.heard
    await call.learn_profile()
    session = call.new_session(raw)
    if heard.text and not heard.last_only and (done := await call.done_before()):
        return done
    if dropped:
        offering = replace(session, offered=dropped)
        return await _keep(call, offering, _offer(deps, call.language), session.state, resumable=True)
    return await _play(call, session, [] if unreadable else heard.dialled)


def _is_worth_resuming(state: State) -> bool:
    """Whether something was typed, agreed to or of money: digits pressed are as soon pressed again."""
    return any(answer.kind != CHOSEN for answer in state.answers)


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
    if same_caller and heard.last_only and session.is_closed(call.at_ms):
        last = Shown(session.screens[session.last], end=True)
        return last if session.ended else say(OVER, session.language)
    if not same_caller or not goes_on(heard, session, call.deps.keys, call.at_ms):
        log.warning("hop.diverged", extra={"call": heard.call})
        return await _play(call, call.new_session(session.raw), [])
    if session.acting in call.text.digests:
        return await _repeat_action(call, session)
    word = typed(heard, session)
    if session.rest and _reads_on(session, word):
        return await _show_rest(call, session)
    if session.offered:
        return await _after_offer(call, session, word)
    return await _play(call, session, [word])


def _shown_before(call: Call, session: Session) -> Shown | None:
    """The stored screen of a hop that was answered before."""
    return next(filter(None, map(session.shown, call.text.digests)), None)


def _reads_on(session: Session, word: str) -> bool:
    """Whether the next part of the screen comes: what is agreed to, and what ends the call, is read to its end."""
    return session.rest_ends or is_confirmation(session.state.view) or word.strip() == MORE


async def _show_rest(call: Call, session: Session) -> Shown:
    """The next part of the last screen; nothing was answered meanwhile."""
    part, *rest = session.rest
    shown = Shown(part, end=session.rest_ends and not rest)
    resumable = not session.rest_ends and _is_worth_resuming(session.state)
    return await _save(call, session, shown, session.state, resumable=resumable, rest=tuple(rest))


async def _after_offer(call: Call, session: Session, word: str) -> Shown:
    """Go on, or start again; any other digit is one of home, dialled by heart."""
    deps, pressed = call.deps, word.strip()
    if pressed not in (GO_ON, START_AGAIN):
        return await _play(call, replace(session, offered=()), [word])
    accepted = session.offered if pressed == GO_ON else ()
    channel = UssdChannel(call, call.caller(), _already_marked)
    turn = await engine.resume(deps.home, channel.caller, accepted, channel, deps.fit)
    await call.close()
    return await _keep(call, replace(session, offered=()), turn.shown, turn.state, resumable=True)


async def _repeat_action(call: Call, session: Session) -> Shown:
    """The acting hop again: its outcome is the screen, looked up before anything is replayed."""
    if done := await call.done_before():
        return _first_part(call, done, session.state)[0]
    # The first copy still runs, or died before its action. Playing on meets its row and waits, or acts in its place.
    turn = await _turn(call, session, [typed(call.heard, session)], _already_marked)
    return _first_part(call, await call.done_before() or turn.shown, turn.state)[0]


async def _already_marked() -> None:
    return None


async def _play(call: Call, session: Session, words: Sequence[str]) -> Shown:
    marked = session

    async def mark() -> None:
        nonlocal marked
        acting = replace(session, acting=call.text.digests[0])
        raw = await call.deps.sessions.save(call.heard.call, acting, resumable=False)
        marked = replace(acting, raw=raw)

    turn = await _turn(call, session, words, mark)
    await call.close()  # what comes now needs Redis alone
    resumable = not turn.shown.end and _is_worth_resuming(turn.state)
    try:
        return await _keep(call, marked, turn.shown, turn.state, resumable=resumable)
    except RedisError:
        if marked is session:
            raise
        # Its row in PostgreSQL answers a repeat.
        log.error("hop.action_not_in_session", extra={"call": call.heard.call})
    return _first_part(call, turn.shown, turn.state)[0]


async def _turn(call: Call, session: Session, words: Sequence[str], mark: Mark) -> Turn:
    channel = UssdChannel(call, call.caller(), mark)
    return await engine.play(call.deps.home, channel.caller, session.state, words, channel, call.deps.fit)


async def _keep(call: Call, session: Session, shown: Shown, state: State, *, resumable: bool) -> Shown:
    """Write what this hop led to, and answer what is shown of it: a first part where the network has less room."""
    first, rest = _first_part(call, shown, state)
    session = replace(session, rest_ends=shown.end) if rest else session
    return await _save(call, session, first, state, resumable=resumable, rest=rest)


def _first_part(call: Call, shown: Shown, state: State) -> tuple[Shown, tuple[str, ...]]:
    return in_parts(shown, call.language, call.deps.room, agreed_to=is_confirmation(state.view))


async def _save(
    call: Call, session: Session, shown: Shown, state: State, *, resumable: bool, rest: tuple[str, ...]
) -> Shown:
    kept = call.to_keep(session, shown, state)
    if rest:
        kept = replace(kept, rest=rest, rest_ends=session.rest_ends)
    await call.deps.sessions.save(call.heard.call, kept, resumable=resumable)
    if shown.end:
        _log_end(call.heard.call, kept, "acted" if session.acting else "answered")
    return shown


async def hung_up(deps: UssdDeps, call: str, status: str) -> None:
    """The gateway says that `call` is over, with its word for how; what comes in it from now on is not played.

    A hop that came before is: what was agreed to in it is done. A redial may go on where the call was.
    """
    with suppress(RedisError, OvertakenError):
        session, _raw = await deps.sessions.load(call)
        if session and session.screens and not session.ended and not session.over_ms:
            over = replace(session, over_ms=in_ms(deps.clock()))
            resumable = bool(session.offered) or _is_worth_resuming(session.state)
            await deps.sessions.save(call, over, resumable=resumable and not session.rest_ends)
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
    if call.heard.last_only or deps.room < ROOM:  # one hop alone does not tell where its call is
        return say(NO_MEMORY, call.language)
    call.find_place(call.new_session())
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
