"""The census says of each household what its standing says: of a whole federation, and of histories drawn by chance."""

from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ledger.book import Origin, reverse
from ledger.statements import statement
from mutuelle.acts import By
from mutuelle.contributions.portfolio import Insured, portfolio
from mutuelle.contributions.standing import standing
from mutuelle.demonstration import seed
from mutuelle.households.households import Household, household_by_number
from mutuelle.scheme.mutuelles import get_mutuelle, mutuelles
from mutuelle.support.changes import change_head
from mutuelle.tables import beneficiary
from mutuelle.tables import household as household_table
from tests.conftest import Database
from tests.support.town import NOON, found_town, join, paid, pays, sell

LATER = [timedelta(days=days) for days in (0, 31, 95, 345, 372, 420)]


async def compare(db: AsyncConnection, code: str, at: datetime) -> dict[str, Insured]:
    """The census of a mutuelle, every line of it held against the standing of the household."""
    mutuelle = await get_mutuelle(db, code)
    found = await portfolio(db, mutuelle, mutuelle.today(at))
    open_ones = (household_table.c.mutuelle_id == code) & household_table.c.closed_at.is_(None)
    numbers = set(await db.scalars(select(household_table.c.number).where(open_ones)))
    assert set(found) == numbers
    for number, insured in found.items():
        stands = await standing(db, await household_by_number(db, number), at)
        seen = (insured.product, insured.periods, insured.cover, insured.due, insured.credit, insured.renewal)
        told = (stands.product, stands.periods, stands.cover, stands.due, stands.credit, stands.renewal)
        assert seen == told, number
    return found


async def test_the_demonstration_federation_is_counted_as_each_household_stands(database: Database) -> None:
    await seed(database.url, NOON, households=90)
    pool = create_async_engine(database.url)
    async with pool.connect() as db:
        for mutuelle in await mutuelles(db):
            for later in LATER:
                found = await compare(db, mutuelle.id, NOON + later)
        assert len({insured.cover.state for insured in found.values()}) > 1
    await pool.dispose()


@pytest.mark.parametrize("seed_of_chance", range(4))
async def test_households_drawn_by_chance_are_counted_as_they_stand(
    pool: AsyncEngine, seed_of_chance: int
) -> None:
    chance = Random(seed_of_chance)
    await found_town(pool)
    async with pool.begin() as db:
        await sell(db, "BEN", version=2, lump_sum_minor=15_000, sold_from=date(2026, 9, 1))
    for nth in range(12):
        await live(pool, chance, f"+2237610{seed_of_chance}{nth:03}")
    async with pool.connect() as db:
        for later in LATER:
            await compare(db, "BEN", NOON + later)


async def live(pool: AsyncEngine, chance: Random, phone: str) -> None:
    """A household joins, pays what it likes when it likes, loses a payment again, loses people, closes."""
    at = NOON - timedelta(days=chance.randint(1, 430))
    ages = tuple(chance.randint(1, 60) for _person in range(chance.randint(0, 9)))
    first_part = chance.choice([None, 3_000, 6_000])
    household = await join(pool, phone, at=at, name="Chance Koné", ages=(40, *ages), pay_minor=first_part)
    if chance.random() < 0.85:
        await paid(pool, household, at=at)
        for _payment in range(chance.randint(0, 4)):
            at = min(at + timedelta(days=chance.randint(1, 120)), NOON)
            await pays(pool, household, chance.choice([1_500, 3_000, 6_000, 12_000]), at=at)
    async with pool.begin() as db:
        await lose(db, chance, household, at)


async def lose(db: AsyncConnection, chance: Random, household: Household, at: datetime) -> None:
    whose = (beneficiary.c.mutuelle_id == household.mutuelle_id) & (beneficiary.c.number == household.number)
    if chance.random() < 0.3:
        one = whose & (beneficiary.c.rank == 2)
        await db.execute(update(beneficiary).where(one).values(removed_on=at.date()))
    entries = await statement(
        db, household.mutuelle_id, household.account
    )  # receipts and calls: each can be taken back
    if entries and chance.random() < 0.4:
        await take_back(db, household, chance.choice(entries).journal_id, at)
    if chance.random() < 0.15:
        this = (household_table.c.mutuelle_id == household.mutuelle_id) & (
            household_table.c.number == household.number
        )
        await db.execute(update(household_table).where(this).values(closed_at=at))


async def take_back(db: AsyncConnection, household: Household, journal_id: UUID, at: datetime) -> None:
    posted = await reverse(
        db,
        household.mutuelle_id,
        journal_id,
        at.date(),
        Origin(source="test", key=f"back {journal_id}", actor="test", reason="taken back"),
    )
    assert posted.stands


async def test_a_young_head_who_is_not_the_first_written_down_is_priced_as_the_head(
    pool: AsyncEngine,
) -> None:
    """The head pays as an adult at any age, so it matters who the head is."""
    await found_town(pool)
    async with pool.begin() as db:
        await sell(db, "BEN", version=2, lump_sum_minor=0, sold_from=date(2026, 12, 1))
    household = await join(pool, "+22376001001", at=NOON, ages=(45, 38, 16))
    await paid(pool, household, at=NOON)
    async with pool.begin() as db:
        by = By("a test", "the head has died", NOON)
        await change_head(db, household.number, by, name="Salif Koné", rank=3, left=True)
        found = await compare(db, "BEN", NOON + timedelta(days=345))
    renewal = found[household.number].renewal
    assert renewal is not None
    assert renewal.contribution_minor == 6_000  # two adults: the head of sixteen, and who is not the head


async def test_some_households_can_be_asked_for_alone(pool: AsyncEngine) -> None:
    await found_town(pool)
    households = [await join(pool, f"+2237600010{nth}", at=NOON, name="Awa Koné") for nth in range(3)]
    await paid(pool, households[1], at=NOON)
    async with pool.connect() as db:
        mutuelle = await get_mutuelle(db, "BEN")
        every = await portfolio(db, mutuelle, NOON.date())
        some = await portfolio(db, mutuelle, NOON.date(), only=[households[1].number, "199999999"])
        assert some == {households[1].number: every[households[1].number]}
        assert await portfolio(db, mutuelle, NOON.date(), only=[]) == {}
    assert [every[household.number].is_up_to_date for household in households] == [False, True, False]
