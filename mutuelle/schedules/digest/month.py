"""The balance of one month: what members paid, new households, and what was held when it ended.

Nothing is kept: it is counted from the book whenever a treasurer asks.
"""

import re
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.positions import held_on, received_between
from locales import Sentence, _, _n
from locales.formats import SHORTEST_MONTH, month_named, written_month
from mutuelle.dates import add_months, last_day
from mutuelle.schedules.digest.digest import has_route, held_by_collectors
from mutuelle.schedules.digest.words import SMS_SEPTETS, Holdings, held, income
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.tables import household
from talk.answers import Kind
from talk.layout import longest
from talk.questions import initials, words_of
from talk.trouble import InvalidError
from talk.words import Caller

THIS, LAST = _("MONTH"), _("LAST PREVIOUS")  # words of a treasurer, those of every language taken
BESIDE = _("OF THE THIS FOR IN PLEASE")  # say nothing of the month


@dataclass(frozen=True)
class MonthFigures:
    """`holdings` of the days from `first` to `last`; `joined` is how many households joined on them."""

    first: date
    last: date
    holdings: Holdings
    joined: int


async def month_of(db: AsyncConnection, caller: Caller, mutuelle_id: str, first: date) -> MonthFigures:
    """The figures of the month that begins on `first`, up to the mutuelle's own today."""
    mutuelle = await get_mutuelle(db, mutuelle_id)
    last = end_of(first, mutuelle.today(caller.at))
    received, payers = await received_between(db, mutuelle.id, mutuelle.currency, first, last)
    position = await held_on(db, mutuelle.id, mutuelle.currency, last)
    holdings = Holdings(
        mutuelle=mutuelle,
        received_minor=received,
        payers=payers,
        cash_minor=sum(position.boxes.values()),
        mobile_minor=position.mobile_minor,
        bank_minor=position.bank_minor,
        collectors_minor=await held_by_collectors(db, mutuelle.id, position.boxes),
        by_operator=await has_route(db, mutuelle.id),
    )
    return MonthFigures(first, last, holdings, await _joined(db, mutuelle, first, last))


async def _joined(db: AsyncConnection, mutuelle: Mutuelle, first: date, last: date) -> int:
    """How many households joined on these days, those that were closed since too."""
    on = sa.cast(sa.func.timezone(mutuelle.timezone, household.c.enrolled_at), sa.Date)
    joined = sa.select(sa.func.count()).where(household.c.mutuelle_id == mutuelle.id, on.between(first, last))
    return await db.scalar(joined) or 0


def month_summary(found: MonthFigures, language: str) -> Sentence:
    """The longest form that fits a segment."""
    month = written_month(found.first, language)
    forms = [
        _month_form(found, head, month, short)
        for head, short in ((found.holdings.mutuelle.name, 0), (found.holdings.mutuelle.id, 0))
    ]
    return longest([*forms, _month_form(found, found.holdings.mutuelle.id, month, 2)], language, SMS_SEPTETS)


def _month_form(found: MonthFigures, head: str, month: str, short: int) -> Sentence:
    return _(
        "{mutuelle}, {month}: {income}, {joined}. {held} on {day}.",
        mutuelle=head,
        month=month,
        income=income(found.holdings, short),
        joined=_n("{n} new household", "{n} new households", found.joined),
        day=f"{found.last:%d/%m}",
        held=held(found.holdings, short),
    )


def asked_month(today: date) -> Kind[date | None]:
    """The first day of the month that a treasurer names (11, novembre, 11/2026, du mois); None where she names none.

    A month without its year is the last one of this name that has begun. Beside a month in letters other words may be.
    """

    def parse(typed: str) -> date | None:
        words = [word for word in initials(typed).split() if word not in words_of(BESIDE)]
        if not words:
            return None
        first = _month_said(words, today) or _month_said(_of_months(words), today)
        if first is None:
            raise InvalidError(_("Not understood: {words}", words=typed[:20].strip()))
        if first > today:
            raise InvalidError(_("This month has not begun yet."))
        return first

    return Kind(
        "month",
        parse,
        good=(str(today.month), "du mois", f"{today:%m/%Y}", "novembre", "mois passé"),
        bad=("hier", "13", "12/2999", "tout"),
        takes_rest=True,
        optional=True,
    )


def _month_said(words: list[str], today: date) -> date | None:
    this, before = today.replace(day=1), {*words_of(LAST)} & {*words}
    said, words = words, [word for word in words if word not in {*words_of(THIS), *before}]
    if not said:
        return None
    if not words:
        return add_months(this, -1) if before else this
    if before:
        return None
    month, years = _month_number(words[0]), words[1:]
    if month is None or len(years) > 1:
        return None
    if not years:
        return this.replace(year=today.year - (month > today.month), month=month)
    if not re.fullmatch("(20)?[0-9]{2}", years[0]):
        return None
    return date(2000 + int(years[0]) % 100, month, 1)


def _of_months(words: list[str]) -> list[str]:
    """The words from the first that names a month, and those that say which month or year behind it."""
    first = next(
        (nth for nth, word in enumerate(words) if not word.isdecimal() and _names_month(word)), len(words)
    )
    more = {*words_of(THIS), *words_of(LAST)}
    return [word for word in words[first:] if word in more or word.isdecimal() or _month_number(word)]


def _names_month(word: str) -> bool:
    return word in words_of(THIS) or (len(word) > SHORTEST_MONTH and _month_number(word) is not None)


def _month_number(word: str) -> int | None:
    """1 to 12 for a number or a name of a month."""
    if word.isdecimal():
        return int(word) if len(word) <= 2 and 1 <= int(word) <= 12 else None
    return month_named(word)


def end_of(first: date, today: date) -> date:
    """The last day of the month of `first` that has begun."""
    return min(last_day(first, 1), today)
