"""One question on one hop: what it looks like, and what a typed word means to it.

What is recorded is what was meant (the option's own key, the answer as typed), never the number pressed.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from anyascii import anyascii
from rapidfuzz.distance import OSA

from locales import Money, Sentence, _, languages, render
from talk.answers import repaired
from talk.figures import amount_in, numbers_in
from talk.screen import Screen, View
from talk.trouble import InvalidError
from talk.words import Ask, Choice, Choose, Confirm, Consent, Option, Question
from values import value

BACK, HOME, MORE = "0", "00", "98"
SEARCH_ABOVE = 9  # choices: a list that would take more than two pages is asked for by its first letters
MOST_WORDS_OF_A_NAME = 4
SHORTEST_IN_A_LINE = 4  # letters of a name that is found among other words
YES, NO = "yes", "no"
CHANGED = _("Something has changed. Please look again.")
PRESS_LISTED = _("Please press a number of the list.").or_else(_("Press a number:"))
PRESS_YES_OR_NO, PRESS_BACK = _("Please press 1 or 2."), _("Press 0 to go back.")
SAID_BY_THE_SCREEN = (PRESS_LISTED, PRESS_YES_OR_NO, PRESS_BACK)  # the screen shown again says as much
SHORTEST_MISTAKEN = 4  # letters of a name: of fewer almost any name is one letter away
SHORTEST_WHOLE = 5  # of a name that is taken without being shown again
SHORTEST_SAID = 3  # letters of the words of a label
LEAST_AMOUNT = 100  # a smaller figure is a wrong number
BESIDE_NUMBER = _(
    "THE NUMBER CHOICE OPTION PRESS TYPE PLEASE"
)  # what people write around the number of a line
KEYPAD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")


class Answer(NamedTuple):
    """An answer on record: the question's English sentence, the kind of answer, what was meant."""

    question: str
    kind: str
    meant: str


@value
class Answered:
    """The typed word is an answer: `value` for the menu, `answer` for the record."""

    value: Any
    answer: Answer


@value
class Moved:
    """The typed word only moves within the question, or cannot be used (`note` says why)."""

    view: View
    note: Sentence | None = None


class Back:
    """To the question before."""


class Home:
    """To the first question, nothing kept."""


Words = Callable[[], str]  # of a confirmation: its whole screen
Meaning = Answered | Moved | Back | Home


def has_back(question: Question) -> bool:
    """A question that takes 0 as an answer has no way back by 0."""
    return not (isinstance(question, Ask) and question.kind.takes_zero)


def screen_of(question: Question, view: View, *, back: bool, note: Sentence | None = None) -> Screen:
    """The screen of `question` where the caller stands in it."""
    if isinstance(question, Confirm):
        # It needs its room for what is agreed to, and has a No; 0 works there all the same.
        lines = [Option(YES, question.yes, "1"), Option(NO, question.no, "2")]
        lines += [question.other] if question.other else []
        return Screen(
            question.question, note, tuple(lines), confirms=True, own=question.own or question.by_order
        )
    back = back and has_back(question)
    if not isinstance(question, Choose):
        return Screen(question.question, note, back=back)
    if _invites_letters(question, view):
        return Screen(question.question, note, _fixed(question.choices), back=back, invites_letters=True)
    return Screen(question.question, note, _matching(question.choices, view.letters), view.page, back)


def is_confirmation(view: View) -> bool:
    """Whether the last screen of `view` was a confirmation."""
    return bool(view.words) and set(view.keys.values()) >= {YES, NO}


def fresh_view(question: Question) -> View:
    """The view of a question that was not shown yet; a long list begins by asking for letters (page -1)."""
    return View(question.question.msgid, page=-1 if _is_long(question) else 0)


def recall(question: Question, answer: Answer, words: Words) -> Any:
    """The value of a recorded answer, or LookupError if it no longer fits the question.

    A confirmation fits only if the whole screen is, word for word, the one agreed to.
    """
    if answer.question != question.question.msgid or answer.kind != question.answered_as:
        raise LookupError(answer.question)
    if isinstance(question, Ask):
        try:
            return question.kind.parse(answer.meant)
        except InvalidError as trouble:
            raise LookupError(answer.question) from trouble
    if isinstance(question, Choose):
        return _by_key(question.choices, answer.meant)
    if not answer.meant:
        return None
    if question.other and answer.meant == question.other.key:
        return question.other
    if answer.meant != words():
        raise LookupError(answer.question)
    return Consent(answer.meant)


