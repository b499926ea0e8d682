"""The words of one SMS: what is a yes, thanks, a greeting, an end, a denial, whatever the menus are.

Words are in capitals without accents. Every list is of the catalogue, so that each language has its own.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import cache

from rapidfuzz.distance import OSA

from locales import Sentence, _, languages, render
from locales.by_ear import sound_of
from talk.answers import LONGEST_ANSWER
from talk.keywords import NO, YES
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
SHORTEST_MISTAKEN = 5  # letters: of shorter words almost any other is one mistake away


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


def denies(body: str) -> bool:
    """Whether a message says that something is not so, or not wanted: je ne peux pas payer."""
    return is_denial(words_in(tidy(body)))


def is_denial(words: Sequence[str]) -> bool:
    line = f" {' '.join(without_idioms(words))} "
    return any(all(_is_beside(part, line) for part in denial) for denial in phrases(DENIALS))


def without_idioms(words: Sequence[str]) -> list[str]:
    """The words of a line without phrases in which a "not" denies nothing: pas de souci."""
    line = f" {' '.join(words)} "
    for idiom in phrases(NO_DENIALS):
        line = line.replace(idiom[0], " ")
    return line.split()


@cache
def phrases(said: Sentence) -> list[tuple[str, ...]]:
    """The entries of a list of phrases in every language, each with its parts: words with blanks around them."""
    entries = (entry for language in languages() for entry in render(said, language).split())
    return [tuple(f" {part.replace('_', ' ')} " for part in entry.split("+")) for entry in entries]


def _is_beside(part: str, line: str) -> bool:
    return f" {part[2:]}" not in line if part.startswith(" !") else part in line


def said_instead(text: str) -> str:
    """What follows the last clause with a "not", if somebody says what is wanted: je n'ai pas 5000, je paie 3000."""
    ends = "|".join(sorted(known(BUT)))
    clauses = re.split(rf"[,.;:!?](?!\d)|\b(?:{ends})\b", text, flags=re.IGNORECASE)
    ends_at = [nth for nth, clause in enumerate(clauses) if is_denial(words_in(clause))]
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


def clean(typed: str) -> str:
    """An answer without the punctuation of a sentence around it: `5000.` or `: Awa` or `1)`."""
    return re.sub(r"^(?:[\s:=,;*]|- )+|[\s.:!,;)]+$", "", typed)
