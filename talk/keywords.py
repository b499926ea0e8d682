"""Menus that are opened by SMS: a keyword, other words by which people mean the menu, and what may follow.

A keyword is a sentence of the catalogue: each language brings its own words for it, several of them with blanks
between, the first being the one that messages and screens show. The words after it are the menu's first answers.

`said` is a list of what people say instead, anywhere in a line. Each entry is words with `+` between, all of which
must be there; `A|B` is one of them, `RENOUVEL*` begins so, `!A` may not be there, `#` is a figure, `#15` so many
digits, `=A` is the whole line.
"""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _, render
from talk.engine import Menu
from talk.words import Caller, Request

BY_MESSAGE = "sms"  # the gateway of a caller who writes
Asks = Callable[[AsyncConnection, Caller], Awaitable[str | None]]
STOP, START = _("STOP"), _("START")  # obeyed by the channel itself, from any phone
YES, NO = _("YES YEAH YEP OK OKAY AGREED AGREE SURE CONFIRMED"), _("NO NOPE NEVER REFUSE")


class Takes(StrEnum):
    """Which words of a line that means a menu are its answers, where its keyword does not lead the line."""

    NOTHING = "nothing"
    FIGURES = "the line, if it has figures"
    WORDS = "the line without the keyword"
    HOUSEHOLD = "a place, a name, the ages"  # behind the keyword too
    HOUSEHOLD_AND_PHONE = "the same and a phone"


@dataclass(frozen=True)
class ByMessage:
    """A menu with its keyword. `strangers`: also for phones of which nothing is known.

    `officers`: for phones with an office only; to others the word is no keyword (an OK answers something else).
    Of two menus that a line may mean, the one of more `weight` is opened. `asks` tells about which household the
    service itself has asked the phone what the menu asks. `heeds_no` tells something where a no that answers no
    question means this menu.
    `life_s`: so long its questions wait, where its parts come in several messages, each perhaps behind the keyword.
    `role`: only somebody in this office means the menu by what is `said`.
    `denied`: the keyword, as in the English source, of the menu that answers who denies this one (I will not pay). A
    menu that acts has one, and no sentence with a "not" opens it.
    `segments`: so many its last word may take; each costs the mutuelle an SMS.
    """

    keyword: Sentence
    menu: Menu
    strangers: bool = False
    officers: bool = False
    said: Sentence | None = None
    takes: Takes = Takes.NOTHING
    weight: int = 1
    life_s: int | None = None
    asks: Asks | None = None
    heeds_no: Asks | None = None
    role: str = ""
    denied: str = ""
    segments: int = 1

    def __call__(self, caller: Caller) -> Coroutine[Request[Any], Any, Sentence]:
        return self.menu(caller)


def by_message(
    keyword: Sentence,
    *,
    strangers: bool = False,
    officers: bool = False,
    said: Sentence | None = None,
    takes: Takes = Takes.NOTHING,
    weight: int = 1,
) -> Callable[[Menu], ByMessage]:
    """Decorates a menu that an SMS with `keyword` opens, or one that says it in another way."""
    return lambda menu: ByMessage(keyword, menu, strangers, officers, said, takes, weight)


def word_for(keyword: Sentence, language: str) -> str:
    """The word for `keyword` that is shown in `language`."""
    return render(keyword, language).split()[0]
