"""What an SMS begins with: a keyword of the closed list, however it is written, and the words behind it.

A typing mistake is forgiven only where a single keyword is that near; whatever else is read is left to the caller.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rapidfuzz.distance import OSA

from locales import Sentence, _
from talk.answers import LONGEST_ANSWER
from talk.keywords import START, STOP, ByMessage, words_of
from talk.questions import initials

YES, NO = _("YES"), _("NO")
SHORTEST_MISTAKEN = 4  # letters: of shorter words almost any other is one mistake away
LETTERS = re.compile(r"[\W_]*([^\W\d_]+)(.*)", re.DOTALL)
TOKEN = re.compile(r"[\W_]*([^\W_]+)(.*)", re.DOTALL)
SPELLED = re.compile(r"[\W_]*([^\W\d_](?: [^\W\d_]){2,})(?![^\W_])(.*)", re.DOTALL)
LOOK_ALIKES = str.maketrans("01", "OI")


class Order(StrEnum):
    """What any phone may tell the channel itself."""

    STOP = "stop"
    START = "start"


Opening = Order | ByMessage


@dataclass(frozen=True)
class Heard:
    """What a message opens, and the answers that came with it; `exact` without any typing mistake."""

    opening: Opening
    answers: tuple[str, ...]
    exact: bool


class Phrasebook:
    """The closed list of keywords: those of the menus in every language, STOP and START."""

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
        """What `body` opens, or None if it begins with no keyword."""
        text = tidy(body)
        begun = _beginnings(text)
        for word, rest in begun:
            if word in self._openings:
                return Heard(self._openings[word], _answers(rest), exact=True)
        for word, rest in begun[:1]:
            if near := self._one_mistake_from(word):
                return Heard(near, _answers(rest), exact=False)
        return None

    def _one_mistake_from(self, word: str) -> Opening | None:
        """The only opening with a keyword one letter (missing, added, wrong, swapped) away."""
        if len(word) < SHORTEST_MISTAKEN:
            return None
        long_enough = {known: o for known, o in self._openings.items() if len(known) >= SHORTEST_MISTAKEN}
        near = [o for known, o in long_enough.items() if OSA.distance(word, known, score_cutoff=1) <= 1]
        return near[0] if near and all(opening == near[0] for opening in near) else None


def tidy(body: str) -> str:
    """`body` in one line of plain letters: nothing invisible, no full-width forms, no more than one hop carries."""
    letters = (c for c in unicodedata.normalize("NFKC", body) if unicodedata.category(c) != "Cf")
    return " ".join("".join(letters).split())[:LONGEST_ANSWER]


def _beginnings(text: str) -> list[tuple[str, str]]:
    """The first word as it may be meant, with the rest: its letters (PAY500), mended (ST0P), spelled (S T O P)."""
    found = []
    if letters := LETTERS.match(text):
        found.append((initials(letters[1]), letters[2]))
    if token := TOKEN.match(text):
        found.append((initials(token[1].translate(LOOK_ALIKES)), token[2]))
    if spelled := SPELLED.match(text):
        found.append((initials(spelled[1]).replace(" ", ""), spelled[2]))
    return found


def _answers(rest: str) -> tuple[str, ...]:
    """The words behind a keyword, one an answer: between commas if there are any, else between blanks and stars."""
    separators = r"[,;]" if re.search(r"[,;]", rest) else r"[\s*]"
    parts = (clean(part) for part in re.split(separators, clean(rest)))
    return tuple(part for part in parts if any(letter.isalnum() for letter in part))


def clean(typed: str) -> str:
    """An answer without what a sentence puts around it: `5000.` or `: Awa` or `1)`."""
    return re.sub(r"^(?:[\s:=]|- )+|[\s.:!)]+$", "", typed)
