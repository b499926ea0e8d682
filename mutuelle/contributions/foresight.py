"""The day it begins, before paying: what a household's cover would be if this money were received.

Nothing is worked out here: the rules of cover answer, for the household with this money and with the period that it
would begin. So what is said before a payment is what is so after it (`tests/mutuelle/contributions/test_foresight.py`).
"""

from collections.abc import Sequence
from datetime import date

from locales import Money, Sentence, _
from mutuelle.contributions.portfolio import Insured
from mutuelle.contributions.standing import Reckoning, Standing, opening_of, reckon
from mutuelle.cover.policies import policy_of
from mutuelle.cover.rules import Cover, CoverState, Receipt, Terms, cover, periods
from mutuelle.scheme.products import Offer, Product
from values import value


@value
class Foreseen:
    """The cover of a household once some money is received, and whether it was `covered` before.

    `missing` is what would still have to be paid for its last period to open, or to cover again: zero where it does,
    and where no money of that period covers anybody any more.
    """

    cover: Cover
    missing: Money
    covered: bool

    @property
    def said(self) -> Sentence:
        """From when until when care is covered, or what is missing; a part of a sentence."""
        start, end = self.cover.from_on, self.cover.until_on
        if self.missing.amount_minor and self.covered:
            return _("{missing} more opens the next period", missing=self.missing)
        if self.missing.amount_minor:
            return _("{missing} more opens the cover", missing=self.missing)
        if self.cover.is_covered and end and self.covered:
            return _("covered until {end}", end=end)
        if self.cover.is_covered and end:
            return _("covered from today to {end}", end=end)
        if self.cover.state is CoverState.WAITING and start and end:
            return _("covered from {start} to {end}", start=start, end=end)
        return _("nobody is covered by it yet")


def if_paid(stands: Standing, amount: Money, on: date | None = None) -> Foreseen:
    """What the cover of a household would be today, were `amount` received on the day `on` (None: today)."""
    agreed = [period.terms for period in stands.periods]
    money = Receipt(on or stands.today, amount.amount_minor)
    new = stands.renewal if stands.renews else None
    return _foreseen(agreed, stands.receipts, money, stands.today, stands.product, new)


def if_insured_pays(one: Insured, amount: Money, today: date) -> Foreseen:
    """The same of a household of the portfolio that pays today."""
    agreed = [period.terms for period in one.periods]
    new = None if one.due.amount_minor else one.renewal
    return _foreseen(agreed, one.receipts, Receipt(today, amount.amount_minor), today, one.product, new)


def if_joined(offer: Offer, amount: Money, today: date) -> Foreseen:
    """The same of a household that would agree to `offer` today and pay `amount` of it."""
    return _foreseen([], [], Receipt(today, amount.amount_minor), today, offer.product, offer)


def _foreseen(
    agreed: Sequence[Terms],
    received: Sequence[Receipt],
    money: Receipt,
    today: date,
    product: Product,
    new: Offer | None,
) -> Foreseen:
    """With `money`, and with it the period `new` agreed to, if one is; `product` is that of the last one agreed."""
    covered = bool(agreed) and cover(periods(agreed, received), today).is_covered
    if new is not None:
        agreed, product = [*agreed, policy_of(new, len(agreed) + 1, money.on).terms], new.product
    found = reckon(agreed, [*received, money], today, product.currency)
    return Foreseen(found.cover, _missing(found, product), covered)


def _missing(found: Reckoning, product: Product) -> Money:
    """What would still have to be paid, beside this money."""
    *earlier, last = found.periods
    if last.opened_on is None:
        owed_minor = sum(period.due_minor for period in earlier)  # a receipt was taken back: it is paid first
        return product.money(owed_minor + opening_of(found.periods, product).amount_minor)
    is_to_come = found.cover.is_covered or found.cover.from_on or found.cover.state is CoverState.EXPIRED
    return Money(0, found.due.currency) if is_to_come else found.due
