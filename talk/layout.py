"""Screens as text for a basic phone: GSM-7, within so many septets, lists in pages. Each channel hands its room.

Nothing is left out of a screen silently: `whole` and `noted` say what had no room.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from locales import Sentence, _, render, render_within
from locales.letters import fold, septets
from talk.questions import BACK, MORE, PRESS_LISTED, SAID_BY_THE_SCREEN, digit_of
from talk.screen import Screen, Shown
from talk.words import Choice

SHORTEST_LABEL = 12


MOST_LINES = 9  # choices on one page: each is pressed by one digit


class _Line(NamedTuple):
    digit: str
    key: str
    label: str


def lay_out(screen: Screen, language: str, *, room: int) -> Shown:
    """`screen` in `room` septets. Without room for both, a wrong digit's note stands in the place of a list's title.

    A note that has no room even so is left out; nothing else is.
    """
    foot, lines, pages = _foot(screen, language), _lines(screen.choices, language), 1
    numbers_itself = _numbers_itself(screen)
    head = render_within(
        screen.text, language, room - (0 if numbers_itself else septets(_joined("", lines, foot)))
    )
    if screen.invites_letters:
        head = f"{head}\n{_letters(language)}"
    if numbers_itself and (septets(_joined(head, lines, foot)) > room or len(lines) > MOST_LINES):
        own = [line for line, choice in zip(lines, screen.choices, strict=True) if digit_of(choice)]
        numbered = [line for line in lines if line not in own]
        further = [more_line(language), *foot]
        most = max(head, _press_listed(language), key=septets)  # the same pages with a note as without
        packed = _packed(numbered, room - septets(_joined(most, own, further)))
        page, pages = min(max(screen.page, 0), len(packed) - 1), len(packed)
        lines = [*packed[page], *own]
        foot = further if page < pages - 1 else foot
    text = _joined(head, lines, foot)
    whole, noted = septets(text) <= room, True
    if screen.note:
        is_list = bool(screen.choices) and not screen.confirms
        # Who pressed a wrong digit has just read the title; after any other note it may say something new.
        titles = (f"\n{head}", "") if is_list and screen.note in SAID_BY_THE_SCREEN else (f"\n{head}",)
        rests = [_joined(title, lines, foot) for title in titles]
        noted_texts = (render_within(screen.note, language, room - septets(rest)) + rest for rest in rests)
        with_note = next((said for said in noted_texts if septets(said) <= room), "")
        text, noted = with_note or text, bool(with_note)
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
        _Line(digit_of(choice) or str(nth), choice.key, fold(render(choice.label, language)))
        for nth, choice in enumerate(choices, 1)
    ]


def _numbers_itself(screen: Screen) -> bool:
    return bool(screen.choices) and not digit_of(screen.choices[0])


def _foot(screen: Screen, language: str) -> list[str]:
    return [_back(language)] if screen.back and not screen.end else []


@lru_cache
def _letters(language: str) -> str:
    return fold(render(_("First letters, or {more} for the list", more=MORE), language))


@lru_cache
def _back(language: str) -> str:
    return fold(f"{BACK} {render(_('Back'), language)}")


@lru_cache
def _press_listed(language: str) -> str:
    return render_within(PRESS_LISTED, language, 0)  # its shortest wording


@lru_cache
def more_line(language: str) -> str:
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


def _cut(text: str, room: int) -> str:
    while septets(text) > room:
        text = text[:-1]
    return text
