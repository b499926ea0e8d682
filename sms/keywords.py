"""Finds what an SMS means in a closed list of keywords and of other words, in any spelling, anywhere in the line.

A keyword that leads the line, behind a greeting, is an order, and the words after it are its answers. Elsewhere the
entry of most words wins, then the menu of most weight. Only then one typing mistake is forgiven, in words of five
letters or more of the writer's own language. Other text is the caller's to handle.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property

from rapidfuzz.distance import OSA

from locales import Sentence, _, languages, render
from locales.by_ear import sound_of
from talk.answers import LONGEST_ANSWER
from talk.figures import amount_in, in_figures
from talk.keywords import NO, START, STOP, YES, ByMessage, Takes, words_of
from talk.questions import initials

NOT = _("NOT DONT CANT")
ENOUGH = _("CANCEL BACK MENU QUIT EXIT END LATER NOTHING")
NOT_NOW = _("NOW YET TODAY I WANT")  # behind a "not"
GREETINGS = _(
    "HELLO HI HEY DEAR GOOD MORNING AFTERNOON EVENING DAY SIR MADAM PLEASE PLS PLZ RE FW FWD FORWARDED MESSAGE"
)
THANKS = _("THANKS THANK THX TX TANKS OK OKAY NOTED BLESS")
BESIDE_THANKS = _("YOU VERY MUCH A LOT GOD ALL WELL FINE GREAT")
SEEN = _("GOT+IT UNDERSTOOD ALL+WELL")
BESIDE_CODE = _("CODE THE IS")
BESIDE_YES = _("I DO IT IS PLEASE ALL RIGHT THAT THE WITH PLEASURE CODE")  # beside a yes they change nothing
SPEECH = _("I AM MY WE HAVE WANT NEED HOW WHAT WHERE WHEN WHY IS ARE CAN")

FRENCH = "fr"  # the language that is spelt by ear
SHORTEST_MISTAKEN = 5  # letters: of shorter words almost any other is one mistake away
SHORTEST_WITHIN = 7  # letters of a mistaken word that does not begin the line
SHORTEST_SOUND, SURE_SOUND = 3, 4
LETTERS = re.compile(r"[\W_]*([^\W\d_]+)(.*)", re.DOTALL)
TOKEN = re.compile(r"[\W_]*([^\W_]+)(.*)", re.DOTALL)
PAIR = re.compile(r"[\W_]*([^\W\d_]+)[\s_]+([^\W\d_]+)(.*)", re.DOTALL)
SPELLED = re.compile(r"[\W_]*([^\W\d_](?: [^\W\d_]){2,})(?![^\W_])(.*)", re.DOTALL)
LOOK_ALIKES = str.maketrans("01", "OI")
PHONE_BEHIND = re.compile(r"[\s*](\+?\d{8,15})[\s.]*$")
PHONE_DIGITS = 8  # of the shortest phone
AGES = re.compile(r"[\s,;:*]+[âa]ges?\W*$", re.IGNORECASE)
FIRST_FIGURE = re.compile(r"(?<!\w)\d")


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
        for word in self.words:
            if len(word) >= SHORTEST_MISTAKEN:
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
                entry for said in (menu.keyword, menu.said) if said for entry in _entries(said, menu)
            ]
        self._entries += [*_entries(NO_MORE_SMS, Order.STOP)]
        self.asking = [menu for menu in menus if menu.asks]
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

    def read(self, body: str, language: str = FRENCH, may_open: MayOpen = lambda _menu: True) -> Heard | None:
        """The menu or order that `body` means, of those that `may_open`; None if it means none."""
        line = _line_of(body)
        said = self._said(line, may_open)
        if led := self._leading(line, may_open):
            if said and said.opening != led.opening and _begins_with(said, line) and _says_more(said):
                return _heard(said.opening, line, leads=True)  # STOP RAPPEL, PAYER COMBIEN
            return led
        if said:
            return _heard(said.opening, line, leads=False)
        near = self._one_mistake_away(line, language, may_open)
        return _heard(near, line, leads=False) if near else None

    def _leading(self, line: _Wording, may_open: MayOpen) -> Heard | None:
        for word, rest in _beginnings(line.text):
            opening = self._openings.get(word)
            if opening and _allowed(opening, may_open) and not _is_said_in_passing(opening, word, line):
                return Heard(opening, _answers(opening, rest), leads=True)
        return None

    def _said(self, line: _Wording, may_open: MayOpen) -> _Entry | None:
        found = [
            (words, weight > 0, exact, weight, -nth, entry)
            for nth, entry in enumerate(self._entries)
            if _allowed(entry.opening, may_open) and (exact := _is_said(entry, line))
            for words, weight in [entry.rank]
        ]
        return max(found)[-1] if found else None

    def _one_mistake_away(self, line: _Wording, language: str, may_open: MayOpen) -> ByMessage | None:
        """The only menu with a word one letter away. An order is never guessed: `Shop` is not STOP."""
        known = {
            word: entry.opening
            for entry in sorted(self._entries, key=_of_two_menus)
            if entry.language == language and (word := entry.only_word) and len(word) >= SHORTEST_MISTAKEN
            if isinstance(entry.opening, ByMessage) and may_open(entry.opening)
        }
        for nth, word in enumerate(line.words):
            if len(word) < (SHORTEST_WITHIN if nth else SHORTEST_MISTAKEN):
                continue
            near = {
                id(menu): menu for key, menu in known.items() if OSA.distance(word, key, score_cutoff=1) <= 1
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


def _entries(said: Sentence, opening: Opening) -> Iterator[_Entry]:
    for language in languages():
        for entry in render(said, language).replace("_", "+").split():
            parts = tuple(tuple(part.split("|")) for part in entry.removeprefix("=").split("+"))
            yield _Entry(parts, opening, language, whole=entry.startswith("="))


def _allowed(opening: Opening, may_open: MayOpen) -> bool:
    return isinstance(opening, Order) or may_open(opening)


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
    if language != FRENCH or len(word) < SHORTEST_MISTAKEN or len(sound := sound_of(word)) < SHORTEST_SOUND:
        return 0
    alike = line.sounds.get(sound, ())
    return 1 if any(len(sound) >= SURE_SOUND or OSA.distance(said, word) <= 2 for said in alike) else 0


def _says_more(entry: _Entry) -> bool:
    """Whether an entry says more than the keyword in front: in several words, or in an office's own."""
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


