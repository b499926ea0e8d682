"""Codes for care: one alive a household, fifteen minutes, shown once, kept nowhere in the clear."""

import asyncio
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import render
from mutuelle.care.codes import ALIVE, FoundProof, NewCode, digests, find_proof, make_code
from mutuelle.care.patients import shown_patient
from mutuelle.care.tables import care_code
from mutuelle.cover.people import Person
from mutuelle.households.households import Household
from mutuelle.scheme.limits import USUAL
from talk.keyring import Keyring
from talk.trouble import RefusedError
from tests.support.clinic import DR_ROKIA
from tests.support.doctor_desk import SEALS, calling, check, covered_household, make, other_than
from tests.support.officers import set_limit
from tests.support.town import AWA, MARIAM, NOON, join
from tests.support.town_fixtures import KEYS

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    return await covered_household(pool)


async def test_a_code_has_six_digits_and_says_until_when(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        made = await make_code(db, calling(AWA), number=household.number, rank=1)
    assert isinstance(made, NewCode)
    assert re.fullmatch("[0-9]{6}", str(made.words))
    assert str(made.words) not in repr(made)
    assert made.until == "12:15"  # Bamako is on UTC


async def test_nothing_that_is_kept_tells_the_code(pool: AsyncEngine, household: Household) -> None:
    code = await make(pool, household)
    async with pool.connect() as db:
        row = (await db.execute(select(care_code))).one()
        kept = await db.scalar(text("select string_agg(c::text, ' ') from care_code c"))
    assert code not in str(kept)
    assert row.digest == SEALS.digests("care code", f"{household.number} {code}")[0]
    assert row.digest not in SEALS.digests("care code", f"199000028 {code}"), "bound to the household"


async def test_a_new_code_ends_the_one_before(pool: AsyncEngine, household: Household) -> None:
    first = await make(pool, household)
    second = await make(pool, household, at=NOON + MINUTE)
    assert "non reconnu" in await check(pool, household.number, first, at=NOON + 2 * MINUTE)
    assert "COUVERT" in await check(pool, household.number, second, at=NOON + 2 * MINUTE)


async def test_the_database_itself_lets_one_code_live(
    pool: AsyncEngine, household: Household, owner: AsyncEngine
) -> None:
    await make(pool, household)
    await make(pool, household, at=NOON + MINUTE)
    with pytest.raises(Exception, match="care_code_one_alive"):
        async with owner.begin() as db:
            await db.execute(text("update care_code set ended_at = null"))


async def test_a_code_lives_fifteen_minutes(pool: AsyncEngine, household: Household) -> None:
    code = await make(pool, household)
    assert "non reconnu" in await check(pool, household.number, code, at=NOON + ALIVE + timedelta(seconds=1))
    code = await make(pool, household)
    assert "COUVERT" in await check(pool, household.number, code, at=NOON + ALIVE)


async def test_ten_codes_a_day(pool: AsyncEngine, household: Household) -> None:
    for nth in range(USUAL.codes_a_day):
        await make(pool, household, at=NOON + nth * MINUTE)
    with pytest.raises(RefusedError, match="tomorrow"):
        await make(pool, household, at=NOON + timedelta(hours=20))
    await make(pool, household, at=NOON + timedelta(hours=24, minutes=1))


async def test_a_mutuelle_decides_how_many_codes_a_day(pool: AsyncEngine, household: Household) -> None:
    await set_limit(pool, "codes_a_day", 2)
    for nth in range(2):
        await make(pool, household, at=NOON + nth * MINUTE)
    with pytest.raises(RefusedError, match="tomorrow"):
        await make(pool, household, at=NOON + 2 * MINUTE)


async def test_ten_codes_a_day_also_when_they_are_asked_for_at_once(
    pool: AsyncEngine, household: Household
) -> None:
    outcomes = await asyncio.gather(
        *(make(pool, household) for _nth in range(USUAL.codes_a_day + 4)), return_exceptions=True
    )
    assert sum(isinstance(outcome, RefusedError) for outcome in outcomes) == 4
    assert sum(isinstance(outcome, str) for outcome in outcomes) == USUAL.codes_a_day


async def test_only_a_phone_of_the_household_makes_its_codes(pool: AsyncEngine, household: Household) -> None:
    await join(pool, MARIAM, at=NOON, name="Mariam Sangaré")
    for phone in (MARIAM, DR_ROKIA):
        with pytest.raises(RefusedError, match="does not speak for"):
            await make(pool, household, phone=phone)


async def test_only_for_somebody_who_is_in_the_household(
    pool: AsyncEngine, household: Household, owner: AsyncEngine
) -> None:
    async with owner.begin() as db:
        await db.execute(text("update beneficiary set removed_on = '2026-11-22' where rank = 2"))
    for rank in (2, 9):
        with pytest.raises(RefusedError, match="no longer in the household"):
            await make(pool, household, rank=rank)


async def test_a_code_is_never_one_that_is_remembered(
    pool: AsyncEngine, household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([7, 7, 7, 8])
    monkeypatch.setattr("secrets.randbelow", lambda _most: next(drawn))
    assert [await make(pool, household), await make(pool, household, at=NOON + MINUTE)] == [
        "000007",
        "000008",
    ]


async def test_a_code_is_found_while_keys_rotate(pool: AsyncEngine, household: Household) -> None:
    code = await make(pool, household)
    newer = Keyring((b"a newer key of the tests, no secret", *KEYS))
    async with pool.connect() as db:
        kept = digests(newer, household.number, code)
        assert (await find_proof(db, household, kept, None, NOON)).code
        gone = digests(Keyring((b"another key of the tests",)), household.number, code)
        assert await find_proof(db, household, gone, None, NOON) == FoundProof(None)
        wrong = digests(SEALS, household.number, other_than(code))
        assert await find_proof(db, household, wrong, None, NOON) == FoundProof(None)


def test_a_patient_is_told_by_initials_and_by_age_where_these_are_not_enough() -> None:
    today = date(2026, 11, 22)
    awa, ali, child, baby = (
        Person(1, "Awa Koné", 1981, today),
        Person(2, "Ali Keita", 2010, today),
        Person(3, None, 2014, today),
        Person(4, None, 2026, today),
    )
    everybody = (awa, ali, child, baby)
    assert render(shown_patient(awa, everybody, today), "fr") == "A. K. (45 ans)"
    assert shown_patient(awa, (awa, child), today) == "A. K."
    newborn = replace(baby, name="Salif Traoré", covered_from=today)
    assert render(shown_patient(newborn, everybody, today), "fr") == "S. T. (moins d'un an)"
    assert render(shown_patient(child, everybody, today), "fr") == "personne de 12 ans"
    assert render(shown_patient(baby, everybody, today), "fr") == "personne de moins d'un an"
