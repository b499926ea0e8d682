"""All that a menu may say: ask, choose, confirm, look, do.

Each word hands the engine a request and waits for its answer; a menu that awaits anything else is stopped.
"""

from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from talk.answers import Kind
from talk.keyring import NO_KEYRING, Keyring
from values import value

P = ParamSpec("P")
T = TypeVar("T")


@value
class Caller:
    """Who is talking: `at` is this hop's time (aware UTC), `call` the gateway's name for the conversation.

    `keyring` is for the actions that check a PIN or a code.
    """

    phone: str
    language: str
    gateway: str
    call: str
    at: datetime
    keyring: Keyring = field(default=NO_KEYRING, repr=False, compare=False)


class Choice(Protocol):
    """Anything that can stand in a list: `key` is recorded, `label` is read."""

    @property
    def key(self) -> str: ...

    @property
    def label(self) -> Sentence | str: ...


C = TypeVar("C", bound=Choice)


@value
class Option:
    """A plain choice. `digit` fixes the key to press; without it the list numbers itself."""

    key: str
    label: Sentence | str
    digit: str | None = None


@value
class Consent:
    """A yes, with the whole screen that was agreed to, word for word."""

    words: str


class Request(Generic[T]):
    """What a word yields to the engine."""

    __slots__ = ()

    def __await__(self) -> Generator["Request[Any]", T, T]:
        answer = yield self
        return answer


@value
class Ask(Request[T]):
    question: Sentence
    kind: Kind[T]

    @property
    def answered_as(self) -> str:
        """What the record calls its answers: one to a question of another kind never fits."""
        return self.kind.recorded_as


@value
class Choose(Request[C]):
    """`once`: its answer holds for the whole call. `of_money`: worth going on with after a call that was cut off.

    Without choices it is a page to be read, see `show`.
    """

    question: Sentence
    choices: tuple[C, ...]
    once: bool = False
    of_money: bool = False

    @property
    def answered_as(self) -> str:
        """What the record calls its answers."""
        return CHOSEN_MONEY if self.of_money else CHOSEN


@value
class Confirm(Request["Consent | None"]):
    """`by_order`: given already where one message brought the whole request, with `in_parts` also several (`order`).

    `own`: it touches the caller's own household only, so that by SMS a yes needs no code within minutes. `other`: what
    may be pressed beside yes and no; nothing is agreed to by it, and it is the answer.
    """

    answered_as: ClassVar[str] = "confirm"
    question: Sentence
    yes: Sentence
    no: Sentence
    by_order: bool = False
    own: bool = False
    in_parts: bool = False
    other: Option | None = None


@value
class Look(Request[T]):
    read: Callable[..., Awaitable[T]]
    args: tuple[Any, ...]


@value
class Do(Request[T]):
    act: Callable[..., Awaitable[T]]
    facts: tuple[tuple[str, Any], ...]


CHOSEN, CHOSEN_MONEY = "choose", "choose money"
Question = Ask[Any] | Choose[Any] | Confirm
QUESTIONS = (Ask, Choose, Confirm)  # the same, for isinstance


def ask(question: Sentence, kind: Kind[T]) -> Request[T]:
    """Ask for a typed answer of `kind`; asked again until it can be read."""
    return Ask(question, kind)


def choose(
    question: Sentence, choices: Sequence[C], *, once: bool = False, of_money: bool = False
) -> Request[C]:
    """Offer `choices` (at least one), in pages and by first letters where they are many.

    With `once` it is not asked again in the same call, unless the caller goes back to it.
    """
    if not choices:
        raise ValueError(f"nothing to choose from: {question.msgid}")
    return Choose(question, tuple(choices), once, of_money)


def show(sentence: Sentence) -> Request[Sentence]:
    """A page of a list: read, and left by 0 to the list. Where nothing leads back (SMS) it is the last sentence."""
    return Choose[Any](sentence, ())


def confirm(
    question: Sentence, *, yes: Sentence | None = None, no: Sentence | None = None, own: bool = False
) -> Request[Consent | None]:
    """Ask for agreement to the whole screen; its words are kept with the action, whether it takes them or not.

    `own` is for what touches nobody else and asks for no money without a PIN: the sender of an SMS can be forged.
    """
    return Confirm(question, yes or _("Yes"), no or _("No"), own=own)


def confirm_or(
    question: Sentence, other: Option, *, yes: Sentence | None = None, no: Sentence | None = None
) -> Request[Consent | Option | None]:
    """A `confirm` of a call with a third line: where `other` is pressed it is the answer, and nothing is agreed to."""
    return cast(
        Request[Consent | Option | None], Confirm(question, yes or _("Yes"), no or _("No"), other=other)
    )


def order(question: Sentence, *, in_parts: bool = False) -> Request[Consent | None]:
    """A `confirm` that is given where one message brought the whole request: its sender has said what she wants.

    Everywhere else (a call, also one dialled with its answers; a question that was asked) it is asked like any other.
    With `in_parts` the message that brings the last missing part gives it too: only where that part can mean nothing
    else. Only for what moves no money and changes nobody's rights: the sender of an SMS can be forged.
    """
    return Confirm(question, _("Yes"), _("No"), by_order=True, in_parts=in_parts)


def look(
    read: Callable[Concatenate[AsyncConnection, P], Awaitable[T]], *args: P.args, **_kwargs: P.kwargs
) -> Request[T]:
    """Read with `read(db, *args)`. A call may remember it from an earlier hop; what is agreed to is read afresh."""
    return Look(read, args)


def do(act: Callable[..., Awaitable[T]], **facts: Any) -> Request[T]:
    """Act once, last: `act(db, caller, **facts)` in one transaction with the action that records `facts`."""
    return Do(act, tuple(sorted(facts.items())))
