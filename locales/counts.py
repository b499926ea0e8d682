"""Counted things, each a part of a sentence: `1 month`, `12 months`; every language has its own plural forms."""

from locales.sentence import Sentence, _n


def minutes(n: int) -> Sentence:
    return _n("{n} minute", "{n} minutes", n)


def hours(n: int) -> Sentence:
    return _n("{n} hour", "{n} hours", n)


def days(n: int) -> Sentence:
    return _n("{n} day", "{n} days", n)


def months(n: int) -> Sentence:
    return _n("{n} month", "{n} months", n)


def people(n: int) -> Sentence:
    return _n("{n} person", "{n} people", n)


def times(n: int) -> Sentence:
    return _n("{n} time", "{n} times", n)
