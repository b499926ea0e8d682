"""Finds member numbers and our own references in what a payer wrote.

A number with a wrong digit is never mended: for each of its nine places one digit would make it valid, and that could
be somebody else's. A note with two numbers names nobody.
"""

import re
import unicodedata
from collections.abc import Iterator
from uuid import UUID

from stdnum import damm

from mutuelle.households.member_numbers import LENGTH

_UUID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-f])", re.IGNORECASE)
_LIKE = str.maketrans("OoQlIi|", "0001111")
# Figures, alone and with the letters that are typed or read for them, and what people put between groups of them.
_RUNS = tuple(
    re.compile(rf"[{signs}]+(?:[ .,:*_/'‐-―-]{{1,3}}[{signs}]+)*") for signs in ("0-9", "0-9OoQlIi|")
)


def references_in(note: str) -> list[UUID]:
    """Our references of payments in a note."""
    return list(dict.fromkeys(UUID(found) for found in _UUID.findall(note)))


def numbers_in(note: str, prefix: int) -> set[str]:
    """The valid member numbers with this prefix, a mutuelle's, in a note: groups of figures that stand side by side."""
    plain = unicodedata.normalize("NFKC", _UUID.sub(" ", note))
    return {
        number
        for run in _RUNS
        for text in run.findall(plain)
        for number in _nine_of(re.split(r"\D+", text.translate(_LIKE)))
        if number.startswith(str(prefix)) and damm.is_valid(number)
    }


def _nine_of(groups: list[str]) -> Iterator[str]:
    """The groups that have nine figures together; no group is cut."""
    for first in range(len(groups)):
        joined = ""
        for group in groups[first:]:
            joined += group
            if len(joined) >= LENGTH:
                break
        if len(joined) == LENGTH:
            yield joined
