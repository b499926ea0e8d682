"""A NO to a notice: nothing of the household changes until a person has looked, and its cover goes on."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Sentence
from mutuelle.enrolment.edits import correct_name
from mutuelle.households.caller_profile import profile_of
from mutuelle.households.change_log import Change, changes_of
from mutuelle.households.holders import deny_phone
from mutuelle.households.households import Household, find_household
from mutuelle.households.support_acts import SupportError
from mutuelle.personal_data.extract import extract_of
from mutuelle.support.changes import change_head, change_phone
from mutuelle.support.freezes import frozen_households, unfreeze, unfreeze_household
from mutuelle.support.merging import merge_households
from mutuelle.support.who import about_household
from sms.tables import outbox
from talk.answers import Secret
from talk.trouble import RefusedError
from tests.support.doctor_desk import check, covered_household, make
from tests.support.joined_households import broken, by, stands
from tests.support.officer_acts import calling
from tests.support.officers import FANTA, ISSA, PIN, give_pin
from tests.support.sms_phone import Writer, sms_deps
from tests.support.town import AWA, MARIAM, NOON, OUMAR, Clock, join, paid

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    """Awa's household, covered at NOON."""
    return await covered_household(pool)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON + HOUR)


async def moved(pool: AsyncEngine, household: Household, *, also: bool = False) -> None:
    """Support lets Mariam's phone speak for it at NOON, in the place of Awa's, or beside it."""
    async with pool.begin() as db:
        await change_phone(db, household.number, by(), new=MARIAM, old=None, also=also)


async def writes(pool: AsyncEngine, clock: Clock, words: str, phone: str = AWA) -> str:
    return await Writer(sms_deps(pool, clock), phone).send(words)


async def is_frozen(pool: AsyncEngine, household: Household) -> bool:
    async with pool.connect() as db:
        found = await find_household(db, household.number)
    assert found is not None
    return found.is_frozen


async def told(pool: AsyncEngine, phone: str, template: str) -> list[str]:
    async with pool.connect() as db:
        rows = await db.scalars(
            sa.select(outbox.c.body).where(outbox.c.phone == phone, outbox.c.template == template)
        )
        return list(rows)


@pytest.mark.parametrize("words", ["NON", "non", "No", "Pas moi", "Ce n'est pas moi", "NON ce n'est pas moi"])
async def test_the_old_phone_says_no_and_nothing_changes_any_more(
    pool: AsyncEngine, household: Household, clock: Clock, words: str
) -> None:
    await moved(pool, household)
    assert household.shown_number in await writes(pool, clock, words)
    assert await is_frozen(pool, household)
    async with pool.begin() as db:
        with pytest.raises(RefusedError, match="said NO"):
            await correct_name(db, calling(MARIAM, clock()), number=household.number, rank=2, name="Ali Koné")
    with pytest.raises(RefusedError, match="said NO"):
        await make(pool, household, phone=MARIAM, at=clock())
    async with pool.begin() as db:
        with pytest.raises(SupportError, match="unfreeze"):
            await change_phone(db, household.number, by(clock()), new=OUMAR, old=None)
        with pytest.raises(SupportError, match="unfreeze"):
            await change_head(db, household.number, by(clock()), name="Ali Koné", rank=2, left=False)
    assert (await stands(pool, household, clock())).cover.is_covered
    async with pool.connect() as db:
        assert await broken(db) == []


async def test_it_is_told_to_the_treasurers_to_the_other_phones_and_to_support(
    pool: AsyncEngine, household: Household, clock: Clock
) -> None:
    await moved(pool, household, also=True)
    await writes(pool, clock, "NON", MARIAM)
    for treasurer in (FANTA, ISSA):
        [look] = await told(pool, treasurer, "household frozen")
        assert "un autre téléphone" in look
        assert "Awa" not in look
    assert len(await told(pool, AWA, "household frozen")) == 1
    assert await told(pool, MARIAM, "household frozen") == [], "she has her answer"
    async with pool.begin() as db:
        [case] = await frozen_households(db, 9)
        assert (case.number, case.about) == (household.number, "…02, phone changed")
        assert any("FROZEN" in line for line in await about_household(db, household.number, by()))


