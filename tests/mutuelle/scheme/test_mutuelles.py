"""The places that a caller is asked to choose from."""

from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.scheme.mutuelles import places_near
from talk.words import Caller
from tests.support.town import AWA, NOON, found


async def test_a_place_that_two_mutuelles_serve_is_told_with_the_mutuelle(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        await found(db, villages=("Fana", "Niéna"))
        await found(db, code="BED", prefix=198, name="Mutuelle Benkadi", villages=("Kati", "Niéna"))
        near = await places_near(db, Caller(AWA, "fr", "test", "a call", NOON))
    assert [one.label for one in near] == [
        "Fana",
        "Kati",
        "Niéna, Mutuelle Benkadi",
        "Niéna, Mutuelle Benso",
    ]
    assert {one.name for one in near} == {"Fana", "Kati", "Niéna"}


async def test_a_place_of_one_mutuelle_alone_is_told_by_its_name(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        await found(db, villages=("Niéna", "Niéna"))
        near = await places_near(db, Caller(AWA, "fr", "test", "a call", NOON))
    assert [one.label for one in near] == ["Niéna", "Niéna"]
