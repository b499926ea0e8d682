"""From "paid until" to policies: when the periods began that end on the day which the paper register names.

Pure. By the rules of cover, the periods end exactly on that day, and cover begins when the household has waited since
it joined: no earlier, and nobody waits twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from locales import _, counts
from mutuelle.dates import add_months
from mutuelle.scheme.products import Product
from talk.trouble import InvalidError

DAY = timedelta(days=1)
MOST_PERIODS = 4  # paid in advance, at most
EARLIEST = date(2000, 1, 1)  # the earliest date of the ledger


@dataclass(frozen=True)
class PaidPeriod:
    """A period that was paid on paper, in full on `paid_on`."""

    opened_on: date
    paid_on: date


def paid_periods(
    product: Product, paid_until: date, member_since: date | None, today: date
) -> list[PaidPeriod]:
    """The periods of `product`, oldest first, of which the last ends on `paid_until`; InvalidError if there are none.

    As few as are true: the one that ends then, and those before it until one has begun.
    """
    if member_since is not None and member_since > paid_until:
        raise InvalidError(_("This is before the day since when it is a member, {day}.", day=member_since))
    opened = [_opening(product, paid_until)]
    while opened[0] > today and len(opened) < MOST_PERIODS:
        opened.insert(0, _opening(product, opened[0] - DAY))
    if opened[0] > today:
        raise InvalidError(_("This is too far in the future."))
    if opened[0] < EARLIEST:
        raise InvalidError(_("This is too long ago."))
    return list(_paid(opened, today))


def waits_from(product: Product, first: PaidPeriod, member_since: date | None) -> date:
    """The day from which the waiting period of the first policy counts: the household waits once, since it joined.

    Where that day is unknown, it has waited when its first period on record begins: its cover on paper was not new.
    """
    return member_since or add_months(first.opened_on, -product.waiting_period_months)


def _paid(opened: Sequence[date], today: date) -> list[PaidPeriod]:
    """The first is paid on the day it opens, each other on the last day of the one before: so it follows on."""
    first, *others = opened
    return [PaidPeriod(first, first), *(PaidPeriod(on, min(on - DAY, today)) for on in others)]


def _opening(product: Product, last_day: date) -> date:
    """When a period began that ends on `last_day`; no period ends on some last days of a month (the 30th of March)."""
    months = product.insurance_period_months
    opened = add_months(last_day + DAY, -months)
    if add_months(opened, months) != last_day + DAY:
        raise InvalidError(
            _(
                "No period of {months} ends on {day}: please write {before} or {after}.",
                months=counts.months(months),
                day=last_day,
                before=_neighbour(last_day, months, -DAY),
                after=_neighbour(last_day, months, DAY),
            )
        )
    return opened


def _neighbour(day: date, months: int, step: timedelta) -> date:
    while add_months(add_months(day + DAY, -months), months) != day + DAY:
        day += step
    return day
