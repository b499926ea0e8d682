"""Decides what one SMS is: STOP, a keyword, an answer to the open question, a yes with its code; and answers it.

Everything happens in the caller's transaction. An unknown phone gets few answers a day and no fact about anybody.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, render
from locales.letters import fold, septets
from sms.confirmations import ROOM, Reply, asked, pressed, read_yes_or_no
from sms.conversations import DAY, HOUR, Conversation, conversation_of, keep
from sms.delivery import opt_in, opt_out
from sms.deps import InboundSms, SmsDeps
from sms.keywords import Heard, Order
from sms.limits import (
    HELPS_A_DAY,
    PLAYED_A_DAY,
    Sender,
    helped_since,
    notified_of_limit,
    played_since,
    strangers_answered,
)
from sms.run_menu import Played, play
from sms.sentences import (
    PART_MISSING,
    STARTED,
    TOO_MANY,
    dealt_with,
    lapsed,
    no_code,
    other_code,
    stopped,
    stopped_asking,
    to_stop,
)
from sms.wording import clean, denies, is_enough, is_speech, is_thanks, tidy
from talk.answers import INTRODUCED
from talk.engine import Menu
from talk.keywords import BY_MESSAGE, NO, ByMessage, Takes, word_for
from talk.limits import begun
from talk.preferences import language_of
from talk.questions import BACK, HOME, MORE, is_confirmation
from talk.questions import YES as YES_KEY
from talk.screen import Shown
from talk.words import CHOSEN, Caller

log = logging.getLogger("keneya.sms")

BARE_YES = timedelta(minutes=15)  # after a question that touches nobody else a yes needs no code
MONEY = "ask amount"  # the kind of an amount: no sentence with a "not" names one
FREE_WORDS = ("ask name", "ask place")  # what takes any words: a sentence would be taken for a name


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

    def is_word_of_office(self, heard: Heard) -> bool:
        """Whether thanks are more than that: a treasurer's OK, or her "all is right"."""
        has_role = isinstance(heard.opening, ByMessage) and bool(heard.opening.role)
        return self.sender is Sender.OFFICER and (heard.leads or has_role)

    def open_talk(self) -> tuple[Conversation, ByMessage] | None:
        """The conversation that waits for an answer, with its menu; None if the phone may not use the menu any more."""
        menu = self.deps.phrasebook.menu(self.talk.keyword) if self.talk and self.talk.is_open else None
        return (self.talk, menu) if self.talk and menu and self.may_open(menu) else None

    def age_of(self, talk: Conversation) -> timedelta:
        """How long ago the conversation's last message was; a question that was not stored is as old as can be."""
        if talk.expires_at is None:
            return timedelta.max
        return self.caller.at - talk.expires_at + self.life_of(talk)

    def life_of(self, talk: Conversation) -> timedelta:
        """How long a conversation is kept from its last message on."""
        menu = self.deps.phrasebook.menu(talk.keyword)
        short = menu.life_s if menu and talk.is_open else None
        return self.deps.clock.scaled(timedelta(seconds=short) if short else talk.life)

    def say(self, sentence: Sentence) -> str:
        return fold(render(sentence, self.caller.language))


async def dispatch(
    deps: SmsDeps, db: AsyncConnection, received: InboundSms, sender: Sender, now: datetime
) -> SmsAnswer:
    """Handle `received`; the first rule that applies decides:

    1. STOP and START are obeyed from every phone, past every limit.
    2. Past the day's limit of the phone, or the hour's of all strangers, nothing is played.
    3. A yes, a no or a code answers the open confirmation, or what the service itself has asked this phone.
    4. Thanks are not answered. A keyword in front leaves the open question and opens its menu.
    5. No, cancel, back or menu end the open question.
    6. Any other message answers the open question, if it can.
    7. What a sentence means, or a mistaken keyword, opens its menu; an open question is asked again with its way out.
    8. The rest is not understood: help, so often a day.

    A message of which a part did not come is not read at all.
    """
    language = await language_of(db, received.phone)
    caller = Caller(received.phone, language, BY_MESSAGE, received.id, now, deps.keyring)
    talk = await conversation_of(db, received.phone, now)
    incoming = _Incoming(deps, db, received, sender, caller, talk)
    if received.has_hole:
        return await _to_send_again(incoming)
    heard = deps.phrasebook.read(received.body, language, incoming.may_open)
    heard = await _by_office(incoming, heard) or heard
    if heard and isinstance(heard.opening, Order):
        return await _obey(incoming, heard.opening)
    if await _is_over(incoming):
        return await _too_many(incoming)
    return (
        await _decided(incoming, heard) or await _opened(incoming, heard) or await _not_understood(incoming)
    )


