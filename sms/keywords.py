"""Finds what an SMS means in a closed list of keywords and of other words, in any spelling, anywhere in the line.

A keyword that leads the line, behind a greeting, is an order, and the words after it are its answers. Elsewhere the
entry of most words wins, then the menu of most weight. Only then one typing mistake is forgiven, in words of five
letters or more of the writer's own language. Other text is the caller's to handle.

No menu that acts is opened by a sentence that denies it (je ne veux pas payer): another menu answers, and asks nothing.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from rapidfuzz.distance import OSA

from locales import Sentence, _, languages, render
from locales.by_ear import sound_of
from sms.household_line import household_in
from sms.wording import (
    DONT_STOP,
    GREETINGS,
    PARTS_OF_NOT,
    SHORTEST_MISTAKEN,
    clean,
    is_denial,
    known,
    phrases,
    said_instead,
    tidy,
    words_in,
)
from talk.figures import amount_in
from talk.keywords import START, STOP, ByMessage, Takes
from talk.questions import initials, words_of

FRENCH = "fr"  # the language that is spelt by ear
SHORTEST_WITHIN = 7  # letters of a mistaken word that does not begin the line
SHORTEST_BY_EAR = 4  # letters of a word that may be spelt by ear
SHORTEST_SOUND, SURE_SOUND = 3, 4
GLUED = re.compile(r"[LD][AEIOUYH]\w{3,}$")  # an article written with its noun: lopital, darjan
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
MayOpen = Callable[[ByMessage], bool]


@dataclass(frozen=True)
class Heard:
    """The menu or order that a message means, and its answers. `leads`: its keyword comes first, rightly spelt."""

    opening: Opening
    answers: tuple[str, ...]
    leads: bool


@dataclass(frozen=True)
class _Entry:
    """One way to say what a menu is for: all `parts` are in the line, each one of several words."""

    parts: tuple[tuple[str, ...], ...]
    opening: Opening
    language: str
    whole: bool = False
    role: str = ""

    @cached_property
    def denies(self) -> bool:
        """Whether a "not" is a part of it: ne veux plus de messages."""
        return any(is_denial([word]) or word in known(PARTS_OF_NOT) for part in self.parts for word in part)

    @property
    def only_word(self) -> str:
        """The word that is the whole entry, or nothing."""
        word = self.parts[0][0]
        return word if len(self.parts) == len(self.parts[0]) == 1 and word.isalpha() else ""

    @property
    def rank(self) -> tuple[int, int]:
        weight = self.opening.weight if isinstance(self.opening, ByMessage) else 9
        return sum(map(_worth, self.parts)) + self.whole, weight


def _worth(part: tuple[str, ...]) -> int:
    """How much a part says: nothing if it is what may not be there, much if it is so many digits."""
    return 0 if part[0].startswith("!") else 3 if re.fullmatch("#[0-9]+", part[0]) else 1


@dataclass(frozen=True)
class _Wording:
    """A message as it is searched: its text behind greetings, and its words in capitals."""

    text: str
    words: tuple[str, ...]
    denies: bool = False

    @cached_property
    def digits(self) -> int:
        return sum(letter.isdecimal() for letter in self.text)

    @cached_property
    def has_figures(self) -> bool:
        return bool(self.digits) or amount_in(self.text) is not None

    @cached_property
    def sounds(self) -> dict[str, list[str]]:
        """Its words of some length, by how they sound."""
        found: dict[str, list[str]] = {}
        glued = [word[1:] for word in self.words if GLUED.match(word)]
        for word in (*self.words, *glued):
            if len(word) >= SHORTEST_SOUND:
                found.setdefault(sound_of(word), []).append(word)
        return found


class Phrasebook:
    """The closed list: STOP, START, the keywords of the menus and what is said instead, in every language."""

    def __init__(self, menus: Sequence[ByMessage]) -> None:
        self._openings: dict[str, Opening] = {}
        self._entries: list[_Entry] = []
        self._bind(STOP, Order.STOP)
        self._bind(START, Order.START)
        for menu in menus:
            self._bind(menu.keyword, menu)
            self._entries += [
                *_entries(menu.keyword, menu),
                *(_entries(menu.said, menu, menu.role) if menu.said else ()),
            ]
        self._entries += [*_entries(NO_MORE_SMS, Order.STOP)]
        self._by_weight = sorted(self._entries, key=_of_two_menus)
        self.asking = [menu for menu in menus if menu.asks]
        self.heeding_no = [menu for menu in menus if menu.heeds_no]
        self._menus = {menu.keyword.msgid: menu for menu in menus}

    def _bind(self, keyword: Sentence, opening: Opening) -> None:
        for word in words_of(keyword):
            if self._openings.setdefault(word, opening) != opening:
                raise ValueError(f"two menus are opened by {word}")

    @property
    def words(self) -> frozenset[str]:
        """Every keyword of the list."""
        return frozenset(self._openings)

    def menu(self, keyword: str) -> ByMessage | None:
        """The menu whose keyword has this English source."""
        return self._menus.get(keyword)

    def read(
        self,
        body: str,
        language: str = FRENCH,
        may_open: MayOpen = lambda _menu: True,
        roles: Collection[str] = (),
    ) -> Heard | None:
        """The menu or order that `body` means, of those that `may_open`, to somebody with `roles`; None if none."""
        line = _line_of(body)
        if not line.denies:
            return self._found(line, language, may_open, roles)
        instead = said_instead(line.text)
        if instead and (heard := self.read(instead, language, may_open, roles)) and _is_acting(heard.opening):
            return heard
        return self._found(line, language, may_open, roles) or self._denied(line, language, may_open, roles)

    def _denied(
        self, line: _Wording, language: str, may_open: MayOpen, roles: Collection[str]
    ) -> Heard | None:
        """The menu that answers a message which denies one that acts."""
        meant = self._found(replace(line, denies=False), language, may_open, roles)
        if meant is None or not isinstance(meant.opening, ByMessage):
            return None
        answers = self.menu(meant.opening.denied)
        return Heard(answers, (), leads=False) if answers and may_open(answers) else None

    def _found(
        self, line: _Wording, language: str, may_open: MayOpen, roles: Collection[str]
    ) -> Heard | None:
        said = self._said(line, may_open, roles)
        if led := self._leading(line, may_open):
            if said and said.opening != led.opening and _begins_with(said, line) and _says_more(said, led):
                return _heard(said.opening, line, leads=not said.role)  # STOP RAPPEL, PAYER COMBIEN
            return led
        if said:
            return _heard(said.opening, line, leads=False)
        near = self._one_mistake_away(line, language, may_open)
        return _heard(near, line, leads=False) if near else None

    def _leading(self, line: _Wording, may_open: MayOpen) -> Heard | None:
        for word, rest in _beginnings(line.text):
            opening = self._openings.get(word)
            if opening is None or not _allowed(opening, may_open) or _is_denied(opening, line, word):
                continue
            if not _is_said_in_passing(opening, word, line):
                return Heard(opening, _answers(opening, rest), leads=True)
        return None

    def _said(self, line: _Wording, may_open: MayOpen, roles: Collection[str]) -> _Entry | None:
        found = [
            (words, weight > 0, exact, weight, -nth, entry)
            for nth, entry in enumerate(self._entries)
            if _allowed(entry.opening, may_open) and (not entry.role or entry.role in roles)
            if (_denies_itself(entry, line) or not _is_denied(entry.opening, line))
            and (exact := _is_said(entry, line))
            for words, weight in [entry.rank]
        ]
        return max(found)[-1] if found else None

    def _one_mistake_away(self, line: _Wording, language: str, may_open: MayOpen) -> ByMessage | None:
        """The only menu with a word one letter away. An order is never guessed: `Shop` is not STOP."""
        known = {
            word: entry.opening
            for entry in self._by_weight
            if entry.language == language and (word := entry.only_word) and len(word) >= SHORTEST_MISTAKEN
            if isinstance(entry.opening, ByMessage) and may_open(entry.opening) and not entry.role
            if not _is_denied(entry.opening, line)
        }
        for nth, word in enumerate(line.words):
            is_order = not nth and bool(line.digits)  # PYER 5000: a letter is missing in front of figures
            if len(word) < (SHORTEST_WITHIN if nth else SHORTEST_MISTAKEN - is_order):
                continue
            near = {
                id(menu): menu
                for key, menu in known.items()
                if OSA.distance(word, key, score_cutoff=1) <= 1
                and len(word) >= min(len(key) - 1, SHORTEST_MISTAKEN)
                if len(word) >= SHORTEST_MISTAKEN or len(key) > len(word)
            }
            if len(near) == 1:
                menu = near.popitem()[1]
                return menu if not _acts(menu) or len(line.words) <= 2 or line.digits else None
        return None


# What ends messages without the word STOP in front.
NO_MORE_SMS = _("STOP+MESSAGE*|SMS|TEXT* NO+MORE+MESSAGE*|SMS|TEXT* DONT|NOT+SEND|WRITE|TEXT+ME UNSUBSCRIBE")


def _of_two_menus(entry: _Entry) -> tuple[bool, tuple[int, int]]:
    """Whose a word is that two menus have: the last in this order, an office's own before those of more weight."""
    return isinstance(entry.opening, ByMessage) and entry.opening.officers, entry.rank


