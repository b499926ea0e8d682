"""From "paid until" to periods: played through the rules of cover, they end exactly on that day."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locales import render
from mutuelle.cover import Cover, CoverState, Receipt, cover, periods
from mutuelle.policies import terms
from mutuelle.products import Product
from mutuelle.registers.periods import PaidPeriod, paid_periods
from talk.trouble import Invalid
from tests.mutuelle.test_founding import FAMILY

TODAY = date(2026, 11, 22)
YEAR = FAMILY.product  # twelve months, two of waiting, one of grace
PRICE = 12_000


def product(months: int, waiting: int, grace: int) -> Product:
    return replace(
        YEAR,
        insurance_period_months=months,
        waiting_period_months=waiting,
        grace_period_renewal_months=grace,
    )


def cover_of(sold: Product, paid: Sequence[PaidPeriod], today: date) -> Cover:
    """The cover that these periods come to by the rules, as if each had been agreed to and paid."""
    agreed = [terms(nth, period.paid_on, PRICE, sold) for nth, period in enumerate(paid, start=1)]
    return cover(periods(agreed, [Receipt(period.paid_on, PRICE) for period in paid]), today)


def opened(*days: tuple[int, int, int]) -> list[date]:
    return [date(*day) for day in days]


@pytest.mark.parametrize(
    ("paid_until", "member_since", "begun", "state"),
    [
        # An old member in the middle of a year: one period, no waiting left.
        (date(2027, 6, 30), date(2019, 1, 1), opened((2026, 7, 1)), CoverState.COVERED),
        # Renewed last month: covered at once, since the year before is on record too.
        (date(2027, 9, 30), date(2019, 1, 1), opened((2025, 10, 1), (2026, 10, 1)), CoverState.COVERED),
        # Nobody knows since when: the paper cover was not new.
        (date(2027, 9, 30), None, opened((2025, 10, 1), (2026, 10, 1)), CoverState.COVERED),
        # Joined on paper last month: waits as everybody does.
        (date(2027, 9, 30), date(2026, 10, 1), opened((2026, 10, 1)), CoverState.WAITING),
        # Paid a year ahead: the period of today, then the next one.
        (date(2028, 3, 31), date(2019, 1, 1), opened((2026, 4, 1), (2027, 4, 1)), CoverState.COVERED),
        # Ended three weeks ago: the month of grace still covers.
        (date(2026, 10, 31), date(2019, 1, 1), opened((2025, 11, 1)), CoverState.GRACE),
        (date(2026, 9, 30), date(2019, 1, 1), opened((2025, 10, 1)), CoverState.EXPIRED),
    ],
)
def test_a_date_becomes_the_fewest_periods_that_say_the_truth(
    paid_until: date, member_since: date | None, begun: list[date], state: CoverState
) -> None:
    found = paid_periods(YEAR, paid_until, member_since, TODAY)
    assert [period.opened_on for period in found] == begun
    assert cover_of(YEAR, found, TODAY).state is state


@given(
    ahead=st.integers(-900, 700),
    months=st.sampled_from((1, 3, 6, 12)),
    waiting=st.integers(0, 3),
    grace=st.integers(0, 2),
    since=st.none() | st.integers(0, 2_000),
)
def test_cover_ends_on_the_day_that_the_register_says(
    ahead: int, months: int, waiting: int, grace: int, since: int | None
) -> None:
    sold, paid_until = product(months, waiting, grace), TODAY + timedelta(days=ahead)
    member_since = None if since is None else TODAY - timedelta(days=since)
    try:
        found = paid_periods(sold, paid_until, member_since, TODAY)
    except Invalid:
        return
    assert all(period.paid_on <= TODAY for period in found)
    agreed = [terms(nth, period.paid_on, PRICE, sold) for nth, period in enumerate(found, start=1)]
    dated = periods(agreed, [Receipt(period.paid_on, PRICE) for period in found])
    assert dated[-1].expires_on == paid_until
    assert [period.opened_on for period in dated] == [period.opened_on for period in found]
    if paid_until >= TODAY and since is None:
        stands = cover(dated, TODAY)
        assert (stands.state, stands.until_on) == (CoverState.COVERED, paid_until)


def test_a_day_on_which_no_period_ends_is_told_with_its_neighbours() -> None:
    with pytest.raises(Invalid) as fault:
        paid_periods(product(6, 0, 0), date(2027, 3, 30), None, TODAY)
    assert render(fault.value.sentence, "en") == (
        "No period of 6 months ends on 30/03/2027: please write 29/03/2027 or 31/03/2027."
    )
    for day in (29, 31):
        assert paid_periods(product(6, 0, 0), date(2027, 3, day), None, TODAY)


def test_a_period_that_begins_today_has_begun() -> None:
    found = paid_periods(product(12, 0, 1), date(2027, 11, 21), None, TODAY)
    assert [period.opened_on for period in found] == [TODAY]


@pytest.mark.parametrize(
    ("paid_until", "why"),
    [(date(2032, 6, 30), "too far in the future"), (date(2000, 6, 30), "too long ago")],
)
def test_a_date_out_of_reach_is_refused(paid_until: date, why: str) -> None:
    with pytest.raises(Invalid) as fault:
        paid_periods(YEAR, paid_until, None, TODAY)
    assert why in render(fault.value.sentence, "en")
