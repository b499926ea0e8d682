"""Cells with a day, a year of birth or an age. A cell that could be two days or two people is refused."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from anyascii import anyascii

from locales import _
from locales.formats import month_named
from mutuelle.dates import add_months
from mutuelle.imports.cells import Setting
from mutuelle.sheets.faults import UnreadError

OLDEST_AGE = 115
FIRST_YEAR, YEARS_AHEAD = 1950, 10
_WEEKDAY = (
    r"(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|(?:mon|tues|wednes|thurs|fri|satur|sun)day),?\s+"
)
_MIDNIGHT = re.compile(r"[ t]0?0[:h]00(?:[:.]00)*(?:\.0+)?z?$")
_SERIAL = re.compile(r"([2-6]\d{4})(?:[.,]0+)?")
_FIRST_SERIAL = date(1899, 12, 30)


@dataclass(frozen=True)
class Birth:
    """A year of birth; `said` is the age or year in the register: the same age again is no change, in any year."""

    year: int
    said: str


def day(cell: str, setting: Setting) -> date:
    """A date: 31/12/2026, 31.12.26, 2026-12-31, 31 déc. 2026, with midnight or the day of the week beside it."""
    years = range(FIRST_YEAR, setting.today.year + YEARS_AHEAD + 1)
    found = _one_day(_plain(cell), years)
    if found is None:
        raise _not_a_date(cell, years)
    return found


def _not_a_date(cell: str, years: range) -> UnreadError:
    serial = _SERIAL.fullmatch(cell)
    if serial and (counted := _FIRST_SERIAL + timedelta(days=int(serial[1]))).year in years:
        reason = _(
            "{cell} is a day as spreadsheets count it ({day}?): please show it as a date.",
            cell=cell,
            day=counted,
        )
        return UnreadError(reason)
    stranger = re.search(r"[^\w\s/.,'’°-]", cell)
    return UnreadError(
        _("{cell} is not a date such as 31/12/2026.", cell=cell), stranger[0] if stranger else ""
    )


def _plain(cell: str) -> str:
    text = _MIDNIGHT.sub("", anyascii(cell.replace("°", " ")).lower().strip())
    return re.sub(rf"^(?:le\s+)?(?:{_WEEKDAY})?", "", re.sub(r"\b1\s?er\b", "1", text))


def _one_day(text: str, years: range) -> date | None:
    """The only day of these years that a text can mean."""
    found = {when for y, m, d in _readings(text) for when in _days(y, m, d, years)}
    return found.pop() if len(found) == 1 else None


def _readings(text: str) -> Iterator[tuple[str, int, int]]:
    """(year, month, day) for each way to read a text: the day before the month, unless the year comes first."""
    if compact := re.fullmatch(r"\d{8}", text):
        yield compact[0][4:], int(compact[0][2:4]), int(compact[0][:2])
        yield compact[0][:4], int(compact[0][4:6]), int(compact[0][6:])
    parts = re.fullmatch(
        r"(\w+?)(?:\s*[/.,\s-]\s*|(?<=\d)(?=[a-z]))(\w+?)\.?(?:\s*[/.,\s-]\s*|(?<=[a-z])(?=\d))(\d+)", text
    )
    if parts is None:
        return
    first, second, third = parts.groups()
    if first.isdigit() and second.isdigit():
        if len(first) == 4:
            yield first, int(second), int(third)
        elif len(third) in (2, 4):
            yield third, int(second), int(first)
    elif first.isdigit() != second.isdigit():
        name, number = (second, first) if first.isdigit() else (first, second)
        if month := month_named(name):
            yield third, month, int(number)


def _days(year: str, month: int, of_month: int, years: range) -> Iterator[date]:
    said = [int(year)] if len(year) == 4 else [1900 + int(year), 2000 + int(year)] if len(year) == 2 else []
    for one in said:
        try:
            when = date(one, month, of_month)
        except ValueError:  # the 31st of February
            continue
        if when.year in years:
            yield when


def since(cell: str, setting: Setting) -> date:
    """A day in the past, or the first of the year or month that is written alone: 2019, mars 2019, 03/2019."""
    text = _plain(cell)
    if re.fullmatch(r"\d{4}", text):
        text = f"1/1/{text}"
    elif re.fullmatch(r"(?:[a-z]{3,}\.?|\d{1,2})\s*[/.\s-]\s*\d{4}", text):
        text = f"1 {text}" if text[0].isalpha() else f"1/{text}"
    when = day(text, setting) if text != _plain(cell) else day(cell, setting)
    if when > setting.today:
        raise UnreadError(_("{cell} has not come yet.", cell=cell))
    return when


_NEWBORN = r"(?:bebes?|nourrissons?|nouveau[ -]?nee?s?|nouvelle[ -]?nee?s?|newborn|baby)"
_YEARS, _MONTHS_OLD = r"(?:ans?|annees?|years?|yrs?)", r"(?:mois|months?)"
_ABOUT = re.compile(
    r"^(?:ages?\s+de|agees?\s+de|ag[e:]+\s|nee?\b|vers\b|env(?:iron)?\b|~)[.:\s]*(?:(?:en|le|vers|de|environ)\s+)?"
)


def birth(cell: str, setting: Setting) -> Birth:
    """A year of birth, from a year, a date or an age: 1981, née en 1981, 12/05/81, 45, 45 ans, 18 mois, bébé."""
    text = cell if cell.isdigit() else _ABOUT.sub("", anyascii(cell).lower().strip())
    found = _age(text, setting.today) or _born(text, setting.today)
    if found is None or not setting.today.year - OLDEST_AGE <= found.year <= setting.today.year:
        stranger = re.search(r"[^\w\s/.,'’°-]", cell)
        raise UnreadError(
            _("{cell} is no year of birth and no age.", cell=cell), stranger[0] if stranger else ""
        )
    return found


_IN_YEARS = re.compile(rf"(\d{{1,3}})(?:[.,]0)?\s*{_YEARS}?")
_IN_DAYS = re.compile(r"(\d{1,3})\s*(semaines?|weeks?|jours?|days?)")
_IN_MONTHS = re.compile(
    rf"(?:(\d{{1,3}})\s*{_YEARS}\s*(?:et\s+|and\s+)?)?(\d{{1,3}}\s*{_MONTHS_OLD}|demie?|half)"
)


def _age(text: str, today: date) -> Birth | None:
    """The year of birth by an age, counted from today; an age in whole years is counted by calendar years."""
    if years := _IN_YEARS.fullmatch(text):
        return (
            Birth(today.year - int(years[1]), f"{int(years[1])} ans") if int(years[1]) <= OLDEST_AGE else None
        )
    if re.fullmatch(_NEWBORN, text):
        return Birth(today.year, "0 ans")
    if days := _IN_DAYS.fullmatch(text):
        born = today - timedelta(days=int(days[1]) * (7 if days[2][0] in "sw" else 1))
        return Birth(born.year, f"{int(days[1])} {days[2]}")
    parts = _IN_MONTHS.fullmatch(text)
    if parts is None or not (parts[1] or parts[2][0].isdigit()):
        return None
    months = 12 * int(parts[1] or 0) + (int(re.sub(r"\D", "", parts[2])) if parts[2][0].isdigit() else 6)
    return Birth(add_months(today, -months).year, f"{months} mois") if months <= 12 * OLDEST_AGE else None


def _born(text: str, today: date) -> Birth | None:
    """A year, or the year of a day; of two figures it is one of the last hundred years."""
    if text.isdigit() and len(text) == 4:
        return Birth(int(text), text)
    eldest = today.year - (OLDEST_AGE if re.search(r"\d{4}", text) else 99)
    when = _one_day(_plain(text), range(eldest, today.year + 1))
    return Birth(when.year, str(when.year)) if when else None


_TWO_OR_ONE = re.compile(
    rf"\d\s*{_YEARS}\s*(?:et\s+)?\d{{1,2}}\s*{_MONTHS_OLD}"  # 12 ans 3 mois
    r"|(?<!\d)\d{1,2}/\d{1,2}/\d{4}|\d{4}/\d{1,2}/\d{1,2}(?!\d)"  # two ages and a year, or a day
)


def births(cell: str, setting: Setting) -> tuple[Birth, ...]:
    """Several of them, with blanks, `/`, commas or `et` between: 38 12 7, 38 ans et 3 mois."""
    text = re.sub(
        rf"(\d)\s+(?={_YEARS}\b|{_MONTHS_OLD}\b|semaines?\b|jours?\b)", r"\1", anyascii(cell).lower()
    )
    text = re.sub(r"\b1an et demie?\b", "18mois", re.sub(r"\bnou\w+[ -]?nee?s?\b", "bebe", text))
    halved = None if _TWO_OR_ONE.search(text) else _halves(text)
    if halved is None:
        raise UnreadError(_("{cell} can be read in two ways: please put / between the people.", cell=cell))
    return tuple(birth(part, setting) for part in re.split(r"[\s/,;+|&]+|\bet\b|\band\b", halved) if part)


def _halves(text: str) -> str | None:
    """`38 0,5` with its half a year as months; None where a comma may part two people or begin a decimal."""
    for number in re.findall(r"\d{1,3}(?:,\d{1,3})+", text):
        rest = text.replace(number, "", 1)
        years, *more = number.split(",")
        by_blanks = re.search(r"\w", rest) and "," not in rest
        if more == ["5"] and by_blanks:
            text = text.replace(number, f"{12 * int(years) + 6}mois", 1)
        elif more == ["5"] or by_blanks:
            return None
    return text