def understand(question: Question, view: View, typed: str, words: Words, language: str) -> Meaning:
    """What `typed` means to `question` as it was shown in `view` and in this language."""
    word = repaired(typed)
    if word == HOME:
        return Home()
    if word == BACK and has_back(question):
        return (
            Back()
            if not (view.letters or (_is_long(question) and view.page >= 0))
            else Moved(fresh_view(question))
        )
    if isinstance(question, Ask):
        return _understand_ask(question, view, word)
    if isinstance(question, Confirm):
        return _understand_confirm(question, view, word, words())
    return _understand_choose(question, view, word, language)


def _understand_ask(question: Ask[Any], view: View, word: str) -> Meaning:
    try:
        value = question.kind.parse(word)
    except InvalidError as trouble:
        return Moved(view, trouble.sentence)
    return Answered(value, _on_record(question, "" if question.kind.secret else _as_understood(value, word)))


def _as_understood(value: Any, word: str) -> str:
    """What was understood, as it would be typed again: a PIN beside a name or an amount is not recorded.

    "" where nothing was: the words that an `optional` kind did not understand are no answer the next time either.
    """
    if isinstance(value, Money):
        return value.figures
    if isinstance(value, tuple) and all(isinstance(part, int) for part in value):
        return "*".join(map(str, value))
    if isinstance(value, str | int):
        return str(value)
    return word if value else ""


def _understand_confirm(question: Confirm, view: View, word: str, consent_words: str) -> Meaning:
    if view.words != consent_words:
        return Moved(fresh_view(question), CHANGED)
    pressed = view.keys.get(word)
    if pressed == YES:
        return agreed_with(question, consent_words)
    if pressed == NO:
        return Answered(None, _on_record(question, ""))
    if question.other and pressed == question.other.key:
        return Answered(question.other, _on_record(question, pressed))
    return Moved(view, PRESS_LISTED if question.other else PRESS_YES_OR_NO)


def agreed_with(question: Confirm, words: str) -> Answered:
    """A yes to `words`."""
    return Answered(Consent(words), _on_record(question, words))


def _understand_choose(question: Choose[Any], view: View, word: str, language: str) -> Meaning:
    if (number := _number_in(word)) in view.keys:
        word = number
    if word in view.keys:
        try:
            choice = _by_key(question.choices, view.keys[word])
        except LookupError:
            return Moved(fresh_view(question), _("This choice is no longer offered."))
        return Answered(choice, _on_record(question, choice.key))
    if word == MORE:
        return Moved(replace(view, page=view.page + 1))
    letters = initials(word)
    if named := _named(question.choices, letters) or _said_in_label(question.choices, word, language):
        return Answered(named, _on_record(question, named.key))
    if _is_long(question):
        is_key = letters.isdigit() and len(letters) == 1 and not _invites_letters(question, view)
        if letters and not is_key and _begun_with(question.choices, letters):
            return Moved(View(view.question, letters=letters))
        if any(c.isalpha() for c in letters) and not view.letters:
            return Moved(
                fresh_view(question), _("Nothing begins with {letters}.", letters=letters[:12].strip())
            )
    if _invites_letters(question, view):
        return Moved(view, _("Please type letters, like FA, or {more} for the list.", more=MORE))
    return Moved(view, PRESS_LISTED if question.choices else PRESS_BACK)


def _is_said_in(name: str, letters: str) -> bool:
    """Whether a name stands among other words: je suis de Fana."""
    return len(name) >= SHORTEST_IN_A_LINE and f" {name} " in f" {letters} "


def words_that_name(question: Choose[Any], words: Sequence[str]) -> int:
    """How many of the first `words` are together the name of one choice; one if no two are."""
    names = [_written(choice) for choice in question.choices]
    most = min(len(words), MOST_WORDS_OF_A_NAME)
    named = (count for count in range(most, 1, -1) if names.count(initials(" ".join(words[:count]))) == 1)
    return next(named, 1)


def _on_record(question: Question, meant: str) -> Answer:
    return Answer(question.question.msgid, question.answered_as, meant)


def _by_key(choices: Sequence[Choice], key: str) -> Choice:
    for choice in choices:
        if choice.key == key:
            return choice
    raise LookupError(key)


