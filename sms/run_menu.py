"""Plays one message through a menu: the engine's channel for SMS, and the new state of the conversation.

Reads and the action are in the caller's transaction. No PIN is ever asked by SMS: its answer would stay in the phone.
"""

from collections.abc import Coroutine, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from prepared import savepoint
from sms.confirmations import fit_for
from sms.conversations import Conversation
from sms.deps import InboundSms
from talk import actions, engine
from talk.actions import ActionKey
from talk.answers import Kind
from talk.engine import Finish, Menu
from talk.keywords import ByMessage
from talk.screen import Shown
from talk.trouble import InvalidError, RefusedError
from talk.words import Ask, Caller, Choose, Confirm, Do, Look, Request

NO_PIN = _("A PIN is never asked by SMS. Please do this by calling the service.")


@dataclass(frozen=True)
class Played:
    """The result of one message: what is shown, and the conversation afterwards."""

    shown: Shown
    talk: Conversation


@dataclass
class _SmsChannel:
    """The engine's channel for SMS: reads and the action in the transaction of the whole message."""

    db: AsyncConnection
    caller: Caller
    received: InboundSms
    acted: bool = False

    async def read(self, look: Look[Any]) -> Any:
        return await look.read(self.db, *look.args)

    def forget(self) -> bool:
        """An SMS remembers no look."""
        return False

    def admit_action(self) -> None:
        """Every action is admitted: by SMS the state is in PostgreSQL, not in Redis."""

    async def act(self, action: Do[Any], consent: str, finish: Finish) -> Shown:
        body = self.received.body
        transcripts = tuple(digest.hex() for digest in self.caller.keyring.digests("sms text", body))
        key = ActionKey(self.caller.gateway, self.received.id, self.received.phone, len(body), transcripts)
        async with savepoint(self.db):  # a refusal undoes the action, not the answer
            shown = await actions.enact(self.db, key, self.caller, action, consent, finish)
        self.acted = True
        return shown


class _BySms(Coroutine[Request[Any], Any, Sentence]):
    """A menu as SMS plays it: RefusedError where it asks for a PIN; a page of a list is the last message.

    `asks_all`: the message only means the menu, so that an `order` is asked like any other confirmation, and words in
    which an answer that may be left out is not found are no answer.
    """

    def __init__(self, menu: Coroutine[Request[Any], Any, Sentence], asks_all: bool) -> None:
        self._menu, self._asks_all = menu, asks_all

    def send(self, value: Any) -> Request[Any]:
        request = self._menu.send(value)
        if isinstance(request, Ask) and request.kind.secret:
            raise RefusedError(NO_PIN)
        if isinstance(request, Choose) and not request.choices:
            return self.send(request.question)
        if self._asks_all and isinstance(request, Confirm) and request.by_order:
            return replace(request, by_order=False, own=True)
        if self._asks_all and isinstance(request, Ask) and request.kind.optional:
            return replace(request, kind=replace(request.kind, parse=partial(_if_found, request.kind)))
        return request

    def throw(self, *fault: Any) -> Request[Any]:
        return self._menu.throw(*fault)

    def close(self) -> None:
        self._menu.close()

    def __await__(self) -> Generator[Any, None, Sentence]:
        return self._menu.__await__()


def _if_found(kind: Kind[Any], typed: str) -> Any:
    try:
        return kind.parse(typed)
    except InvalidError:
        return kind.parse("")


async def play(
    db: AsyncConnection,
    caller: Caller,
    received: InboundSms,
    menu: Menu,
    talk: Conversation,
    words: Sequence[str],
) -> Played:
    """Play `words` of `received` on from the state of `talk`, which this message may have opened."""
    channel = _SmsChannel(db, caller, received)
    fit = fit_for(caller.keyring, caller.phone, talk.id, menu.segments if isinstance(menu, ByMessage) else 1)
    asks_all = talk.id == received.id and not talk.ordered
    turn = await engine.play(
        lambda who: _BySms(menu(who), asks_all), caller, talk.state, words, channel, fit, by_message=True
    )
    return Played(
        turn.shown, replace(talk, is_open=not turn.shown.end, acted=channel.acted, state=turn.state)
    )
