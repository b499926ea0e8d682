"""Where no operator can ask a phone: whom it pays in cash, that joining costs the book nothing, and that all holds."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.tables import movement
from locales import Money
from mutuelle.acts import By
from mutuelle.contributions.payments import PayingPhone, ask_payment
from mutuelle.contributions.standing import standing
from mutuelle.contributions.ways_to_pay import PayInCash, cash_in_place, cash_instead, who_takes_cash
from mutuelle.cover.rules import CoverState
from mutuelle.enrolment.enrolment import ALREADY
from mutuelle.households.households import Household
from mutuelle.officers.appointments import withdraw_role
from mutuelle.officers.roles import Role
from mutuelle.schedules.digest.digest import balance_now
from mutuelle.tables import household as household_table
from mutuelle.tables import payment
from mutuelle.treasury.cash import Recorded
from talk.keywords import BY_MESSAGE
from talk.trouble import RefusedError
from tests.support.officer_acts import broken, calling, receives, templates
from tests.support.officers import DOCTOR, FANTA, ISSA, MODIBO, OUMOU, appoint
from tests.support.town import AWA, MARIAM, NOON, OUMAR, found_town, join, unroute

ABROAD = "+2250707070701"


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    """The usual town, without an operator and without a collector."""
    await found_town(pool)
    await unroute(pool)
    return pool


async def cash(pool: AsyncEngine, household: Household, phone: str = AWA) -> PayInCash | None:
    async with pool.connect() as db:
        return await cash_instead(db, calling(phone), household)


async def test_who_joins_without_an_operator_is_registered_and_owes_it_in_cash(town: AsyncEngine) -> None:
    household = await join(town, AWA, at=NOON, cash=True)
    async with town.connect() as db:
        stands = await standing(db, household, NOON)
        counts = [await db.scalar(select(func.count()).select_from(each)) for each in (payment, movement)]
        told = await balance_now(db, calling(FANTA), "BEN")
    assert stands.cover.state is CoverState.UNPAID
    assert (stands.due, stands.open_payment) == (Money(12_000, "XOF"), None)
    assert counts == [0, 0], "nobody is asked for money, and nothing is booked"
    assert (told.received_minor, told.up_to_date, told.households, told.unresolved) == (0, 0, 1, 0)
    assert await templates(town, AWA) == ["due in cash"]
    assert await broken(town) == set()


async def test_a_phone_joins_once_whether_it_pays_or_not(town: AsyncEngine) -> None:
    await join(town, AWA, at=NOON, cash=True)
    with pytest.raises(RefusedError) as refused:
        await join(town, AWA, at=NOON, cash=True)
    assert refused.value.sentence == ALREADY
    async with town.connect() as db:
        assert await db.scalar(select(func.count()).select_from(household_table)) == 1


async def test_by_sms_the_answer_itself_says_whom_to_pay(town: AsyncEngine) -> None:
    await join(town, AWA, at=NOON, cash=True, gateway=BY_MESSAGE)
    assert await templates(town, AWA) == []


async def test_a_collector_takes_the_cash_of_who_joined_without_an_operator(town: AsyncEngine) -> None:
    await appoint(town, OUMOU, Role.COLLECTOR)
    household = await join(town, AWA, at=NOON, cash=True)
    assert isinstance(await receives(town, household, 6_000), Recorded)
    async with town.connect() as db:
        stands = await standing(db, household, NOON)
    assert (stands.cover.state, stands.due) == (CoverState.WAITING, Money(6_000, "XOF"))
    assert await templates(town, AWA) == ["due in cash", "cash receipt"]
    assert await broken(town) == set()


async def test_whom_to_pay_is_a_collector_else_a_treasurer_else_the_mutuelle(town: AsyncEngine) -> None:
    household = await join(town, AWA, at=NOON, cash=True)
    assert await cash(town, household) == PayInCash("Fanta Coulibaly", FANTA, another_phone=False)
    await appoint(town, OUMOU, Role.COLLECTOR, pin=None)
    await appoint(town, DOCTOR, Role.ENROLMENT, name="Aminata Ba", pin=None)
    assert await cash(town, household) == PayInCash("Oumou Traoré", OUMOU, another_phone=False)
    async with town.begin() as db:
        for role, phone in ((Role.COLLECTOR, OUMOU), (Role.TREASURER, FANTA), (Role.TREASURER, ISSA)):
            await withdraw_role(db, "BEN", role, phone, by=By("a test", "she left", NOON))
    assert await cash(town, household) == PayInCash("Mutuelle Benso", "+22376000009", another_phone=False)


async def test_of_several_collectors_it_is_the_one_who_receives_in_that_place(town: AsyncEngine) -> None:
    await appoint(town, OUMOU, Role.COLLECTOR, name="Aïssa Ba")
    await appoint(town, MODIBO, Role.COLLECTOR, name="Modibo Keïta")
    here = await join(town, AWA, at=NOON, cash=True)
    there = await join(town, MARIAM, at=NOON, cash=True, place="v2")
    await receives(town, here, 3_000, by=MODIBO)
    await receives(town, there, 3_000, by=OUMOU)
    await receives(town, there, 3_000, by=OUMOU)
    assert [found and found.phone for found in (await cash(town, here), await cash(town, there))] == [
        MODIBO,
        OUMOU,
    ]
    async with town.connect() as db:
        newcomer = await cash_in_place(db, calling(OUMAR), "BEN", "v3")
    assert newcomer == PayInCash("Aïssa Ba", OUMOU, another_phone=False), (
        "nobody there yet: the first by name"
    )


async def test_anybody_may_ask_whom_to_pay_in_cash(pool: AsyncEngine) -> None:
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR, pin=None)
    household = await join(pool, AWA, at=NOON)
    assert await cash(pool, household) is None, "her phone can be asked"
    async with pool.connect() as db:
        for own in (household, None):
            assert await who_takes_cash(db, calling(AWA), "BEN", own) == PayInCash(
                "Oumou Traoré", OUMOU, another_phone=True
            )


async def test_a_phone_abroad_pays_in_cash_where_others_are_asked(pool: AsyncEngine) -> None:
    await found_town(pool)
    household = await join(pool, ABROAD, at=NOON, cash=True)
    assert await cash(pool, household, AWA) is None
    assert await cash(pool, household, ABROAD) == PayInCash("Fanta Coulibaly", FANTA, another_phone=True)
    async with pool.begin() as db:
        with pytest.raises(RefusedError, match="cannot pay here by mobile money"):
            await ask_payment(db, calling(ABROAD), household, Money(3_000, "XOF"), PayingPhone(ABROAD))


async def test_who_agreed_to_pay_by_phone_is_not_registered_when_the_route_ends_meanwhile(
    town: AsyncEngine,
) -> None:
    with pytest.raises(RefusedError, match="cannot pay here by mobile money"):
        await join(town, AWA, at=NOON)
    async with town.connect() as db:
        assert await db.scalar(select(func.count()).select_from(household_table)) == 0


def test_the_name_and_number_are_as_people_there_write_them() -> None:
    assert PayInCash("Oumou Traoré", OUMOU, another_phone=False).forms[0] == "Oumou Traoré, 76 00 00 21"