async def test_a_second_no_adds_nothing(pool: AsyncEngine, household: Household, clock: Clock) -> None:
    await moved(pool, household)
    await writes(pool, clock, "NON")
    await writes(pool, clock, "NON")
    assert len(await told(pool, FANTA, "household frozen")) == 1
    async with pool.connect() as db:
        assert [one.what for one in await changes_of(db, household, 9)].count(Change.FROZEN) == 1


async def test_a_code_that_was_made_before_serves_no_more(
    pool: AsyncEngine, household: Household, clock: Clock
) -> None:
    await moved(pool, household)
    clock.now = NOON + timedelta(minutes=5)
    code = await make(pool, household, phone=MARIAM)
    await writes(pool, clock, "NON")
    assert "non reconnu" in await check(pool, household.number, code, at=clock())


async def test_a_no_to_a_check_is_heeded_for_a_week(
    pool: AsyncEngine, household: Household, clock: Clock
) -> None:
    await check(pool, household.number, await make(pool, household))
    clock.now = NOON + 7 * DAY
    assert "Aucune demande" in await writes(pool, clock, "NON")
    assert not await is_frozen(pool, household)
    clock.now = NOON + 7 * DAY - HOUR
    await writes(pool, clock, "NON")
    assert await is_frozen(pool, household)


async def test_a_no_that_answers_a_question_or_that_nothing_was_told_before_stays_what_it_was(
    pool: AsyncEngine, household: Household, clock: Clock
) -> None:
    half = await join(pool, OUMAR, at=NOON, name="Oumar Diallo", pay_minor=6_000)
    await paid(pool, half, at=NOON)
    await moved(pool, half, also=True)
    writer = Writer(sms_deps(pool, clock), MARIAM)
    assert "OUI" in await writer.send("PAYER 3000")
    assert "Rien n'a été demandé" in await writer.send("NON")
    assert not await is_frozen(pool, half)
    assert "Aucune demande" in await writes(pool, clock, "NON")
    assert not await is_frozen(pool, household)
    assert "Aucune demande" in await writes(pool, clock, "OUI 4712", MARIAM)
    assert not await is_frozen(pool, half)


async def test_a_person_lets_it_go_on_with_a_reason(
    pool: AsyncEngine, household: Household, clock: Clock
) -> None:
    await moved(pool, household)
    with pytest.raises(SupportError, match="not frozen"):
        async with pool.begin() as db:
            await unfreeze_household(db, household.number, by())
    await writes(pool, clock, "NON")
    await give_pin(pool, FANTA)

    async def says(pin: str) -> Sentence | None:
        async with pool.begin() as db:
            facts = {"role": "treasurer", "number": household.number}
            facts["reason"] = "Mariam est sa fille"
            return await unfreeze(db, calling(FANTA, clock()), **facts, pin=Secret(pin))

    assert await says("99817") is not None
    assert await is_frozen(pool, household)
    assert await says(PIN) is None
    assert not await is_frozen(pool, household)
    assert len(await told(pool, MARIAM, "household unfrozen")) == 1
    clock.now += timedelta(minutes=1)
    assert await make(pool, household, phone=MARIAM, at=clock())
    async with pool.connect() as db:
        [last] = await changes_of(db, household, 1)
        assert (last.what, last.actor, last.reason) == (Change.UNFROZEN, FANTA, "Mariam est sa fille")
        assert await broken(db) == []


async def test_support_lets_it_go_on(pool: AsyncEngine, household: Household, clock: Clock) -> None:
    await moved(pool, household)
    await writes(pool, clock, "NON")
    other = await join(pool, OUMAR, at=NOON, name="Oumar Diallo", cash=True)
    async with pool.begin() as db:
        with pytest.raises(SupportError, match="said NO"):
            await merge_households(db, other.number, household.number, by(clock()))
    async with pool.begin() as db:
        await unfreeze_household(db, household.number, by(clock() + HOUR))
        assert await frozen_households(db, 9) == []
        assert await broken(db) == []


