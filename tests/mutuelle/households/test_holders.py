"""Who holds a phone: after 90 idle days, a "not me" or a doubt of support it is a stranger's, until it is proven."""

import random
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Sentence
from mutuelle.households.caller_profile import profile_of
from mutuelle.households.change_log import Change, changes_of
from mutuelle.households.holders import (
    MOST_WRONG,
    NOT_PROVEN,
    WRONG_WITHIN,
    Doubt,
    deny_phone,
    number_and_year,
    prove_holder,
)
from mutuelle.households.households import IDLE_DAYS, Household, households_of, own_household
from mutuelle.households.sender_profile import sender_of
from mutuelle.schedules.reminders.consent import accept_reminders
from mutuelle.support.changes import change_phone, close_household
from mutuelle.support.phones import doubt, phones_in_doubt, trust, vouch
from mutuelle.tables import household_phone
from sms.tables import outbox
from talk.answers import Secret
from talk.trouble import InvalidError, RefusedError
from tests.support.doctor_desk import check, make
from tests.support.joined_households import broken, by
from tests.support.officer_acts import calling
from tests.support.officers import FANTA, ISSA, PIN, give_pin
from tests.support.town import AWA, MARIAM, NOON, found_town, heard, join, paid, pays

DAY = timedelta(days=1)
BORN = NOON.year - 45  # Awa


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    """Awa's household of four, paid up; its phone was heard of at NOON."""
    await found_town(pool)
    home = await join(pool, AWA, at=NOON - 40 * DAY)
    await paid(pool, home, at=NOON - 40 * DAY)
    return home


async def calls(pool: AsyncEngine, at: datetime, phone: str = AWA) -> bool:
    """The phone calls; whether it is shown a household."""
    async with pool.begin() as db:
        profile = await profile_of(db, calling(phone, at))
        assert bool(profile.households) == bool(await households_of(db, calling(phone, at)))
        assert profile.is_doubted != bool(profile.households)
        return bool(profile.households)


async def proves(
    pool: AsyncEngine, number: str, year: int = BORN, at: datetime = NOON, phone: str = AWA
) -> Sentence | None:
    async with pool.begin() as db:
        return await prove_holder(db, calling(phone, at), number=number, birth_year=year)


async def doubted(pool: AsyncEngine, at: datetime = NOON, why: Doubt = Doubt.NEW_SIM) -> None:
    async with pool.begin() as db:
        await doubt(db, AWA, why, by(at))


async def told(pool: AsyncEngine, phone: str = AWA) -> list[tuple[str, str]]:
    """Template and text of each SMS to the phone since NOON."""
    async with pool.connect() as db:
        rows = await db.execute(
            sa.select(outbox.c.template, outbox.c.body)
            .where(outbox.c.phone == phone, outbox.c.created_at >= NOON)
            .order_by(outbox.c.created_at, outbox.c.key)
        )
        return [(row.template, row.body) for row in rows]


@pytest.mark.parametrize(("days", "is_shown"), [(IDLE_DAYS, True), (IDLE_DAYS + 1, False)])
async def test_after_so_many_idle_days_nothing_is_shown(
    pool: AsyncEngine, household: Household, days: int, is_shown: bool
) -> None:
    at = NOON + days * DAY
    assert await calls(pool, at) is is_shown
    assert await calls(pool, at + DAY) is is_shown, "to call does not prove who calls"
    async with pool.connect() as db:
        assert await broken(db) == []