def _entries(said: Sentence, opening: Opening, role: str = "") -> Iterator[_Entry]:
    for language in languages():
        for entry in render(said, language).replace("_", "+").split():
            parts = tuple(tuple(part.split("|")) for part in entry.removeprefix("=").split("+"))
            yield _Entry(parts, opening, language, whole=entry.startswith("="), role=role)


def _allowed(opening: Opening, may_open: MayOpen) -> bool:
    return isinstance(opening, Order) or may_open(opening)


def _is_acting(opening: Opening) -> bool:
    return isinstance(opening, Order) or bool(opening.denied)


def _is_denied(opening: Opening, line: _Wording, led_by: str = "") -> bool:
    """Whether the line denies what acts. STOP in front is obeyed, and a name of people with their ages may be Pa."""
    if not line.denies or not _is_acting(opening) or led_by in (STOP.msgid, START.msgid):
        return False
    is_form = isinstance(opening, ByMessage) and opening.takes in (Takes.HOUSEHOLD, Takes.HOUSEHOLD_AND_PHONE)
    return not (led_by and is_form and line.digits)


def _denies_itself(entry: _Entry, line: _Wording) -> bool:
    """Whether the "not" of a line is the entry's own: plus de rappels; not so where one says: do not stop them."""
    said = f" {' '.join(line.words)} "
    return entry.denies and not any(phrase[0] in said for phrase in phrases(DONT_STOP))


