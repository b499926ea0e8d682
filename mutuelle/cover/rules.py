"""Who is covered, from when until when: a pure function of policies, settled contributions and today.

Nothing of this is stored. A policy opens on the day its paid share reaches the product's threshold, and never before
it was agreed to; a part-paid one is suspended when its payment grace ends; an expired one still covers during its
renewal grace. `tests/mutuelle/cover/test_cover_lives.py` says what holds in every life of a household: more money never
takes cover away, and money recorded later never moves a period that has opened.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum

from mutuelle.dates import add_months, last_day
from mutuelle.scheme.products import LAST_YEAR_FIRST, NEW_START, opening_share
from values import value


class CoverState(StrEnum):
    """The state of a household's cover (in French: à jour, carence, en retard, suspendu …)."""

    UNPAID = "unpaid"  # joined, nothing paid
    PART_PAID = "part paid"  # paid less than what opens cover
    WAITING = "waiting"  # paid, in the waiting period
    COVERED = "covered"
    IN_ARREARS = "in arrears"  # covered on a part payment, the rest is due
    SUSPENDED = "suspended"  # the rest was not paid in time
    GRACE = "grace"  # expired, still covered for a while
    EXPIRED = "expired"


DAY = timedelta(days=1)
COVERED_STATES = {CoverState.COVERED, CoverState.IN_ARREARS, CoverState.GRACE}


@value
class Terms:
    """A policy's terms of time and money, by its product version; `price_minor` includes registration.

    It is what the household itself owes: nothing where a payer owes all of it, and the agreement alone opens the cover.
    `part_minor` is what a payer owes beside it: no rule of cover looks at it.

    `agreed_on` is the day on which the household agreed to it, in the mutuelle's time zone. `waived_minor` of the price
    is waived: that ends a debt, and covers nobody. `waits_from` is the day on which a household joined
    whose paper register was taken over: its waiting period counts from then. `late_renewal` says how a renewal begins
    after the grace: one of LATE_RENEWALS; a new start within `new_wait_after_months` of the end does not wait again.
    """

    sequence: int
    is_renewal: bool
    agreed_on: date
    price_minor: int
    insurance_period_months: int
    waiting_period_months: int
    grace_period_payment_months: int
    grace_period_renewal_months: int
    partial_cover_threshold_percent: int
    waived_minor: int = 0
    waits_from: date | None = None
    part_minor: int = 0
    late_renewal: str = NEW_START
    new_wait_after_months: int = 0

    @property
    def asked_minor(self) -> int:
        """The price less what is waived."""
        return self.price_minor - self.waived_minor

    @property
    def opening_minor(self) -> int:
        """How much must be paid for cover to open: the threshold's share of the price, rounded up."""
        return opening_share(self.price_minor, self.partial_cover_threshold_percent)


@value
class Receipt:
    """Money received on the household's account, in minor units, on the day on which it was paid."""

    on: date
    amount_minor: int


@value
class Period:
    """A policy with its dates. They are None until the payments that set them.

    `ready_on` is the day on which its share was paid and it was agreed to; `begins_on` the first day on which it
    counts: ready and opened. `anchor_on` is the first day
    of the unbroken run of periods that it belongs to, and `months_before` the months of those before it: its day of the
    month stays the first period's. `carried_until` is the end of the grace that a renewal was paid in.
    """

    terms: Terms
    paid_minor: int
    ready_on: date | None = None
    opened_on: date | None = None
    begins_on: date | None = None
    entitled_on: date | None = None
    paid_up_on: date | None = None
    anchor_on: date | None = None
    months_before: int = 0
    carried_until: date | None = None

    @property
    def due_minor(self) -> int:
        return self.terms.asked_minor - self.paid_minor

    @property
    def months_after(self) -> int:
        """The months of the unbroken run, this period included."""
        return self.months_before + self.terms.insurance_period_months

    @property
    def expires_on(self) -> date | None:
        """The last day of the period."""
        return self.anchor_on and last_day(self.anchor_on, self.months_after)

    @property
    def must_be_paid_by(self) -> date | None:
        """The last day a part payment covers: of the payment grace, or of the renewal grace that it was paid in."""
        if self.anchor_on is None or self.expires_on is None:
            return None
        limit = last_day(self.anchor_on, self.months_before + self.terms.grace_period_payment_months)
        return max(min(limit, self.expires_on), self.carried_until or date.min)

    @property
    def grace_until(self) -> date | None:
        """The last day on which an expired policy still covers, and a renewal still follows on.

        Never before the end of the grace that the renewal was paid in: another product may have a shorter one.
        """
        if self.expires_on is None:
            return None
        own = add_months(self.expires_on, self.terms.grace_period_renewal_months)
        return max(own, self.carried_until or own)

    def has_begun(self, today: date) -> bool:
        """Whether this period, not the one before it, decides the cover of `today`."""
        return self.begins_on is not None and self.begins_on <= today

    def is_paid_up(self, today: date) -> bool:
        """Whether its whole price was paid by `today`."""
        return self.paid_up_on is not None and self.paid_up_on <= today


