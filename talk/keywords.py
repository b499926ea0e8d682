"""Menus that are opened by SMS: a keyword, and what may follow it.

A keyword is a sentence of the catalogue: each language brings its own words for it, several of them with blanks
between, the first being the one that people are told. The words of the message after it are the menu's first answers.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from locales import Sentence
from talk.engine import Menu
from talk.words import Caller, Request


@dataclass(frozen=True)
class ByMessage:
    """A menu with its keyword. `strangers`: also for phones of which nothing is known."""

    keyword: Sentence
    menu: Menu
    strangers: bool = False

    def __call__(self, caller: Caller) -> Coroutine[Request[Any], Any, Sentence]:
        return self.menu(caller)


def by_message(keyword: Sentence, *, strangers: bool = False) -> Callable[[Menu], ByMessage]:
    """Decorates a menu that an SMS with `keyword` opens."""
    return lambda menu: ByMessage(keyword, menu, strangers)