async def test_a_phone_that_was_never_heard_of_is_idle_since_it_was_written_down(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        await db.execute(sa.update(household_phone).values(heard_on=None))
    assert await calls(pool, NOON + 50 * DAY)
    async with pool.begin() as db:
        await db.execute(sa.update(household_phone).values(heard_on=None))
    assert not await calls(pool, NOON + 51 * DAY)


async def test_it_is_written_down_once_a_day_and_for_phones_of_households_only(
    pool: AsyncEngine, household: Household
) -> None:
    async def written() -> list[tuple[str, str, str]]:
        async with pool.connect() as db:
            rows = await db.execute(sa.text("select phone, heard_on::text, xmin::text from household_phone"))
            return [tuple(row) for row in rows]

    await calls(pool, NOON + DAY)
    once = await written()
    assert [row[:2] for row in once] == [(AWA, "2026-11-23")]
    await calls(pool, NOON + DAY + timedelta(hours=9))
    async with pool.begin() as db:
        assert await sender_of(db, AWA, NOON + DAY + timedelta(hours=10)) == "member"
        assert not (await profile_of(db, calling(MARIAM, NOON))).is_doubted
    assert await written() == once
    async with pool.begin() as db:
        await sender_of(db, AWA, NOON + 2 * DAY)
    assert await written() != once


@pytest.mark.parametrize("seed", range(6))
async def test_in_any_life_it_is_known_as_long_as_the_rule_says(
    pool: AsyncEngine, household: Household, seed: int
) -> None:
    """Calls, silences, doubts, right and wrong proofs in any order, beside the rule in three lines."""
    chance = random.Random(seed)
    at, heard_at, in_doubt, wrong = NOON, NOON, False, list[datetime]()
    for _step in range(25):
        at += timedelta(days=chance.choice([0, 1, 20, 60, 89, 90, 91, 92, 120]), minutes=1)
        in_doubt = in_doubt or (at.date() - heard_at.date()).days > 90
        heard_at = at
        assert await calls(pool, at) is not in_doubt
        what = chance.random()
        if what < 0.2:
            await doubted(pool, at + timedelta(seconds=1))
            in_doubt = True
        elif in_doubt:
            closed = len([one for one in wrong if one > at - WRONG_WITHIN]) >= MOST_WRONG
            is_right = chance.random() < 0.6
            said = await proves(pool, household.number, BORN if is_right else 1999, at)
            assert (said is None) == (is_right and not closed)
            if said is None:
                in_doubt = False
            else:
                wrong.append(at)
    async with pool.connect() as db:
        assert await broken(db) == []


async def test_any_person_of_the_household_will_do_but_nobody_who_has_left(
    pool: AsyncEngine, household: Household, owner: AsyncEngine
) -> None:
    await doubted(pool)
    async with owner.begin() as db:
        await db.execute(sa.text("update beneficiary set removed_on = '2026-11-20' where rank = 1"))
    assert await proves(pool, household.number, BORN) == NOT_PROVEN
    assert await proves(pool, household.number, NOON.year - 7) is None


async def test_whatever_is_wrong_is_answered_alike_and_the_fourth_time_nothing_is_right(
    pool: AsyncEngine, household: Household
) -> None:
    other = await join(pool, MARIAM, at=NOON, name="Mariam Sangaré", ages=(30,))
    await doubted(pool)
    nobody = "199000010" if household.number != "199000010" else "199000028"
    for nth, (number, year) in enumerate(
        [(household.number, 1999), (other.number, NOON.year - 30), (nobody, BORN)]
    ):
        said = await proves(pool, number, year, NOON + nth * timedelta(minutes=1))
        assert said == NOT_PROVEN
    assert await proves(pool, household.number, at=NOON + timedelta(hours=1)) == NOT_PROVEN
    assert not await calls(pool, NOON + timedelta(hours=2))
    assert await proves(pool, household.number, at=NOON + WRONG_WITHIN + timedelta(hours=2)) is None


async def test_a_proof_is_noted_and_one_that_nobody_needs_is_refused(
    pool: AsyncEngine, household: Household
) -> None:
    with pytest.raises(RefusedError, match="not in doubt"):
        await proves(pool, household.number)
    await doubted(pool)
    assert await proves(pool, household.number) is None
    assert await calls(pool, NOON)
    async with pool.connect() as db:
        last = [change.what for change in await changes_of(db, household, 2)]
        assert last == [Change.PHONE_KNOWN, Change.PHONE_DOUBTED]
        assert await broken(db) == []


async def test_a_phone_in_doubt_does_nothing_for_its_household(
    pool: AsyncEngine, household: Household
) -> None:
    code = await make(pool, household)
    await doubted(pool, NOON + timedelta(seconds=1))
    assert "non reconnu" in await check(pool, household.number, code), (
        "a code that a thief made serves no more"
    )
    async with pool.begin() as db:
        with pytest.raises(RefusedError, match="does not speak"):
            await own_household(db, calling(AWA), household.number)
    with pytest.raises(RefusedError, match="does not speak"):
        await make(pool, household, at=NOON + timedelta(hours=1))
    async with pool.begin() as db:
        with pytest.raises(RefusedError, match="no household"):
            await accept_reminders(db, calling(AWA))


async def test_it_is_told_no_name_number_or_day_and_nothing_once_it_has_denied(
    pool: AsyncEngine, household: Household
) -> None:
    await doubted(pool)
    async with pool.begin() as db:
        await change_phone(db, household.number, by(NOON + DAY), new=MARIAM, old=None, also=True)
    await heard_mariam(pool)
    await pays(pool, household, 3_000, at=NOON + DAY)
    [receipt] = [body for template, body in await told(pool) if template == "receipt"]
    assert receipt.startswith("REÇU ")
    assert receipt.endswith(" : 3 000 F. Merci.")
    await check(
        pool, household.number, await make(pool, household, phone=MARIAM, at=NOON + DAY), at=NOON + DAY
    )
    [waits] = [body for template, body in await told(pool) if template == "cover checked"]
    assert "un message vous attend" in waits
    everything = " ".join(body for _template, body in await told(pool))
    assert "Awa" not in everything
    assert household.shown_number not in everything
    assert household.number not in everything
    assert "/20" not in everything
    [full] = [body for template, body in await told(pool, MARIAM) if template == "receipt"]
    assert "Awa Koné" in full
    async with pool.begin() as db:
        await deny_phone(db, calling(AWA, NOON + 2 * DAY))
    before = await told(pool)
    async with pool.begin() as db:
        await close_household(db, household.number, by(NOON + 3 * DAY), although_covered=True)
    assert await told(pool) == before


async def heard_mariam(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        await heard(db, NOON + DAY, MARIAM)


async def test_who_says_not_me_is_told_to_the_treasurers_and_can_still_prove_it(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        await deny_phone(db, calling(AWA))
    assert not await calls(pool, NOON)
    for treasurer in (FANTA, ISSA):
        assert "pas moi" in (await told(pool, treasurer))[-1][1]
    assert await proves(pool, household.number) is None
    async with pool.connect() as db:
        assert await broken(db) == []


async def test_support_doubts_and_believes_a_phone_with_a_reason(
    pool: AsyncEngine, household: Household
) -> None:
    await doubted(pool)
    assert await told(pool) == [], "a thief is not warned"
    async with pool.begin() as db:
        await trust(db, household.number, AWA, by(NOON + DAY))
    assert await calls(pool, NOON + DAY)
    assert [template for template, _body in await told(pool)] == ["phone changed"]
    async with pool.connect() as db:
        assert await broken(db) == []


async def test_an_officers_word_takes_her_pin_and_is_not_for_her_own_phone(
    pool: AsyncEngine, household: Household
) -> None:
    await give_pin(pool, FANTA)
    await doubted(pool)

    async def says(pin: str, phone: str = AWA) -> Sentence | None:
        async with pool.begin() as db:
            facts = {"role": "treasurer", "number": household.number, "phone": phone}
            return await vouch(db, calling(FANTA, NOON + DAY), **facts, pin=Secret(pin))

    assert await says("99817") is not None
    async with pool.connect() as db:
        assert [one.phone for one in await phones_in_doubt(db, household, NOON + DAY)] == [AWA]
    with pytest.raises(RefusedError, match="Another officer"):
        await says(PIN, FANTA)
    assert await says(PIN) is None
    assert await calls(pool, NOON + DAY)
    async with pool.connect() as db:
        assert await phones_in_doubt(db, household, NOON + DAY) == []
        assert (await changes_of(db, household, 1))[0].actor == FANTA


async def test_every_household_of_the_phone_is_in_doubt_and_each_is_proven_by_itself(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        await change_phone(
            db, (await join(pool, MARIAM, at=NOON, ages=(33,))).number, by(), new=AWA, old=None, also=True
        )
    await doubted(pool, NOON + DAY)
    assert await proves(pool, household.number, at=NOON + DAY) is None
    async with pool.connect() as db:
        assert [one.number for one in await households_of(db, calling(AWA, NOON + DAY))] == [household.number]


def test_a_number_and_a_year_in_one_message() -> None:
    kind = number_and_year(NOON.date())
    assert kind.parse("101 000 000 1981") == ("101000000", 1981)
    for bad in ("101000000", "101000000 2027", "101000000 19811", "1981"):
        with pytest.raises(InvalidError):
            kind.parse(bad)