@value
class Cover:
    """Cover on one day: `from_on` and `until_on` bound it as it stands, without new payments.

    `from_on` is None where no day of cover is to come; `until_on` is then the last day that was covered, if any was.
    """

    state: CoverState
    from_on: date | None = None
    until_on: date | None = None

    @property
    def is_covered(self) -> bool:
        return self.state in COVERED_STATES


def periods(policies: Sequence[Terms], receipts: Iterable[Receipt]) -> list[Period]:
    """Assign the receipts to the policies, the oldest policy first, and date each policy by them.

    `receipts` are in the order in which they were recorded: a later record, even of an earlier day, never moves a
    period that had opened.
    """
    received = list(receipts)
    left_minor = sum(receipt.amount_minor for receipt in received)
    given_minor = 0
    found: list[Period] = []
    for terms in sorted(policies, key=lambda t: t.sequence):
        paid_minor = min(left_minor, terms.asked_minor)
        share_on = opening_paid(terms, received, given_minor)
        paid_up_on = paid_up(terms, received, given_minor)
        found.append(_dated(terms, paid_minor, share_on, paid_up_on, found[-1] if found else None))
        left_minor -= paid_minor
        given_minor += terms.asked_minor
    return found


def opening_paid(terms: Terms, received: Sequence[Receipt], given_minor: int) -> date | None:
    """The day on which the share that opens the cover was paid, after `given_minor` for other policies."""
    if not terms.price_minor:
        return terms.agreed_on
    return reached(received, given_minor + terms.opening_minor)


def paid_up(terms: Terms, received: Sequence[Receipt], given_minor: int) -> date | None:
    """The day on which the whole price was paid, after `given_minor` for other policies; None if a part was waived."""
    if not terms.price_minor:
        return terms.agreed_on
    return None if terms.waived_minor else reached(received, given_minor + terms.price_minor)


def reached(receipts: Sequence[Receipt], amount_minor: int) -> date | None:
    """The day on which the receipts reached `amount_minor`, as first known; None if they did not.

    The receipts recorded until then are sorted by their days: cash of the 18th, recorded on the 22nd, counts from the
    18th.
    """
    total = 0
    for recorded, receipt in enumerate(receipts, start=1):
        total += receipt.amount_minor
        if total >= amount_minor:
            return _day_of(sorted(receipts[:recorded], key=lambda one: one.on), amount_minor)
    return None


def _day_of(by_day: Iterable[Receipt], amount_minor: int) -> date | None:
    total = 0
    for receipt in by_day:
        total += receipt.amount_minor
        if total >= amount_minor:
            return receipt.on
    return None


def _dated(
    terms: Terms, paid_minor: int, share_on: date | None, paid_up_on: date | None, before: Period | None
) -> Period:
    if share_on is None:
        return Period(terms, paid_minor)
    # Money may be older than the agreement (a credit): it opens nothing before the household agreed.
    ready_on = max(share_on, terms.agreed_on)
    paid_up_on = paid_up_on and max(paid_up_on, terms.agreed_on)
    if before is not None and terms.is_renewal and before.paid_up_on is not None:
        if _is_in_grace(ready_on, before):
            return _continued(terms, paid_minor, ready_on, paid_up_on, before)
        is_paid_for = terms.part_minor and not terms.price_minor  # by a payer, who owes no year that is over
        if terms.late_renewal == LAST_YEAR_FIRST and not is_paid_for:
            skipped = _skipped_months(terms, ready_on, before)
            return _continued(terms, paid_minor, ready_on, paid_up_on, before, skipped)
    entitled = max(ready_on, add_months(terms.waits_from or ready_on, terms.waiting_period_months))
    if before is not None and _need_not_wait(terms, ready_on, before):
        entitled = max(ready_on, before.entitled_on or ready_on)
    return Period(terms, paid_minor, ready_on, ready_on, ready_on, entitled, paid_up_on, anchor_on=ready_on)


