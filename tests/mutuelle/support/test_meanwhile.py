"""What was agreed to while support changed the household: the deed waits for the change, and then sees it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from locales import Money
from mutuelle.enrolment import pay
from mutuelle.family import family_of
from mutuelle.households import Household
from mutuelle.members import add_person
from mutuelle.staff.cash import receive_cash
from mutuelle.staff.roles import Role
from mutuelle.support.changes import change_phone, close_household
from talk.answers import Secret
from talk.trouble import Refused
from tests.mutuelle.staff.acts import AGREED, calling
from tests.mutuelle.support.homes import by, net, stands, unpaid
from tests.staff import OUMOU, PIN, appoint
from tests.town import AWA, MARIAM, NOON, found_town

Act = Callable[[AsyncConnection], Awaitable[object]]


@pytest.fixture
async def home(pool: AsyncEngine) -> Household:
    """Awa's household, which has paid nothing yet."""
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR)
    return await unpaid(pool, AWA)


def closes(home: Household) -> Act:
    async def close(db: AsyncConnection) -> None:
        await close_household(db, home.number, by(), although_covered=False)

    return close


async def refused_after(pool: AsyncEngine, support: Act, deed: Act) -> str:
    """The English of the sentence with which `deed` is refused that began before `support` committed."""

    async def alone() -> object:
        async with pool.begin() as db:
            return await deed(db)

    async with pool.begin() as db:
        await support(db)
        waiting = asyncio.create_task(alone())
        await asyncio.sleep(0.3)
        assert not waiting.done(), "it does not wait for the household's lock"
    with pytest.raises(Refused) as refused:
        await waiting
    return refused.value.sentence.msgid


async def test_no_cash_reaches_a_household_closed_meanwhile(pool: AsyncEngine, home: Household) -> None:
    price = (await stands(pool, home)).payable

    async def receives(db: AsyncConnection) -> object:
        return await receive_cash(
            db,
            calling(OUMOU),
            mutuelle="BEN",
            number=home.number,
            amount=price,
            payable=price,
            credit=Money(0, "XOF"),
            product="P1",
            version=1,
            renews=False,
            received_on=NOON.date(),
            pin=Secret(PIN),
            agreed=AGREED,
        )

    assert (await refused_after(pool, closes(home), receives)).startswith("No household has the number")
    assert await net(pool, home) == 0


async def test_no_payment_is_asked_for_a_household_closed_meanwhile(
    pool: AsyncEngine, home: Household
) -> None:
    price = (await stands(pool, home)).payable

    async def pays(db: AsyncConnection) -> None:
        await pay(
            db,
            calling(AWA),
            number=home.number,
            amount=price,
            payable=price,
            credit=Money(0, "XOF"),
            product="P1",
            version=1,
            renews=False,
            payer_phone=AWA,
            agreed=AGREED,
        )

    assert (await refused_after(pool, closes(home), pays)).startswith("No household has the number")


async def test_a_phone_that_was_lost_changes_nothing_any_more(pool: AsyncEngine, home: Household) -> None:
    async def loses(db: AsyncConnection) -> None:
        await change_phone(db, home.number, by(), new=MARIAM, old=AWA)

    async def adds(db: AsyncConnection) -> None:
        family = await family_of(db, home, NOON)
        price = family.price_with(family.joiner("Salif Koné", 0))
        await add_person(
            db,
            calling(AWA),
            number=home.number,
            name="Salif Koné",
            age=0,
            next_price=price,
            agreed=AGREED,
        )

    assert (await refused_after(pool, loses, adds)).startswith("This phone does not speak")
