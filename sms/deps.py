"""The dependencies of playing an SMS, and a received message."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from prepared import unframed
from sms.keywords import Phrasebook
from sms.limits import Sender
from talk.engine import Menu
from talk.keyring import Keyring
from talk.keywords import ByMessage
from timing import Clock


@dataclass(frozen=True)
class SmsDeps:
    """`help_menu` tells a known phone its words, `not_understood` answers whom nobody understood, `last_word` says
    that it is the last answer of the day. All of them end without a question.

    `without_keyword` is the menu that a message without a keyword opens for somebody with these roles (`roles_of` a
    phone at a moment), if there is one, with its answers and whether even while a question waits. `clock` also divides
    waits, days and the life of a conversation. Strangers of one country are answered `strangers_an_hour` times in all.
    """

    pool: AsyncEngine
    phrasebook: Phrasebook
    help_menu: ByMessage
    not_understood: Menu
    last_word: Menu
    sender_of: Callable[[AsyncConnection, str, datetime], Awaitable[Sender]]
    keyring: Keyring
    clock: Clock
    roles_of: Callable[[AsyncConnection, str, datetime], Awaitable[Collection[str]]]
    without_keyword: Callable[[Collection[str], str], tuple[ByMessage, tuple[str, ...], bool] | None]
    strangers_an_hour: int = 100

    @cached_property
    def unframed(self) -> AsyncEngine:
        """The pool for a `transaction`."""
        return unframed(self.pool)


@dataclass(frozen=True)
class InboundSms:
    """A received message; `attempts` counts the failed ones.

    `part`: it is that part of a message of `parts`; of an unknown number, if only its length says so. `follows`: such
    a one waits before it.
    """

    provider: str
    id: str
    phone: str
    body: str
    attempts: int = 0
    part: int | None = None
    parts: int | None = None
    follows: bool = False

    @property
    def has_hole(self) -> bool:
        """Whether this is a message of which a part did not come."""
        return self.parts is not None
