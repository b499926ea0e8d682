"""A payer owes a household's contribution, whole or in part: never the household, and cover does not wait for it."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.balances import balance
from locales import Money, render
from mutuelle.acts import By
from mutuelle.contributions.family import family_of
from mutuelle.contributions.payments import PayingPhone
from mutuelle.contributions.portfolio import portfolio
from mutuelle.cover.rules import CoverState
from mutuelle.enrolment.enrolment import pay
from mutuelle.enrolment.paid_for import IMPORT, NewRegime, change_regime
from mutuelle.households.households import Household, lock_household
from mutuelle.officers.joint_acts import acts_to_sign
from mutuelle.officers.roles import Role
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.scheme.products import LAST_YEAR_FIRST
from mutuelle.tables import policy_share, product
from mutuelle.treasury.cash import CashGiven, receive_cash
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from sms.tables import outbox
from talk.answers import Secret
from talk.trouble import RefusedError
from tests.support.doctor_desk import check, make
from tests.support.joined_households import joined, net, stands, unpaid
from tests.support.officer_acts import answers, broken, calling, templates
from tests.support.officers import FANTA, ISSA, OUMOU, PIN, appoint
from tests.support.payers import (
    COMMUNE,
    HALF,
    INDIGENTS,
    STATE,
    lists,
    mornings,
    owes,
    proposes_regime,
    puts_under,
    town_with_payers,
)
from tests.support.statements import SUSPENSE, line, open_merchant, taken
from tests.support.town import AWA, MARIAM, NOON, join, paid, pays, sell
from tests.support.treasury import proposes_it
from tests.support.unmatched import one_wrong_digit, signed, waits

TODAY = NOON.date()
YEAR = timedelta(days=365)


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    await town_with_payers(pool)
    return pool


@pytest.fixture
async def poor(town: AsyncEngine) -> Household:
    """Awa's household, which has paid nothing of 12 000 F."""
    return await unpaid(town, AWA)


def noon(day: date) -> datetime:
    return NOON.replace(year=day.year, month=day.month, day=day.day)


async def renews(pool: AsyncEngine, household: Household, amount: Money, at: datetime) -> None:
    """Awa agrees on her phone to the next period, and pays this."""
    terms = (await stands(pool, household, at)).payment_terms
    assert terms.renews
    async with pool.begin() as db:
        await pay(
            db, calling(AWA, at), number=household.number, amount=amount, terms=terms, payer=PayingPhone(AWA)
        )
    await paid(pool, household, at=at)


async def test_what_a_payer_owes_whole_covers_without_a_franc(town: AsyncEngine, poor: Household) -> None:
    await puts_under(town, poor, "indigents")
    now = await stands(town, poor)
    assert (now.cover.state, now.due, now.payable) == (CoverState.WAITING, Money(0, "XOF"), Money(0, "XOF"))
    assert now.payer_of_all == INDIGENTS
    assert (now.cover.from_on, now.cover.until_on) == (date(2026, 12, 22), date(2027, 11, 21))
    assert (await stands(town, poor, noon(date(2026, 12, 22)))).cover.state is CoverState.COVERED
    assert (await net(town, poor), await owes(town)) == (0, 12_000)
    assert (await templates(town, AWA))[-1] == "regime changed"
    assert await broken(town) == set()


async def test_of_a_half_each_owes_its_own(town: AsyncEngine, poor: Household) -> None:
    """The share that opens the cover is of the household's own part, and the payer's counts from the call on."""
    await puts_under(town, poor, "aide")
    now = await stands(town, poor)
    assert (now.due, now.opening, now.payer_of_all) == (Money(6_000, "XOF"), Money(3_000, "XOF"), None)
    assert await owes(town, STATE) == 0
    await pays(town, poor, 3_000, at=NOON)
    now = await stands(town, poor)
    assert (now.cover.state, now.due) == (CoverState.WAITING, Money(3_000, "XOF"))
    assert (await net(town, poor), await owes(town, STATE)) == (3_000, 6_000)
    assert await broken(town) == set()


async def test_what_is_called_stays_as_it_was_agreed_to(town: AsyncEngine) -> None:
    """A change counts from the next period on: the debt of this one stays the household's, and so does its cover."""
    household = await joined(town, AWA, pay_minor=8_000)
    before = await stands(town, household)
    await puts_under(town, household, "indigents")
    after = await stands(town, household)
    assert (after.due, after.cover, after.periods) == (before.due, before.cover, before.periods)
    assert (await net(town, household), await owes(town)) == (4_000, 0)
    assert after.payer_of_all is None
    assert await broken(town) == set()


