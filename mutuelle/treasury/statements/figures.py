"""What a cell of a statement is taken for: an amount, a moment, a phone. What could be two is refused.

Portals write 12 000,00 and 12,000.00, 15/03/2026 14:05 and 2026-03-15T14:05:00Z.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from currencies import MINOR_DIGITS, written
from locales import _
from locales.formats import month_named
from mutuelle.sheets.faults import UnreadError
from mutuelle.sheets.letters import folded
from talk.phones import gateway_phone, written_phone
from talk.trouble import InvalidError

MOST_MINOR = 1_000_000_000_000
_MINUS = re.compile(r"^[-−–]\s*|^\((?=.*\)$)|(?<=\d)-$")
_GROUPS = re.compile(r"\d{1,3}(?:([ '’.,])\d{3})(?:\1\d{3})*")


@lru_cache(maxsize=10_000)
def amount(cell: str, currency: str, decimal: str | None = None) -> int:
    """An amount in minor units of `currency`, below zero with a minus or in brackets. Another currency is refused."""
    digits, units = MINOR_DIGITS[currency], _units(currency)
    text = " ".join(cell.split())
    text = units.sub("", text.removeprefix("+")).strip()
    minus = _MINUS.search(text)
    text = units.sub("", text.strip("()+-−– ")).strip()
    whole, part = _parted(text, decimal)
    if _GROUPS.fullmatch(whole):
        whole = re.sub(r"\D", "", whole)
    if not re.fullmatch(r"\d{1,13}", whole) or not re.fullmatch(r"\d*", part):
        raise UnreadError(_("This is not an amount."))
    if part[digits:].strip("0"):
        raise UnreadError(_("This amount has parts that the currency does not have."))
    found = int(whole + part[:digits].ljust(digits, "0"))
    if found > MOST_MINOR:
        raise UnreadError(_("This is not an amount."))
    return -found if minus else found


@cache
def _units(currency: str) -> re.Pattern[str]:
    unit = rf"{written(currency)}\.?"
    return re.compile(rf"^{unit}\s*|\s*{unit}$", re.IGNORECASE)


def _parted(text: str, decimal: str | None) -> tuple[str, str]:
    """The whole units and the decimals of a text. A single mark before exactly three figures separates thousands."""
    marks = [sign for sign in text if sign in ".,"]
    if decimal is None:
        if not marks:
            return text, ""
        last = marks[-1]
        before, after = text.rsplit(last, 1)
        is_grouped = len(after) == 3 and re.search(r"(?<!\d)\d{1,3}$", before) and len(set(marks)) == 1
        if is_grouped or (marks.count(last) > 1 and len(set(marks)) == 1):
            return text, ""
        return before, after
    before, _mark, after = text.partition(decimal)
    return before, after


_CLOCK = r"(?:[ T,]+(?:a |à )?(\d{1,2})[:hH](\d{2})(?:[:mM](\d{2})(?:[.,]\d+)?)?s?)?\s*([AaPp]\.?[Mm]\.?)?"
_ZONE = r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
_ISO = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_CLOCK}{_ZONE}")
_DAY_FIRST = re.compile(rf"(\d{{1,2}})[-/. ]([^\W\d_]+\.?|\d{{1,2}})[-/. ](\d{{4}}|\d{{2}}){_CLOCK}{_ZONE}")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?")


@lru_cache(maxsize=10_000)
def moment(cell: str, zone: str) -> tuple[date, datetime | None]:
    """The day in the mutuelle's zone, and the moment if a time is told; without a zone of its own it is local time."""
    text = " ".join(cell.split())
    try:
        if found := _ISO.fullmatch(text):
            year, month, day, *clock = found.groups()
        elif found := _DAY_FIRST.fullmatch(text):
            day, month, year, *clock = found.groups()
        elif found := _COMPACT.fullmatch(text):
            year, month, day, *clock = *found.groups(), None, None
        else:
            raise ValueError(text)
        on = date(_year(str(year)), _month(str(month)), int(str(day)))
        return _at(on, clock, ZoneInfo(zone))
    except (ValueError, OverflowError):
        raise UnreadError(_("{cell} is not a date such as 31/12/2026.", cell=cell)) from None


def _year(said: str) -> int:
    return int(said) if len(said) == 4 else 2000 + int(said)


def _month(said: str) -> int:
    if said.isdigit():
        return int(said)
    if named := month_named(folded(said)):
        return named
    raise ValueError(said)


def _at(on: date, clock: Sequence[str | None], zone: ZoneInfo) -> tuple[date, datetime | None]:
    hour, minute, second, half, offset = clock
    if hour is None or minute is None:
        return on, None
    hours = int(hour)
    if half:
        hours = hours % 12 + 12 * (half[0] in "pP")
    at = datetime(on.year, on.month, on.day, hours, int(minute), int(second or 0), tzinfo=_zone(offset, zone))
    return at.astimezone(zone).date(), at.astimezone(UTC)


def _zone(offset: str | None, zone: ZoneInfo) -> tzinfo:
    if offset is None:
        return zone
    return UTC if offset.isalpha() else datetime.strptime(offset, "%z").tzinfo or UTC


@lru_cache(maxsize=10_000)
def payer_phone(cell: str, country: str) -> str | None:
    """The phone in a cell, with its country or of this one; None for a name, a mask or anything else."""
    digits = re.sub(r"^(?:\D*?)(?=[+\d])|[\s().-]", "", cell)
    digits = digits.removeprefix("00") if len(digits) > 10 else digits
    if not re.fullmatch(r"\+?\d{7,15}", digits):
        return None
    try:
        return written_phone(digits, country)
    except InvalidError:
        return gateway_phone(digits)
