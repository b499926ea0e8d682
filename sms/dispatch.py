"""What one SMS means, and what is answered: STOP, a keyword, an answer to the open question, a yes with its code.

Everything happens in the caller's transaction. Whoever is not known learns nothing: one short word a day, then silence.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _, render
from locales.letters import fold
from sms.confirmations import is_confirmation, pressed, read_yes_or_no, with_note
from sms.conversations import LIFE, Conversation, conversation_of, keep
from sms.delivery import opt_in, opt_out
from sms.deps import InboundSms, SmsDeps
from sms.keywords import Heard, Order, clean, tidy
from sms.limits import (
    DAY,
    HELPS_A_DAY,
    PLAYED_A_DAY,
    Sender,
    helped_since,
    played_since,
    strangers_answered,
    told_of_limit,
)
from sms.run_menu import Played, play
from talk.engine import Menu
from talk.keywords import BY_MESSAGE, START, ByMessage, told
from talk.limits import HOUR, begun
from talk.preferences import language_of
from talk.questions import BACK, HOME
from talk.screen import Shown
from talk.words import Caller

log = logging.getLogger("keneya.sms")

TOO_MANY = _("You wrote a lot today: we read you again tomorrow. Until then, call the service.")
STARTED = _("Done: you get our messages again.")
NOTHING_DONE = _("Nothing is done yet.")


@dataclass(frozen=True)
class SmsAnswer:
    """What a message was taken for (a word of `sms_inbox.handled_as`), and the answer; empty: silence."""

    handled_as: str
    text: str = ""


@dataclass(frozen=True)
class _Incoming:
    """One message being heard: who wrote it, and the conversation that the phone had."""

    box: SmsDeps
    db: AsyncConnection
    received: InboundSms
    known: Sender
    caller: Caller
    talk: Conversation | None

    @property
    def since(self) -> datetime:
        """A day ago."""
        return self.caller.at - self.box.clock.scaled(DAY)

    @property
    def this_hour(self) -> datetime:
        """When it began."""
        return begun(self.caller.at, self.box.clock.scaled(HOUR))

    def may_open(self, menu: ByMessage) -> bool:
        if menu.officers:
            return self.known is Sender.OFFICER
        return self.known is not Sender.STRANGER or menu.strangers

    def open_talk(self) -> tuple[Conversation, ByMessage] | None:
        """The conversation that waits for an answer, with its menu, unless that is no longer this phone's to use."""
        menu = self.box.phrasebook.menu(self.talk.keyword) if self.talk and self.talk.is_open else None
        return (self.talk, menu) if self.talk and menu and self.may_open(menu) else None

    def say(self, sentence: Sentence) -> str:
        return fold(render(sentence, self.caller.language))


async def dispatch(
    box: SmsDeps, db: AsyncConnection, received: InboundSms, known: Sender, now: datetime
) -> SmsAnswer:
    """What `received` leads to, in this order:

    1. STOP and START are obeyed from anybody, whatever waits and however much was written.
    2. Past the day's limit of the phone, or the hour's of all strangers, nothing is played.
    3. A yes or no answers the confirmation that waits.
    4. A keyword written without a mistake leaves the open question and opens its menu.
    5. Anything else answers the open question.
    6. Where none waits, one mistake in a keyword is forgiven.
    7. A code that nothing waits for, and all the rest: how to go on. A stranger is told once a day.
    """
    language = await language_of(db, received.phone)
    caller = Caller(received.phone, language, BY_MESSAGE, received.id, now, box.keyring)
    talk = await conversation_of(db, received.phone, now)
    incoming = _Incoming(box, db, received, known, caller, talk)
    heard, waits = box.phrasebook.read(received.body), incoming.open_talk()
    if heard and isinstance(heard.opening, Order) and (heard.exact or not waits):
        return await _obey(incoming, heard.opening)
    if await _is_over(incoming):
        return await _too_many(incoming)
    if waits and is_confirmation(waits[0].state.view) and read_yes_or_no(received.body):
        return await _go_on(incoming, *waits)
    if heard and (heard.exact or not waits) and (opened := await _open(incoming, heard)):
        return opened
    if waits:
        return await _go_on(incoming, *waits)
    return await _not_understood(incoming)


async def _is_over(incoming: _Incoming) -> bool:
    """Whether the day's limit of this phone is reached, or the hour's of all strangers of its country."""
    phone, known = incoming.received.phone, incoming.known
    if await played_since(incoming.db, phone, incoming.since) >= PLAYED_A_DAY[known]:
        return True
    if known is not Sender.STRANGER:
        return False
    return await strangers_answered(incoming.db, phone, incoming.this_hour) >= incoming.box.strangers_an_hour


async def _obey(incoming: _Incoming, order: Order) -> SmsAnswer:
    """STOP or START. A single confirmation: said again it changes nothing and is not answered."""
    phone, now, db = incoming.received.phone, incoming.caller.at, incoming.db
    changed = await (opt_out(db, phone, BY_MESSAGE, now) if order is Order.STOP else opt_in(db, phone, now))
    if incoming.talk and incoming.talk.is_open and order is Order.STOP:
        await keep(db, replace(incoming.talk, is_open=False), now, incoming.box.clock.scaled(LIFE))
    if (
        not changed
        or await _is_over(incoming)
        or (incoming.known is Sender.STRANGER and await _helped_enough(incoming))
    ):
        return SmsAnswer(order)
    return SmsAnswer(
        order, incoming.say(stopped(incoming.caller.language) if order is Order.STOP else STARTED)
    )


