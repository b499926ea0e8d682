"""What a handset can show in a call: a screen within the network's limit, in parts where that is tight.

Menus are written for 160 septets, with the words CON or END in them, since nobody says that these do not count. A
network with less room gets shorter pages of its lists; any other screen without room is shown in parts.
"""

import re
from dataclasses import replace
from functools import partial

from locales import Sentence
from locales.letters import septets
from talk.layout import lay_out, more_line
from talk.questions import BACK, MORE
from talk.screen import Fit, Screen, Shown

BUDGET_SEPTETS = 160
STATE_SEPTETS = 4  # "CON " or "END "
CHOICE = re.compile(r"\d{1,2} ")
WORD = re.compile(r"\S*\s*")
ROOM = BUDGET_SEPTETS - STATE_SEPTETS  # of every menu


def fit_for(room: int = ROOM) -> Fit:
    """The `fit` of a network whose screens have room for so many septets; what it cannot hold is for `in_parts`."""
    return partial(lay_out, room=ROOM) if room >= ROOM else partial(_fit_tight, room=room)


def _fit_tight(screen: Screen, language: str, *, room: int) -> Shown:
    shown = lay_out(screen, language, room=room)
    return shown if shown.whole else lay_out(screen, language, room=ROOM)


def in_parts(shown: Shown, language: str, room: int, *, agreed_to: bool) -> tuple[Shown, tuple[str, ...]]:
    """The first part of a screen, and those that follow it; the whole screen where it has room.

    The choices of what is `agreed_to` stay together, in the last part. What is shown once has one part: it must not be
    kept for another hop.
    """
    if septets(shown.text) <= room or shown.kept:
        return shown, ()
    more = f"\n{more_line(language)}"
    most, parts = room - septets(more), [""]
    for piece in _pieces(shown, agreed_to=agreed_to):
        if septets((parts[-1] + piece).rstrip()) > most:
            parts.append("")
        parts[-1] += piece
    first, *others = [part.rstrip() + more for part in parts[:-1]]
    return replace(shown, text=first, end=False), (*others, parts[-1])


def _pieces(shown: Shown, *, agreed_to: bool) -> list[str]:
    """What may not be divided: words, and lines that a digit chooses; all of these together where one is agreed to.

    A line that begins with an amount is no choice.
    """
    digits, pieces = {*shown.keys, BACK, MORE}, list[str]()
    for line in shown.text.splitlines(keepends=True):
        chooses = CHOICE.match(line) and line.split()[0] in digits
        if chooses and agreed_to and pieces and CHOICE.match(pieces[-1]):
            pieces[-1] += line
        else:
            pieces += [line] if chooses else WORD.findall(line)
    return pieces


def say(sentence: Sentence, language: str) -> Shown:
    """A last screen with one sentence, short enough for every network."""
    return fit_for()(Screen(sentence, end=True), language)
