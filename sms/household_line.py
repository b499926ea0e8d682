"""A household in one line: Zantiéla, Awa Koné, 45 38 12, 76000001."""

import re

from sms.wording import clean, is_speech
from talk.figures import in_figures

PHONE_BEHIND = re.compile(r"[\s*](\+?\d{8,15})[\s.]*$")
PHONE_DIGITS = 8  # of the shortest phone
AGES = re.compile(r"[\s,;:*]+[âa]ges?\W*$", re.IGNORECASE)
FIRST_FIGURE = re.compile(r"(?<!\w)\d")


def household_in(rest: str, *, with_phone: bool) -> tuple[str, ...]:
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