async def _decided(incoming: _Incoming, heard: Heard | None) -> SmsAnswer | None:
    """Rules 3 to 7 where a question waits, or where the service itself has asked; None if nothing waits."""
    body, waits = incoming.received.body, incoming.open_talk()
    confirms = waits is not None and is_confirmation(waits[0].state.view)
    reply = read_yes_or_no(body)
    if reply and waits and confirms:
        return await _reply(incoming, *waits, reply)
    by_us = await _asked(incoming) if reply and (reply.code or not waits) else None
    # Beside an open question four figures are an amount or ages, if they are not the code.
    if reply and by_us and (not waits or pressed(by_us[0].state.view, reply, bare=False)):
        return await _reply(incoming, *by_us, reply)
    if is_thanks(body) and not (heard and incoming.is_word_of_office(heard)):
        return SmsAnswer("stranger" if incoming.sender is Sender.STRANGER else "help")
    if not waits or (confirms and incoming.age_of(waits[0]) > incoming.deps.clock.scaled(HOUR)):
        return None
    if heard and heard.leads:
        return (
            await _next_part(incoming, *waits, heard)
            or await _chosen(incoming, *waits)
            or await _opened(incoming, heard)
        )
    if is_enough(body):
        return await _ended(incoming, waits[0])
    return await _go_on(incoming, *waits, heard)


async def _next_part(
    incoming: _Incoming, talk: Conversation, menu: ByMessage, heard: Heard
) -> SmsAnswer | None:
    """The answer to a part behind its keyword where the other part waits: VERIF 199000010, then VERIF 246813."""
    if heard.opening is not menu or not menu.life_s or not heard.answers:
        return None
    return await _answer(incoming, await _play(incoming, menu, talk, heard.answers), "answer")


async def _chosen(incoming: _Incoming, talk: Conversation, menu: ByMessage) -> SmsAnswer | None:
    """The answer that names a choice of the open question though it is a keyword too: Famille, of two products."""
    if not talk.state.view.keys or is_confirmation(talk.state.view):
        return None
    turn = await _play(incoming, menu, talk, [clean(tidy(incoming.received.body))])
    new = turn.talk.state.answers[len(talk.state.answers) :]
    return await _answer(incoming, turn, "answer") if new and new[0].kind == CHOSEN else None


async def _by_office(incoming: _Incoming, heard: Heard | None) -> Heard | None:
    """What a message without its keyword means from somebody in this office: a doctor's figures, a treasurer's no."""
    if incoming.sender is not Sender.OFFICER or (heard and _is_own_word(heard)):
        return None
    deps, caller, body = incoming.deps, incoming.caller, tidy(incoming.received.body)
    roles = await deps.roles_of(incoming.db, caller.phone, caller.at)
    if opened := deps.without_keyword(roles, body):
        return Heard(opened[0], opened[1], leads=opened[2])
    return deps.phrasebook.read(body, caller.language, incoming.may_open, roles)


def _is_own_word(heard: Heard) -> bool:
    """Whether a keyword in front says itself what is behind it: VERIF, PAYER, an office's own words, but BILAN FAUX."""
    menu = heard.opening
    if isinstance(menu, Order) or not heard.leads:
        return heard.leads
    return menu.takes is Takes.FIGURES or (
        menu.officers and not (menu.takes is Takes.WORDS and heard.answers)
    )


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
        await _keep(incoming, replace(incoming.talk, is_open=False))
    if not changed or await _is_over(incoming):
        return SmsAnswer(order)
    said = incoming.say(stopped(incoming.caller.language) if order is Order.STOP else STARTED)
    return SmsAnswer(order, await _helping(incoming, said) if incoming.sender is Sender.STRANGER else said)


async def _too_many(incoming: _Incoming) -> SmsAnswer:
    """Set the message aside; the answer to a known phone says so once a day."""
    phone, since = incoming.received.phone, incoming.since
    if incoming.sender in (Sender.FOREIGN, Sender.STRANGER) or await notified_of_limit(
        incoming.db, phone, since
    ):
        return SmsAnswer("limit")
    return SmsAnswer("limit", incoming.say(TOO_MANY))


