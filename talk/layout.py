"""Screens as text for a basic phone: GSM-7, within so many septets, lists in pages. Each channel hands its room.

Nothing is left out of a screen silently: `whole` and `noted` say what had no room.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from locales import Sentence, _, render
from locales.letters import fold, septets
from talk.questions import BACK, MORE
from talk.screen import Screen, Shown
from talk.words import Choice

SHORTEST_LABEL = 12


MOST_LINES = 9  # choices on one page: each is pressed by one digit


class _Line(NamedTuple):
    digit: str
    key: str
    label: str


def lay_out(screen: Screen, language: str, *, room: int) -> Shown:
    """`screen` in `room` septets. The note is left out where there is no room for it; nothing else is."""
    head, foot = fold(render(screen.text, language)), _foot(screen, language)
    lines, pages = _lines(screen.choices, language), 1
    text = _joined(head, lines, foot)
    whole = septets(text) <= room
    if _numbers_itself(screen) and (not whole or len(lines) > MOST_LINES):
        further = [_more(language), *foot]
        packed = _packed(lines, room - septets(_joined(head, [], further)))
        page, pages = min(max(screen.page, 0), len(packed) - 1), len(packed)
        lines = packed[page]
        text = _joined(head, lines, further if page < pages - 1 else foot)
        whole = septets(text) <= room
    noted = True
    if screen.note:
        with_note = f"{fold(render(screen.note, language))}\n{text}"
        noted = septets(with_note) <= room
        text = with_note if noted else text
    keys = {line.digit: line.key for line in lines}
    return Shown(text if whole else _cut(text, room), screen.end, keys, pages, whole, noted)


def longest(forms: Sequence[Sentence], language: str, room: int) -> Sentence:
    """The first of `forms`, the longest being first, that fits `room` septets; else the last."""
    return next((form for form in forms if septets(fold(render(form, language))) <= room), forms[-1])


def _joined(head: str, lines: Sequence[_Line], foot: Sequence[str]) -> str:
    return "\n".join([head, *[f"{line.digit} {line.label}" for line in lines], *foot])


def _lines(choices: Sequence[Choice], language: str) -> list[_Line]:
    """All choices as if on one page; a choice with a digit of its own keeps it."""
    return [
        _Line(_digit(choice) or str(nth), choice.key, fold(render(choice.label, language)))
        for nth, choice in enumerate(choices, 1)
    ]


def _numbers_itself(screen: Screen) -> bool:
    return bool(screen.choices) and not _digit(screen.choices[0])


def _foot(screen: Screen, language: str) -> list[str]:
    foot = []
    if screen.invites_letters:
        foot.append(_letters(language))
    if screen.back and not screen.end:
        foot.append(_back(language))
    return foot


@lru_cache
def _letters(language: str) -> str:
    return fold(render(_("First letters, or {more} for the list", more=MORE), language))


@lru_cache
def _back(language: str) -> str:
    return fold(f"{BACK} {render(_('Back'), language)}")


@lru_cache
def _more(language: str) -> str:
    return fold(f"{MORE} {render(_('More'), language)}")


def _packed(lines: Sequence[_Line], free: int) -> list[list[_Line]]:
    """`lines` on as few pages as hold them, each with `free` septets for them and numbered from 1."""
    pages: list[list[_Line]] = [[]]
    used = 0
    for line in lines:
        label = _cut(line.label, max(SHORTEST_LABEL, free - 3))
        cost = 3 + septets(label)  # a digit, a blank, an end of line
        if pages[-1] and (used + cost > free or len(pages[-1]) == MOST_LINES):
            pages.append([])
            used = 0
        pages[-1].append(_Line(str(len(pages[-1]) + 1), line.key, label))
        used += cost
    return pages


def _digit(choice: Choice) -> str:
    """The key of its own that it must be pressed by; empty for a choice that the list numbers."""
    return getattr(choice, "digit", None) or ""


def _cut(text: str, room: int) -> str:
    while septets(text) > room:
        text = text[:-1]
    return text