async def test_the_clock_renews_what_a_payer_owes_whole(town: AsyncEngine, poor: Household) -> None:
    await puts_under(town, poor, "indigents")
    end = date(2027, 11, 21)
    assert await mornings(town, end - timedelta(days=20), end - timedelta(days=8)) == 0
    assert await mornings(town, end - timedelta(days=7), end) == 1
    later = await stands(town, poor, noon(end))
    assert (later.cover.state, later.cover.until_on) == (CoverState.COVERED, date(2028, 11, 21))
    assert (await owes(town), await net(town, poor)) == (24_000, 0)
    assert (await templates(town, AWA))[-1] == "renewed by payer"
    assert await broken(town) == set()


async def test_a_household_that_comes_back_waits_again_and_pays_nothing(town: AsyncEngine) -> None:
    """Its cover had ended for good: two treasurers put it under the regime, which renews it at once."""
    household = await joined(town, AWA, at=NOON - YEAR - timedelta(days=60), pay_minor=12_000)
    assert (await stands(town, household)).cover.state is CoverState.EXPIRED
    await puts_under(town, household, "indigents")
    now = await stands(town, household)
    assert (now.cover.state, now.cover.from_on) == (CoverState.WAITING, date(2026, 12, 22))
    assert await owes(town) == 12_000
    assert await broken(town) == set()


async def test_a_payer_is_asked_for_no_year_that_is_over(pool: AsyncEngine) -> None:
    """Who pays late for the year that ran out does so to be covered again at once: nobody is, for a commune's money."""
    await town_with_payers(pool)
    async with pool.begin() as db:
        await sell(db, "BEN", version=2, late_renewal=LAST_YEAR_FIRST)
    household = await joined(pool, AWA, at=NOON - YEAR - timedelta(days=200), pay_minor=12_000)
    await puts_under(pool, household, "indigents")
    now = await stands(pool, household)
    assert (now.cover.state, now.cover.from_on) == (CoverState.WAITING, date(2026, 12, 22))
    assert (now.periods[-1].opened_on, await owes(pool)) == (TODAY, 12_000)
    assert await broken(pool) == set()


async def test_a_payer_who_ends_leaves_the_next_period_to_the_household(
    town: AsyncEngine, poor: Household
) -> None:
    await puts_under(town, poor, "indigents")
    await lists(town, INDIGENTS, HALF, replace(INDIGENTS, since=date(2027, 11, 1), percent=0))
    end = date(2027, 11, 21)
    assert await mornings(town, end - timedelta(days=7), end) == 0
    now = await stands(town, poor, noon(end))
    assert (now.cover.state, now.payable, now.payer_of_all) == (
        CoverState.COVERED,
        Money(12_000, "XOF"),
        None,
    )
    assert now.regime is None
    assert await broken(town) == set()


async def test_who_pays_until_the_end_of_a_period_pays_no_other(town: AsyncEngine, poor: Household) -> None:
    """The payer's last day is the period's: the next one is not its, though it is agreed to before."""
    end = date(2027, 11, 21)
    async with town.begin() as db:
        assert await lock_household(db, poor.number)
        new = NewRegime("indigents", TODAY, end)
        await change_regime(db, poor, new, by=By(IMPORT, "a list", NOON))
    assert (await stands(town, poor)).cover.state is CoverState.WAITING
    assert await mornings(town, end - timedelta(days=7), end) == 0
    assert (await stands(town, poor, noon(end - timedelta(days=3)))).payable == Money(12_000, "XOF")
    assert await broken(town) == set()


async def test_it_is_told_who_pays_also_where_the_payer_pays_for_no_later_period(
    town: AsyncEngine, poor: Household
) -> None:
    end = date(2027, 11, 21)
    other = await joined(town, MARIAM, name="Mariam Traoré", pay_minor=12_000)
    for household in (poor, other):
        async with town.begin() as db:
            assert await lock_household(db, household.number)
            await change_regime(db, household, NewRegime("aide", TODAY, end), by=By(IMPORT, "a list", NOON))
    async with town.connect() as db:
        to_awa = (outbox.c.phone == AWA) & (outbox.c.template == "regime changed")
        told = await db.scalar(select(outbox.c.body).where(to_awa))
    assert told is not None
    assert "paie 50 %" in told
    assert "6 000 F" in told
    assert "regime changed" not in await templates(town, MARIAM)


async def test_a_family_reads_the_price_of_a_period_that_its_payer_pays_no_more(
    town: AsyncEngine, poor: Household
) -> None:
    """The regime ends with this period: the price of the next one is the household's, also while it still pays."""
    async with town.begin() as db:
        assert await lock_household(db, poor.number)
        new = NewRegime("indigents", TODAY, date(2027, 11, 21))
        await change_regime(db, poor, new, by=By(IMPORT, "a list", NOON))
        family = await family_of(db, poor, noon(date(2027, 11, 15)))
    assert family.price == Money(12_000, "XOF")


