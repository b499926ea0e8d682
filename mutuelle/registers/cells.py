"""What stands in one cell of a register, read into what the mutuelle works with; Invalid says what it should be.

Nothing is guessed: a cell that could mean two things is refused.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import available_timezones

from anyascii import anyascii

from locales import _
from talk.answers import person_name
from talk.phones import typed_phone, written_phone
from talk.trouble import Invalid

PHONES_OF_A_HOUSEHOLD = 3
OLDEST_AGE = 115
_SEPARATORS = re.compile(r"\s*[/,;+|]\s*")


@dataclass(frozen=True)
class Setting:
    """Where and when a register is read: the country of its phones, today in the mutuelle's zone."""

    country: str
    today: date


@dataclass(frozen=True)
class Birth:
    """A year of birth; `said` is what the register says, an age or a year: an age said again is the same, any year."""

    year: int
    said: str


Reader = Callable[[str, Setting], object]


def folded(words: str) -> str:
    """Small letters and digits without accents, one blank between words: how headers and names are compared."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", anyascii(words).lower()).split())


def slug(name: str) -> str:
    """A name as an identifier: Koutiébougou -> koutiebougou."""
    return folded(name).replace(" ", "-")[:40].strip("-")


def words(least: int, most: int) -> Reader:
    """Text of so many letters."""

    def read(cell: str, setting: Setting) -> str:
        if not least <= len(cell) <= most:
            raise Invalid(_("From {least} to {most} letters, please.", least=least, most=most))
        return cell

    return read


def matching(pattern: str, upper: bool = True) -> Reader:
    """A code, in capitals whatever was written."""

    def read(cell: str, setting: Setting) -> str:
        code = cell.upper() if upper else cell.lower()
        if not re.fullmatch(pattern, code):
            raise Invalid(_("{cell} cannot stand here.", cell=cell))
        return code

    return read


def one_of(meanings: Mapping[str, str]) -> Reader:
    """One word of a closed list, with or without its accents."""
    known = {folded(word): meaning for word, meaning in meanings.items()}

    def read(cell: str, setting: Setting) -> str:
        found = known.get(folded(cell))
        if found is None:
            raise Invalid(_("{cell} is not one of: {known}.", cell=cell, known=_told(meanings)))
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


def _told(meanings: Mapping[str, str]) -> str:
    """The first word for each meaning."""
    first: dict[str, str] = {}
    for word, meaning in meanings.items():
        first.setdefault(meaning, word)
    return ", ".join(first.values())


def whole(least: int, most: int) -> Reader:
    """A number without decimals; a blank or a point stands before three digits only, for 5000.00 is no 500000."""

    def read(cell: str, setting: Setting) -> int:
        if not re.fullmatch(r"[0-9]{1,12}|[0-9]{1,3}(?:[\s.][0-9]{3}){1,3}", cell):
            raise Invalid(_("Please type a number."))
        digits = re.sub(r"[\s.]", "", cell)
        if not least <= int(digits) <= most:
            raise Invalid(_("It must be {least} to {most}.", least=least, most=most))
        return int(digits)

    return read


def franc_amount(least: int, most: int) -> Reader:
    """An amount in francs, with or without its sign and blanks: 12 000 F."""
    number = whole(least, most)
    return lambda cell, setting: number(re.sub(r"\s*(?:f|fcfa|cfa|f\s*cfa)\.?$", "", cell.lower()), setting)


def percent(cell: str, setting: Setting) -> int:
    """A share from 1 to 100, with or without its sign."""
    share = whole(1, 100)(cell.removesuffix("%").strip(), setting)
    return int(str(share))


def name(cell: str, setting: Setting) -> str:
    """A person's name, as callers type theirs; nothing that is not part of a name is left out in silence."""
    read = person_name.parse(cell)
    if read.casefold() != " ".join(cell.split()).casefold():
        raise Invalid(_("A name has letters only."))
    return read


