"""Reads the keyword at the beginning of an SMS, from a closed list and in any spelling, and the words after it.

One typing mistake is forgiven if only one keyword is that near; other text is the caller's to handle.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz.distance import OSA

from locales import Sentence
from talk.answers import LONGEST_ANSWER
from talk.keywords import START, STOP, ByMessage, words_of
from talk.questions import initials

SHORTEST_MISTAKEN = 4  # letters: of shorter words almost any other is one mistake away
LETTERS = re.compile(r"[\W_]*([^\W\d_]+)(.*)", re.DOTALL)
TOKEN = re.compile(r"[\W_]*([^\W_]+)(.*)", re.DOTALL)
PAIR = re.compile(r"[\W_]*([^\W\d_]+)[\s_]+([^\W\d_]+)(.*)", re.DOTALL)
SPELLED = re.compile(r"[\W_]*([^\W\d_](?: [^\W\d_]){2,})(?![^\W_])(.*)", re.DOTALL)
LOOK_ALIKES = str.maketrans("01", "OI")


class Order(StrEnum):
    """Keywords that the channel itself obeys, from any phone."""

    STOP = "stop"
    START = "start"


Opening = Order | ByMessage


@dataclass(frozen=True)
class Heard:
    """The menu or order that a message opens, and the answers in it; `exact`: without a typing mistake."""

    opening: Opening
    answers: tuple[str, ...]
    exact: bool


class Phrasebook:
    """The closed list of keywords: STOP, START and those of the menus, in every language."""

    def __init__(self, menus: Sequence[ByMessage]) -> None:
        self._openings: dict[str, Opening] = {}
        self._bind(STOP, Order.STOP)
        self._bind(START, Order.START)
        for menu in menus:
            self._bind(menu.keyword, menu)
        self._menus = {menu.keyword.msgid: menu for menu in menus}

    def _bind(self, keyword: Sentence, opening: Opening) -> None:
        for word in words_of(keyword):
            if self._openings.setdefault(word, opening) != opening:
                raise ValueError(f"two menus are opened by {word}")

    @property
    def words(self) -> frozenset[str]:
        """Every word of the list."""
        return frozenset(self._openings)

    def menu(self, keyword: str) -> ByMessage | None:
        """The menu whose keyword has this English source."""
        return self._menus.get(keyword)

    def read(self, body: str) -> Heard | None:
        """The menu or order that `body` opens; None if it does not begin with a keyword."""
        text = tidy(body)
        begun = _beginnings(text)
        for word, rest in begun:
            if word in self._openings:
                return Heard(self._openings[word], _answers(rest), exact=True)
        for word, rest in [*begun[:1], *(pair for pair in begun[1:] if " " in pair[0])]:
            if near := self._one_mistake_from(word):
                return Heard(near, _answers(rest), exact=False)
        return None

    def _one_mistake_from(self, word: str) -> Opening | None:
        """The only opening with a keyword one letter (missing, added, wrong, swapped) away."""
        if len(word) < SHORTEST_MISTAKEN:
            return None
        pair = " " in word
        long_enough = {
            key: o
            for key, o in self._openings.items()
            if len(key) >= SHORTEST_MISTAKEN and (" " in key) == pair
        }
        near = [o for key, o in long_enough.items() if OSA.distance(word, key, score_cutoff=1) <= 1]
        return near[0] if near and all(opening == near[0] for opening in near) else None


def tidy(body: str) -> str:
    """`body` in one line, without invisible characters and full-width forms, cut to LONGEST_ANSWER."""
    letters = (c for c in unicodedata.normalize("NFKC", body) if unicodedata.category(c) != "Cf")
    return " ".join("".join(letters).split())[:LONGEST_ANSWER]


def _beginnings(text: str) -> list[tuple[str, str]]:
    """Readings of the first word, each with the rest: its letters (PAY500), corrected (ST0P), spelt out (S T O P).

    And of the first two as one: a word of the catalogue with `_` between (WHO_OWES).
    """
    found = []
    if letters := LETTERS.match(text):
        found.append((initials(letters[1]), letters[2]))
    if token := TOKEN.match(text):
        found.append((initials(token[1].translate(LOOK_ALIKES)), token[2]))
    if pair := PAIR.match(text):
        found.append((initials(f"{pair[1]} {pair[2]}"), pair[3]))
    if spelled := SPELLED.match(text):
        found.append((initials(spelled[1]).replace(" ", ""), spelled[2]))
    return found


def _answers(rest: str) -> tuple[str, ...]:
    """The answers after a keyword, split at commas if there are any, else at blanks and stars."""
    separators = r"[,;]" if re.search(r"[,;]", rest) else r"[\s*]"
    parts = (clean(part) for part in re.split(separators, clean(rest)))
    return tuple(part for part in parts if any(letter.isalnum() for letter in part))


def clean(typed: str) -> str:
    """An answer without the punctuation of a sentence around it: `5000.` or `: Awa` or `1)`."""
    return re.sub(r"^(?:[\s:=]|- )+|[\s.:!)]+$", "", typed)