@pytest.mark.parametrize("together", [True, False])
async def test_lines_of_one_statement_are_posted_as_those_of_two(town: AsyncEngine, together: bool) -> None:
    """The second begins a renewal of which a payer owes half: the household's money does not pay that half."""
    await open_merchant(town)
    async with town.begin() as db:
        await sell(db, "BEN", version=2, insurance_months=1, waiting_months=0)
    household = await unpaid(town, AWA)
    await puts_under(town, household, "aide")
    note = f"cotisation {household.number}"
    lines = [line(1, 6_000, note), line(2, 6_000, note), line(3, 500, note)]
    for one in [lines] if together else [[one] for one in lines]:
        assert (await taken(town, one)).posted == len(one)
    now = await stands(town, household)
    assert (len(now.periods), now.due, now.credit) == (2, Money(0, "XOF"), Money(500, "XOF"))
    assert (await net(town, household), await owes(town, STATE)) == (-500, 12_000)
    assert await broken(town) == set()


async def test_what_is_being_paid_stays_as_it_was_agreed_to(town: AsyncEngine) -> None:
    household = await join(town, AWA, at=NOON)
    async with town.begin() as db:
        assert await lock_household(db, household.number)
        await change_regime(db, household, NewRegime("indigents", TODAY), by=By(IMPORT, "a list", NOON))
    await paid(town, household, at=NOON)
    now = await stands(town, household)
    assert (now.due, now.credit, now.share) == (Money(0, "XOF"), Money(0, "XOF"), None)
    assert (await owes(town), await net(town, household)) == (0, 0)
    assert await broken(town) == set()


async def test_cash_is_refused_with_the_payers_name_also_where_two_signed_meanwhile(
    town: AsyncEngine, poor: Household
) -> None:
    await appoint(town, OUMOU, Role.COLLECTOR)
    terms = (await stands(town, poor)).payment_terms
    await puts_under(town, poor, "indigents")
    cash = CashGiven(poor.number, Money(3_000, "XOF"), TODAY)
    with pytest.raises(RefusedError) as refused:
        async with town.begin() as db:
            await receive_cash(db, calling(OUMOU), mutuelle="BEN", cash=cash, terms=terms, pin=Secret(PIN))
    assert "Commune de Sikasso paie pour le ménage" in render(refused.value.sentence, "fr")
    assert await net(town, poor) == 0


async def test_money_from_a_statement_begins_no_period_that_a_payer_owes_whole(
    town: AsyncEngine, poor: Household
) -> None:
    """It comes in the last days of the period: it is credit, and the clock renews."""
    await open_merchant(town)
    await puts_under(town, poor, "indigents")
    on = date(2027, 11, 1)
    done = await taken(town, [line(1, 2_000, f"cotisation {poor.number}", on=on)], now=noon(on))
    assert done.posted == 1
    now = await stands(town, poor, noon(on))
    assert (now.credit, len(now.periods), await owes(town)) == (Money(2_000, "XOF"), 1, 12_000)
    assert await mornings(town, date(2027, 11, 20), date(2027, 11, 21)) == 1
    assert (await stands(town, poor, noon(date(2027, 11, 21)))).credit == Money(2_000, "XOF")
    assert await broken(town) == set()


async def test_a_statement_may_show_what_a_payer_paid(town: AsyncEngine, poor: Household) -> None:
    """A line without an owner: two treasurers say that it is the commune's."""
    await open_merchant(town)
    await puts_under(town, poor, "indigents")
    money = await one_wrong_digit(town, 7_000)
    code = accounts.receivable(COMMUNE.code)
    kind = VoucherKind.DEBTOR
    new = NewVoucher(kind, SUSPENSE, code, Money(7_000, "XOF"), "virement", COMMUNE.name, found=money.key)
    assert await proposes_it(town, new) is None
    assert await signed(town) is None
    assert (await owes(town), await waits(town)) == (5_000, [])
    assert await broken(town) == set()


async def test_an_answer_before_the_signature_stands(pool: AsyncEngine) -> None:
    """Not covered at nine, covered at noon of the same day: the doctor who asked at nine was answered right."""
    await town_with_payers(pool)
    async with pool.begin() as db:
        await sell(db, "BEN", version=2, waiting_months=0)
    poor = await unpaid(pool, AWA, at=NOON - timedelta(hours=4))
    asked = NOON - timedelta(hours=3)
    answered = await check(pool, poor.number, await make(pool, poor, at=asked), at=asked)
    assert "NON COUVERT" in answered
    await puts_under(pool, poor, "indigents")
    assert (await stands(pool, poor)).cover.state is CoverState.COVERED
    assert await broken(pool) == set()


