"""Plays a menu one hop at a time: replayed from the top against the answers on record, nothing else remembered.

The menu's coroutine is driven by this trampoline, not by asyncio. It acts once, last, and never without the
channel's leave; whatever no longer fits the record is dropped and asked again.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from locales import Sentence, _, render
from locales.letters import fold
from talk.answers import WrongSecret
from talk.questions import (
    CHANGED,
    SAID_BY_THE_SCREEN,
    Answer,
    Answered,
    Back,
    Moved,
    agreed_with,
    fresh_view,
    recall,
    screen_of,
    understand,
    words_that_name,
)
from talk.screen import Fit, Screen, Shown, View
from talk.trouble import MenuError, RefusedError
from talk.words import QUESTIONS, Ask, Caller, Choose, Confirm, Consent, Do, Look, Option, Question, Request
from values import value

ONCE_MORE = _("Not recognised, nothing was done. Please type it once more.")
SHOWN_ONCE = _("This code was shown once and is not shown again. Dial again to get another.")
NOTE_ALONE = "(a note)"  # stands for a question that no menu asks: what is typed there answers nothing
STOPS = (*QUESTIONS, Do)  # what a menu waits for until the caller or the channel has done something
Menu = Callable[[Caller], Coroutine[Request[Any], Any, Sentence]]
Finish = Callable[[Any], Shown]


class Channel(Protocol):
    """What the engine asks of its channel: to read, and to act exactly once."""

    async def read(self, look: Look[Any]) -> Any:
        """The answer of a look; it may be remembered from a hop before, until `forget`."""

    def forget(self) -> bool:
        """Read everything afresh from now on; whether anything was remembered meanwhile."""

    def admit_action(self) -> None:
        """Raise CannotActError when this hop may not lead to an action."""

    async def act(self, action: Do[Any], consent: str, finish: Finish) -> Shown:
        """Do `action` and keep what `finish` makes of its result, in one transaction; raise Refused to undo it."""


@value
class State:
    """All that is remembered of a conversation between two hops."""

    answers: tuple[Answer, ...] = ()
    view: View = field(default_factory=View)
    once: dict[str, str] = field(default_factory=dict)  # question -> what was meant, for the rest of the call


@value
class Turn:
    """What one hop led to: the screen, and the state to remember for the next one."""

    shown: Shown
    state: State


@dataclass(slots=True)
class _Play:
    """One run of the menu's coroutine, `pending` being what it waits for (or the sentence it ended with)."""

    menu: Menu
    caller: Caller
    channel: Channel
    fit: Fit
    once: dict[str, str] = field(default_factory=dict)
    reopened: str = (
        ""  # the question that the caller stands in or goes back to: it is asked though it was answered
    )
    answers: list[Answer] = field(default_factory=list)
    consent: str = ""
    dropped: bool = False
    secret: bool = False  # a PIN was given in this hop, which therefore ends the call
    by_message: bool = False  # what was typed is a whole SMS
    one_message: bool = False  # all that was asked so far was in one message
    recorded: int = 0  # answers of the record that is replayed
    heard: bool = False  # this hop has answered a question
    coroutine: Coroutine[Request[Any], Any, Sentence] = field(init=False)
    pending: Question | Do[Any] | Sentence = field(init=False)

    async def start(self, record: Sequence[Answer]) -> None:
        self.answers, self.consent, self.dropped, self.recorded = [], "", False, len(record)
        self.coroutine = self.menu(self.caller)
        await self._go_on(None)
        for answer in record:
            if not isinstance(self.pending, QUESTIONS):
                return
            try:
                value = recall(self.pending, answer, self.words)
            except LookupError:
                self.dropped = True
                return
            await self.take(value, answer)
            if self.dropped:
                return

    async def take(self, value: Any, answer: Answer) -> None:
        """Give the pending question its answer and go on to the next."""
        self.secret = isinstance(self.pending, Ask) and self.pending.kind.secret
        if isinstance(value, Consent):
            # A menu may ask more than once: all that was agreed to is the proof.
            value = Consent(self._for_record(answer.meant))
            self.consent = "\n\n".join(filter(None, (self.consent, value.words)))
        if not self.secret:
            self.answers.append(answer)
        if isinstance(self.pending, Choose) and self.pending.once:
            self.once[answer.question] = answer.meant
        await self._go_on(value)
        if self.secret and isinstance(self.pending, QUESTIONS):
            raise MenuError("a PIN is asked last")

    async def _go_on(self, value: Any) -> None:
        while True:
            try:
                request: Any = self.coroutine.send(value)
            except StopIteration as stop:
                self.pending = _said(stop.value)
                return
            if isinstance(request, STOPS):
                if (known := self._answered_before(request)) is not None:
                    value = known
                    continue
                self.pending = request
                if isinstance(request, Confirm) and self.channel.forget():  # its words must be true now
                    self.close()
                    await self.start(tuple(self.answers))
                return
            if not isinstance(request, Look):
                self.coroutine.close()
                raise MenuError(f"a menu awaits only ask, choose, confirm, look and do, not {request!r}")
            value = await self.channel.read(request)

    def _answered_before(self, request: Question | Do[Any]) -> Any:
        """The choice that was made in another menu of this call and holds for all of it; None where there is none."""
        if not isinstance(request, Choose) or not request.once or len(self.answers) < self.recorded:
            return None
        words = request.question.msgid
        if words not in self.once or words == self.reopened:
            return None
        answer = Answer(words, request.answered_as, self.once[words])
        try:
            value = recall(request, answer, self.words)
        except LookupError:
            return None
        self.answers.append(answer)
        return value

    def admit(self) -> None:
        """Stop here if what is pending leads to an action and the channel allows none."""
        if isinstance(self.pending, (Do, Confirm)):
            self.channel.admit_action()

    def order(self) -> Answered | None:
        """The agreement that the message itself is to a pending `order`: its words are the order's own."""
        if not (isinstance(self.pending, Confirm) and self.pending.by_order):
            return None
        last_part = self.pending.in_parts and self.by_message and self.heard
        if not (self.one_message or last_part):
            return None
        return agreed_with(self.pending, fold(render(self.pending.question, self.caller.language)))

    def left_out(self, note: Sentence | None) -> list[str]:
        """The empty answer to a pending question that the message which opened the menu may leave out."""
        optional = self.one_message and isinstance(self.pending, Ask) and self.pending.kind.optional
        return [""] if optional and not note else []

    def words(self, shown: Shown | None = None) -> str:
        """The whole screen of a pending confirmation (`shown`, without a note): the words that are agreed to."""
        if not isinstance(self.pending, Confirm):
            return ""
        shown = shown or self.fit(screen_of(self.pending, View(), back=False), self.caller.language)
        if not shown.whole:
            raise MenuError(f"a confirmation is one whole screen: {self.pending.question.msgid}")
        return shown.text

    def _for_record(self, words: str) -> str:
        """The words that were just agreed to, without what is shown once."""
        if not (isinstance(self.pending, Confirm) and self.pending.question.is_shown_once):
            return words
        kept = replace(self.pending, question=self.pending.question.for_record())
        return self.fit(screen_of(kept, View(), back=False), self.caller.language).text

    def finish(self, result: Any) -> Shown:
        """What is shown after the action: the menu may only say its last sentence."""
        try:
            self.coroutine.send(result)
        except StopIteration as stop:
            return self.end(_said(stop.value))
        self.coroutine.close()
        raise MenuError("a menu acts once, last")

    def end(self, sentence: Sentence) -> Shown:
        """The last screen, and what may be kept of it."""
        language = self.caller.language
        shown = self.fit(Screen(sentence, end=True), language)
        if not sentence.is_shown_once:
            return shown
        return replace(shown, kept=self.fit(Screen(SHOWN_ONCE, end=True), language).text)

    def state(self, view: View | None = None) -> State:
        """What is remembered once this hop is answered."""
        return State(tuple(self.answers), view or View(), self.once)

    def show(self, question: Question, view: View, note: Sentence | None = None) -> tuple[Shown, View]:
        """The screen of `question` where the caller stands in it, and the view with the keys that it answers to."""
        shown = self.fit(screen_of(question, view, back=bool(self.answers), note=note), self.caller.language)
        page, words = min(view.page, shown.pages - 1), self.words(None if note else shown)
        return shown, View(view.question, page, view.letters, shown.keys, words, view.again)

    def close(self) -> None:
        self.coroutine.close()


