"""A household written down twice: the duplicate's money and phones go to the one that is kept, and come back."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Money
from mutuelle.acts import By
from mutuelle.contributions.payments import PayingPhone, ask_payment
from mutuelle.contributions.standing import Standing
from mutuelle.cover.rules import CoverState
from mutuelle.dates import add_months
from mutuelle.enrolment.enrolment import renew_by_credit
from mutuelle.enrolment.paid_for import IMPORT, NewRegime, change_regime
from mutuelle.households.households import Household, phones_of
from mutuelle.households.support_acts import SupportError
from mutuelle.support.merging import merge_households, reopen_household
from talk.trouble import RefusedError
from tests.support.joined_households import broken, by, joined, net, read, sent, stands, unpaid
from tests.support.officer_acts import calling
from tests.support.payers import HALF, lists
from tests.support.town import AWA, MARIAM, NOON, found, found_town, join, paid, pays

YEAR = timedelta(days=366)
NOTHING = Money(0, "XOF")


@pytest.fixture(autouse=True)
async def town(pool: AsyncEngine) -> None:
    await found_town(pool)


async def all_broken(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        return await broken(db)


async def test_a_part_paid_duplicate_gives_its_money_to_the_kept_household(pool: AsyncEngine) -> None:
    kept = await joined(pool, AWA, pay_minor=3_000)
    double = await joined(pool, MARIAM, pay_minor=3_000, name="Awa Kone")
    assert (await net(pool, kept), await net(pool, double)) == (9_000, 9_000)
    async with pool.begin() as db:
        moved = await merge_households(db, double.number, kept.number, by())
    assert moved == Money(3_000, "XOF")
    assert await read(pool, double) is None
    assert (await net(pool, kept), await net(pool, double)) == (6_000, 0)
    after = await stands(pool, kept)
    assert (after.due, after.cover.state) == (Money(6_000, "XOF"), CoverState.WAITING)  # half opens cover
    assert await all_broken(pool) == []


async def test_a_duplicate_of_which_a_payer_owes_a_part_is_closed_instead(pool: AsyncEngine) -> None:
    """Its first franc has called the payer's part too, which no merge takes back."""
    await lists(pool, HALF)
    kept, double = await joined(pool, AWA), await unpaid(pool, MARIAM, name="Awa Kone")
    async with pool.begin() as db:
        await change_regime(db, double, NewRegime("aide", NOON.date()), by=By(IMPORT, "a list", NOON))
    await pays(pool, double, 1_500, at=NOON)
    with pytest.raises(SupportError, match="État owes a part"):
        async with pool.begin() as db:
            await merge_households(db, double.number, kept.number, by())


async def test_both_phones_speak_for_the_kept_household_and_are_told(pool: AsyncEngine) -> None:
    kept = await joined(pool, AWA)
    double = await unpaid(pool, MARIAM)
    async with pool.begin() as db:
        await merge_households(db, double.number, kept.number, by())
        assert set(await phones_of(db, kept)) == {AWA, MARIAM}
    assert (await sent(pool, AWA), await sent(pool, MARIAM)) == (["households merged"], ["households merged"])


async def test_a_duplicate_that_never_paid_posts_nothing(pool: AsyncEngine) -> None:
    kept = await joined(pool, AWA)
    double = await unpaid(pool, MARIAM)
    before = await net(pool, kept)
    async with pool.begin() as db:
        assert await merge_households(db, double.number, kept.number, by()) == Money(0, "XOF")
    assert (await net(pool, kept), await net(pool, double)) == (before, 0)
    assert await all_broken(pool) == []


async def test_money_that_reaches_an_unpaid_household_calls_its_contribution(pool: AsyncEngine) -> None:
    kept = await unpaid(pool, AWA)
    double = await joined(pool, MARIAM, pay_minor=3_000)
    async with pool.begin() as db:
        await merge_households(db, double.number, kept.number, by())
    assert await net(pool, kept) == 9_000
    assert (await stands(pool, kept)).cover.state is CoverState.PART_PAID
    assert await all_broken(pool) == []


async def test_of_an_expired_duplicate_only_the_credit_goes_over(pool: AsyncEngine) -> None:
    double = await joined(pool, MARIAM, at=NOON - 2 * YEAR)
    await pays(pool, double, 1_000, at=NOON - 2 * YEAR)
    kept = await joined(pool, AWA)
    async with pool.begin() as db:
        assert await merge_households(db, double.number, kept.number, by()) == Money(1_000, "XOF")
    assert (await net(pool, kept), await net(pool, double)) == (-1_000, 0)
    assert (await stands(pool, double)).cover.state is CoverState.EXPIRED  # what was insured stays so
    assert await all_broken(pool) == []


async def test_a_merge_is_taken_back_whole(pool: AsyncEngine) -> None:
    kept = await joined(pool, AWA, pay_minor=3_000)
    double = await joined(pool, MARIAM, pay_minor=3_000)
    before = [await stands(pool, household) for household in (kept, double)]
    for _again in range(2):
        async with pool.begin() as db:
            await merge_households(db, double.number, kept.number, by())
        assert await all_broken(pool) == []
        async with pool.begin() as db:
            await reopen_household(db, double.number, by())
            assert await phones_of(db, kept) == [AWA]
            assert await phones_of(db, double) == [MARIAM]
        assert [await stands(pool, household) for household in (kept, double)] == before
        assert (await net(pool, kept), await net(pool, double)) == (9_000, 9_000)
        assert await all_broken(pool) == []