async def test_where_no_cover_is_on_sale_nobody_is_said_to_pay(town: AsyncEngine, poor: Household) -> None:
    await puts_under(town, poor, "indigents")
    async with town.begin() as db:
        await db.execute(update(product).values(sold_until=date(2027, 1, 1)))
    now = await stands(town, poor, noon(date(2028, 3, 1)))
    assert (now.cover.state, now.renewal, now.payer_of_all) == (CoverState.EXPIRED, None, None)


async def test_another_share_counts_for_what_is_agreed_to_later(town: AsyncEngine, poor: Household) -> None:
    await puts_under(town, poor, "indigents")
    await lists(town, INDIGENTS, HALF, replace(INDIGENTS, since=date(2027, 1, 1), percent=75))
    assert (await stands(town, poor, noon(date(2027, 2, 1)))).due == Money(0, "XOF")
    later = await stands(town, poor, noon(date(2027, 11, 20)))
    assert (later.payable, later.payer_of_all) == (Money(3_000, "XOF"), None)
    await renews(town, poor, Money(3_000, "XOF"), noon(date(2027, 11, 20)))
    assert (await owes(town), await net(town, poor)) == (12_000 + 9_000, 0)
    async with town.connect() as db:
        kept = (await db.execute(select(policy_share).order_by(policy_share.c.sequence))).all()
    assert [(one.regime_since, one.part_minor) for one in kept] == [
        (INDIGENTS.since, 12_000),
        (date(2027, 1, 1), 9_000),
    ]
    assert await broken(town) == set()


async def test_all_households_at_once_stand_as_each_alone(town: AsyncEngine, poor: Household) -> None:
    other = await unpaid(town, MARIAM, name="Mariam Traoré", at=NOON - timedelta(days=50))
    await puts_under(town, poor, "indigents")
    await puts_under(town, other, "aide")
    for on in (TODAY, TODAY + timedelta(days=20), date(2027, 11, 15), date(2029, 1, 1)):
        async with town.connect() as db:
            every = await portfolio(db, await get_mutuelle(db, "BEN"), on)
        for household in (poor, other):
            one = await stands(town, household, noon(on))
            counted = every[household.number]
            assert (counted.cover, counted.due, counted.renewal, counted.regime) == (
                one.cover,
                one.due,
                one.renewal,
                one.regime,
            )
            assert counted.periods == one.periods


async def test_it_takes_two_and_nobody_of_the_household(town: AsyncEngine, poor: Household) -> None:
    assert await proposes_regime(town, poor, "indigents") is None
    assert (await stands(town, poor)).due == Money(12_000, "XOF")
    async with town.connect() as db:
        assert not await acts_to_sign(db, calling(FANTA), "BEN")
    assert await answers(town) is None
    own = await unpaid(town, ISSA, name="Issa Dembélé")
    with pytest.raises(RefusedError, match="Nobody decides who pays"):
        await proposes_regime(town, own, "indigents", by=ISSA)


async def test_what_changed_meanwhile_is_not_signed(town: AsyncEngine, poor: Household) -> None:
    await proposes_regime(town, poor, "indigents")
    await lists(town, INDIGENTS, HALF, replace(INDIGENTS, since=TODAY, percent=75))
    with pytest.raises(RefusedError, match="has changed"):
        await answers(town)


async def test_a_household_pays_for_itself_again(town: AsyncEngine, poor: Household) -> None:
    await puts_under(town, poor, "indigents")
    await puts_under(town, poor, None)
    now = await stands(town, poor)
    assert (now.cover.state, now.payer_of_all) == (CoverState.WAITING, INDIGENTS)
    assert (await stands(town, poor, noon(date(2027, 11, 15)))).payable == Money(12_000, "XOF")
    assert await broken(town) == set()


async def test_money_that_comes_anyway_is_the_households_credit(town: AsyncEngine, poor: Household) -> None:
    await puts_under(town, poor, "indigents")
    await pays(town, poor, 2_000, at=NOON)
    assert (await net(town, poor), await owes(town)) == (-2_000, 12_000)
    assert (await stands(town, poor)).credit == Money(2_000, "XOF")
    async with town.connect() as db:
        assert (await balance(db, "BEN", "health:contributions")).net == -12_000
    assert await broken(town) == set()


def test_a_part_leaves_the_household_what_can_be_paid_in_coins() -> None:
    third = replace(HALF, percent=33)
    assert third.part_minor(10_000, 5) == 10_000 - 6_700
    assert third.part_minor(10_001, 5) == 10_001 - 6_705
    assert INDIGENTS.part_minor(10_001, 5) == 10_001
    assert replace(HALF, percent=1).part_minor(3, 5) == 0
    assert COMMUNE.code == INDIGENTS.payer
