"""How a language writes days and numbers, by Babel (Unicode's CLDR)."""

from datetime import date
from decimal import Decimal
from functools import cache, lru_cache

from anyascii import anyascii
from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal
from rapidfuzz.distance import OSA

from locales.catalogue import DEFAULT_LANGUAGE, SOURCE_LANGUAGE, languages

SHORTEST_MONTH = 3  # letters of a month's name: jan, nov
SHORTEST_MISTAKEN_MONTH = 6
ENGLISH = "en_GB"  # the day before the month: 31/12/2026


@cache
def locale_of(language: str) -> Locale:
    """The conventions of `language`; those of the default language where CLDR does not know it."""
    try:
        return Locale.parse(ENGLISH if language == SOURCE_LANGUAGE else language)
    except UnknownLocaleError:
        return Locale.parse(DEFAULT_LANGUAGE)


@lru_cache(maxsize=4096)
def written_day(on: date, language: str) -> str:
    """`31/12/2026` in French and English."""
    return format_date(on, "short", locale_of(language))


@lru_cache(maxsize=4096)
def written_number(number: int, decimals: int = 0) -> str:
    """`1 260 000`, in every language: the same figures stand on the operator's prompt and on paper receipts.

    The last `decimals` figures of `number` stand behind the comma; they are left out where all are zero.
    CLDR groups by a narrow space that basic phones lack: here it is a plain one.
    """
    pattern = "#,##0" + ("." + "0" * decimals if number % 10**decimals else "")
    written = format_decimal(Decimal(number).scaleb(-decimals), pattern, locale_of(DEFAULT_LANGUAGE))
    return written.replace("\u202f", " ")


def written_month(first: date, language: str) -> str:
    """`novembre 2026`: the month of which `first` is a day."""
    return format_date(first, "MMMM y", locale_of(language))


def month_names(language: str) -> list[str]:
    """The names of the twelve months, January first."""
    return list(locale_of(language).months["stand-alone"]["wide"].values())


@lru_cache(maxsize=512)
def month_named(word: str) -> int | None:
    """1 to 12 for the name of a month in any language, without its accents, a letter wrong (novenbre), or cut short.

    None for any other word, and where several months begin so (jui).
    """
    written = anyascii(word).lower()
    if len(written) < SHORTEST_MONTH:
        return None
    names = [
        (nth, anyascii(name).lower())
        for language in languages()
        for nth, name in enumerate(month_names(language), 1)
    ]
    found = {nth for nth, name in names if name.startswith(written)} or {
        nth
        for nth, name in names
        if min(len(written), len(name)) >= SHORTEST_MISTAKEN_MONTH and OSA.distance(written, name) <= 1
    }
    return found.pop() if len(found) == 1 else None
