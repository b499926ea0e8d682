"""Decides what one SMS is: STOP, a keyword, an answer to the open question, a yes with its code; and answers it.

Everything happens in the caller's transaction. An unknown phone gets one short answer a day and no information.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

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
    notified_of_limit,
    played_since,
    strangers_answered,
)
from sms.run_menu import Played, play
from talk.engine import Menu
from talk.keywords import BY_MESSAGE, START, ByMessage, word_for
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
    """What a message was taken for (a word of `sms_inbox.handled_as`), and the answer; "": none is sent."""

    handled_as: str
    text: str = ""


@dataclass(frozen=True)
class _Incoming:
    """A message being handled: its sender, and the phone's last conversation."""

    deps: SmsDeps
    db: AsyncConnection
    received: InboundSms
    sender: Sender
    caller: Caller
    talk: Conversation | None

    @property
    def since(self) -> datetime:
        """One day ago (divided by TIME_SCALE)."""
        return self.caller.at - self.deps.clock.scaled(DAY)

    @property
    def this_hour(self) -> datetime:
        """The beginning of this hour (divided by TIME_SCALE)."""
        return begun(self.caller.at, self.deps.clock.scaled(HOUR))

    def may_open(self, menu: ByMessage) -> bool:
        if menu.officers:
            return self.sender is Sender.OFFICER
        return self.sender is not Sender.STRANGER or menu.strangers

    def open_talk(self) -> tuple[Conversation, ByMessage] | None:
        """The conversation that waits for an answer, with its menu; None if the phone may not use the menu any more."""
        menu = self.deps.phrasebook.menu(self.talk.keyword) if self.talk and self.talk.is_open else None
        return (self.talk, menu) if self.talk and menu and self.may_open(menu) else None

    def say(self, sentence: Sentence) -> str:
        return fold(render(sentence, self.caller.language))


async def dispatch(
    deps: SmsDeps, db: AsyncConnection, received: InboundSms, sender: Sender, now: datetime
) -> SmsAnswer:
    """Handle `received`; the first rule that applies decides:

    1. STOP and START are obeyed from every phone, past every limit.
    2. Past the day's limit of the phone, or the hour's of all strangers, nothing is played.
    3. A yes or no answers the open confirmation.
    4. A keyword without a mistake leaves the open question and opens its menu.
    5. Any other message answers the open question.
    6. Without an open question, one mistake in a keyword is forgiven.
    7. The rest, also a code without an open confirmation: help. A stranger gets it once a day.
    """
    language = await language_of(db, received.phone)
    caller = Caller(received.phone, language, BY_MESSAGE, received.id, now, deps.keyring)
    talk = await conversation_of(db, received.phone, now)
    incoming = _Incoming(deps, db, received, sender, caller, talk)
    heard, waits = deps.phrasebook.read(received.body) or await _by_office(incoming), incoming.open_talk()
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


async def _by_office(incoming: _Incoming) -> Heard | None:
    """What a message without a keyword means from somebody in this office: a doctor's figures, a treasurer's no."""
    if incoming.sender is not Sender.OFFICER:
        return None
    deps, caller, body = incoming.deps, incoming.caller, tidy(incoming.received.body)
    opened = deps.without_keyword(await deps.roles_of(incoming.db, caller.phone, caller.at), body)
    return Heard(opened[0], opened[1], exact=opened[2]) if opened else None


async def _is_over(incoming: _Incoming) -> bool:
    """Whether the day's limit of this phone is reached, or the hour's of all strangers of its country."""
    phone, sender = incoming.received.phone, incoming.sender
    if await played_since(incoming.db, phone, incoming.since) >= PLAYED_A_DAY[sender]:
        return True
    if sender is not Sender.STRANGER:
        return False
    return await strangers_answered(incoming.db, phone, incoming.this_hour) >= incoming.deps.strangers_an_hour


async def _obey(incoming: _Incoming, order: Order) -> SmsAnswer:
    """Apply STOP or START and confirm it; a repeated one changes nothing and gets no answer."""
    phone, now, db = incoming.received.phone, incoming.caller.at, incoming.db
    changed = await (opt_out(db, phone, BY_MESSAGE, now) if order is Order.STOP else opt_in(db, phone, now))
    if incoming.talk and incoming.talk.is_open and order is Order.STOP:
        await keep(db, replace(incoming.talk, is_open=False), now, incoming.deps.clock.scaled(LIFE))
    if (
        not changed
        or await _is_over(incoming)
        or (incoming.sender is Sender.STRANGER and await _helped_enough(incoming))
    ):
        return SmsAnswer(order)
    return SmsAnswer(
        order, incoming.say(stopped(incoming.caller.language) if order is Order.STOP else STARTED)
    )


def stopped(language: str) -> Sentence:
    """The answer to the first STOP."""
    return _(
        "Done: we write to you no more, except receipts, warnings and answers. For all our messages, send {start}.",
        start=word_for(START, language),
    )


