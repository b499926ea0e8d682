"""The doctor of a household: chosen by it, from those of its mutuelle, as long as the contract lasts."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle import tables
from mutuelle.care.referents import Referent, choose_referent, referent_of
from mutuelle.households.change_log import Change, changes_of
from mutuelle.households.households import Household
from talk.trouble import RefusedError
from talk.words import Caller
from tests.support.clinic import DR_ROKIA, DR_SOULEYMANE, contract, open_facility
from tests.support.town import AWA, MARIAM, NOON, found, join

TODAY = date(2026, 11, 22)


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    """Awa's household, and two doctors it may choose."""
    async with pool.begin() as db:
        await found(db)
        await open_facility(db)
        await contract(db)
        await contract(db, DR_SOULEYMANE, "Dr Souleymane Koné")
    return await join(pool, AWA, at=NOON)


async def choose(pool: AsyncEngine, household: Household, doctor: str, phone: str = AWA) -> Referent:
    caller = Caller(phone, "fr", "test", f"choose {doctor}", NOON)
    async with pool.begin() as db:
        return await choose_referent(db, caller, number=household.number, doctor_phone=doctor)


async def chosen(pool: AsyncEngine, household: Household, today: date = TODAY) -> Referent | None:
    async with pool.connect() as db:
        return await referent_of(db, household, datetime.combine(today, time(12), UTC))


async def test_a_household_has_no_doctor_before_it_chooses(pool: AsyncEngine, household: Household) -> None:
    assert await chosen(pool, household) is None


async def test_the_newest_choice_is_in_force_and_each_is_noted(
    pool: AsyncEngine, household: Household
) -> None:
    await choose(pool, household, DR_ROKIA)
    await choose(pool, household, DR_SOULEYMANE)
    found_doctor = await chosen(pool, household)
    assert found_doctor is not None
    assert (found_doctor.doctor, found_doctor.phone) == ("Dr Souleymane Koné", "76 00 00 31")
    async with pool.connect() as db:
        noted = await changes_of(db, household, 9)
    assert [(change.what, change.detail, change.actor) for change in noted] == [
        (Change.DOCTOR_CHOSEN, "Dr Souleymane Koné", AWA),
        (Change.DOCTOR_CHOSEN, "Dr Rokia Berthé", AWA),
    ]


async def test_choosing_the_same_doctor_again_writes_nothing(pool: AsyncEngine, household: Household) -> None:
    await choose(pool, household, DR_ROKIA)
    assert (await choose(pool, household, DR_ROKIA)).doctor == "Dr Rokia Berthé"
    async with pool.connect() as db:
        assert len(await changes_of(db, household, 9)) == 1


async def test_another_phone_cannot_choose_for_the_household(pool: AsyncEngine, household: Household) -> None:
    with pytest.raises(RefusedError):
        await choose(pool, household, DR_ROKIA, phone=MARIAM)
    assert await chosen(pool, household) is None


async def test_a_doctor_of_another_mutuelle_cannot_be_chosen(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        await found(db, code="ZAN", prefix=198)
        await open_facility(db, code="ZAN")
        await contract(db, "+22376000028", code="ZAN")
    with pytest.raises(RefusedError):
        await choose(pool, household, "+22376000028")


async def test_a_doctor_who_left_stays_named_but_out_of_office(
    pool: AsyncEngine, household: Household
) -> None:
    await choose(pool, household, DR_ROKIA)
    async with pool.begin() as db:
        await db.execute(
            sa.update(tables.doctor).where(tables.doctor.c.phone == DR_ROKIA).values(until=TODAY)
        )
    on_the_last_day, after = (
        await chosen(pool, household),
        await chosen(pool, household, TODAY + timedelta(days=1)),
    )
    assert on_the_last_day is not None
    assert after is not None
    assert (on_the_last_day.in_office, after.in_office) == (True, False)


async def test_a_doctor_whose_contract_ended_cannot_be_chosen(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        ended = TODAY - timedelta(days=1)
        await db.execute(
            sa.update(tables.doctor).where(tables.doctor.c.phone == DR_ROKIA).values(until=ended)
        )
    with pytest.raises(RefusedError):
        await choose(pool, household, DR_ROKIA)
