"""Households that a new one may be already: by phone, by nearly the same name in the same place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.households.duplicates import NEAR, SHOWN, Near, likeness, near_households, sounded
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import household as household_table
from tests.support.town import AWA, MARIAM, NOON, OUMAR, found, found_town, join

SAME = [
    ("Awa Koné", "AWA KONE"),
    ("Awa Koné", "Koné Awa"),
    ("Awa Koné", "Hawa Kone"),
    ("Aminata Coulibaly", "Aminata Koulibali"),
    ("Fatoumata Ouattara", "Fatumata Watara"),
    ("Philippe Tossou", "Filipe Tosou"),
    ("N'Golo Traoré", "Ngolo Traore"),
    ("Fatou Diarra", "Fatoumata Diarra"),
    ("Awa Koné", "Awa Fatim Koné"),
    ("Awa Kona", "Awa Koné"),
]
OTHERS = [
    ("Aminata Diarra", "Aminata Diallo"),
    ("Moussa Traoré", "Issa Traoré"),
    ("Awa Koné", "Awa Touré"),
    ("Awa Koné", "Mariam Koné"),
    ("Sidi Touré", "Sidi Traoré"),
    ("Awa Koné", "..."),
]


def nearness(one: str, other: str) -> int:
    return likeness(sounded(one), sounded(other))


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_name_is_heard_however_it_is_written(one: str, other: str) -> None:
    assert nearness(one, other) >= NEAR


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_another_name_is_not_taken_for_it(one: str, other: str) -> None:
    assert nearness(one, other) < NEAR


@given(st.text(max_size=26), st.text(max_size=26))
def test_nearness_is_mutual_and_never_fails(one: str, other: str) -> None:
    assert nearness(one, other) == nearness(other, one)
    assert 0 <= nearness(one, other) <= 100


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    """Awa in one village, Mariam in the same, somebody with nearly Awa's name in another mutuelle."""
    await found_town(pool)
    await join(pool, AWA, at=NOON, name="Awa Koné")
    await join(pool, MARIAM, at=NOON, name="Mariam Diarra")
    async with pool.begin() as db:
        await found(db, code="ZAN", prefix=198)
    await join(pool, OUMAR, at=NOON, code="ZAN", name="Awa Koné")
    return pool


async def near(pool: AsyncEngine, name: str, phone: str | None = None, place: str = "v1") -> list[Near]:
    async with pool.connect() as db:
        return await near_households(db, await get_mutuelle(db, "BEN"), place, name, phone)


async def test_nearly_the_same_name_in_the_same_place_is_shown(town: AsyncEngine) -> None:
    (found_one,) = await near(town, "Hawa Kone")
    assert (found_one.head_name, found_one.place_name, found_one.on) == (
        "Awa Koné",
        "Bandiagala",
        NOON.date(),
    )


async def test_the_same_name_elsewhere_is_another_household(town: AsyncEngine) -> None:
    assert await near(town, "Awa Koné", place="v2") == []


async def test_the_same_phone_is_shown_wherever_and_whoever_it_is_and_first(town: AsyncEngine) -> None:
    assert [one.head_name for one in await near(town, "Issa Dembélé", MARIAM, "v3")] == ["Mariam Diarra"]
    assert [one.head_name for one in await near(town, "Awa Koné", MARIAM)] == ["Mariam Diarra", "Awa Koné"]
    assert len(await near(town, "Awa Koné", AWA)) == 1


async def test_another_mutuelles_households_are_its_own_business(town: AsyncEngine) -> None:
    assert await near(town, "Issa Dembélé", OUMAR) == []


async def test_a_closed_household_is_no_duplicate(town: AsyncEngine) -> None:
    async with town.begin() as db:
        await db.execute(
            update(household_table).where(household_table.c.head_name == "Awa Koné").values(closed_at=NOON)
        )
    assert await near(town, "Awa Koné", AWA) == []


async def test_the_nearest_are_shown_and_no_more_than_a_person_reads(town: AsyncEngine) -> None:
    weaker = ("Awa Konaté", "Hawa Konaté", "Konate Awa", "Awa Konatte")
    for nth, name in enumerate((*weaker, "Awa Konné", "Hawa Koné")):
        await join(town, f"+2237600008{nth}", at=NOON, name=name)
    shown = await near(town, "Awa Koné")
    assert len(shown) == SHOWN
    assert [one.near for one in shown] == [100, 100, 100]
