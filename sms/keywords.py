"""Finds what an SMS means in a closed list of keywords and of other words, in any spelling, anywhere in the line.

A keyword that leads the line, behind a greeting, is an order, and the words after it are its answers. Elsewhere the
entry of most words wins, then the menu of most weight. Only then one typing mistake is forgiven, in words of five
letters or more of the writer's own language. Other text is the caller's to handle.

No menu that acts is opened by a sentence that denies it (je ne veux pas payer): another menu answers, and asks nothing.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, cached_property

from rapidfuzz.distance import OSA

from locales import Sentence, _, languages, render
from locales.by_ear import sound_of
from talk.answers import LONGEST_ANSWER
from talk.figures import amount_in, in_figures
from talk.keywords import NO, START, STOP, YES, ByMessage, Takes
from talk.questions import initials, words_of

NOT = _("NOT DONT CANT")
# What denies a sentence: words, `A_B` side by side, `A+B` both, `!A` not there. What only looks so is left out first.
DENIALS = _(
    "NOT DONT CANT CANNOT WONT DIDNT HAVENT DOESNT ISNT WOULDNT COULDNT NEVER WITHOUT REFUSE UNABLE STOP_PAYING "
    "NO_MONEY NO_LONGER NOTHING CANCEL LATER"
)
NO_DENIALS = _("WHY_NOT NOT_A_PROBLEM NOT_ONLY WITHOUT_FAIL")
BUT = _("BUT SO")  # with commas they end what a "not" denies
DONT_STOP = _("DONT_STOP NOT_STOP NEVER_STOP")
PARTS_OF_NOT = _("NOT DONT NO STOP")  # an entry with one of these says itself what is not wanted
IT_IS = _("IT IS NOT")  # with one of US behind it, "it is us", which answers who is asked whether they are it
US, BESIDE_US = (
    _("ME US MINE OURS HOUSEHOLD FAMILY"),
    _("MY OUR THIS THAT THE AT ALL REALLY S I AM WE ARE TRUE MISTAKE A"),
)
WHO_ACTS = _("I WE")  # behind a "not" somebody says what is wanted instead
ENOUGH = _("CANCEL BACK MENU QUIT EXIT END LATER NOTHING FORGET STOPPING")
BESIDE_ENOUGH = _(
    "TO THE IT THAT ALL MY THIS PAYMENT REQUEST GO LETS MAIN WELL FINALLY ACTUALLY COME WILL DO SEE"
)
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
SHORTEST_BY_EAR = 4  # letters of a word that may be spelt by ear
SHORTEST_SOUND, SURE_SOUND = 3, 4
GLUED = re.compile(r"[LD][AEIOUYH]\w{3,}$")  # an article written with its noun: lopital, darjan
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
    role: str = ""

    @cached_property
    def denies(self) -> bool:
        """Whether a "not" is a part of it: ne veux plus de messages."""
        return any(_denies([word]) or word in known(PARTS_OF_NOT) for part in self.parts for word in part)

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
        instead = _said_instead(line.text)
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
    return entry.denies and not any(phrase[0] in said for phrase in _phrases(DONT_STOP))


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
    words = tuple(words_in(text))
    return _Wording(text, words, denies=_denies(words))


def denies(body: str) -> bool:
    """Whether a message says that something is not so, or not wanted: je ne peux pas payer."""
    return _denies(words_in(tidy(body)))


def _denies(words: Sequence[str]) -> bool:
    line = f" {' '.join(without_idioms(words))} "
    return any(all(_is_beside(part, line) for part in denial) for denial in _phrases(DENIALS))


def without_idioms(words: Sequence[str]) -> list[str]:
    """The words of a line without phrases in which a "not" denies nothing: pas de souci."""
    line = f" {' '.join(words)} "
    for idiom in _phrases(NO_DENIALS):
        line = line.replace(idiom[0], " ")
    return line.split()


@cache
def _phrases(said: Sentence) -> list[tuple[str, ...]]:
    """The entries of a list of phrases in every language, each with its parts: words with blanks around them."""
    entries = (entry for language in languages() for entry in render(said, language).split())
    return [tuple(f" {part.replace('_', ' ')} " for part in entry.split("+")) for entry in entries]


def _is_beside(part: str, line: str) -> bool:
    return f" {part[2:]}" not in line if part.startswith(" !") else part in line


def _said_instead(text: str) -> str:
    """What follows the last clause with a "not", if somebody says what is wanted: je n'ai pas 5000, je paie 3000."""
    ends = "|".join(sorted(known(BUT)))
    clauses = re.split(rf"[,.;:!?](?!\d)|\b(?:{ends})\b", text, flags=re.IGNORECASE)
    ends_at = [nth for nth, clause in enumerate(clauses) if _denies(words_in(clause))]
    rest = ", ".join(clauses[ends_at[-1] + 1 :]) if ends_at else ""
    return rest if set(words_in(rest)) & known(WHO_ACTS) else ""


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
    """Whether nothing is said but words that end a question: no, cancel, menu, back, not now. A reason says more.

    They may be mistaken by a letter, or sound so.
    """
    words = set(words_in(tidy(body)))
    ends = {word for word in words if _is_nearly(word, known(ENOUGH) | known(NO))}
    beside = known(NOT) | known(NOT_NOW) | known(THANKS) | known(BESIDE_THANKS) | known(GREETINGS)
    is_later = bool(words & known(NOT)) and words <= known(NOT) | known(NOT_NOW)
    return is_later or (bool(ends) and words <= ends | beside | known(BESIDE_ENOUGH))


def is_yes(word: str) -> bool:
    """Whether a word is a yes, also repeating a letter, mistaken by one, or by ear."""
    return _is_nearly(word, known(YES))


def _is_nearly(word: str, listed: Collection[str]) -> bool:
    """Whether a word is one of those listed, also repeating a letter, mistaken by one (never the first), or by ear."""
    if word in listed or squeezed(word) in listed:
        return True
    if len(word) < SHORTEST_MISTAKEN:
        return False
    return any(
        OSA.distance(word, other, score_cutoff=1) <= 1 or sound_of(word) == sound_of(other)
        for other in listed
        if len(other) >= SHORTEST_MISTAKEN and other[0] == word[0]
    )


def squeezed(word: str) -> str:
    """A word without the letters that are repeated in it: OUIII, OKKK."""
    return re.sub(r"(.)\1+", r"\1", word)


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
