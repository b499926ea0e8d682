"""Cover by the calendar: a policy opens, waits, is suspended, comes back, expires and is renewed."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutuelle.cover.rules import COVERED_STATES, CoverState, Receipt, Terms, cover, periods
from mutuelle.dates import add_months, last_day
from mutuelle.scheme.products import opening_share


def terms(
    sequence: int = 1,
    *,
    price: int = 12_000,
    threshold: int = 50,
    waiting: int = 1,
    agreed_on: date = date(2026, 1, 1),
) -> Terms:
    return Terms(
        sequence=sequence,
        is_renewal=sequence > 1,
        agreed_on=agreed_on,
        price_minor=price,
        insurance_period_months=12,
        waiting_period_months=waiting,
        grace_period_payment_months=3,
        grace_period_renewal_months=1,
        partial_cover_threshold_percent=threshold,
    )


def state_on(
    day: str, *receipts: tuple[str, int], policies: int = 1, waiting: int = 1
) -> tuple[CoverState, str | None]:
    """The state on `day`, and until when it lasts."""
    paid = [Receipt(date.fromisoformat(on), amount) for on, amount in receipts]
    found = cover(
        periods([terms(n + 1, waiting=waiting) for n in range(policies)], paid), date.fromisoformat(day)
    )
    return found.state, found.until_on.isoformat() if found.until_on else None


WHOLE = ("2026-01-10", 12_000)
HALF = ("2026-01-10", 6_000)

STORIES = [
    # nothing, or too little
    ("2026-01-10", [], CoverState.UNPAID, None),
    ("2026-01-10", [("2026-01-10", 5_999)], CoverState.PART_PAID, None),
    # the waiting period: one month from the day the threshold was reached
    ("2026-01-10", [WHOLE], CoverState.WAITING, "2027-01-09"),
    ("2026-02-09", [WHOLE], CoverState.WAITING, "2027-01-09"),
    ("2026-02-10", [WHOLE], CoverState.COVERED, "2027-01-09"),
    ("2027-01-09", [WHOLE], CoverState.COVERED, "2027-01-09"),
    # the grace after the end, then nothing
    ("2027-01-10", [WHOLE], CoverState.GRACE, "2027-02-09"),
    ("2027-02-09", [WHOLE], CoverState.GRACE, "2027-02-09"),
    ("2027-02-10", [WHOLE], CoverState.EXPIRED, "2027-01-09"),
    # half opens cover for three months, then suspends it until the rest is paid
    ("2026-02-10", [HALF], CoverState.IN_ARREARS, "2026-04-09"),
    ("2026-04-09", [HALF], CoverState.IN_ARREARS, "2026-04-09"),
    ("2026-04-10", [HALF], CoverState.SUSPENDED, "2026-04-09"),
    ("2026-06-01", [HALF, ("2026-06-01", 6_000)], CoverState.COVERED, "2027-01-09"),
    ("2026-05-31", [HALF, ("2026-06-01", 6_000)], CoverState.SUSPENDED, "2026-04-09"),
    ("2027-01-10", [HALF], CoverState.SUSPENDED, "2026-04-09"),
    # parts add up to the threshold
    ("2026-03-05", [("2026-01-10", 3_000), ("2026-02-05", 3_000)], CoverState.IN_ARREARS, "2026-05-04"),
]


@pytest.mark.parametrize(("day", "receipts", "state", "until"), STORIES)
def test_a_household_on_a_day(
    day: str, receipts: list[tuple[str, int]], state: CoverState, until: str | None
) -> None:
    assert state_on(day, *receipts) == (state, until)


def test_a_renewal_paid_in_time_follows_on_without_a_wait() -> None:
    paid = [WHOLE, ("2027-01-05", 12_000)]
    assert state_on("2027-01-09", *paid, policies=2) == (CoverState.COVERED, "2028-01-09")
    assert state_on("2027-01-10", *paid, policies=2) == (CoverState.COVERED, "2028-01-09")


def test_a_renewal_paid_in_the_grace_follows_on_without_a_gap() -> None:
    paid = [WHOLE, ("2027-02-09", 12_000)]
    assert state_on("2027-02-09", *paid, policies=2) == (CoverState.COVERED, "2028-01-09")


def test_a_late_renewal_begins_when_it_is_paid_and_waits_again() -> None:
    paid = [WHOLE, ("2027-03-01", 12_000)]
    assert state_on("2027-02-28", *paid, policies=2) == (CoverState.EXPIRED, "2027-01-09")
    assert state_on("2027-03-01", *paid, policies=2) == (CoverState.WAITING, "2028-02-29")
    assert state_on("2027-04-01", *paid, policies=2) == (CoverState.COVERED, "2028-02-29")


def test_a_renewal_that_is_only_agreed_changes_nothing() -> None:
    assert state_on("2027-01-05", WHOLE, policies=2) == (CoverState.COVERED, "2027-01-09")


def test_cash_counts_from_the_day_it_was_received_not_from_the_day_it_was_typed() -> None:
    """Received in the grace, typed after it, when the network was back."""
    typed_late = [WHOLE, ("2027-02-09", 6_000)]
    assert state_on("2027-02-14", *typed_late, policies=2) == (CoverState.IN_ARREARS, "2027-04-09")


def test_a_share_is_reached_on_the_day_of_its_last_part_in_whatever_order_the_parts_are_typed() -> None:
    (found,) = periods([terms()], [Receipt(date(2026, 1, 10), 3_000), Receipt(date(2026, 1, 5), 3_000)])
    assert found.opened_on == date(2026, 1, 10)


def test_a_renewal_does_not_begin_before_it_was_agreed_to_however_old_its_money_is() -> None:
    """A credit of the first year pays the third: agreed to after the grace, it begins that day and waits."""
    agreed = [terms(1), terms(2, agreed_on=date(2028, 6, 1))]
    found = periods(agreed, [Receipt(date(2026, 1, 10), 24_000)])
    assert (found[1].opened_on, found[1].entitled_on) == (date(2028, 6, 1), date(2028, 7, 1))
    assert found[1].expires_on == date(2029, 5, 31)


def test_a_part_of_the_renewal_paid_in_the_grace_does_not_end_the_grace() -> None:
    """The delay to pay (one month) is shorter than the delay to renew (three)."""
    short = replace(terms(1), grace_period_payment_months=1, grace_period_renewal_months=3)
    agreed = [short, replace(short, sequence=2, is_renewal=True, agreed_on=date(2027, 3, 1))]
    paid = [Receipt(date(2026, 1, 10), 12_000), Receipt(date(2027, 3, 1), 6_000)]
    assert cover(periods(agreed, paid), date(2027, 3, 1)).until_on == date(2027, 4, 9)
    assert cover(periods(agreed, paid), date(2027, 4, 10)).state is CoverState.SUSPENDED


def test_money_goes_to_the_oldest_policy_first() -> None:
    first, second = periods([terms(1), terms(2)], [Receipt(date(2026, 1, 10), 15_000)])
    assert (first.due_minor, second.paid_minor, second.due_minor) == (0, 3_000, 9_000)


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [("2026-01-31", 1, "2026-02-28"), ("2027-11-30", 3, "2028-02-29"), ("2026-12-15", 1, "2027-01-15")],
)
def test_months_end_where_the_month_does(day: str, months: int, then: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(then)


def test_a_period_ends_on_the_day_before_it_would_begin_again() -> None:
    assert last_day(date(2026, 1, 10), 12) == date(2027, 1, 9)


DAYS = st.dates(date(2026, 1, 1), date(2029, 12, 31))
PAID = st.lists(st.builds(Receipt, DAYS, st.integers(1, 20_000)), max_size=8)


@given(PAID, st.integers(1, 3))
def test_no_franc_is_lost_and_none_is_counted_twice(receipts: list[Receipt], policies: int) -> None:
    found = periods([terms(n + 1) for n in range(policies)], receipts)
    assert sum(period.paid_minor for period in found) == min(
        sum(r.amount_minor for r in receipts), 12_000 * policies
    )


@given(PAID, DAYS)
def test_more_money_never_takes_cover_away_on_the_day_it_comes(receipts: list[Receipt], day: date) -> None:
    known = [receipt for receipt in receipts if receipt.on <= day]
    before = cover(periods([terms()], known), day).state
    after = cover(periods([terms()], [*known, Receipt(day, 1_000)]), day).state
    assert not (before in COVERED_STATES and after not in COVERED_STATES)


@given(PAID, DAYS)
def test_what_is_said_about_the_end_of_cover_is_true_on_that_day(receipts: list[Receipt], day: date) -> None:
    known = [receipt for receipt in receipts if receipt.on <= day]
    found = cover(periods([terms()], known), day)
    if found.is_covered and found.until_on:
        assert cover(periods([terms()], known), found.until_on).is_covered


def test_no_product_opens_for_less_than_its_share() -> None:
    assert [opening_share(price, 50) for price in (12_000, 12_001, 1)] == [6_000, 6_001, 1]
