"""Dues in a line of the paper register: the policies that it means, and what was paid of each.

Pure. A household owes what is missing of its last period; `payé` and `reste dû` together must be a possible price of
the household, so that a mistake is found. Either may be left out if the other one implies it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product as pairs

from locales import Money, Sentence, _
from mutuelle.imports.days import Birth
from mutuelle.imports.periods import PaidPeriod, paid_periods, waits_from
from mutuelle.scheme.products import Offer, Product, contribution, offer, opening_share
from mutuelle.scheme.regimes import Regime


class ContradictionError(Exception):
    """Cells of one line that cannot all be true; `column` is the one to look at first."""

    def __init__(self, column: str, sentence: Sentence) -> None:
        super().__init__(sentence.msgid)
        self.column, self.sentence = column, sentence


@dataclass(frozen=True)
class Said:
    """The days and amounts of a line, each None where its cell is empty."""

    paid_until: date | None
    member_since: date | None
    paid_minor: int | None = None
    owed_minor: int | None = None


@dataclass(frozen=True)
class PaperPolicy:
    """A policy and the part of it that was paid, all on one day; `waits_from` is where its waiting period begins.

    `opened_on` is the first day of its period; None while too little is paid to open one.
    """

    offer: Offer
    on: date
    paid_minor: int
    opened_on: date | None = None
    waits_from: date | None = None

    @property
    def owed_minor(self) -> int:
        return self.offer.price.amount_minor - self.paid_minor

    def under(self, regime: Regime | None) -> "PaperPolicy":
        """The same where a regime pays its part."""
        return replace(self, offer=self.offer.under(regime))


def paper_policies(
    said: Said, versions: Sequence[Product], births: Sequence[Birth], today: date
) -> tuple[PaperPolicy, ...]:
    """The policies of a household, oldest first; ContradictionError or InvalidError if the line cannot be true.

    `versions` are those of its product, today's first. Every period before the last one was paid in full.
    """
    if said.paid_until is None:
        return (_not_open(said, versions, births, today),)
    periods = paid_periods(versions[0], said.paid_until, said.member_since, today)
    waited = waits_from(versions[0], periods[0], said.member_since)
    found = []
    for nth, period in enumerate(periods):
        if period is periods[-1]:
            agreed, paid_minor = _last(said, versions, births, period, is_first=nth == 0)
        else:
            agreed = offer(versions[0], _ages(births, period.opened_on), new=nth == 0)
            paid_minor = agreed.price.amount_minor
        found.append(
            PaperPolicy(agreed, period.paid_on, paid_minor, period.opened_on, None if nth else waited)
        )
    return tuple(found)


def _not_open(said: Said, versions: Sequence[Product], births: Sequence[Birth], today: date) -> PaperPolicy:
    """The policy of a household that has paid nothing, or less than what opens its cover; it is agreed to today."""
    ages = _ages(births, today)
    if not said.paid_minor and not said.owed_minor:
        return PaperPolicy(offer(versions[0], ages, new=True), today, 0)
    agreed, paid_minor = _agreed(said, versions, ages, may_be_new=True, is_new=True)
    if paid_minor >= _opens(agreed):
        reason = _(
            "{paid} of {price} opens a period: write its last day",
            paid=_f(agreed, paid_minor),
            price=agreed.price,
        )
        raise ContradictionError("paid_until", reason)
    return PaperPolicy(agreed, today, paid_minor)


def _last(
    said: Said, versions: Sequence[Product], births: Sequence[Birth], period: PaidPeriod, *, is_first: bool
) -> tuple[Offer, int]:
    ages = _ages(births, period.opened_on)
    if said.paid_minor is None and said.owed_minor is None:
        agreed = offer(versions[0], ages, new=is_first)
        return agreed, agreed.price.amount_minor
    is_new = is_first and said.member_since is not None and said.member_since >= period.opened_on
    agreed, paid_minor = _agreed(said, versions, ages, may_be_new=is_first, is_new=is_new)
    if paid_minor < _opens(agreed):
        reason = _(
            "{paid} of {price} opens no period, {least} does: leave the last day empty",
            paid=_f(agreed, paid_minor),
            price=agreed.price,
            least=_f(agreed, _opens(agreed)),
        )
        raise ContradictionError("paid_until", reason)
    return agreed, paid_minor


def _agreed(
    said: Said, versions: Sequence[Product], ages: tuple[int, ...], *, may_be_new: bool, is_new: bool
) -> tuple[Offer, int]:
    """The price that a line means, and the part of it that was paid; with or without the fee of new households."""
    expected = offer(versions[0], ages, new=is_new)
    price = expected.price.amount_minor
    paid, owed = said.paid_minor, said.owed_minor
    if paid is not None and owed is not None:
        for agreed in _offers(versions, ages, may_be_new=may_be_new, is_new=is_new):
            if agreed.price.amount_minor == paid + owed:
                return agreed, paid
        reason = _(
            "{paid} paid and {owed} owed are not the price, {price}",
            paid=_f(expected, paid),
            owed=_f(expected, owed),
            price=expected.price,
        )
        raise ContradictionError("owed", reason)
    part = paid if paid is not None else owed or 0
    if part > price:
        column = "owed" if paid is None else "paid"
        raise ContradictionError(column, _("it is more than the price, {price}", price=expected.price))
    return expected, part if paid is not None else price - part


def _offers(
    versions: Sequence[Product], ages: tuple[int, ...], *, may_be_new: bool, is_new: bool
) -> Iterator[Offer]:
    """The possible offers, the likeliest first: also under an older price, or with fewer people."""
    now = versions[0]
    alike = [
        one
        for one in versions
        if (one.insurance_period_months, one.waiting_period_months)
        == (now.insurance_period_months, now.waiting_period_months)
    ]
    for product, new in pairs(alike, (is_new, not is_new) if may_be_new else (False,)):
        for price_minor in _prices(product, ages):
            yield Offer(product, len(ages), price_minor, product.registration_fee_minor if new else 0)


def _prices(product: Product, ages: tuple[int, ...]) -> Iterator[int]:
    """The price for all of these people first, then without some of them."""
    yield contribution(product, ages)
    adults = sum(age >= product.age_of_majority for age in ages[1:])
    for older, younger in pairs(range(adults, -1, -1), range(len(ages) - 1 - adults, -1, -1)):
        yield contribution(product, (ages[0], *(product.age_of_majority,) * older, *(0,) * younger))


def _opens(agreed: Offer) -> int:
    return opening_share(agreed.price.amount_minor, agreed.product.partial_cover_threshold_percent)


def _f(agreed: Offer, amount_minor: int) -> Money:
    return agreed.product.money(amount_minor)


def _ages(births: Sequence[Birth], on: date) -> tuple[int, ...]:
    return tuple(max(on.year - birth.year, 0) for birth in births)
