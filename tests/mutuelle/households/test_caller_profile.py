"""What home knows of a caller is what the menus behind its doors would read one by one."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.households.caller_profile import CallerProfile, profile_of
from mutuelle.households.confirmation import confirm_household, unconfirmed_of
from mutuelle.households.households import Household, households_of
from mutuelle.officers.roles import Role, appointments_of
from mutuelle.tables import household as household_table
from mutuelle.tables import officer
from talk.preferences import language_of
from tests.mutuelle.enrolment.test_registration import GIVEN, registers
from tests.support.officer_acts import calling
from tests.support.officers import ISSA, OUMOU, appoint
from tests.support.town import MARIAM, NOON, found_town, join

STRANGER = "+22370998877"


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    await found_town(pool)
    await appoint(pool, OUMOU, Role.ENROLMENT)
    return pool


async def known(pool: AsyncEngine, phone: str, at: datetime = NOON) -> tuple[bool, bool, bool]:
    """Whether the phone is asked, a member, an officer, once its profile is known to be what each reader says."""
    caller = calling(phone, at)
    async with pool.connect() as db:
        found: CallerProfile = await profile_of(db, caller)
        assert found.language == await language_of(db, phone)
        assert found.is_asked == bool(await unconfirmed_of(db, caller))
        assert list(found.households) == await households_of(db, caller)
        assert list(found.appointments) == await appointments_of(db, caller)
    return found.is_asked, bool(found.households), bool(found.appointments)


async def test_a_stranger_a_member_and_an_officer(town: AsyncEngine) -> None:
    await join(town, MARIAM, at=NOON)
    assert await known(town, STRANGER) == (False, False, False)
    assert await known(town, MARIAM) == (False, True, False)
    assert await known(town, ISSA) == (False, False, True)


async def test_a_member_no_longer_once_the_household_is_closed(town: AsyncEngine) -> None:
    await join(town, MARIAM, at=NOON)
    async with town.begin() as db:
        await db.execute(update(household_table).values(closed_at=NOON))
    assert await known(town, MARIAM) == (False, False, False)


async def test_a_phone_that_an_officer_wrote_down_is_asked_and_then_a_member(town: AsyncEngine) -> None:
    household = await registers(town, phone=GIVEN)
    assert isinstance(household, Household)
    assert await known(town, GIVEN) == (True, False, False)
    async with town.begin() as db:
        await confirm_household(db, calling(GIVEN), number=household.number)
    assert await known(town, GIVEN) == (False, True, False)


async def test_an_office_counts_on_its_days(town: AsyncEngine) -> None:
    async with town.begin() as db:
        await db.execute(update(officer).values(since=date(2026, 11, 22), until=date(2026, 11, 23)))
    days = [datetime(2026, 11, day, 12, tzinfo=UTC) for day in (21, 22, 23, 24)]
    assert [(await known(town, ISSA, day))[2] for day in days] == [False, True, True, False]
