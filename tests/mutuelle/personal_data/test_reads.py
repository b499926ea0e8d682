"""Who looked at a household: by number, phone, name, in a list, from the command line; and who did not."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.households.households import Household, household_named
from mutuelle.households.lookups import reads_of
from mutuelle.households.search import MOST_FOUND, household_sought, households_sought
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.scheme.mutuelles import places_of
from mutuelle.support.who import about_household
from mutuelle.treasury.arrears import arrears_by_place
from talk.words import Caller
from tests.support.joined_households import broken, by, joined
from tests.support.officers import FANTA, OUMOU, appoint
from tests.support.town import AWA, MARIAM, NOON, found_town, join

DAY = timedelta(days=1)


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR, pin=None)
    return await joined(pool, AWA)


def caller(phone: str, days: int = 0) -> Caller:
    return Caller(phone, "fr", "test", "call", NOON + days * DAY)


async def reads(pool: AsyncEngine, household: Household) -> list[tuple[str | None, bool]]:
    async with pool.connect() as db:
        assert await broken(db) == []
        return [(one.role, one.in_list) for one in await reads_of(db, household, 9)]


async def seek(pool: AsyncEngine, typed: str, days: int = 0) -> int:
    async with pool.begin() as db:
        own = await appointment_of(db, caller(OUMOU), "BEN", Role.COLLECTOR)
        return len(await households_sought(db, caller(OUMOU, days), own, household_sought("ML").parse(typed)))


@pytest.mark.parametrize("how", ["number", "phone", "name"])
async def test_an_officer_who_finds_it_is_written_down_once_a_day(
    pool: AsyncEngine, household: Household, how: str
) -> None:
    typed = {"number": household.number, "phone": AWA, "name": "awa koné"}[how]
    for days in (0, 0, 1):
        assert await seek(pool, typed, days) == 1
    assert await reads(pool, household) == [("collector", False), ("collector", False)]


async def test_a_treasurer_who_lists_the_village_is_written_down_for_all_in_it(
    pool: AsyncEngine, household: Household
) -> None:
    elsewhere = await join(pool, MARIAM, at=NOON, name="Mariam Sangaré", place="v2")
    async with pool.begin() as db:
        [place] = [one for one in await places_of(db, ["BEN"]) if one.id == "v1"]
        await arrears_by_place(db, caller(FANTA), [place])
    assert await reads(pool, household) == [("treasurer", True)]
    assert await reads(pool, elsewhere) == []


async def test_support_is_written_down_too(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        await about_household(db, household.number, by())
    assert await reads(pool, household) == [(None, False)]


async def test_who_pays_for_another_reads_nothing_and_is_not_written_down(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        assert await household_named(db, caller(MARIAM), household.number) == household
    assert await reads(pool, household) == []


async def test_a_name_that_too_many_have_shows_nobody(pool: AsyncEngine, household: Household) -> None:
    for nth in range(MOST_FOUND):
        await join(pool, f"+2237601{nth:04}", at=NOON, cash=True)
    assert await seek(pool, "awa koné") == MOST_FOUND + 1
    assert await reads(pool, household) == []


async def test_a_closed_household_is_not_found_and_nothing_is_written(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        await db.execute(text("update household set closed_at = now()"))
    assert await seek(pool, household.number) == 0
    async with pool.connect() as db:
        assert await reads_of(db, household, 9) == []
