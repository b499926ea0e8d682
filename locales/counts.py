"""Counted things, each a part of a sentence: `1 month`, `12 months`; every language has its own plural forms."""

from collections.abc import Sequence

from locales.sentence import Sentence, _, _n


def minutes(n: int) -> Sentence:
    return _n("{n} minute", "{n} minutes", n)


def hours(n: int) -> Sentence:
    return _n("{n} hour", "{n} hours", n)


def days(n: int) -> Sentence:
    return _n("{n} day", "{n} days", n)


def age(n: int) -> Sentence:
    """How many days old something is: what came today is a day old, never "0 days"."""
    return days(max(n, 1))


def months(n: int) -> Sentence:
    return _n("{n} month", "{n} months", n)


def people(n: int) -> Sentence:
    return _n("{n} person", "{n} people", n)


def households(n: int) -> Sentence:
    return _n("{n} household", "{n} households", n)


def times(n: int) -> Sentence:
    return _n("{n} time", "{n} times", n)


def ages(years: Sequence[int], between: str = ", ", most: int = 99) -> Sentence:
    """The ages of people, the first `most` of them, the babies last: `45, 38, 12 years, 1 baby`."""
    grown = [str(n) for n in years if n]
    listed = between.join(grown[:most]) + ("…" if len(grown) > most else "")
    babies = _n("{n} baby", "{n} babies", len(years) - len(grown))
    if not grown:
        return babies
    if len(grown) == len(years):
        return _("{ages} years", ages=listed)
    return _("{ages} years, {babies}", ages=listed, babies=babies)
