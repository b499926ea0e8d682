"""What a patient pays for care: a pure function of the rules of her product, the price, and what was used so far.

Nothing of this is stored. `quote` is asked by the doctor's check, by the member's screens and SMS, and by the bill: all
three read the same franc. The parameters are those of openIMIS's product (co-insurance, ceilings, waiting period of a
service). `tests/mutuelle/benefits/test_quote_lives.py` says what holds for all rules, prices and bills.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from enum import StrEnum

from mutuelle.cover.people import Person, entitled_on
from mutuelle.cover.rules import Period, current
from mutuelle.dates import add_months
from values import value

MOST_MINOR = 9_999_999  # a ceiling or a price, in francs CFA: what a screen has room for


class QuoteState(StrEnum):
    """What the mutuelle says of one service for one person on one day."""

    PAID = "paid"  # it pays all, or a part
    NOT_PAID = "not paid"  # this product does not pay it there
    WAITING = "waiting"  # it will, from a later day on
    USED_UP = "used up"  # nothing is left of a ceiling or of a count
    NOT_SAID = "not said"  # the mutuelle has not written down what this product pays


@value
class Benefit:
    """What a product pays of a service at a level of facility, from the day `since` on; amounts in minor units.

    The patient pays `copay_percent` of the price or the fixed `copay_minor`; the mutuelle pays the rest, up to each of
    the ceilings: of one act, and of all acts of this service, at every level, of a person or of a household in the
    period of the policy. A count is how many acts it pays. `waiting_months` count from the first day of the unbroken
    cover.
    """

    product_code: str
    service: str
    level: str
    since: date
    version: int = 1
    is_paid: bool = True
    copay_percent: int | None = None
    copay_minor: int | None = None
    act_ceiling_minor: int | None = None
    person_ceiling_minor: int | None = None
    person_count: int | None = None
    household_ceiling_minor: int | None = None
    household_count: int | None = None
    waiting_months: int = 0
    needs_referral: bool = False
    needs_agreement: bool = False
    exclusions: str | None = None


@value
class FacilityAgreement:
    """A facility is under agreement at a level from `since` to `until` (None: no end is known)."""

    since: date
    level: str
    until: date | None = None


@value
class Tariff:
    """What a facility takes for a service from the day `since` on."""

    service: str
    since: date
    price_minor: int


@value
class BilledCare:
    """Care that the mutuelle has paid a part of."""

    rank: int
    service: str
    cared_on: date
    price_minor: int
    paid_minor: int
    facility_id: str = ""


@value
class UsedSoFar:
    """What the mutuelle has paid of a service in a period, and how many acts: of the person, of the household."""

    person_minor: int = 0
    person_count: int = 0
    household_minor: int = 0
    household_count: int = 0


@value
class Quote:
    """What the patient pays. `price_minor` is None where the facility's price is not known; `patient_minor` is then
    None too, unless the co-payment is a fixed sum, and `patient_percent` says the share.

    `is_part`: a ceiling leaves less than the mutuelle's share. `from_on`: of a service that waits, the first day.
    """

    state: QuoteState
    service: str
    level: str
    price_minor: int | None = None
    patient_minor: int | None = None
    patient_percent: int | None = None
    is_part: bool = False
    from_on: date | None = None
    benefit: Benefit | None = None
    used: UsedSoFar = UsedSoFar()

    @property
    def paid_minor(self) -> int:
        """What the mutuelle pays of a price that is known."""
        if self.price_minor is None or self.patient_minor is None:
            return 0
        return self.price_minor - self.patient_minor


def in_force(benefits: Iterable[Benefit], service: str, level: str, on: date) -> Benefit | None:
    """The rule of that day: the newest of those that have begun, of one first day the later version."""
    begun = [one for one in benefits if (one.service, one.level) == (service, level) and one.since <= on]
    return max(begun, key=lambda one: (one.since, one.version), default=None)


def coming(benefits: Iterable[Benefit], service: str, level: str, on: date) -> Benefit | None:
    """The next rule that is decided already and begins later."""
    later = [one for one in benefits if (one.service, one.level) == (service, level) and one.since > on]
    first = min((one.since for one in later), default=None)
    return max((one for one in later if one.since == first), key=lambda one: one.version, default=None)


def agreed_level(agreements: Sequence[FacilityAgreement], own_level: str, on: date) -> str | None:
    """The level at which a facility is under agreement that day, None for none.

    A facility without any line is so at its own level; of several lines the one that began last counts.
    """
    if not agreements:
        return own_level
    begun = [one for one in agreements if one.since <= on and (one.until is None or on <= one.until)]
    return max(begun, key=lambda one: one.since).level if begun else None


def price_of_act(tariffs: Iterable[Tariff], service: str, on: date) -> int | None:
    """The price of that day, in minor units; None where the facility has told none."""
    begun = [one for one in tariffs if one.service == service and one.since <= on]
    return max(begun, key=lambda one: one.since).price_minor if begun else None


def used_so_far(bills: Iterable[BilledCare], service: str, rank: int, period: Period) -> UsedSoFar:
    """What was paid of a service in the days of a period, for the person of this rank and for all."""
    first, last = period.opened_on, period.expires_on
    if first is None or last is None:
        return UsedSoFar()
    of_all = [one for one in bills if one.service == service and first <= one.cared_on <= last]
    own = [one for one in of_all if one.rank == rank]
    return UsedSoFar(
        sum(one.paid_minor for one in own), len(own), sum(one.paid_minor for one in of_all), len(of_all)
    )


def first_covered_day(periods: Sequence[Period], person: Person, on: date) -> date | None:
    """From when the waiting months of a service count for a person: the first day of the unbroken cover, or the day on
    which she was named to the household. Who was born into it or came from another household waited with it.
    """
    period = current(periods, on)
    if entitled_on(person, period) is None or period.anchor_on is None:
        return None
    opening = next((one for one in periods if one.opened_on == period.anchor_on), period)
    began = min(period.anchor_on, opening.terms.waits_from or period.anchor_on)
    if person.is_newborn or not person.is_joiner:
        return began
    return person.own_cover_from or max(began, person.added_on)


def quote(
    benefit: Benefit, price_minor: int | None, used: UsedSoFar, waits_since: date | None, on: date
) -> Quote:
    """What a person who is covered on that day pays for one act of `benefit`; `waits_since`: `first_covered_day`.

    The patient's share of a percentage is rounded down to a whole franc. No ceiling is passed: what is beyond it the
    patient pays.
    """
    found = Quote(QuoteState.PAID, benefit.service, benefit.level, price_minor, benefit=benefit, used=used)
    if not benefit.is_paid:
        return _all_hers(found, QuoteState.NOT_PAID)
    from_on = add_months(waits_since, benefit.waiting_months) if waits_since else None
    if benefit.waiting_months and (from_on is None or on < from_on):
        return replace(_all_hers(found, QuoteState.WAITING), from_on=from_on)
    left = left_minor(benefit, used)
    if left == 0:
        return _all_hers(found, QuoteState.USED_UP)
    if price_minor is None:
        return replace(
            found,
            patient_minor=benefit.copay_minor,
            patient_percent=benefit.copay_percent,
            is_part=_is_begun(benefit, used),
        )
    hers = own_share(benefit, price_minor)
    paid = price_minor - hers if left is None else min(price_minor - hers, left)
    return replace(
        found,
        patient_minor=price_minor - paid,
        patient_percent=benefit.copay_percent,
        is_part=paid < price_minor - hers,
    )


def _all_hers(found: Quote, state: QuoteState) -> Quote:
    return replace(found, state=state, patient_minor=found.price_minor, patient_percent=100)


def own_share(benefit: Benefit, price_minor: int) -> int:
    """The patient's share of a price, before ceilings."""
    if benefit.copay_minor is not None:
        return min(benefit.copay_minor, price_minor)
    return price_minor * (benefit.copay_percent or 0) // 100


def _is_begun(benefit: Benefit, used: UsedSoFar) -> bool:
    """Whether a part of a period's ceiling is used."""
    of_person = benefit.person_ceiling_minor is not None and used.person_minor > 0
    return of_person or (benefit.household_ceiling_minor is not None and used.household_minor > 0)


def left_minor(benefit: Benefit, used: UsedSoFar) -> int | None:
    """The most that the mutuelle pays of the next act; None without a ceiling, 0 where a count is used up."""
    counts = ((benefit.person_count, used.person_count), (benefit.household_count, used.household_count))
    if any(most is not None and done >= most for most, done in counts):
        return 0
    sums = (
        (benefit.act_ceiling_minor, 0),
        (benefit.person_ceiling_minor, used.person_minor),
        (benefit.household_ceiling_minor, used.household_minor),
    )
    return min((max(most - done, 0) for most, done in sums if most is not None), default=None)
