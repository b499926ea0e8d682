"""Screens as text for a basic phone: GSM-7, within so many septets, lists in pages. Each channel hands its room.

Nothing is left out of a screen silently: `whole` and `noted` say what had no room.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from locales import Sentence, _, render
from locales.letters import fold, septets
from talk.questions import BACK, MORE
from talk.screen import Screen, Shown
from talk.words import Choice

SHORTEST_LABEL = 12


@dataclass(frozen=True)
class _Line:
    digit: str
    key: str
    text: str


def lay_out(screen: Screen, language: str, *, room: int) -> Shown:
    """`screen` in `room` septets. The note is left out where there is no room for it; nothing else is."""
    head = fold(render(screen.text, language))
    foot = _foot(screen, language)
    pages = _pages(screen, head, foot, language, room)
    page = min(max(screen.page, 0), len(pages) - 1)
    lines = [line.text for line in pages[page]]
    if page < len(pages) - 1:
        lines.append(_more(language))
    text = "\n".join([head, *lines, *foot])
    whole = septets(text) <= room
    noted = True
    if screen.note:
        with_note = f"{fold(render(screen.note, language))}\n{text}"
        noted = septets(with_note) <= room
        text = with_note if noted else text
    keys = {line.digit: line.key for line in pages[page]}
    return Shown(text if whole else _cut(text, room), screen.end, keys, len(pages), whole, noted)


def _foot(screen: Screen, language: str) -> list[str]:
    foot = []
    if screen.invites_letters:
        foot.append(fold(render(_("First letters, or {more} for the list", more=MORE), language)))
    if screen.back and not screen.end:
        foot.append(_keyed(BACK, _("Back"), language))
    return foot


def _keyed(digit: str, label: Sentence, language: str) -> str:
    return fold(f"{digit} {render(label, language)}")


def _more(language: str) -> str:
    return _keyed(MORE, _("More"), language)


def _pages(screen: Screen, head: str, foot: Sequence[str], language: str, room: int) -> list[list[_Line]]:
    """The choices, packed into as few pages as hold them; a choice with a digit of its own keeps it."""
    labelled = [(choice, fold(render(choice.label, language))) for choice in screen.choices]
    if not labelled:
        return [[]]
    if getattr(labelled[0][0], "digit", None) is not None:
        return [
            [_Line(_digit(choice), choice.key, f"{_digit(choice)} {label}") for choice, label in labelled]
        ]
    more = 1 + septets(_more(language))
    free = room - septets("\n".join([head, *foot])) - more
    if sum(3 + septets(label) for _choice, label in labelled) <= free + more and len(labelled) <= 9:
        free += more  # all on one page: no line for more
    pages: list[list[_Line]] = [[]]
    used = 0
    for choice, label in labelled:
        label = _cut(label, max(SHORTEST_LABEL, free - 3))
        cost = 3 + septets(label)
        if pages[-1] and (used + cost > free or len(pages[-1]) == 9):
            pages.append([])
            used = 0
        digit = str(len(pages[-1]) + 1)
        pages[-1].append(_Line(digit, choice.key, f"{digit} {label}"))
        used += cost
    return pages


def _digit(choice: Choice) -> str:
    return str(getattr(choice, "digit", ""))


def _cut(text: str, room: int) -> str:
    while septets(text) > room:
        text = text[:-1]
    return text
