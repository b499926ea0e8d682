"""What a patient pays, as properties: for all rules, prices and bills, one after the other in a period."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mutuelle.benefits.rules import (
    Benefit,
    BilledCare,
    FacilityAgreement,
    Quote,
    QuoteState,
    Tariff,
    UsedSoFar,
    agreed_level,
    first_covered_day,
    in_force,
    price_of_act,
    quote,
    used_so_far,
)
from mutuelle.cover.people import Person
from mutuelle.cover.rules import Period, Receipt, Terms, periods

OPENED, DAY = date(2026, 1, 1), timedelta(days=1)
PERIOD = Period(
    Terms(1, False, OPENED, 12_000, 12, 0, 3, 1, 50), 12_000, OPENED, OPENED, OPENED, OPENED, anchor_on=OPENED
)
LIVES = settings(max_examples=300, deadline=None)
MAYBE = st.none() | st.integers(1, 60_000)
FEW = st.none() | st.integers(1, 4)
PRICES = st.integers(1, 80_000)


@st.composite
def benefits(draw: st.DrawFn) -> Benefit:
    percent = draw(st.none() | st.integers(0, 99))
    return Benefit(
        "P1",
        "ACC",
        "centre",
        OPENED,
        copay_percent=percent,
        copay_minor=draw(st.integers(0, 20_000)) if percent is None else None,
        act_ceiling_minor=draw(MAYBE),
        person_ceiling_minor=draw(MAYBE),
        person_count=draw(FEW),
        household_ceiling_minor=draw(MAYBE),
        household_count=draw(FEW),
        waiting_months=draw(st.sampled_from((0, 0, 1, 6))),
    )


acts = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 364), PRICES), max_size=12)


def told(benefit: Benefit, bills: list[BilledCare], rank: int, on: date, price_minor: int | None) -> Quote:
    return quote(benefit, price_minor, used_so_far(bills, "ACC", rank, PERIOD), OPENED, on)


@LIVES
@given(benefits(), acts)
def test_nobody_pays_more_than_the_price_and_the_mutuelle_never_more_than_a_ceiling(
    benefit: Benefit, acts: list[tuple[int, int, int]]
) -> None:
    bills: list[BilledCare] = []
    for rank, day, price in acts:
        on = OPENED + timedelta(days=day)
        found = told(benefit, bills, rank, on, price)
        assert found.patient_minor is not None
        assert 0 <= found.patient_minor <= price
        assert found.paid_minor + found.patient_minor == price
        assert found.paid_minor <= (benefit.act_ceiling_minor or price)
        if found.paid_minor:
            bills.append(BilledCare(rank, "ACC", on, price, found.paid_minor))
    for rank in {bill.rank for bill in bills}:
        own = [bill.paid_minor for bill in bills if bill.rank == rank]
        assert sum(own) <= (benefit.person_ceiling_minor or sum(own))
        assert len(own) <= (benefit.person_count or len(own))
    everybody = [bill.paid_minor for bill in bills]
    assert sum(everybody) <= (benefit.household_ceiling_minor or sum(everybody))
    assert len(everybody) <= (benefit.household_count or len(everybody))


@LIVES
@given(benefits(), PRICES, PRICES)
def test_a_dearer_act_is_never_cheaper_for_the_patient(benefit: Benefit, one: int, other: int) -> None:
    less, more = sorted((one, other))
    on = OPENED + timedelta(days=300)
    cheap, dear = (told(benefit, [], 1, on, price).patient_minor for price in (less, more))
    assert cheap is not None
    assert dear is not None
    assert dear >= cheap


@LIVES
@given(benefits(), acts, PRICES)
def test_what_was_used_never_makes_an_act_cheaper(
    benefit: Benefit, acts: list[tuple[int, int, int]], price: int
) -> None:
    on = OPENED + timedelta(days=364)
    bills = [BilledCare(rank, "ACC", OPENED + timedelta(days=day), paid, paid) for rank, day, paid in acts]
    hers = [told(benefit, bills[:count], 1, on, price).patient_minor for count in range(len(bills) + 1)]
    assert hers == sorted(hers, key=lambda minor: minor or 0)


@LIVES
@given(benefits(), PRICES)
def test_without_a_price_the_same_share_is_told_as_with_one(benefit: Benefit, price: int) -> None:
    on = OPENED + timedelta(days=300)
    blind, seeing = (told(benefit, [], 1, on, known) for known in (None, price))
    assert blind.state is seeing.state
    if blind.state is QuoteState.PAID and not seeing.is_part:
        if blind.patient_percent is not None:
            assert seeing.patient_minor == price * blind.patient_percent // 100
        else:
            assert seeing.patient_minor == min(blind.patient_minor or 0, price)


@LIVES
@given(benefits(), st.integers(0, 364), PRICES)
def test_a_service_that_waits_is_paid_from_the_day_that_was_told(
    benefit: Benefit, day: int, price: int
) -> None:
    found = told(benefit, [], 1, OPENED + timedelta(days=day), price)
    assert (found.state is QuoteState.WAITING) == (found.from_on is not None)
    if found.from_on:
        assert OPENED + timedelta(days=day) < found.from_on
        assert told(benefit, [], 1, found.from_on, price).state is not QuoteState.WAITING
        eve = found.from_on - timedelta(days=1)
        assert told(benefit, [], 1, eve, price).patient_minor == price


days = st.integers(-30, 30).map(lambda n: OPENED + timedelta(days=n))


@LIVES
@given(st.lists(st.tuples(days, st.integers(1, 3), st.integers(0, 99)), max_size=8), days)
def test_the_newest_rule_that_has_begun_is_in_force(versions: list[tuple[date, int, int]], on: date) -> None:
    rules = [
        Benefit("P1", "ACC", "centre", since, version, copay_percent=percent)
        for since, version, percent in {v[:2]: v for v in versions}.values()
    ]
    found = in_force(rules, "ACC", "centre", on)
    begun = [rule for rule in rules if rule.since <= on]
    assert (found is None) == (not begun)
    if found:
        assert all((rule.since, rule.version) <= (found.since, found.version) for rule in begun)
    assert in_force(rules, "ACC", "hospital", on) is None


@LIVES
@given(st.dictionaries(days, PRICES, max_size=6), days)
def test_a_price_of_yesterday_decides_about_care_of_yesterday(prices: dict[date, int], on: date) -> None:
    tariffs = [Tariff("ACC", since, minor) for since, minor in prices.items()]
    begun = [since for since in prices if since <= on]
    assert price_of_act(tariffs, "ACC", on) == (prices[max(begun)] if begun else None)
    later = [replace(one, since=on + timedelta(days=1)) for one in tariffs]
    assert price_of_act([*tariffs, *later], "ACC", on) == price_of_act(tariffs, "ACC", on)


def test_care_of_another_period_or_service_is_not_counted() -> None:
    inside, outside = OPENED + timedelta(days=364), OPENED + timedelta(days=365)
    bills = [
        BilledCare(1, "ACC", inside, 100, 80),
        BilledCare(1, "ACC", outside, 100, 70),
        BilledCare(1, "LAB", inside, 100, 60),
        BilledCare(2, "ACC", OPENED, 100, 50),
    ]
    assert used_so_far(bills, "ACC", 1, PERIOD) == UsedSoFar(80, 1, 130, 2)


JOINED = date(2025, 3, 1)
OLD = Terms(1, False, JOINED, 12_000, 12, 0, 3, 1, 100)
RENEWED = Terms(2, True, date(2026, 2, 20), 12_000, 12, 0, 3, 1, 100)
PAPER = Terms(1, False, JOINED, 12_000, 12, 0, 3, 1, 100, waits_from=date(2024, 6, 1))
LATER = date(2026, 5, 1)


@pytest.mark.parametrize(
    ("who", "terms", "since"),
    [
        ({}, OLD, JOINED),  # from the start, also over a renewal in time
        ({}, PAPER, date(2024, 6, 1)),  # of a household from paper, since when it waits
        ({"first_policy": 2, "added_on": LATER}, OLD, LATER),  # who was named later waits from then
        # Who was born into it, and who came from another household, has waited with it.
        ({"first_policy": 3, "added_on": LATER, "covered_from": LATER, "birth_year": 2026}, OLD, JOINED),
        ({"first_policy": 3, "added_on": LATER, "covered_from": JOINED, "came_from": "1"}, OLD, JOINED),
        ({"first_policy": 3, "added_on": LATER}, OLD, None),  # the price does not count her yet
    ],
)
def test_the_months_of_a_service_count_from_the_first_day_of_unbroken_cover(
    who: dict[str, Any], terms: Terms, since: date | None
) -> None:
    found = periods([terms, RENEWED], [Receipt(JOINED, 12_000), Receipt(date(2026, 2, 20), 12_000)])
    facts = {"rank": 2, "name": None, "birth_year": 1990, "added_on": JOINED} | who
    assert first_covered_day(found, Person(**facts), date(2026, 8, 1)) == since


def test_a_lapse_begins_the_months_anew() -> None:
    late = date(2026, 9, 1)
    found = periods([OLD, RENEWED], [Receipt(JOINED, 12_000), Receipt(late, 12_000)])
    person = Person(1, None, 1990, JOINED)
    assert first_covered_day(found, person, date(2026, 10, 1)) == late


def test_an_agreement_holds_from_its_first_to_its_last_day() -> None:
    first, last = date(2026, 1, 1), date(2026, 6, 30)
    agreed = [FacilityAgreement(first, "hospital", last)]
    days = {first - DAY: None, first: "hospital", last: "hospital", last + DAY: None}
    assert {on: agreed_level(agreed, "centre", on) for on in days} == days
    assert agreed_level([], "centre", first) == "centre"
    again = [*agreed, FacilityAgreement(date(2026, 6, 1), "post")]
    assert agreed_level(again, "centre", date(2026, 6, 15)) == "post"
