"""Cash of several households in one act: all of it or nothing, within the limits of one receipt after the other."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Money, Sentence, languages, render
from locales.letters import fold, septets
from menus.cash import Agreed
from menus.several_cash import MOST_AT_ONCE, listed, recorded
from mutuelle.contributions.standing import PaymentTerms, standing
from mutuelle.households.households import Household
from mutuelle.officers.roles import Role
from mutuelle.treasury.cash import CashGiven, Recorded, receive_all_cash
from mutuelle.treasury.tables import cash_receipt
from talk.answers import Secret
from talk.trouble import RefusedError
from tests.support.joined_households import unpaid
from tests.support.messages_digest import NAME
from tests.support.officer_acts import broken, calling, receives
from tests.support.officers import ISSA, OUMOU, PIN, appoint, set_limit
from tests.support.town import AWA, MARIAM, NOON, OUMAR, found_town

KEYS = 13  # septets of the yes and the no


@pytest.fixture
async def town(pool: AsyncEngine) -> list[Household]:
    """Three households that owe 12 000 F each, and two collectors."""
    await found_town(pool)
    for phone in (OUMOU, ISSA):
        await appoint(pool, phone, Role.COLLECTOR, at=NOON - timedelta(days=9))
    return [await unpaid(pool, phone) for phone in (AWA, MARIAM, OUMAR)]


async def terms_of(pool: AsyncEngine, households: list[Household]) -> tuple[PaymentTerms, ...]:
    async with pool.connect() as db:
        return tuple([(await standing(db, household, NOON)).payment_terms for household in households])


async def gives(
    pool: AsyncEngine,
    households: list[Household],
    *,
    by: str = OUMOU,
    pin: str = PIN,
    amounts: tuple[int, ...],
    agreed: tuple[PaymentTerms, ...] = (),
) -> tuple[Recorded, ...] | Sentence:
    """`agreed`: the terms that were read back before; without them those of now."""
    terms = agreed or await terms_of(pool, households)
    async with pool.begin() as db:
        cash = tuple(
            CashGiven(household.number, Money(amount, "XOF"), NOON.date())
            for household, amount in zip(households, amounts, strict=True)
        )
        return await receive_all_cash(
            db, calling(by), mutuelle="BEN", cash=cash, terms=terms, pin=Secret(pin)
        )


async def receipts(pool: AsyncEngine) -> int:
    async with pool.connect() as db:
        return await db.scalar(select(func.count()).select_from(cash_receipt)) or 0


async def test_each_household_gets_its_own_receipt_and_the_collector_holds_the_sum(
    pool: AsyncEngine, town: list[Household]
) -> None:
    done = await gives(pool, town, amounts=(12_000, 6_000, 3_000))
    assert isinstance(done, tuple)
    assert [one.number for one in done] == [household.number for household in town]
    assert len({one.receipt_code for one in done}) == 3
    assert [one.held.amount_minor for one in done] == [12_000, 18_000, 21_000]
    async with pool.connect() as db:
        left = [(await standing(db, household, NOON)).due.amount_minor for household in town]
    assert left == [0, 6_000, 9_000]
    assert await broken(pool) == set()


async def test_nothing_is_kept_of_any_where_one_has_changed_or_the_pin_is_wrong(
    pool: AsyncEngine, town: list[Household]
) -> None:
    assert isinstance(await gives(pool, town, pin="11111", amounts=(12_000, 6_000, 3_000)), Sentence)
    await receives(pool, town[2], 3_000, by=ISSA)
    async with pool.connect() as db:
        old = [(await standing(db, household, NOON)).payment_terms for household in town]
    await receives(pool, town[2], 3_000, by=ISSA)
    cash = tuple(CashGiven(one.number, Money(3_000, "XOF"), NOON.date()) for one in town)
    with pytest.raises(RefusedError):
        async with pool.begin() as db:
            await receive_all_cash(
                db, calling(OUMOU), mutuelle="BEN", cash=cash, terms=tuple(old), pin=Secret(PIN)
            )
    assert await receipts(pool) == 2
    assert await broken(pool) == set()


async def test_a_household_is_in_the_list_once(pool: AsyncEngine, town: list[Household]) -> None:
    with pytest.raises(RefusedError, match="twice"):
        await gives(pool, [town[0], town[1], town[0]], amounts=(12_000, 3_000, 12_000))
    assert await receipts(pool) == 0


async def test_the_sum_of_all_is_within_what_a_collector_may_hold(
    pool: AsyncEngine, town: list[Household]
) -> None:
    await set_limit(pool, "cash_held_minor", 20_000)
    with pytest.raises(RefusedError, match="at most"):
        await gives(pool, town, amounts=(12_000, 6_000, 3_000))
    assert await receipts(pool) == 0


async def test_two_collectors_with_the_same_households_in_another_order_wait_for_each_other(
    pool: AsyncEngine, town: list[Household]
) -> None:
    terms = await terms_of(pool, town)  # both agreed to them before either recorded
    both = (
        gives(pool, town, amounts=(3_000, 3_000, 3_000), agreed=terms),
        gives(pool, town[::-1], by=ISSA, amounts=(3_000, 3_000, 3_000), agreed=terms[::-1]),
    )
    done = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["RefusedError", "tuple"]
    assert await receipts(pool) == 3
    assert await broken(pool) == set()


@pytest.mark.parametrize("language", languages())
async def test_what_is_read_back_and_what_was_recorded_fit_with_the_longest_facts(
    pool: AsyncEngine, town: list[Household], language: str
) -> None:
    async with pool.connect() as db:
        stands = await standing(db, Household("BEN", town[0].number, NAME, "Mutuelle Benso"), NOON)
    cash = CashGiven(town[0].number, Money(199_999, "XOF"), NOON.date())
    taken = [Agreed(stands, cash)] * MOST_AT_ONCE
    done = (Recorded(town[0].number, "WMWMWM", Money(200_000, "XOF"), False),) * MOST_AT_ONCE
    read_back = fold(render(listed(taken), language)) + " Record?"
    assert septets(read_back) + KEYS <= 156, read_back
    assert septets(fold(render(recorded(taken, done), language))) <= 156
