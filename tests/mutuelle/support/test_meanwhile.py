"""What was agreed to while support changed the household: the action waits for the change, and then sees it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from locales import Money
from mutuelle.contributions.family import family_of
from mutuelle.contributions.payments import PayingPhone
from mutuelle.contributions.standing import PaymentTerms
from mutuelle.enrolment.edits import Joiner, add_person
from mutuelle.enrolment.enrolment import pay
from mutuelle.households.households import Household
from mutuelle.officers.roles import Role
from mutuelle.support.changes import change_phone, close_household
from mutuelle.treasury.cash import CashGiven, receive_cash
from talk.answers import Secret
from talk.trouble import RefusedError
from tests.support.joined_households import by, net, stands, unpaid
from tests.support.officer_acts import calling
from tests.support.officers import OUMOU, PIN, appoint
from tests.support.town import AWA, MARIAM, NOON, found_town

Act = Callable[[AsyncConnection], Awaitable[object]]


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    """Awa's household, which has paid nothing yet."""
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR)
    return await unpaid(pool, AWA)


def closes(household: Household) -> Act:
    async def close(db: AsyncConnection) -> None:
        await close_household(db, household.number, by(), although_covered=False)

    return close


async def refused_after(pool: AsyncEngine, support: Act, action: Act) -> str:
    """The English of the sentence with which `action` is refused that began before `support` committed."""

    async def alone() -> object:
        async with pool.begin() as db:
            return await action(db)

    async with pool.begin() as db:
        await support(db)
        waiting = asyncio.create_task(alone())
        await asyncio.sleep(0.3)
        assert not waiting.done(), "it does not wait for the household's lock"
    with pytest.raises(RefusedError) as refused:
        await waiting
    return refused.value.sentence.msgid


async def test_no_cash_reaches_a_household_closed_meanwhile(pool: AsyncEngine, household: Household) -> None:
    price = (await stands(pool, household)).payable

    async def receives(db: AsyncConnection) -> object:
        return await receive_cash(
            db,
            calling(OUMOU),
            mutuelle="BEN",
            cash=CashGiven(household.number, price, NOON.date()),
            terms=PaymentTerms(price, Money(0, "XOF"), "P1", 1, renews=False),
            pin=Secret(PIN),
        )

    assert (await refused_after(pool, closes(household), receives)).startswith("No household has the number")
    assert await net(pool, household) == 0


async def test_no_payment_is_asked_for_a_household_closed_meanwhile(
    pool: AsyncEngine, household: Household
) -> None:
    price = (await stands(pool, household)).payable

    async def pays(db: AsyncConnection) -> None:
        await pay(
            db,
            calling(AWA),
            number=household.number,
            amount=price,
            terms=PaymentTerms(price, Money(0, "XOF"), "P1", 1, renews=False),
            payer=PayingPhone(AWA),
        )

    assert (await refused_after(pool, closes(household), pays)).startswith("No household has the number")


async def test_a_phone_that_was_lost_changes_nothing_any_more(
    pool: AsyncEngine, household: Household
) -> None:
    async def loses(db: AsyncConnection) -> None:
        await change_phone(db, household.number, by(), new=MARIAM, old=AWA)

    async def adds(db: AsyncConnection) -> None:
        family = await family_of(db, household, NOON)
        price = family.price_with(family.joiner("Salif Koné", 0))
        await add_person(
            db, calling(AWA), number=household.number, joiner=Joiner("Salif Koné", 0), next_price=price
        )

    assert (await refused_after(pool, loses, adds)).startswith("This phone does not speak")