def stopped(language: str) -> Sentence:
    """What STOP is answered with, once."""
    return _(
        "Done: we write to you no more, except receipts, warnings and answers. For all our messages, send {start}.",
        start=told(START, language),
    )


async def _too_many(incoming: _Incoming) -> SmsAnswer:
    """Set aside; a known phone is told so once."""
    phone, since = incoming.received.phone, incoming.since
    if incoming.known in (Sender.FOREIGN, Sender.STRANGER) or await told_of_limit(incoming.db, phone, since):
        return SmsAnswer("limit")
    return SmsAnswer("limit", incoming.say(TOO_MANY))


async def _open(incoming: _Incoming, heard: Heard) -> SmsAnswer | None:
    """Open the menu of a keyword in the place of whatever was open; None if it is not for this phone."""
    menu = heard.opening
    if not isinstance(menu, ByMessage) or not incoming.may_open(menu):
        return None
    if menu is incoming.box.help_menu:  # help leaves the question open that it was asked at
        return SmsAnswer("menu", await _play_alone(incoming, menu))
    caller = incoming.caller
    talk = Conversation(caller.phone, incoming.received.id, menu.keyword.msgid)
    turn = await _play(incoming, menu, talk, heard.answers, one_message=True)
    if incoming.known is Sender.STRANGER and turn.shown.end and not turn.talk.acted:
        # Nothing was asked and nothing done: to a stranger it is a help like any other, once a day.
        spent = await _helped_enough(incoming)
        return SmsAnswer("stranger", "" if spent else _text(incoming, turn.shown))
    return await _answer(incoming, turn, "menu")


async def _go_on(incoming: _Incoming, talk: Conversation, menu: ByMessage) -> SmsAnswer:
    """Give the open question its answer. A confirmation takes its code, or is shown again."""
    view, word = talk.state.view, clean(tidy(incoming.received.body))
    if not is_confirmation(view) or word in (BACK, HOME):
        return await _answer(incoming, await _play(incoming, menu, talk, [word]), "answer")
    key = pressed(view, incoming.received.body)
    turn = await _play(incoming, menu, talk, [key] if key else [])
    if key is None and not turn.shown.end:
        turn = replace(turn, shown=with_note(turn.shown, NOTHING_DONE, incoming.caller.language))
    return await _answer(incoming, turn, "answer")


async def _play(
    incoming: _Incoming, menu: Menu, talk: Conversation, words: Sequence[str], *, one_message: bool = False
) -> Played:
    return await play(
        incoming.db, incoming.caller, incoming.received, menu, talk, words, one_message=one_message
    )


async def _answer(incoming: _Incoming, turn: Played, handled_as: str) -> SmsAnswer:
    """Keep where the conversation stands now, and say what the turn shows."""
    await keep(incoming.db, turn.talk, incoming.caller.at, incoming.box.clock.scaled(LIFE))
    return SmsAnswer(handled_as, _text(incoming, turn.shown))


def _text(incoming: _Incoming, shown: Shown) -> str:
    """What is shown once is not sent: a message stays in the phone and in the outbox."""
    if not shown.whole:
        log.error("sms_in_cut", extra={"sms": incoming.received.id})
    return shown.on_record


async def _not_understood(incoming: _Incoming) -> SmsAnswer:
    """A code that nothing waits for, or words that nobody knows."""
    if await _helped_enough(incoming):
        return SmsAnswer("stranger" if incoming.known is Sender.STRANGER else "help")
    if incoming.known is Sender.STRANGER:
        return SmsAnswer("stranger", await _play_alone(incoming, incoming.box.welcome))
    if read_yes_or_no(incoming.received.body):
        return SmsAnswer("code", incoming.say(_lapsed(incoming)))
    return SmsAnswer("help", await _play_alone(incoming, incoming.box.help_menu))


def _lapsed(incoming: _Incoming) -> Sentence:
    """Nothing waits for this yes: what became of the last request, and how to go on. Never what was wrong with it."""
    talk, book, language = incoming.talk, incoming.box.phrasebook, incoming.caller.language
    if talk and talk.acted:
        return dealt_with(told(incoming.box.help_menu.keyword, language))
    menu = (book.menu(talk.keyword) if talk else None) or incoming.box.help_menu
    return lapsed(told(menu.keyword, language))


def lapsed(word: str) -> Sentence:
    """What a yes is answered with that nothing waits for."""
    return _(
        "Nothing waits for an answer, and this message did nothing. To begin again, send {word}.", word=word
    )


def dealt_with(word: str) -> Sentence:
    """The same, where the last request was agreed to already."""
    return _(
        "Your last request was dealt with, and this message did nothing more. For anything else, send {word}.",
        word=word,
    )


async def _helped_enough(incoming: _Incoming) -> bool:
    helped = await helped_since(incoming.db, incoming.received.phone, incoming.since, incoming.known)
    return helped >= HELPS_A_DAY[incoming.known]


async def _play_alone(incoming: _Incoming, menu: Menu) -> str:
    """A menu that ends at once, outside of any conversation."""
    alone = Conversation(incoming.caller.phone, incoming.received.id, "")
    return _text(incoming, (await _play(incoming, menu, alone, ())).shown)