async def _opened(incoming: _Incoming, heard: Heard | None) -> SmsAnswer | None:
    """Open the menu that was heard in place of the open conversation; None if none was."""
    if heard is None or not isinstance(menu := heard.opening, ByMessage):
        return None
    if menu is incoming.deps.help_menu:  # help keeps the open question
        text = await _asked_again(incoming) or await _play_alone(incoming, menu)
        if incoming.sender is Sender.STRANGER:
            return SmsAnswer("stranger", await _helping(incoming, text))
        return SmsAnswer("menu", text)
    ordered = heard.leads or (menu.takes is Takes.FIGURES and bool(heard.answers))
    talk = Conversation(incoming.caller.phone, incoming.received.id, menu.keyword.msgid, ordered=ordered)
    turn = await _play(incoming, menu, talk, heard.answers)
    if incoming.sender is Sender.STRANGER and turn.shown.end and not turn.talk.acted:
        # The menu asked nothing and did nothing: for a stranger that counts as help, so often a day.
        return SmsAnswer("stranger", await _helping(incoming, _text(incoming, turn.shown)))
    return await _answer(incoming, turn, "menu")


async def _asked(incoming: _Incoming) -> tuple[Conversation, ByMessage] | None:
    """What the service itself has asked this phone (is this household yours?), as a conversation that waits."""
    for menu in incoming.deps.phrasebook.asking:
        if menu.asks and (number := await menu.asks(incoming.db, incoming.caller)):
            talk = Conversation(incoming.caller.phone, asked(number), menu.keyword.msgid)
            return (await _play(incoming, menu, talk, ())).talk, menu
    return None


async def _asked_again(incoming: _Incoming) -> str:
    """What the service itself has asked this phone, with the code of the yes; nothing if it has asked nothing."""
    if not (waits := await _asked(incoming)):
        return ""
    talk, menu = waits
    return _text(incoming, (await _play(incoming, menu, talk, ())).shown)


async def _reply(incoming: _Incoming, talk: Conversation, menu: ByMessage, reply: Reply) -> SmsAnswer:
    """Take a yes or no; a yes that lacks its code, or has another one, is told the code."""
    is_new = incoming.age_of(talk) <= incoming.deps.clock.scaled(BARE_YES)
    key = pressed(talk.state.view, reply, bare=is_new)
    turn = await _play(incoming, menu, talk, [key] if key else ())
    view = turn.talk.state.view
    if key is None and not turn.shown.end and is_confirmation(view):
        yes = next(key for key, meant in view.keys.items() if meant == YES_KEY and " " in key)
        text = incoming.say(other_code(yes) if reply.code else no_code(yes))
        asking = turn.shown.text.rsplit("\n", 1)[0]
        text = _joined(asking, text) or turn.shown.text  # never a code without what it agrees to
        turn = replace(turn, shown=replace(turn.shown, text=text))
    return await _answer(incoming, turn, "answer")


async def _ended(incoming: _Incoming, talk: Conversation) -> SmsAnswer:
    """End the open question by a word."""
    await _keep(incoming, replace(talk, is_open=False))
    word = word_for(incoming.deps.help_menu.keyword, incoming.caller.language)
    return SmsAnswer("answer", incoming.say(stopped_asking(word)))


async def _go_on(
    incoming: _Incoming, talk: Conversation, menu: ByMessage, heard: Heard | None
) -> SmsAnswer | None:
    """Answer the open question. What does not answer it may mean another menu; else the way out is said."""
    word = clean(tidy(incoming.received.body))
    moves = word in (BACK, HOME, MORE)
    typed = [word] if moves or not is_confirmation(talk.state.view) else []
    turn = await _play(incoming, menu, talk, typed)
    if denies(incoming.received.body) and _last_kind(turn.talk) == MONEY != _last_kind(talk):
        turn = await _play(incoming, menu, talk, [])  # je ne peux pas payer 5000: no amount to ask her for
    if not turn.talk.acted and heard and _means_else(incoming, talk, turn):
        return await _opened(incoming, heard)
    if moves or turn.shown.end or _has_moved(talk, turn.talk) or is_confirmation(turn.talk.state.view):
        return await _answer(incoming, turn, "answer")
    again = await _play(incoming, menu, turn.talk, ())
    is_list = bool(again.shown.keys)
    text = _with_way_out(incoming, turn.shown.text, again.shown.text, is_list=is_list)
    return await _answer(incoming, replace(turn, shown=replace(turn.shown, text=text)), "answer")


def _with_way_out(incoming: _Incoming, noted: str, question: str, *, is_list: bool) -> str:
    """A question asked again, with how to end it. Without room for all its note stands for it, but for a list."""
    way_out = incoming.say(to_stop(word_for(NO, incoming.caller.language)))
    note = noted.removesuffix(question).rstrip()
    whole, without = _joined(noted, way_out), _joined(question, way_out)
    return whole or (note and not is_list and _joined(note, way_out)) or without or noted


def _last_kind(talk: Conversation) -> str:
    """The kind of the last answer on record."""
    return talk.state.answers[-1].kind if talk.state.answers else ""