def _is_said(entry: _Entry, line: _Wording) -> int:
    """2 if the line says it as it is spelt, 1 if it sounds so, 0 if it does not."""
    named = [part for part in entry.parts if part[0][0] != "#"]
    if entry.whole and sum(word.isalpha() for word in line.words) > len(named):
        return 0
    return min(max(_stands_in(word, line, entry.language) for word in part) for part in entry.parts)


def _stands_in(word: str, line: _Wording, language: str) -> int:
    """The same of one word; French words also stand where one sounds so."""
    if word.startswith("!"):
        return 0 if _stands_in(word[1:], line, language) else 2
    if word.startswith("#"):
        has = line.digits == int(word[1:]) if word[1:] else line.has_figures
        return 2 if has else 0
    if word in line.words or (word[-1] == "*" and any(said.startswith(word[:-1]) for said in line.words)):
        return 2
    if language != FRENCH or len(word) < SHORTEST_BY_EAR or len(sound := sound_of(word)) < SHORTEST_SOUND:
        return 0
    alike = line.sounds.get(sound, ())
    if len(word) < SHORTEST_MISTAKEN:
        return 1 if any(OSA.distance(said, word) <= 1 for said in alike) else 0
    longer = [said for said in alike if len(said) >= SHORTEST_MISTAKEN]
    return 1 if any(len(sound) >= SURE_SOUND or OSA.distance(said, word) <= 2 for said in longer) else 0


