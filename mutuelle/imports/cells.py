"""Readers of cells of a register, each into a value of the service; InvalidError says what the cell should be.

Nothing is guessed: a cell that could mean two things is refused.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import available_timezones

from locales import _
from mutuelle.founding.rules import LANGUAGE_CODE
from mutuelle.sheets.faults import UnreadError
from mutuelle.sheets.letters import folded
from talk.answers import person_name
from talk.trouble import InvalidError

_SEPARATORS = re.compile(r"\s*[/,;+|]\s*")
_APOSTROPHES, _HYPHENS = re.compile("[`´ʼʹ′]"), re.compile("[‐‑‒–]")
_REMARK = re.compile(r"(\( *([^()]*)\)|, *((?:[^\W\d_]| )+)$)")
REMARKS = {  # remarks that registers add to a name, in brackets or behind a comma
    *("veuve", "veuf", "vve", "marie", "mariee", "celibataire", "divorce", "divorcee", "epouse", "epoux"),
    *(
        "chef",
        "cheffe",
        "chef de menage",
        "chef de famille",
        "cm",
        "mme",
        "mlle",
        "m",
        "f",
        "h",
        "homme",
        "femme",
    ),
    *("widow", "widower", "married", "single", "divorced", "head", "mr", "mrs"),
}


@dataclass(frozen=True)
class Setting:
    """Where and when a register is read: the country of its phones, today in the mutuelle's zone, its currency.

    `left_out` counts the remarks beside names that were not read as names.
    """

    country: str
    today: date
    currency: str = "XOF"
    left_out: Counter[str] = field(default_factory=Counter, compare=False)


Reader = Callable[[str, Setting], object]


def same_person(one: str, other: str) -> bool:
    """Whether two names have the same words, in any order: KONE Awa is Awa Koné."""
    return sorted(folded(one).split()) == sorted(folded(other).split())


def slug(name: str) -> str:
    """A name as an identifier: Koutiébougou -> koutiebougou."""
    return folded(name).replace(" ", "-")[:40].strip("-")


def words(least: int, most: int) -> Reader:
    """Text of so many letters."""

    def read(cell: str, setting: Setting) -> str:
        if not least <= len(cell) <= most:
            raise InvalidError(_("From {least} to {most} letters, please.", least=least, most=most))
        return cell

    return read


def matching(pattern: str, upper: bool = True) -> Reader:
    """A code, in capitals."""

    def read(cell: str, setting: Setting) -> str:
        code = cell.upper() if upper else cell.lower()
        if not re.fullmatch(pattern, code):
            raise InvalidError(_("{cell} cannot stand here.", cell=cell))
        return code

    return read


def one_of(meanings: Mapping[str, str]) -> Reader:
    """One word of a closed list, with or without its accents."""
    known = {folded(word): meaning for word, meaning in meanings.items()}

    def read(cell: str, setting: Setting) -> str:
        found = known.get(folded(cell))
        if found is None:
            raise InvalidError(_("{cell} is not one of: {known}.", cell=cell, known=_first_words(meanings)))
        return found

    return read


def some_of(meanings: Mapping[str, str], everything: tuple[str, ...] = ()) -> Reader:
    """Some words of a closed list, with `/` or a comma between them; `tous` where there is an everything."""
    one = one_of(meanings)

    def read(cell: str, setting: Setting) -> tuple[str, ...]:
        if everything and folded(cell) in ("tous", "all"):
            return everything
        found = [str(one(part, setting)) for part in _SEPARATORS.split(cell) if part]
        return tuple(dict.fromkeys(found))

    return read


def _first_words(meanings: Mapping[str, str]) -> str:
    """The first word for each meaning."""
    first: dict[str, str] = {}
    for word, meaning in meanings.items():
        first.setdefault(meaning, word)
    return ", ".join(first.values())


def name(cell: str, setting: Setting) -> str:
    """A person's name, by the rules for callers; `Koné, Awa` has the family name first.

    A known remark is left out and counted.
    """
    text = _HYPHENS.sub("-", _APOSTROPHES.sub("'", cell)).strip(" ,;")
    for written, bracketed, behind in _REMARK.findall(text):
        remark = bracketed or behind
        if folded(remark) in REMARKS:
            text = " ".join(text.replace(written, " ").split())
            setting.left_out[folded(remark)] += 1
    family, comma, given = (part.strip() for part in text.partition(","))
    if comma and 1 in (
        len(family.split()),
        len(given.split()),
    ):  # with two words on each side it may be two people
        text = f"{given} {family}"
    if stranger := re.search(r"[^\w'’ .-]|[\d_]", text):
        raise UnreadError(_("A name has letters only."), stranger[0])
    return person_name.parse(text)


def yes_or_no(cell: str, setting: Setting) -> bool:
    """oui or non."""
    known = dict.fromkeys(("oui", "o", "yes", "x", "vrai", "true", "1", "ok"), True)
    known |= dict.fromkeys(("non", "n", "no", "faux", "false", "0"), False)
    if (found := known.get(folded(cell))) is None:
        raise InvalidError(_("{cell} is not one of: {known}.", cell=cell, known="oui, non"))
    return found


def timezone(cell: str, setting: Setting) -> str:
    """A time zone, such as Africa/Bamako."""
    if cell not in available_timezones():
        raise InvalidError(_("{cell} is not a time zone such as Africa/Bamako.", cell=cell))
    return cell


def languages(meanings: Mapping[str, str]) -> Reader:
    """Languages by name or by ISO 639 code, the preferred one first."""

    known = {folded(word): code for word, code in meanings.items()}

    def read(cell: str, setting: Setting) -> tuple[str, ...]:
        found = [known.get(folded(part), part.lower()) for part in _SEPARATORS.split(cell) if part]
        for code in found:
            if not re.fullmatch(LANGUAGE_CODE, code):
                raise InvalidError(_("{cell} is not one of: {known}.", cell=code, known=", ".join(meanings)))
        return tuple(dict.fromkeys(found))

    return read