def tidy(body: str) -> str:
    """`body` in one line, without invisible characters and full-width forms, cut to LONGEST_ANSWER."""
    letters = (c for c in unicodedata.normalize("NFKC", body) if unicodedata.category(c) != "Cf")
    return " ".join("".join(letters).split())[:LONGEST_ANSWER]


def words_in(text: str) -> list[str]:
    """The words of a text in capitals without accents, figures apart; J'AI is one word, D'ACCORD is ACCORD."""
    text = "".join(letter for letter in text if not _is_picture(letter))
    words = re.findall(
        r"[A-Z]+|[0-9]+", re.sub(r"\bJ AI\b", "JAI", re.sub(r"(?<=N) T\b", "T", initials(text)))
    )
    if len(words) > 2 and all(len(word) == 1 for word in words):
        return ["".join(words)]
    return [
        word for word, behind in zip(words, [*words[1:], ""], strict=False) if not _is_elided(word, behind)
    ]


def _is_picture(letter: str) -> bool:
    return unicodedata.category(letter) == "So"


def _is_elided(word: str, behind: str) -> bool:
    return (
        word in ("J", "D", "L", "C", "N", "S", "M", "T", "QU") and len(behind) > 1 and behind[0] in "AEIOUYH"
    )


@cache
def known(words: Sentence) -> frozenset[str]:
    """The words of a list, of every language."""
    return frozenset(words_of(words))


def _line_of(body: str) -> _Wording:
    """The message without the greetings in front of it, and marks like `Fwd:`."""
    text = tidy(body)
    while begun := LETTERS.match(text):
        if initials(begun[1]) not in known(GREETINGS) or not any(letter.isalnum() for letter in begun[2]):
            break
        text = begun[2]
    return _Wording(text, tuple(words_in(text)))


def is_thanks(body: str) -> bool:
    """Whether nothing but thanks is said, or that all is well, a greeting or a yes beside it: it wants no answer."""
    words = set(words_in(tidy(body)))
    if not words and any(map(_is_picture, body)):
        return True  # nothing but a picture
    seen = [set(entry.split("+")) for language in languages() for entry in render(SEEN, language).split()]
    beside = known(BESIDE_THANKS) | known(GREETINGS) | known(YES) | set[str]().union(*seen)
    return (
        bool(words & known(THANKS) or any(one <= words for one in seen)) and words <= known(THANKS) | beside
    )


def is_enough(body: str) -> bool:
    """Whether nothing is said but a word that ends a question: no, cancel, menu, back, not now. A reason says more."""
    words = set(words_in(tidy(body)))
    ends = known(ENOUGH) | known(NO)
    beside = known(NOT) | known(NOT_NOW) | known(THANKS) | known(BESIDE_THANKS) | known(GREETINGS)
    is_later = bool(words & known(NOT)) and words <= known(NOT) | known(NOT_NOW)
    return is_later or (bool(words & ends) and words <= ends | beside)


def is_speech(body: str) -> bool:
    """Whether it is a sentence, which is no name: somebody says I, my, is, where."""
    words = words_in(tidy(body))
    return len(words) > 1 and bool(set(words) & known(SPEECH))


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
        return _household(rest, with_phone=opening.takes is Takes.HOUSEHOLD_AND_PHONE)
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


def _household(rest: str, *, with_phone: bool) -> tuple[str, ...]:
    """Place in front, figures at the end, the rest is the name. All figures are ages, but for a phone behind them.

    Without a comma between place and name both are handed over word by word: the list of places tells.
    """
    rest = in_figures(rest)
    figure = FIRST_FIGURE.search(rest)
    named, figures = (rest[: figure.start()], rest[figure.start() :]) if figure else (rest, "")
    named = AGES.sub("", named)
    if not figure and is_speech(rest):
        return ()
    parts = [part for part in (clean(part) for part in re.split(r"[,;]", named)) if part]
    answers = [parts[0], " ".join(parts[1:])] if len(parts) > 1 else clean(named).replace("*", " ").split()
    figures, phone = _phone_apart(figures) if with_phone else (figures, "")
    return tuple(answer for answer in (*answers, clean(figures), clean(phone)) if answer)


def _phone_apart(figures: str) -> tuple[str, str]:
    """Ages and the phone behind them: of its own between commas (or 0 for none), or without blanks in it."""
    pieces = re.split(r"[,;]", figures)
    digits = sum(letter.isdecimal() for letter in pieces[-1])
    if len(pieces) > 1 and (digits >= PHONE_DIGITS or (len(pieces) == 2 and clean(pieces[1]) == "0")):
        return ",".join(pieces[:-1]), pieces[-1]
    phone = PHONE_BEHIND.search(figures)
    return (figures[: phone.start()], phone[1]) if phone else (figures, "")


def clean(typed: str) -> str:
    """An answer without the punctuation of a sentence around it: `5000.` or `: Awa` or `1)`."""
    return re.sub(r"^(?:[\s:=,;*]|- )+|[\s.:!,;)]+$", "", typed)
