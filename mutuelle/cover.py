"""Who is covered, from when until when: a pure function of policies, settled contributions and today.

Nothing of this is stored. A policy opens on the day its paid share reaches the product's threshold; a part-paid one
is suspended when its payment grace ends; an expired one still covers during its renewal grace.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum

from mutuelle.dates import add_months, last_day
from values import value


class CoverState(StrEnum):
    """Where a household stands (the trade's words: à jour, carence, en retard, suspendu …)."""

    UNPAID = "unpaid"  # joined, nothing paid
    PART_PAID = "part paid"  # paid less than what opens cover
    WAITING = "waiting"  # paid, in the waiting period
    COVERED = "covered"
    IN_ARREARS = "in arrears"  # covered on a part payment, the rest is due
    SUSPENDED = "suspended"  # the rest was not paid in time
    GRACE = "grace"  # expired, still covered for a while
    EXPIRED = "expired"


COVERED_STATES = {CoverState.COVERED, CoverState.IN_ARREARS, CoverState.GRACE}


def opening_share(price_minor: int, percent: int) -> int:
    """`percent` of the price, rounded up: no product opens for less than it says."""
    return -(-price_minor * percent // 100)


@value
class Terms:
    """What a policy's product version says about time and money; `price_minor` includes registration."""

    sequence: int
    is_renewal: bool
    price_minor: int
    insurance_period_months: int
    waiting_period_months: int
    grace_period_payment_months: int
    grace_period_renewal_months: int
    partial_cover_threshold_percent: int

    @property
    def opening_minor(self) -> int:
        """How much must be paid for cover to open: the threshold's share of the price, rounded up."""
        return opening_share(self.price_minor, self.partial_cover_threshold_percent)


@value
class Receipt:
    """Money that reached the household's account: minor units, dated by the operator's completion."""

    on: date
    amount_minor: int


@value
class Period:
    """What one policy came to. Dates are None until the payments that make them."""

    terms: Terms
    paid_minor: int
    opened_on: date | None = None
    entitled_on: date | None = None
    expires_on: date | None = None
    paid_up_on: date | None = None

    @property
    def due_minor(self) -> int:
        return self.terms.price_minor - self.paid_minor

    @property
    def must_be_paid_by(self) -> date | None:
        """The last day a part payment covers."""
        if self.opened_on is None:
            return None
        return last_day(self.opened_on, self.terms.grace_period_payment_months)

    @property
    def grace_until(self) -> date | None:
        """The last day on which an expired policy still covers, and a renewal still follows on."""
        return self.expires_on and add_months(self.expires_on, self.terms.grace_period_renewal_months)


@value
class Cover:
    """The answer for one day: `from_on` and `until_on` bound the cover as it now stands, without new payments."""

    state: CoverState
    from_on: date | None = None
    until_on: date | None = None

    @property
    def is_covered(self) -> bool:
        return self.state in COVERED_STATES


def periods(policies: Sequence[Terms], receipts: Iterable[Receipt]) -> list[Period]:
    """Give the receipts to the policies, oldest due first, and date each policy by them."""
    waiting = sorted(receipts, key=lambda receipt: receipt.on)
    found: list[Period] = []
    for terms in sorted(policies, key=lambda t: t.sequence):
        taken, waiting = _take(waiting, terms.price_minor)
        found.append(_dated(terms, taken, found[-1] if found else None))
    return found


def _take(receipts: Sequence[Receipt], wanted_minor: int) -> tuple[list[Receipt], list[Receipt]]:
    """The receipts that pay `wanted_minor`, the last one split if need be, and what is left over."""
    taken: list[Receipt] = []
    for index, receipt in enumerate(receipts):
        if wanted_minor == 0:
            return taken, list(receipts[index:])
        part = min(receipt.amount_minor, wanted_minor)
        taken.append(Receipt(receipt.on, part))
        wanted_minor -= part
        if part < receipt.amount_minor:
            return taken, [Receipt(receipt.on, receipt.amount_minor - part), *receipts[index + 1 :]]
    return taken, []


def _dated(terms: Terms, taken: Sequence[Receipt], before: Period | None) -> Period:
    paid = sum(receipt.amount_minor for receipt in taken)
    reached = _reached(taken, terms.opening_minor)
    if reached is None:
        return Period(terms, paid)
    follows_on = (
        terms.is_renewal
        and before is not None
        and before.grace_until is not None
        and reached <= before.grace_until
    )
    if follows_on and before is not None and before.expires_on is not None:
        opened = entitled = before.expires_on + timedelta(days=1)
    else:
        opened = reached
        entitled = add_months(opened, terms.waiting_period_months)
    expires = last_day(opened, terms.insurance_period_months)
    return Period(terms, paid, opened, entitled, expires, _reached(taken, terms.price_minor))


def _reached(receipts: Sequence[Receipt], amount_minor: int) -> date | None:
    """The day on which the receipts came to `amount_minor`."""
    total = 0
    for receipt in receipts:
        total += receipt.amount_minor
        if total >= amount_minor:
            return receipt.on
    return None


def cover(found: Sequence[Period], today: date) -> Cover:
    """The household's cover today, from its dated periods (oldest first, at least one)."""
    opened = [period for period in found if period.opened_on is not None and period.opened_on <= today]
    if not opened:
        return Cover(
            CoverState.PART_PAID if any(period.paid_minor for period in found) else CoverState.UNPAID
        )
    current = _as_of(opened[-1], today)
    following = [period for period in found if period.opened_on and period.opened_on > today]
    if current.state is CoverState.COVERED and following and following[0].paid_up_on:
        return Cover(current.state, current.from_on, following[-1].expires_on)
    return current


def _as_of(period: Period, today: date) -> Cover:
    if period.entitled_on is None or period.expires_on is None or period.grace_until is None:
        raise ValueError("a period is dated whole")
    paid_up = period.paid_up_on is not None and period.paid_up_on <= today
    limit = period.must_be_paid_by
    ends_on = period.expires_on if paid_up or limit is None else min(limit, period.expires_on)
    if today > period.grace_until:
        return Cover(CoverState.EXPIRED, until_on=ends_on)
    if not paid_up and today > ends_on:
        return Cover(CoverState.SUSPENDED, until_on=ends_on)
    if today > ends_on:
        return Cover(CoverState.GRACE, period.entitled_on, period.grace_until)
    if today < period.entitled_on:
        return Cover(CoverState.WAITING, period.entitled_on, ends_on)
    return Cover(CoverState.COVERED if paid_up else CoverState.IN_ARREARS, period.entitled_on, ends_on)