@pytest.mark.parametrize("days", [0, 60])
async def test_a_duplicate_whose_cover_runs_is_not_closed(pool: AsyncEngine, days: int) -> None:
    kept = await unpaid(pool, AWA)
    double = await joined(pool, MARIAM, at=NOON - timedelta(days=days))
    async with pool.connect() as db:
        with pytest.raises(SupportError, match="merge the other"):
            await merge_households(db, double.number, kept.number, by())


async def test_a_suspended_or_indebted_duplicate_is_not_closed(pool: AsyncEngine) -> None:
    kept = await unpaid(pool, AWA)
    suspended = await joined(pool, MARIAM, at=NOON - timedelta(days=150), pay_minor=6_000)
    async with pool.connect() as db:
        with pytest.raises(SupportError, match="suspended"):
            await merge_households(db, suspended.number, kept.number, by())
    async with pool.connect() as db:
        with pytest.raises(SupportError, match="still owes 6 000 F"):
            await merge_households(db, suspended.number, kept.number, by(NOON + YEAR))


@pytest.mark.parametrize("which", ["duplicate", "kept"])
async def test_nothing_is_merged_while_a_payment_is_under_way(pool: AsyncEngine, which: str) -> None:
    paying, other = await join(pool, AWA, at=NOON), await unpaid(pool, MARIAM)
    pair = (paying.number, other.number) if which == "duplicate" else (other.number, paying.number)
    async with pool.connect() as db:
        with pytest.raises(SupportError, match="under way"):
            await merge_households(db, *pair, by())


async def test_money_never_crosses_mutuelles(pool: AsyncEngine) -> None:
    kept = await joined(pool, AWA)
    async with pool.begin() as db:
        await found(db, code="ZAN", prefix=198)
    other = await join(pool, MARIAM, at=NOON, code="ZAN")
    async with pool.connect() as db:
        with pytest.raises(SupportError, match="never crosses"):
            await merge_households(db, other.number, kept.number, by())


async def test_a_household_is_no_duplicate_of_itself(pool: AsyncEngine) -> None:
    kept = await joined(pool, AWA)
    async with pool.connect() as db:
        with pytest.raises(SupportError, match="same household"):
            await merge_households(db, kept.number, kept.number, by())


async def test_money_of_a_duplicate_never_dates_a_renewal_back(pool: AsyncEngine) -> None:
    """The credit came a year before the renewal was agreed to: the renewal begins that day, and waits."""
    kept = await joined(pool, AWA, at=NOON - 2 * YEAR)
    double = await joined(pool, MARIAM, at=NOON - 2 * YEAR, pay_minor=3_000)
    async with pool.begin() as db:
        await merge_households(db, double.number, kept.number, by(NOON - YEAR))
    before = await stands(pool, kept)
    assert (before.cover.state, before.credit, before.payable) == (
        CoverState.EXPIRED,
        Money(3_000, "XOF"),
        Money(9_000, "XOF"),  # twelve thousand a year, of which the credit is taken off
    )
    await renews(pool, kept, before)
    after = await stands(pool, kept)
    assert (after.cover.state, after.cover.from_on) == (CoverState.WAITING, add_months(NOON.date(), 1))
    assert (after.periods[-1].opened_on, after.due, after.credit) == (NOON.date(), NOTHING, NOTHING)
    assert await all_broken(pool) == []


async def test_a_credit_that_pays_a_renewal_whole_is_agreed_to_and_dated_by_that_day(
    pool: AsyncEngine,
) -> None:
    """Two years of credit: nothing is asked for, the period begins when it is agreed to, and the phone is told."""
    kept = await joined(pool, AWA, at=NOON - 2 * YEAR)
    await pays(pool, kept, 20_000, at=NOON - 2 * YEAR)
    before = await stands(pool, kept)
    assert (before.renews_by_credit, before.payable) == (True, NOTHING)
    async with pool.begin() as db:
        await renew_by_credit(db, calling(AWA), **by_credit(before))
    after = await stands(pool, kept)
    assert (after.periods[-1].opened_on, after.credit) == (NOON.date(), Money(8_000, "XOF"))
    assert await sent(pool, AWA) == ["renewed by credit"]
    assert await all_broken(pool) == []


async def test_a_credit_renews_only_for_the_phones_of_the_household_and_only_once(pool: AsyncEngine) -> None:
    kept = await joined(pool, AWA, at=NOON - 2 * YEAR)
    await pays(pool, kept, 12_000, at=NOON - 2 * YEAR)
    before = await stands(pool, kept)
    for phone in (MARIAM, AWA, AWA):
        with suppress(RefusedError):
            async with pool.begin() as db:
                await renew_by_credit(db, calling(phone), **by_credit(before))
        assert len((await stands(pool, kept)).periods) == (1 if phone == MARIAM else 2)


def by_credit(found: Standing) -> dict[str, Any]:
    """What a household agrees to on the screen."""
    product = found.payable_product
    facts = {"number": found.household.number, "credit": found.credit, "product": product.code}
    return {**facts, "version": product.version}


async def renews(pool: AsyncEngine, household: Household, found: Standing) -> None:
    """The household agrees to what is asked, and pays it."""
    async with pool.begin() as db:
        await ask_payment(db, calling(AWA), household, found.payable, PayingPhone(AWA), renewal=found.renewal)
    await paid(pool, household, at=NOON)