def _has_moved(before: Conversation, after: Conversation) -> bool:
    stood, stands = before.state.view, after.state.view
    is_same = (stood.question, stood.page, stood.letters) == (stands.question, stands.page, stands.letters)
    return before.state.answers != after.state.answers or not is_same


def _means_else(incoming: _Incoming, before: Conversation, turn: Played) -> bool:
    """Whether a message that means another menu does not answer the question, or is a sentence taken for a name."""
    if not turn.shown.end and not _has_moved(before, turn.talk):
        return True
    last = turn.talk.state.answers[-1:]
    is_name = bool(last) and last[0].kind in FREE_WORDS and last != before.state.answers[-1:]
    return (
        is_name and is_speech(incoming.received.body) and not INTRODUCED.match(tidy(incoming.received.body))
    )


def _joined(text: str, line: str) -> str:
    """`line` below `text`, or nothing if an SMS does not hold both."""
    return both if septets(both := f"{text}\n{line}") <= ROOM else ""


async def _play(incoming: _Incoming, menu: Menu, talk: Conversation, words: Sequence[str]) -> Played:
    return await play(incoming.db, incoming.caller, incoming.received, menu, talk, words)


async def _keep(incoming: _Incoming, talk: Conversation) -> None:
    await keep(incoming.db, talk, incoming.caller.at + incoming.life_of(talk))


async def _answer(incoming: _Incoming, turn: Played, handled_as: str) -> SmsAnswer:
    """Store the conversation, and answer with the text that the turn shows."""
    await _keep(incoming, turn.talk)
    return SmsAnswer(handled_as, _text(incoming, turn.shown))


def _text(incoming: _Incoming, shown: Shown) -> str:
    """The text without secrets shown once (`on_record`): a message stays in the phone and in the outbox."""
    if not shown.whole:
        log.error("sms_in_cut", extra={"sms": incoming.received.id})
    return shown.on_record


async def _not_understood(incoming: _Incoming) -> SmsAnswer:
    """Answer a code without an open confirmation, or words that were not understood: who was asked is asked again."""
    kind = "stranger" if incoming.sender is Sender.STRANGER else "help"
    if heeded := await _heeded(incoming):
        return heeded
    if kind == "help" and read_yes_or_no(incoming.received.body):
        return SmsAnswer("code", await _helping(incoming, incoming.say(_lapsed(incoming))))
    asked_again = await _asked_again(incoming)
    text = asked_again or await _play_alone(incoming, incoming.deps.not_understood)
    return SmsAnswer(kind, await _helping(incoming, text))


async def _to_send_again(incoming: _Incoming) -> SmsAnswer:
    """What is said of a message with a hole: the words that came could mean something else than the whole."""
    if await _is_over(incoming):
        return await _too_many(incoming)
    return SmsAnswer("part", await _helping(incoming, incoming.say(PART_MISSING)))


async def _heeded(incoming: _Incoming) -> SmsAnswer | None:
    """A no that answers no question, where a menu takes it for an order: it is about what the phone was told."""
    reply = read_yes_or_no(incoming.received.body)
    if reply is None or reply.is_yes or reply.code:
        return None
    for menu in incoming.deps.phrasebook.heeding_no:
        if menu.heeds_no and await menu.heeds_no(incoming.db, incoming.caller):
            return await _opened(incoming, Heard(menu, (), leads=True))
    return None


async def _helping(incoming: _Incoming, text: str) -> str:
    """`text` as help, of which a phone gets so many a day: the last says so, and whom to call; then silence."""
    left = HELPS_A_DAY[incoming.sender] - await helped_since(
        incoming.db, incoming.received.phone, incoming.since, incoming.sender
    )
    if left > 1:
        return text
    last = await _play_alone(incoming, incoming.deps.last_word) if left == 1 else ""
    return (_joined(text, last) or last) if last else ""


def _lapsed(incoming: _Incoming) -> Sentence:
    """The answer to a yes without an open confirmation: how the last request ended, not what is wrong with the code."""
    talk, book, language = incoming.talk, incoming.deps.phrasebook, incoming.caller.language
    if talk and talk.acted:
        return dealt_with(word_for(incoming.deps.help_menu.keyword, language))
    menu = (book.menu(talk.keyword) if talk else None) or incoming.deps.help_menu
    return lapsed(word_for(menu.keyword, language))


async def _play_alone(incoming: _Incoming, menu: Menu) -> str:
    """The text of a menu that ends at once, without storing a conversation."""
    alone = Conversation(incoming.caller.phone, incoming.received.id, "")
    return _text(incoming, (await _play(incoming, menu, alone, ())).shown)
