"""What is said before a payment is what is so after it: for every household, sum and day, by the path of all money."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.book import Voucher
from locales import Money
from locales import render as said_in
from mutuelle.contributions.foresight import if_joined, if_paid
from mutuelle.contributions.received_money import AgreedRenewal, ReceivedMoney
from mutuelle.contributions.settlement.reads import SettlementReads
from mutuelle.contributions.settlement.receive import receive
from mutuelle.contributions.settlement.writes import SettlementWrites
from mutuelle.contributions.standing import Facts, Standing, reckon, standing, stands_on
from mutuelle.cover.people import Person
from mutuelle.cover.policies import Policy, policy_of
from mutuelle.cover.rules import CoverState, Receipt
from mutuelle.households.households import Household
from mutuelle.scheme.products import LATE_RENEWALS, Product, offer
from tests.support.town import AWA, NOON, Handset, join, paid
from torture.town import DAN, FAMILY
from ussd import calls

FIRST = date(2026, 1, 1)
DAY = timedelta(days=1)
PAUSES = (0, 1, 20, 31, 60, 120, 200, 340, 365, 380, 420, 800)
HOME = Household("DAN", "199000010", "Awa Koné", DAN.name)
SUMS = (250, 3_000, 6_000, 12_000, 20_000)
EXAMPLES = settings(max_examples=300, deadline=None)


@st.composite
def products(draw: st.DrawFn) -> Product:
    """Any terms, also such as nobody may sell."""
    return replace(
        FAMILY,
        insurance_period_months=draw(st.sampled_from((1, 6, 12))),
        waiting_period_months=draw(st.integers(0, 4)),
        grace_period_payment_months=draw(st.integers(0, 4)),
        grace_period_renewal_months=draw(st.integers(0, 3)),
        partial_cover_threshold_percent=draw(st.sampled_from((25, 50, 100))),
        late_renewal=draw(st.sampled_from(LATE_RENEWALS)),
        new_wait_after_months=draw(st.sampled_from((0, 0, 3))),
    )


@st.composite
def households(draw: st.DrawFn) -> Facts:
    """A household on any day of its life: what it agreed to and paid, under versions of a product that change."""
    today, policies, receipts = FIRST, list[Policy](), list[Receipt]()
    for sequence in range(1, draw(st.integers(1, 3)) + 1):
        today += draw(st.sampled_from(PAUSES)) * DAY
        policies.append(policy_of(offer(draw(products()), (45,), new=False), sequence, today))
        for _part in range(draw(st.integers(0, 2))):
            today += draw(st.sampled_from(PAUSES)) * DAY
            receipts.append(Receipt(today, draw(st.sampled_from(SUMS))))
    today += draw(st.sampled_from(PAUSES)) * DAY
    head = Person(1, "Awa Koné", 1981, FIRST)
    sold = draw(st.none() | products())
    return Facts(DAN, today, policies, sold, [], [head], None, {AWA: "fr"}, {AWA: ""}, receipts)


def paid_really(stands: Standing, facts: Facts, money: Money, on: date) -> SettlementReads:
    """The household once the money went the path of all money, which begins the agreed renewal."""
    reads = SettlementReads(HOME, False, DAN, {}, list(facts.policies), list(facts.receipts), 0, 0, {})
    renewal = stands.renewal if stands.renews else None
    agreed = AgreedRenewal(renewal, len(facts.policies) + 1, on) if renewal else None
    voucher = Voucher("DAN", "a test", "key", "contribution received", on, "a test", "paid")
    batch = SettlementWrites(datetime(2026, 1, 1, tzinfo=UTC), {}, set())
    receive(
        batch, reads, ReceivedMoney(HOME.number, money, "health:bank:bms", voucher, "ABC234", renewal=agreed)
    )
    return reads


@given(households(), st.sampled_from(SUMS), st.integers(0, 20))
@EXAMPLES
def test_what_is_said_before_is_so_after(facts: Facts, amount: int, late: int) -> None:
    stands, money = stands_on(HOME, facts), Money(amount, "XOF")
    on = max(facts.today - late * DAY, facts.policies[-1].agreed_on)
    foreseen = if_paid(stands, money, on)
    after = paid_really(stands, facts, money, on)
    found = reckon([policy.terms for policy in after.policies], after.receipts, facts.today, "XOF")
    assert foreseen.cover == found.cover


@given(households(), st.sampled_from(SUMS))
@EXAMPLES
def test_what_is_said_to_be_missing_opens_the_cover_if_it_is_paid_too(facts: Facts, amount: int) -> None:
    """The sum that is named is enough, and nobody is told of one where no money of the period covers anybody."""
    stands, money = stands_on(HOME, facts), Money(amount, "XOF")
    foreseen = if_paid(stands, money)
    after = paid_really(stands, facts, money, facts.today)
    if not foreseen.missing.amount_minor:
        return
    after.receipts.append(Receipt(facts.today, foreseen.missing.amount_minor))
    found = reckon([policy.terms for policy in after.policies], after.receipts, facts.today, "XOF")
    assert found.periods[-1].opened_on is not None


@given(products(), st.sampled_from(SUMS))
@EXAMPLES
def test_a_newcomer_is_told_what_she_will_have(product: Product, amount: int) -> None:
    chosen, money = offer(product, (45, 38), new=True), Money(amount, "XOF")
    agreed = policy_of(chosen, 1, FIRST)
    found = reckon([agreed.terms], [Receipt(FIRST, amount)], FIRST, "XOF")
    assert if_joined(chosen, money, FIRST).cover == found.cover


@given(households(), st.sampled_from(SUMS))
@EXAMPLES
def test_every_day_that_is_said_is_a_day_to_come(facts: Facts, amount: int) -> None:
    """The words never say "covered until" a day that is over, nor from a day after the last one."""
    stands = stands_on(HOME, facts)
    foreseen = if_paid(stands, Money(amount, "XOF"))
    days = [
        date(*map(int, day.split("/")[::-1]))
        for day in re.findall(r"\d\d/\d\d/\d{4}", said_in(foreseen.said, "fr"))
    ]
    assert all(day >= facts.today for day in days)
    assert days == sorted(days)
    assert bool(days) != bool(foreseen.missing.amount_minor) or not foreseen.cover.is_covered


SITUATIONS = {  # days since she joined, how much she had paid, and what she reads beside the sum that she pays
    "the rest of a part": (40, 6_000),
    "suspended": (150, 6_000),
    "renewal before the end": (350, 12_000),
    "renewal in the grace": (380, 12_000),
    "after a lapse": (500, 12_000),
    "too little yet": (10, 3_000),
}


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("way", ["1", "2"])
async def test_the_screen_she_agrees_to_says_the_days_of_her_receipt(
    ussd_deps: calls.UssdDeps, situation: str, way: str
) -> None:
    """Whole (1) or in part (2): what she reads before the yes is her cover when the money has come."""
    days, before = SITUATIONS[situation]
    pool: AsyncEngine = ussd_deps.pool
    household = await join(pool, AWA, at=NOON - days * DAY, pay_minor=before)
    await paid(pool, household, at=NOON - days * DAY)
    awa = Handset(ussd_deps)
    shown = await awa.dial("2", way)
    if "Combien ?" in shown:
        least = re.search(r"De ([\d ]+) F", shown)
        assert least
        shown = await awa.type(least[1].replace(" ", ""))
    said = re.findall(r"\d\d/\d\d/\d{4}", shown)
    await awa.type("1")
    await paid(pool, household, at=NOON)
    async with pool.connect() as db:
        cover = (await standing(db, household, NOON)).cover
    told = {f"{day:%d/%m/%Y}" for day in (cover.from_on, cover.until_on) if day}
    if said:
        assert set(said) <= told
        assert f"{cover.until_on:%d/%m/%Y}" in said
    else:
        assert "encore" in shown
        assert not cover.is_covered or cover.state is not CoverState.WAITING
