"""Cells with phone numbers, one or several, as people write them. A cell that could be other numbers is refused."""

import re
from collections.abc import Callable

from locales import _
from mutuelle.imports.cells import Setting
from mutuelle.imports.figures import figures
from mutuelle.sheets.faults import UnreadError
from talk.phones import typed_phone, written_phone
from talk.trouble import InvalidError

PHONES_OF_A_HOUSEHOLD = 3
WORDS = re.compile(r"(?<=[\d\s)])(?:et|ou|and|or)(?=[\s+\d(])", re.IGNORECASE)  # between two numbers
_LABEL = re.compile(
    r"^(?:(?:t[eé]l(?:[eé]phones?)?|phones?|mobiles?|cell?|port(?:able)?)\.?\s*[:.]?\s*)", re.IGNORECASE
)
_PARTED = re.compile(r"\s*[/,;|&]\s*")
_SHORTENED = re.compile(r"\d[.,]?\d*e\+?\d+", re.IGNORECASE)
MOST_GROUPS = 5 * PHONES_OF_A_HOUSEHOLD  # of figures, with blanks between
FEWEST_DIGITS, MOST_DIGITS = 6, 15


def mobile(cell: str, setting: Setting) -> str:
    """A mobile number, in the country's own form or with its code."""
    return _one(typed_phone, cell, setting)


def phone(cell: str, setting: Setting) -> str:
    """Any phone number, fixed lines too."""
    return _one(written_phone, cell, setting)


def _one(read: Callable[[str, str], str], cell: str, setting: Setting) -> str:
    text = _plain(cell)
    if stranger := re.search(r"[^\d\s+().-]", text):
        raise UnreadError(_("This is not a phone number."), stranger[0])
    return read(text, setting.country)


def mobiles(cell: str, setting: Setting) -> tuple[str, ...]:
    """The mobile numbers of a household, with `/`, a comma, `et`, + or only blanks between them."""
    text = _PARTED.sub("/", WORDS.sub("/", _plain(cell))).strip("/")
    if stranger := re.search(r"[^\d\s+().\-/]", text):
        raise UnreadError(_("This is not a phone number."), stranger[0])
    found = dict.fromkeys(number for part in text.split("/") for number in _numbers(part, setting))
    if len(found) > PHONES_OF_A_HOUSEHOLD:
        raise UnreadError(_("{most} phones at most, please.", most=PHONES_OF_A_HOUSEHOLD))
    return tuple(found)


def _plain(cell: str) -> str:
    """The cell without words such as "phone", and with zeros for the letter O."""
    text = figures(_LABEL.sub("", cell.lstrip("'’")).removesuffix(".0"))
    if _SHORTENED.fullmatch(text):
        raise UnreadError(
            _("The spreadsheet has shortened this number: please show the column as text."), "E"
        )
    return text


def _numbers(part: str, setting: Setting) -> tuple[str, ...]:
    """The numbers of a part without `/`: one number, or several if only one cut is possible."""
    try:
        return (typed_phone(part, setting.country),)
    except InvalidError as fault:
        whole = fault
    groups = [group for group in re.split(r"\s+-\s+|\s+|(?=\+)", part) if group]
    cuts = set(_cuts(groups, setting)) if len(groups) <= MOST_GROUPS else set()
    if len(cuts) != 1:
        raise (
            whole
            if not cuts
            else UnreadError(_("These phones can be read in two ways: please put / between them."))
        )
    return cuts.pop()


def _cuts(groups: list[str], setting: Setting) -> list[tuple[str, ...]]:
    """Every way in which groups of figures, in their order, are mobile numbers."""
    if not groups:
        return [()]
    found = []
    for end in range(1, min(len(groups), 8) + 1):
        written = " ".join(groups[:end])
        if not FEWEST_DIGITS <= sum(map(str.isdigit, written)) <= MOST_DIGITS:
            continue
        for number in _meant(written, setting):
            found += [(number, *rest) for rest in _cuts(groups[end:], setting)]
    return found


def _meant(written: str, setting: Setting) -> set[str]:
    """The number that was written; a + belongs to its country code or separates it from the number before."""
    meant = set()
    for form in {written, written.lstrip("+ ")}:
        try:
            meant.add(typed_phone(form, setting.country))
        except InvalidError:
            continue
    return meant