def _said(value: Any) -> Sentence:
    if not isinstance(value, Sentence):
        raise MenuError(f"a menu ends with a sentence, not {value!r}")
    return value


async def play(
    menu: Menu,
    caller: Caller,
    state: State,
    typed: Sequence[str],
    channel: Channel,
    fit: Fit,
    *,
    note: Sentence | None = None,
    by_message: bool = False,
) -> Turn:
    """Play one hop: `typed` is empty to show where the caller stands, one word as a rule.

    Several words (dialled at once) are used as far as the first confirmation or the first that does not fit.
    `by_message`: they are a whole SMS. If it opened the menu and nothing had to be asked, an `order` is given by it.
    """
    run = _Play(menu, caller, channel, fit, dict(state.once), state.view.question, by_message=by_message)
    run.one_message = by_message and state == State()
    try:
        await run.start(state.answers)
        return await _play(run, state, list(typed), note)
    except RefusedError as trouble:
        return _ended(run, trouble.sentence)
    finally:
        run.close()


async def resume(menu: Menu, caller: Caller, answers: Sequence[Answer], channel: Channel, fit: Fit) -> Turn:
    """Go on where a dropped call was, but never into a PIN or a confirmation: the question before is asked again."""
    run = _Play(menu, caller, channel, fit)
    try:
        await run.start(answers)
        while run.answers and not _may_resume(run.pending):
            await run.start(run.answers[:-1])
        return await _play(run, run.state(), [], None)
    except RefusedError as trouble:
        return _ended(run, trouble.sentence)
    finally:
        run.close()


