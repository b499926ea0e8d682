"""Cells with figures: amounts, percentages, months, counts. A cell that could be two numbers is refused."""

import re
from collections.abc import Callable

from currencies import CURRENCIES, written
from locales import _
from mutuelle.households.member_numbers import member_number
from mutuelle.imports.cells import Reader, Setting
from mutuelle.scheme.limits import BOUNDS, is_money
from mutuelle.sheets.faults import UnreadError
from mutuelle.sheets.letters import folded
from talk.trouble import InvalidError

# Nobody counts cents: a mark before exactly three digits separates thousands, and zeros behind a comma are dropped.
_GROUPED = re.compile(r"\d{1,12}|\d{1,3}([ .,'’])\d{3}(?:\1\d{3}){0,2}")
_NO_CENTS = re.compile(r"[.,](?:0{1,2}|-{1,2}|—)$")
LONGEST_NUMBER = 20  # of the register
_OH = re.compile(r"(?<=[\dOo .])[Oo](?=[\dOo .,]|$)")


def figures(cell: str) -> str:
    """The cell with the letter O among digits read as zero."""
    return _OH.sub("0", cell) if re.match(r"\+?\(?\d", cell) else cell


def whole(least: int, most: int, units: str = "") -> Callable[[str, Setting], int]:
    """A number without decimals, with or without one of its `units` (a pattern) behind it: 12, 12 000, 12,00."""
    unit = re.compile(rf"\s*(?:{units})\.?$", re.IGNORECASE)

    def read(cell: str, setting: Setting) -> int:
        text = _NO_CENTS.sub("", figures(" ".join((unit.sub("", cell) if units else cell).split())))
        if not _GROUPED.fullmatch(text):
            raise UnreadError(_("This is not a number."), _stranger(text))
        number = int(re.sub(r"\D", "", text))
        if not least <= number <= most:
            raise UnreadError(_("It must be {least} to {most}.", least=least, most=most))
        return number

    return read


def _stranger(text: str) -> str:
    """The first letter that is no digit, else the first that separates digits."""
    found = re.search(r"[^\d\s.,'’]", text) or re.search(r"\D", text)
    return found[0] if found else ""


def franc_amount(least: int, most: int) -> Callable[[str, Setting], int]:
    """An amount in minor units, with or without its sign and blanks: 12 000 F, 12 000,00 FCFA.

    `most` is in francs CFA.
    """

    def read(cell: str, setting: Setting) -> int:
        currency = CURRENCIES[setting.currency]
        unit = rf"{written(setting.currency)}\.?"
        text = re.sub(rf"^{unit}\s*(?=\d)|(?<=[\d-])\s*{unit}$", "", cell.strip(), flags=re.IGNORECASE)
        cents = re.search(rf"(?<=\d)[.,](\d{{{currency.decimals}}})$", text) if currency.decimals else None
        francs = whole(least, most * currency.size)(text[: cents.start()] if cents else text, setting)
        return francs * currency.unit + int(cents[1] if cents else 0)

    return read


def months(least: int, most: int) -> Reader:
    """A time in months: 3, 3 mois, 1 an."""
    number = whole(least, most, r"mois|months?|m")

    def read(cell: str, setting: Setting) -> object:
        if years := re.fullmatch(r"(\d{1,2}) ?(?:ans?|annees?|years?)", folded(cell)):
            return number(str(12 * int(years[1])), setting)
        return number(cell, setting)

    return read


NOT_PAID = {"non", "pas couvert", "non couvert", "pas paye", "tout", "no", "not covered", "not paid", "all"}
FREE = {"gratuit", "rien", "free", "nothing"}


def copay(most: int) -> Reader:
    """What a patient pays, as (percent, amount): 20 %, 500 F, gratuit; (None, None) where the mutuelle pays nothing.

    A number alone could be either: it is refused, but for 0.
    """
    share, amount = whole(0, 100, "%|pour ?cent"), franc_amount(0, most)

    def read(cell: str, setting: Setting) -> object:
        words = folded(cell)
        if words in FREE or words == "0":
            return (0, None)
        if words in NOT_PAID:
            return (None, None)
        if re.search(r"%|pour ?cent", cell, re.IGNORECASE):
            percent = share(cell, setting)
            return (None, None) if percent == 100 else (percent, None)
        if words.isdigit():
            raise InvalidError(_("Please write 20 %, 500 F, gratuit or non."))
        return (None, amount(cell, setting))

    return read


def limit_value(name: str) -> Callable[[str, Setting], int]:
    """The value of this limit of a mutuelle, within what makes sense: 200 000 F, 5 jours, 7 h, 30."""
    least, most = BOUNDS[name].start, BOUNDS[name].stop - 1  # in francs CFA
    if is_money(name):
        return franc_amount(least, most)
    days = r"jours?|j|days?"
    units = {
        "cash_days": days,
        "benefit_notice_days": days,
        "digest_hour": r"h(?:eures?)?(?:\s*00)?|:00",
        "years_kept": r"ans?|années?|years?",
        "operator_silent_minutes": r"min(?:utes?)?",
    }
    return whole(least, most, units.get(name, ""))


def member(cell: str, setting: Setting) -> str:
    """A member number, in any groups."""
    return member_number.parse(cell.removesuffix(".0"))


def register_number(cell: str, setting: Setting | None = None) -> str:
    """The number of a household in its book, in one form: A 14, a-14 and A14 are A-14; 001 and N° 1 are 1."""
    if cell.isdigit() and cell.isascii() and len(cell) <= LONGEST_NUMBER:
        return _short(cell)
    text = re.sub(
        r"^(?:n\s*[°º]|n[o°º]?[.\s]+|num[eé]ro\s*|num\b\.?|#)[\s:.]*(?=\w)", "", cell, flags=re.IGNORECASE
    )
    text = re.sub(r"\.0$|[.)]$", "", text.strip()).upper()
    if stranger := re.search(r"[^0-9A-Z/ –-]", text) or re.search(r"(?<=\d) (?=\d)", text):
        raise UnreadError(
            _("{cell} is not a number of the register such as 14, A-14 or 2023/14.", cell=cell), stranger[0]
        )
    parts = [[_short(run) for run in re.findall(r"\d+|[A-Z]+", part)] for part in text.split("/")]
    number = "/".join("-".join(part) for part in parts)
    if not all(parts) or len(number) > LONGEST_NUMBER:
        raise UnreadError(_("{cell} is not a number of the register such as 14, A-14 or 2023/14.", cell=cell))
    return number


def _short(run: str) -> str:
    return str(int(run)) if run.isdigit() else run
