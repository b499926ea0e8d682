"""Menus that are opened by SMS: a keyword, and what may follow it.

A keyword is a sentence of the catalogue: each language brings its own words for it, several of them with blanks
between, the first being the one that messages and screens show. The words after it are the menu's first answers.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from locales import Sentence, _, languages, render
from talk.engine import Menu
from talk.questions import initials
from talk.words import Caller, Request

BY_MESSAGE = "sms"  # the gateway of a caller who writes
STOP, START = _("STOP"), _("START")  # obeyed by the channel itself, from any phone
YES, NO = _("YES"), _("NO")


@dataclass(frozen=True)
class ByMessage:
    """A menu with its keyword. `strangers`: also for phones of which nothing is known.

    `officers`: for phones with an office only; to others the word is no keyword (an OK answers something else).
    `life_s`: so long its questions wait for an answer, where that is less than others do.
    """

    keyword: Sentence
    menu: Menu
    strangers: bool = False
    officers: bool = False
    life_s: int | None = None

    def __call__(self, caller: Caller) -> Coroutine[Request[Any], Any, Sentence]:
        return self.menu(caller)


def by_message(
    keyword: Sentence, *, strangers: bool = False, officers: bool = False, life_s: int | None = None
) -> Callable[[Menu], ByMessage]:
    """Decorates a menu that an SMS with `keyword` opens."""
    return lambda menu: ByMessage(keyword, menu, strangers, officers, life_s)


def words_of(keyword: Sentence) -> list[str]:
    """Every word for `keyword`, of all languages: capitals without accents, each once."""
    spoken = (word for language in languages() for word in render(keyword, language).split())
    return list(dict.fromkeys(initials(word) for word in spoken))


def word_for(keyword: Sentence, language: str) -> str:
    """The word for `keyword` that is shown in `language`."""
    return render(keyword, language).split()[0]