def _says_more(entry: _Entry, led: Heard) -> bool:
    """Whether an entry says more than the keyword in front: in several words, or in an office's own."""
    if entry.role:
        return isinstance(led.opening, ByMessage) and led.opening.officers  # BILAN FAUX, but not FAUX CAISSE
    return len(entry.parts) > 1 or (isinstance(entry.opening, ByMessage) and entry.opening.officers)


def _begins_with(entry: _Entry, line: _Wording) -> bool:
    first = _Wording(line.words[0], line.words[:1])
    return any(
        _stands_in(word, first, entry.language) for part in entry.parts for word in part if word[0] != "!"
    )


def _is_said_in_passing(opening: Opening, word: str, line: _Wording) -> bool:
    """Whether an order is but the first word of a sentence: arrêt de bus. STOP and START themselves never are."""
    return isinstance(opening, Order) and word not in (STOP.msgid, START.msgid) and len(line.words) > 2


def _acts(menu: ByMessage) -> bool:
    """Whether a menu may lead to money or to a household: a mistaken word in a sentence is too little for it."""
    return menu.takes in (Takes.FIGURES, Takes.HOUSEHOLD, Takes.HOUSEHOLD_AND_PHONE)


def _heard(opening: Opening, line: _Wording, *, leads: bool) -> Heard:
    return Heard(opening, _within(opening, line), leads)


def _line_of(body: str) -> _Wording:
    """The message without the greetings in front of it, and marks like `Fwd:`."""
    text = tidy(body)
    while begun := LETTERS.match(text):
        if initials(begun[1]) not in known(GREETINGS) or not any(letter.isalnum() for letter in begun[2]):
            break
        text = begun[2]
    words = tuple(words_in(text))
    return _Wording(text, words, denies=is_denial(words))


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


def _answers(opening: Opening, rest: str) -> tuple[str, ...]:
    """The answers behind a keyword: split at commas if there are any, else at blanks and stars."""
    if isinstance(opening, ByMessage) and opening.takes in (Takes.HOUSEHOLD, Takes.HOUSEHOLD_AND_PHONE):
        return household_in(rest, with_phone=opening.takes is Takes.HOUSEHOLD_AND_PHONE)
    if isinstance(opening, ByMessage) and opening.takes is Takes.WORDS:
        return _whole(rest)
    if isinstance(opening, ByMessage) and opening.takes is Takes.FIGURES and not _line_of(rest).has_figures:
        return ()
    separators = r"[,;]" if re.search(r"[,;]", rest) else r"[\s*]"
    parts = (clean(part) for part in re.split(separators, clean(rest)))
    return tuple(part for part in parts if any(letter.isalnum() for letter in part))


def _within(opening: Opening, line: _Wording) -> tuple[str, ...]:
    """The answers in a line that means a menu without beginning by its keyword."""
    if isinstance(opening, Order) or opening.takes is Takes.NOTHING:
        return ()
    if opening.takes is Takes.FIGURES:
        return _whole(line.text) if line.has_figures else ()
    if opening.takes is Takes.WORDS:
        return _whole(line.text)
    keywords = known(opening.keyword)
    behind = [found.end() for found in re.finditer(r"\w+", line.text) if initials(found[0]) in keywords]
    return _answers(opening, line.text[behind[0] :]) if behind and line.digits else ()


def _whole(text: str) -> tuple[str, ...]:
    text = clean(text)
    return (text,) if any(letter.isalnum() for letter in text) else ()