async def _too_many(incoming: _Incoming) -> SmsAnswer:
    """Set the message aside; the answer to a known phone says so once a day."""
    phone, since = incoming.received.phone, incoming.since
    if incoming.sender in (Sender.FOREIGN, Sender.STRANGER) or await notified_of_limit(
        incoming.db, phone, since
    ):
        return SmsAnswer("limit")
    return SmsAnswer("limit", incoming.say(TOO_MANY))


async def _open(incoming: _Incoming, heard: Heard) -> SmsAnswer | None:
    """Open the menu of a keyword in place of the open conversation; None if this phone may not use the menu."""
    menu = heard.opening
    if not isinstance(menu, ByMessage) or not incoming.may_open(menu):
        return None
    if menu is incoming.deps.help_menu:  # help keeps the open question
        return SmsAnswer("menu", await _play_alone(incoming, menu))
    caller = incoming.caller
    talk = Conversation(caller.phone, incoming.received.id, menu.keyword.msgid)
    turn = await _play(incoming, menu, talk, heard.answers)
    if incoming.sender is Sender.STRANGER and turn.shown.end and not turn.talk.acted:
        # The menu asked nothing and did nothing: for a stranger that counts as help, once a day.
        spent = await _helped_enough(incoming)
        return SmsAnswer("stranger", "" if spent else _text(incoming, turn.shown))
    return await _answer(incoming, turn, "menu")


async def _go_on(incoming: _Incoming, talk: Conversation, menu: ByMessage) -> SmsAnswer:
    """Answer the open question. A confirmation needs its code; without it, it is shown again."""
    view, word = talk.state.view, clean(tidy(incoming.received.body))
    if not is_confirmation(view) or word in (BACK, HOME):
        return await _answer(incoming, await _play(incoming, menu, talk, [word]), "answer")
    key = pressed(view, incoming.received.body)
    turn = await _play(incoming, menu, talk, [key] if key else [])
    if key is None and not turn.shown.end:
        turn = replace(turn, shown=with_note(turn.shown, NOTHING_DONE, incoming.caller.language))
    return await _answer(incoming, turn, "answer")


async def _play(incoming: _Incoming, menu: Menu, talk: Conversation, words: Sequence[str]) -> Played:
    return await play(incoming.db, incoming.caller, incoming.received, menu, talk, words)


async def _answer(incoming: _Incoming, turn: Played, handled_as: str) -> SmsAnswer:
    """Store the conversation, and answer with the text that the turn shows."""
    menu = incoming.deps.phrasebook.menu(turn.talk.keyword)
    life = timedelta(seconds=menu.life_s) if menu and menu.life_s and turn.talk.is_open else LIFE
    await keep(incoming.db, turn.talk, incoming.caller.at, incoming.deps.clock.scaled(life))
    return SmsAnswer(handled_as, _text(incoming, turn.shown))


def _text(incoming: _Incoming, shown: Shown) -> str:
    """The text without secrets shown once (`on_record`): a message stays in the phone and in the outbox."""
    if not shown.whole:
        log.error("sms_in_cut", extra={"sms": incoming.received.id})
    return shown.on_record


async def _not_understood(incoming: _Incoming) -> SmsAnswer:
    """Answer a code without an open confirmation, or words that were not understood."""
    if await _helped_enough(incoming):
        return SmsAnswer("stranger" if incoming.sender is Sender.STRANGER else "help")
    if incoming.sender is Sender.STRANGER:
        return SmsAnswer("stranger", await _play_alone(incoming, incoming.deps.welcome))
    if read_yes_or_no(incoming.received.body):
        return SmsAnswer("code", incoming.say(_lapsed(incoming)))
    return SmsAnswer("help", await _play_alone(incoming, incoming.deps.help_menu))


def _lapsed(incoming: _Incoming) -> Sentence:
    """The answer to a yes without an open confirmation: how the last request ended, not what is wrong with the code."""
    talk, book, language = incoming.talk, incoming.deps.phrasebook, incoming.caller.language
    if talk and talk.acted:
        return dealt_with(word_for(incoming.deps.help_menu.keyword, language))
    menu = (book.menu(talk.keyword) if talk else None) or incoming.deps.help_menu
    return lapsed(word_for(menu.keyword, language))


def lapsed(word: str) -> Sentence:
    """The answer to a yes without an open confirmation."""
    return _(
        "Nothing waits for an answer, and this message did nothing. To begin again, send {word}.", word=word
    )


def dealt_with(word: str) -> Sentence:
    """The same, if the last request was agreed to already."""
    return _(
        "Your last request was dealt with, and this message did nothing more. For anything else, send {word}.",
        word=word,
    )


async def _helped_enough(incoming: _Incoming) -> bool:
    helped = await helped_since(incoming.db, incoming.received.phone, incoming.since, incoming.sender)
    return helped >= HELPS_A_DAY[incoming.sender]


async def _play_alone(incoming: _Incoming, menu: Menu) -> str:
    """The text of a menu that ends at once, without storing a conversation."""
    alone = Conversation(incoming.caller.phone, incoming.received.id, "")
    return _text(incoming, (await _play(incoming, menu, alone, ())).shown)