def _is_in_grace(ready_on: date, before: Period) -> bool:
    """Whether it is a renewal in time: the renewal grace of the period before is not over."""
    return before.grace_until is not None and ready_on <= before.grace_until


def _need_not_wait(terms: Terms, ready_on: date, before: Period) -> bool:
    """Whether a new start after the grace is soon enough after a period that was paid in full."""
    if not terms.is_renewal or before.paid_up_on is None or before.expires_on is None:
        return False
    return ready_on <= add_months(before.expires_on, terms.new_wait_after_months)


def _skipped_months(terms: Terms, ready_on: date, before: Period) -> int:
    """How many months after the period before nobody pays: all whole periods that were missed but the last one.

    So the period that follows is the one before that of `ready_on`, or that of `ready_on` itself if none was missed.
    """
    length, skipped = terms.insurance_period_months, 0
    while (
        before.anchor_on
        and add_months(before.anchor_on, before.months_after + skipped + 2 * length) <= ready_on
    ):
        skipped += length
    return skipped


def _continued(
    terms: Terms,
    paid_minor: int,
    ready_on: date,
    paid_up_on: date | None,
    before: Period,
    skipped_months: int = 0,
) -> Period:
    """A period that goes on with the run of the one before: no new wait, and a running one is not shortened."""
    if before.anchor_on is None or before.entitled_on is None:
        raise ValueError("a period that is followed is dated")
    months_before = before.months_after + skipped_months
    opened = add_months(before.anchor_on, months_before)
    return Period(
        terms,
        paid_minor,
        ready_on,
        opened_on=opened,
        begins_on=max(opened, ready_on),
        entitled_on=max(opened, before.entitled_on),
        paid_up_on=paid_up_on,
        anchor_on=before.anchor_on,
        months_before=months_before,
        carried_until=before.grace_until,
    )


def current(found: Sequence[Period], today: date) -> Period:
    """The period that decides about `today`: the last one that has begun, or else the first."""
    begun = [period for period in found if period.has_begun(today)]
    return begun[-1] if begun else found[0]


def cover(found: Sequence[Period], today: date) -> Cover:
    """The household's cover today, from its dated periods (oldest first, at least one)."""
    now = current(found, today)
    if not now.has_begun(today):
        return Cover(CoverState.PART_PAID if found[0].paid_minor else CoverState.UNPAID)
    told, before = _as_of(now, _paid_ahead(found, now, today), today), found[: found.index(now)]
    if before and now.begins_on and told.until_on and told.until_on < now.begins_on:
        # Paid when it was over (the last year first), it covered nobody: the one before it says when cover ended.
        return replace(told, until_on=cover(before, today).until_on)
    return told


def _paid_ahead(found: Sequence[Period], now: Period, today: date) -> date | None:
    """The last day of the periods that follow `now` without a gap; None where there is none.

    Of one that is paid in part it is the last day that this part covers.
    """
    until = None
    for later in found[found.index(now) + 1 :]:
        if later.ready_on is None or later.ready_on > today:
            break
        if not later.is_paid_up(today):
            return later.must_be_paid_by
        until = later.expires_on
    return until


def _as_of(period: Period, paid_ahead: date | None, today: date) -> Cover:
    if period.entitled_on is None or period.expires_on is None or period.grace_until is None:
        raise ValueError("a period is dated whole")
    paid_up = period.is_paid_up(today)
    ends_on = period.expires_on if paid_up else period.must_be_paid_by or period.expires_on
    until = paid_ahead if paid_up and paid_ahead else ends_on
    if today > period.grace_until:
        was_late = period.paid_up_on is not None and period.paid_up_on > period.grace_until
        return Cover(CoverState.EXPIRED, until_on=period.must_be_paid_by if was_late else ends_on)
    if not paid_up and today > ends_on:
        return Cover(CoverState.SUSPENDED, until_on=ends_on)
    if today < period.entitled_on:
        return Cover(CoverState.WAITING, period.entitled_on if period.entitled_on <= until else None, until)
    if today > ends_on:
        return Cover(CoverState.GRACE, period.entitled_on, period.grace_until)
    return Cover(CoverState.COVERED if paid_up else CoverState.IN_ARREARS, period.entitled_on, until)