async def test_wrong_number_takes_the_household_from_the_phone_after_a_question(
    pool: AsyncEngine, household: Household, clock: Clock
) -> None:
    writer = Writer(sms_deps(pool, clock))
    asked = await writer.send("faux numéro")
    assert "rien à voir" in asked
    assert "Plus rien" in await writer.agree(asked)
    assert "FAMILLE" in await writer.send("COUVERTURE"), "it is still asked for its number and a year"
    assert not await is_frozen(pool, household)
    assert len(await told(pool, FANTA, "phone denied")) == 1
    async with pool.connect() as db:
        assert await broken(db) == []


async def test_a_stranger_on_a_recycled_number_says_no(
    pool: AsyncEngine, household: Household, clock: Clock
) -> None:
    """What it was told gives nothing away, and its NO is that it is not the household: nothing of that is frozen."""
    clock.now = NOON + 100 * DAY
    assert "Plus rien" in await writes(pool, clock, "NON")
    assert not await is_frozen(pool, household)
    assert len(await told(pool, FANTA, "phone denied")) == 1


async def test_a_phone_in_doubt_proves_itself_by_sms(
    pool: AsyncEngine, household: Household, clock: Clock
) -> None:
    clock.now = NOON + 100 * DAY
    writer = Writer(sms_deps(pool, clock))
    asked = await writer.send("MENAGE")
    assert "101482939 1981" in asked
    assert "Awa" not in asked
    assert household.shown_number not in asked
    assert "ne vont pas" in await writer.send(f"MENAGE {household.number} 1999")
    assert "de nouveau" in await writer.send(f"MENAGE {household.number} {NOON.year - 45}")
    assert household.shown_number in await writer.send("COUVERTURE")


async def test_a_phone_in_doubt_that_support_takes_away_is_told_no_number(
    pool: AsyncEngine, household: Household, clock: Clock
) -> None:
    """A stranger said "not me", and the household has another number now: his next NO is about nothing of it."""
    async with pool.begin() as db:
        await deny_phone(db, calling(AWA, NOON))
    await moved(pool, household)
    assert await told(pool, AWA, "phone changed") == []
    assert len(await told(pool, MARIAM, "phone changed")) == 1
    await writes(pool, clock, "NON")
    assert not await is_frozen(pool, household)


async def test_a_stranger_who_has_joined_himself_still_says_no_for_a_stranger(
    pool: AsyncEngine, household: Household, clock: Clock
) -> None:
    """Of the two households of his phone his NO takes away the one that it was before him, and freezes neither."""
    clock.now = NOON + 100 * DAY
    async with pool.begin() as db:
        assert not (await profile_of(db, calling(AWA, clock.now))).households
    own = await join(pool, AWA, at=clock.now, name="Oumar Diallo", cash=True)
    async with pool.begin() as db:
        await change_head(db, household.number, by(clock.now), name="Ali Koné", rank=2, left=False)
    clock.now += HOUR
    answer = await writes(pool, clock, "NON")
    assert "Plus rien" in answer
    assert household.shown_number not in answer
    assert not await is_frozen(pool, household)
    async with pool.begin() as db:
        [left] = (await profile_of(db, calling(AWA, clock.now))).households
    assert left.number == own.number


async def test_a_copy_has_no_sms_of_who_holds_the_phone_now(
    pool: AsyncEngine, household: Household, clock: Clock
) -> None:
    assert household.shown_number in await writes(pool, clock, "COUVERTURE")
    clock.now = NOON + 100 * DAY
    await writes(pool, clock, "je suis Oumar Diallo")
    async with pool.begin() as db:
        copy = await extract_of(db, household.number, by(clock.now), "fr")
    lines = [line for part in copy.parts for line in part.lines]
    assert any("COUVERTURE" in line for line in lines)
    assert not any("Oumar" in line for line in lines)
    await join(pool, AWA, at=clock.now, name="Oumar Diallo", cash=True)
    async with pool.begin() as db:
        copy = await extract_of(db, household.number, by(clock.now), "fr")
    assert not any("COUVERTURE" in line for part in copy.parts for line in part.lines)