def _may_resume(pending: Question | Do[Any] | Sentence) -> bool:
    return isinstance(pending, Choose) or (isinstance(pending, Ask) and not pending.kind.secret)


async def _play(run: _Play, state: State, words: list[str], note: Sentence | None) -> Turn:
    dialled_at_once = len(words) > 1 or not state.view.question
    view = state.view
    while True:
        if run.dropped:
            note, words, run.dropped = note or CHANGED, [], False
        pending = run.pending
        if isinstance(pending, Sentence):
            return _ended(run, pending)
        run.admit()
        if isinstance(pending, Do):
            turn, note = await _act(run, pending, view)
            if turn:
                return turn
            view, words = View(), []
            continue
        words = words or run.left_out(note)
        if not words and not note and (given := run.order()):
            await run.take(given.value, given.answer)
            continue
        if view.question != pending.question.msgid:
            words = words if dialled_at_once else []
            view = fresh_view(pending)  # not shown yet, so it has no keys to understand a word by
            view = run.show(pending, view)[1] if words else view
        if not words or (dialled_at_once and isinstance(pending, Confirm)):
            return _asked(run, pending, view, note)
        view, note = await _hear(run, pending, view, _next(pending, words))
        if note:
            words = []


def _next(question: Question, words: list[str]) -> str:
    """The word that answers `question`, taken from `words`: several where a name or the rest is the answer."""
    taken = 1
    if isinstance(question, Ask) and question.kind.takes_rest:
        taken = len(words)
    elif isinstance(question, Ask) and question.kind.takes_words:
        figures = (nth for nth, word in enumerate(words) if any(letter.isdecimal() for letter in word))
        taken = max(next(figures, len(words)), 1)
    elif isinstance(question, Choose):
        taken = words_that_name(question, words)
    whole, words[:taken] = " ".join(words[:taken]), []
    return whole


async def _hear(run: _Play, question: Question, view: View, word: str) -> tuple[View, Sentence | None]:
    """Take one typed word; the view and the note to go on with."""
    meaning = understand(question, view, word, run.words, run.caller.language)
    if isinstance(meaning, Answered):
        run.reopened = ""
        run.heard = True
        await run.take(meaning.value, meaning.answer)
    elif isinstance(meaning, Moved):
        return run.show(question, meaning.view)[1], meaning.note
    else:
        run.close()
        goes_back = isinstance(meaning, Back) and run.answers
        run.reopened = run.answers[-1].question if goes_back else ""
        await run.start(run.answers[:-1] if goes_back else [])
    return View(again=run.secret and view.again), None


async def _act(run: _Play, action: Do[Any], view: View) -> tuple[Turn | None, Sentence | None]:
    """Act; when the action is refused, forget the agreement to it and ask again with the reason on top.

    After a PIN the refusal is the last screen. A wrong PIN is asked for once more: the action that only counted it is
    kept with its own last screen, and the next hop is another action.
    """
    answers, wrong = tuple(run.answers), False
    if not run.consent:
        raise MenuError("an action follows a confirmation")

    def finish(result: Any) -> Shown:
        nonlocal wrong
        wrong = run.secret and isinstance(result, WrongSecret)
        return run.finish(result)

    try:
        shown = await run.channel.act(action, run.consent, finish)
    except RefusedError as trouble:
        if run.secret:
            return _ended(run, trouble.sentence), None
        run.close()
        await run.start(answers[:-1])  # the agreement falls, the answers before it stay
        return None, trouble.sentence
    if wrong and not view.again and (turn := await _once_more(run, answers)):
        return turn, None
    return Turn(shown, State(answers, once=run.once)), None


async def _once_more(run: _Play, answers: tuple[Answer, ...]) -> Turn | None:
    """The question for the PIN again, if all that led to it still stands."""
    run.close()
    await run.start(answers)
    if run.dropped or not (isinstance(run.pending, Ask) and run.pending.kind.secret):
        return None
    return _asked(run, run.pending, replace(fresh_view(run.pending), again=True), ONCE_MORE)


def _asked(run: _Play, question: Question, view: View, note: Sentence | None) -> Turn:
    """Show the question with its note. What the screen does not say itself, and has no room, is a screen of its own."""
    shown, seen = run.show(question, view, note)
    state = run.state(seen)
    if shown.noted or note is None or isinstance(question, Ask) or note in SAID_BY_THE_SCREEN:
        return Turn(shown, state)
    alone = Screen(note, choices=(Option("go on", _("Continue"), "1"),))
    return Turn(run.fit(alone, run.caller.language), replace(state, view=View(NOTE_ALONE)))


def _ended(run: _Play, sentence: Sentence) -> Turn:
    return Turn(run.end(sentence), run.state())
