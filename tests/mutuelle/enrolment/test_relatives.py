"""Somebody enrols a relative and pays: her phone confirms, or an officer who has seen her; he never speaks for her."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from invariants import examine
from locales import Money, Sentence
from mutuelle.contributions.standing import standing
from mutuelle.enrolment.enrolment import Enrolment
from mutuelle.enrolment.registration import (
    RELATIVES_A_DAY,
    confirm_registration,
    confirm_seen,
    deny_registration,
    enrol_relative,
)
from mutuelle.households import invariants as households
from mutuelle.households.change_log import Change, changes_of
from mutuelle.households.confirmation import unconfirmed_in
from mutuelle.households.households import Household, NewHousehold, households_of
from mutuelle.officers.roles import Role
from mutuelle.schedules.jobs import run_schedules
from mutuelle.schedules.reminders.consent import relative_of, remind_relative, stop_reminders
from mutuelle.tables import household_phone
from sms.tables import outbox
from talk.answers import Secret
from talk.trouble import RefusedError
from talk.words import Caller
from tests.support.officers import OUMOU, PIN, SEALS, appoint
from tests.support.town import AWA, MARIAM, NOON, found, found_town, join, paid
from timing import Clock

SON, MOTHER = "+22376000044", "+22370112233"
PRICE = Money(12_000, "XOF")


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    await found_town(pool)
    await appoint(pool, OUMOU, Role.ENROLMENT)
    return pool


def caller(phone: str, days: int = 0) -> Caller:
    at = NOON + timedelta(days=days)
    return Caller(phone, "fr", "test", f"{phone} {at}", at, SEALS)


async def enrols(
    pool: AsyncEngine, phone: str | None = MOTHER, *, days: int = 0, name: str = "Awa Koné", who: str = SON
) -> Household:
    agreed = Enrolment("BEN", NewHousehold("v1", name, (61, 8)), "P1", 1, PRICE)
    async with pool.begin() as db:
        return await enrol_relative(db, caller(who, days), enrolment=agreed, phone=phone, pay_now=PRICE)


async def speaks_for(pool: AsyncEngine, phone: str) -> list[str]:
    async with pool.connect() as db:
        return [household.number for household in await households_of(db, caller(phone))]


async def told(pool: AsyncEngine, template: str) -> dict[str, str]:
    async with pool.connect() as db:
        rows = await db.execute(
            select(outbox.c.phone, outbox.c.body).where(outbox.c.template.like(f"{template}%"))
        )
        return {row.phone: row.body for row in rows}


async def reminders(pool: AsyncEngine) -> int:
    async with pool.connect() as db:
        count = select(func.count()).select_from(outbox).where(outbox.c.template.like("reminder%"))
        return await db.scalar(count) or 0


async def test_her_phone_confirms_and_he_pays_but_never_speaks_for_her(town: AsyncEngine) -> None:
    household = await enrols(town)
    asked = (await told(town, "household registered"))[MOTHER]
    assert "76 00 00 44" in asked
    assert "Awa" not in asked
    assert await speaks_for(town, MOTHER) == []
    await paid(town, household, at=NOON, payer=SON)
    async with town.begin() as db:
        await confirm_registration(db, caller(MOTHER), number=household.number)
    assert (await speaks_for(town, MOTHER), await speaks_for(town, SON)) == ([household.number], [])
    assert set(await told(town, "receipt")) == {SON}, "her phone had not said yes"
    async with town.connect() as db:
        stands = await standing(db, household, NOON)
        assert all(checked.holds for checked in await examine(db, households.INVARIANTS))
    assert stands.cover.until_on is not None
    assert not stands.due.amount_minor


async def test_a_phone_that_says_no_is_off_it_and_the_treasurers_read_whose_phone_it_was(
    town: AsyncEngine,
) -> None:
    household = await enrols(town)
    async with town.begin() as db:
        await deny_registration(db, caller(MOTHER), number=household.number)
    assert all("76 00 00 44" in body for body in (await told(town, "household denied")).values())
    assert await told(town, "household denied")


async def test_nobody_learns_who_is_a_member_already(town: AsyncEngine) -> None:
    """A phone and a name that are there already are answered as any other."""
    there = await join(town, AWA, at=NOON)
    again = await enrols(town, AWA)
    other = await enrols(town, MARIAM, name="Sira Ba")
    assert again.number not in (there.number, other.number)


async def test_a_phone_cannot_confirm_what_it_has_registered(town: AsyncEngine) -> None:
    with pytest.raises(RefusedError, match="phone that you call with"):
        await enrols(town, SON)


async def test_somebody_enrols_three_relatives_a_day(town: AsyncEngine) -> None:
    for nth in range(RELATIVES_A_DAY):
        await enrols(town, None, name=f"Awa {'abc'[nth]}")
    with pytest.raises(RefusedError, match="relatives in a day"):
        await enrols(town, None, name="Issa Koné")
    await enrols(town, None, name="Issa Koné", who=MARIAM)
    await enrols(town, None, name="Issa Koné", days=1)


async def test_an_officer_confirms_who_has_no_phone(town: AsyncEngine) -> None:
    household = await enrols(town, None)
    seen = {"mutuelle": "BEN", "number": household.number}
    async with town.begin() as db:
        assert isinstance(await confirm_seen(db, caller(OUMOU), **seen, pin=Secret("00000")), Sentence)
        assert await unconfirmed_in(db, "BEN", household.number)
        assert await confirm_seen(db, caller(OUMOU), **seen, pin=Secret(PIN)) is None
        assert not await unconfirmed_in(db, "BEN", household.number)
        assert (await changes_of(db, household, 1))[0].what is Change.CONFIRMED
        with pytest.raises(RefusedError, match="waits for no agent"):
            await confirm_seen(db, caller(OUMOU), **seen, pin=Secret(PIN))


async def test_an_officer_confirms_neither_for_a_phone_nor_in_another_mutuelle(town: AsyncEngine) -> None:
    with_phone, without = await enrols(town), await enrols(town, None, name="Sira Ba")
    async with town.begin() as db:
        await found(db, code="KEN", prefix=198, name="Mutuelle Kènè", treasurers=())
    await appoint(town, MARIAM, Role.ENROLMENT, code="KEN")
    for phone, code, number in ((OUMOU, "BEN", with_phone.number), (MARIAM, "KEN", without.number)):
        with pytest.raises(RefusedError, match="waits for no agent"):
            async with town.begin() as db:
                await confirm_seen(db, caller(phone), mutuelle=code, number=number, pin=Secret(PIN))


async def test_he_is_reminded_while_she_allows_it(town: AsyncEngine) -> None:
    household = await enrols(town)
    await paid(town, household, at=NOON, payer=SON)
    async with town.begin() as db:
        await confirm_registration(db, caller(MOTHER), number=household.number)
        relative = await relative_of(db, caller(MOTHER))
        assert relative is not None
        assert (relative.number, relative.phone, relative.reminded) == (household.number, SON, False)
        assert await relative_of(db, caller(SON)) is None
    allowed = {"number": household.number, "phone": SON, "reminded": True}
    async with town.begin() as db:
        with pytest.raises(RefusedError):
            await remind_relative(db, caller(SON), **allowed)  # type: ignore[arg-type]
        with pytest.raises(RefusedError):
            await remind_relative(db, caller(MOTHER), **(allowed | {"phone": MARIAM}))  # type: ignore[arg-type]
        await remind_relative(db, caller(MOTHER), **allowed)  # type: ignore[arg-type]
    for days in (348, 349, 350):
        await run_schedules(town, Clock.at(NOON + timedelta(days=days)))
    assert SON in await told(town, "reminder")
    async with town.begin() as db:
        heard = update(household_phone).values(heard_on=(NOON + timedelta(days=350)).date())
        await db.execute(heard.where(household_phone.c.phone == MOTHER))
        await remind_relative(db, caller(MOTHER, 351), **(allowed | {"reminded": False}))  # type: ignore[arg-type]
        await stop_reminders(db, caller(MOTHER, 351))
        assert (await relative_of(db, caller(MOTHER, 351))) is not None
    before = await reminders(town)
    for days in (360, 361, 362):
        await run_schedules(town, Clock.at(NOON + timedelta(days=days)))
    assert await reminders(town) == before