def _is_long(question: Question) -> bool:
    return (
        isinstance(question, Choose)
        and len(question.choices) - len(_fixed(question.choices)) > SEARCH_ABOVE
        and not digit_of(question.choices[0])
    )


def digit_of(choice: Choice) -> str:
    """The key of its own that it must be pressed by; empty for a choice that the list numbers."""
    return getattr(choice, "digit", None) or ""


def _fixed(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    return tuple(filter(digit_of, choices))


def _invites_letters(question: Choose[Any], view: View) -> bool:
    return _is_long(question) and view.page < 0


def initials(text: str) -> str:
    """`text` as it is compared with what people type: capitals without accents, single blanks."""
    plain = anyascii(unicodedata.normalize("NFC", text)).upper()
    return " ".join("".join(c if c.isalnum() else " " for c in plain).split())


def words_of(keyword: Sentence) -> list[str]:
    """Every word for `keyword`, of all languages: capitals without accents, each once."""
    spoken = (word for language in languages() for word in render(keyword, language).split())
    return list(dict.fromkeys(initials(word) for word in spoken))


def _written(choice: Choice) -> str:
    """The label as it is compared with what people type, where it is a name (sentences are not typed)."""
    return initials(choice.label) if isinstance(choice.label, str) else ""


def _named(choices: Sequence[Choice], letters: str) -> Choice | None:
    """The only choice of that name, else the only one whose name is a letter away, or stands among other words.

    None where the list must tell: FANAS may be Fana, or begin Fanasso.
    """
    if not letters:
        return None
    written = [(name, choice) for choice in choices if (name := _written(choice))]
    alike = [choice for name, choice in written if name == letters]
    if not alike and len(letters) >= SHORTEST_WHOLE and not letters.isdigit():
        near = [choice for name, choice in written if OSA.distance(letters, name, score_cutoff=1) <= 1]
        alike = near if not any(name.startswith(letters) for name, _choice in written) else []
    alike = alike or [choice for name, choice in written if _is_said_in(name, letters)]
    return alike[0] if len(alike) == 1 else None


def _said_in_label(choices: Sequence[Choice], word: str, language: str) -> Choice | None:
    """The only choice whose label, a sentence, has these words or this amount in it: Famille, tout, 15000."""
    labels = [
        (initials(render(choice.label, language)), choice)
        for choice in choices
        if isinstance(choice.label, Sentence)
    ]
    letters, amount = initials(word), amount_in(word) or 0
    said = [
        choice
        for label, choice in labels
        if (len(letters) >= SHORTEST_SAID and not letters.isdigit() and f" {letters} " in f" {label} ")
        or (amount >= LEAST_AMOUNT and amount in numbers_in(label))
    ]
    return said[0] if len(said) == 1 else None


def _number_in(word: str) -> str:
    """The number of a line that says nothing else: la 2, 2., choix 2."""
    number, *more = [part for part in initials(word).split() if part not in words_of(BESIDE_NUMBER)] or [""]
    return number if not more and number.isdecimal() and "-" not in word else ""


def _matching(choices: Sequence[Choice], letters: str) -> tuple[Choice, ...]:
    """Those that begin with `letters`, and whatever has a digit of its own; all of them without letters."""
    return (*_begun_with(choices, letters), *_fixed(choices)) if letters else tuple(choices)


def _begun_with(choices: Sequence[Choice], letters: str) -> tuple[Choice, ...]:
    """Those whose label, or a word of it, begins with `letters`; the whole label's beginning comes first.

    Figures are the keys of their letters (3262: FANA). Where nothing begins so, one letter may be wrong.
    """
    named = [(name, choice) for choice in choices if (name := _written(choice))]
    if letters.isdigit():
        named = [(name.translate(KEYPAD), choice) for name, choice in named]
    first = [choice for name, choice in named if name.startswith(letters)]
    later = [choice for name, choice in named if not name.startswith(letters) and f" {letters}" in name]
    if first or later or letters.isdigit() or len(letters) < SHORTEST_MISTAKEN:
        return (*first, *later)
    return tuple([choice for name, choice in named if _begins_almost(name, letters)])


def _begins_almost(name: str, letters: str) -> bool:
    """Whether `name` begins with `letters` but for one letter: missing, added, wrong or swapped."""
    lengths = range(len(letters) - 1, len(letters) + 2)
    return any(OSA.distance(letters, name[:length], score_cutoff=1) <= 1 for length in lengths)
