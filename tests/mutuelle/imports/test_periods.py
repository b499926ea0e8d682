"""From "paid until" to periods: played through the rules of cover, they end on that day, after one wait."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locales import render
from mutuelle.cover.policies import terms
from mutuelle.cover.rules import DAY, Cover, CoverState, Period, Receipt, cover, periods
from mutuelle.dates import add_months
from mutuelle.imports.periods import PaidPeriod, paid_periods, waits_from
from mutuelle.scheme.products import Product
from talk.trouble import InvalidError
from tests.mutuelle.founding.test_founding import FAMILY

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


def dated(sold: Product, paid: Sequence[PaidPeriod], member_since: date | None) -> list[Period]:
    """What these periods come to by the rules of cover, as if each had been agreed to and paid."""
    waited = waits_from(sold, paid[0], member_since)
    agreed = [
        terms(nth, period.paid_on, PRICE, sold, waits_from=waited if nth == 1 else None)
        for nth, period in enumerate(paid, start=1)
    ]
    return periods(agreed, [Receipt(period.paid_on, PRICE) for period in paid])


def opened(*days: tuple[int, int, int]) -> list[date]:
    return [date(*day) for day in days]


@pytest.mark.parametrize(
    ("paid_until", "member_since", "begun", "state"),
    [
        # An old member in the middle of a year: one period, no waiting left.
        (date(2027, 6, 30), date(2019, 1, 1), opened((2026, 7, 1)), CoverState.COVERED),
        # Renewed last month, or nobody knows since when: it has waited, and does not wait again.
        (date(2027, 9, 30), date(2019, 1, 1), opened((2026, 10, 1)), CoverState.COVERED),
        (date(2027, 9, 30), None, opened((2026, 10, 1)), CoverState.COVERED),
        # Joined on paper last month: waits as everybody does.
        (date(2027, 9, 30), date(2026, 10, 1), opened((2026, 10, 1)), CoverState.WAITING),
        # Joined in the middle of a period that all pay for: its wait begins when it joined.
        (date(2026, 12, 31), date(2026, 10, 15), opened((2026, 1, 1)), CoverState.WAITING),
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
    assert cover(dated(YEAR, found, member_since), TODAY).state is state


def test_who_joins_late_in_a_period_is_covered_when_it_has_waited() -> None:
    since = date(2026, 10, 15)
    found = dated(YEAR, paid_periods(YEAR, date(2026, 12, 31), since, TODAY), since)
    assert cover(found, TODAY) == Cover(CoverState.WAITING, date(2026, 12, 15), date(2026, 12, 31))
    assert cover(found, date(2026, 12, 14)).state is CoverState.WAITING
    assert cover(found, date(2026, 12, 15)).state is CoverState.COVERED


registers = given(
    ahead=st.integers(-900, 700),
    months=st.sampled_from((1, 3, 6, 12)),
    waiting=st.integers(0, 3),
    grace=st.integers(0, 2),
    since=st.none() | st.integers(0, 900),
)


@registers
def test_cover_is_what_the_register_says_from_when_the_household_has_waited(
    ahead: int, months: int, waiting: int, grace: int, since: int | None
) -> None:
    sold, paid_until = product(months, min(waiting, months - 1), grace), TODAY + timedelta(days=ahead)
    member_since = None if since is None else TODAY - timedelta(days=since)
    try:
        found = paid_periods(sold, paid_until, member_since, TODAY)
    except InvalidError:
        assert (member_since and member_since > paid_until) or not _is_made_of_months(paid_until, months)
        return
    assert all(period.paid_on <= TODAY for period in found)
    lived = dated(sold, found, member_since)
    # The periods stand as they were worked out, and the last one ends on the day that is written.
    assert [period.opened_on for period in lived] == [period.opened_on for period in found]
    assert lived[-1].expires_on == paid_until
    # One wait, from the day on which it joined; where nobody knows the day, it is over.
    first = found[0].opened_on
    has_waited = max(first, add_months(member_since, sold.waiting_period_months)) if member_since else first
    assert lived[0].entitled_on == has_waited
    for day in {
        first,
        has_waited - DAY,
        has_waited,
        TODAY,
        paid_until,
        *(period.opened_on for period in found),
    }:
        if first <= day <= paid_until:
            assert cover(lived, day).is_covered is (day >= has_waited), day


def _is_made_of_months(paid_until: date, months: int) -> bool:
    """Whether at most four periods lead from a day that has come to this last day, each a whole number of months."""
    opened = paid_until + DAY
    for _period in range(4):
        before = add_months(opened, -months)
        if add_months(before, months) != opened:
            return False
        if (opened := before) <= TODAY:
            return True
    return False


def test_a_household_cannot_have_paid_until_before_it_joined() -> None:
    with pytest.raises(InvalidError) as fault:
        paid_periods(YEAR, date(2026, 9, 30), date(2026, 10, 1), TODAY)
    assert "before the day since when it is a member, 01/10/2026" in render(fault.value.sentence, "en")
    assert paid_periods(YEAR, date(2026, 10, 1), date(2026, 10, 1), TODAY)


def test_a_day_on_which_no_period_ends_is_told_with_its_neighbours() -> None:
    with pytest.raises(InvalidError) as fault:
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
    with pytest.raises(InvalidError) as fault:
        paid_periods(YEAR, paid_until, None, TODAY)
    assert why in render(fault.value.sentence, "en")