def day(cell: str, setting: Setting) -> date:
    """A date, written 31/12/2026 or 2026-12-31 (a spreadsheet may add midnight)."""
    text = re.sub(r"[ T]00:00(:00)?$", "", cell)
    found = re.fullmatch(r"(?P<d>\d{1,2})([/.-])(?P<m>\d{1,2})\2(?P<y>\d{4})", text) or re.fullmatch(
        r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})", text
    )
    try:
        when = date(*(int(found[part]) for part in "ymd")) if found else date.min
    except ValueError:  # the 31st of February
        when = date.min
    if not 1950 <= when.year <= setting.today.year + 10:
        raise Invalid(_("{cell} is not a date such as 31/12/2026.", cell=cell))
    return when


def since(cell: str, setting: Setting) -> date:
    """A day in the past, or the first of the year that is written alone."""
    when = date(int(cell), 1, 1) if re.fullmatch(r"(?:19[5-9]|20\d)\d", cell) else day(cell, setting)
    if when > setting.today:
        raise Invalid(_("{cell} has not come yet.", cell=cell))
    return when


def birth(cell: str, setting: Setting) -> Birth:
    """A year of birth, from a year, a date or an age: 1981, 12/05/1981, 45, 45 ans."""
    text = re.sub(r"\s*(?:ans?|years?)$", "", cell.lower())
    if re.fullmatch(r"\d{1,3}", text) and int(text) <= OLDEST_AGE:
        return Birth(setting.today.year - int(text), f"{int(text)} ans")
    year = int(text) if re.fullmatch(r"\d{4}", text) else day_of_birth(text, setting)
    if not setting.today.year - OLDEST_AGE <= year <= setting.today.year:
        raise Invalid(_("{cell} is no year of birth and no age.", cell=cell))
    return Birth(year, str(year))


def day_of_birth(cell: str, setting: Setting) -> int:
    """The year of a date of birth; 0 if it is none, which no reader takes."""
    found = re.fullmatch(r"\d{1,2}[/.-]\d{1,2}[/.-](\d{4})|(\d{4})-\d{2}-\d{2}", cell)
    return int(found[1] or found[2]) if found else 0


def births(cell: str, setting: Setting) -> tuple[Birth, ...]:
    """Several of them, with blanks, `/` or commas between: 38 12 7."""
    parts = re.sub(r"\s+(?=ans?\b)", "", cell.lower())
    return tuple(birth(part, setting) for part in re.split(r"[\s/,;+|]+", parts) if part)


def mobile(cell: str, setting: Setting) -> str:
    """A mobile number, in the country's own form or with +."""
    return typed_phone(cell, setting.country)


def phone(cell: str, setting: Setting) -> str:
    """Any phone number, fixed lines too."""
    return written_phone(cell, setting.country)


def mobiles(cell: str, setting: Setting) -> tuple[str, ...]:
    """The mobile numbers of a household, with `/` or a comma between them."""
    found = dict.fromkeys(mobile(part, setting) for part in _SEPARATORS.split(cell) if part)
    if len(found) > PHONES_OF_A_HOUSEHOLD:
        raise Invalid(_("{most} phones at most, please.", most=PHONES_OF_A_HOUSEHOLD))
    return tuple(found)


def yes_or_no(cell: str, setting: Setting) -> bool:
    """oui or non."""
    known = {"oui": "1", "o": "1", "yes": "1", "x": "1", "non": "", "n": "", "no": ""}
    if (found := known.get(folded(cell))) is None:
        raise Invalid(_("{cell} is not one of: {known}.", cell=cell, known="oui, non"))
    return bool(found)


def timezone(cell: str, setting: Setting) -> str:
    """A time zone, such as Africa/Bamako."""
    if cell not in available_timezones():
        raise Invalid(_("{cell} is not a time zone such as Africa/Bamako.", cell=cell))
    return cell


def languages(meanings: Mapping[str, str]) -> Reader:
    """Languages by name or by ISO 639 code, the preferred one first."""

    known = {folded(word): code for word, code in meanings.items()}

    def read(cell: str, setting: Setting) -> tuple[str, ...]:
        found = [known.get(folded(part), part.lower()) for part in _SEPARATORS.split(cell) if part]
        for code in found:
            if not re.fullmatch("[a-z]{2,3}", code):
                raise Invalid(_("{cell} is not one of: {known}.", cell=code, known=", ".join(meanings)))
        return tuple(dict.fromkeys(found))

    return read
