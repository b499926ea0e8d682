"""Phones, heads, closing: what support changes, whom it tells, and how it is taken back."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Money
from mutuelle import tables
from mutuelle.contributions.payments import PayingPhone, ask_payment
from mutuelle.cover.people import Person, people_of, present
from mutuelle.households.change_log import Change, changes_of
from mutuelle.households.households import Household, households_of, phones_of
from mutuelle.households.support_acts import SupportError
from mutuelle.households.tables import support_act
from mutuelle.schedules.reminders.consent import accept_reminders, wants_reminders
from mutuelle.support.changes import change_head, change_phone, close_household
from mutuelle.support.merging import reopen_household
from sms.tables import outbox
from talk.words import Caller
from tests.support.doctor_desk import check, make
from tests.support.joined_households import broken, by, joined, net, read, sent, stands, unpaid
from tests.support.town import AWA, MARIAM, NOON, OUMAR, found_town, join, paid


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    """Awa's household of four, paid up."""
    await found_town(pool)
    return await joined(pool, AWA)


async def phones(pool: AsyncEngine, household: Household) -> list[str]:
    async with pool.connect() as db:
        return await phones_of(db, household)


async def people(pool: AsyncEngine, household: Household) -> list[Person]:
    async with pool.connect() as db:
        return present(await people_of(db, household))


async def test_a_lost_phone_keeps_nothing(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        await change_phone(db, household.number, by(), new=MARIAM, old=None)
    assert await phones(pool, household) == [MARIAM]
    async with pool.connect() as db:
        assert await households_of(db, Caller(AWA, "fr", "test", "c", NOON)) == []
        assert await broken(db) == []


async def test_a_code_that_was_made_on_the_lost_phone_serves_no_more(
    pool: AsyncEngine, household: Household
) -> None:
    code = await make(pool, household)
    async with pool.begin() as db:
        await change_phone(db, household.number, by(), new=MARIAM, old=None)
    assert "non reconnu" in await check(pool, household.number, code)
    assert "COUVERT" in await check(pool, household.number, await make(pool, household, phone=MARIAM))


async def test_both_phones_are_told_and_neither_reads_the_other_nor_a_name(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        await change_phone(db, household.number, by(), new=MARIAM, old=AWA)
    assert (await sent(pool, AWA), await sent(pool, MARIAM)) == (["phone changed"], ["phone changed"])
    async with pool.connect() as db:
        told = list(await db.scalars(sa.select(outbox.c.body).where(outbox.c.template == "phone changed")))
    assert not any("Kon" in body or "76 00 00 01" in body or "76 00 00 02" in body for body in told)
    assert all(household.shown_number in body for body in told)


async def test_what_the_old_phone_agreed_to_be_reminded_of_ends(
    pool: AsyncEngine, household: Household
) -> None:
    caller = Caller(AWA, "fr", "test", "c", NOON)
    async with pool.begin() as db:
        await accept_reminders(db, caller)
        await change_phone(db, household.number, by(), new=MARIAM, old=AWA)
        await change_phone(db, household.number, by(), new=AWA, old=MARIAM)
        assert not await wants_reminders(db, caller)


async def test_a_second_phone_comes_beside_the_first(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        await change_phone(db, household.number, by(), new=MARIAM, old=None, also=True)
    assert set(await phones(pool, household)) == {AWA, MARIAM}
    assert await sent(pool, AWA) == []


async def test_of_two_phones_the_one_that_goes_is_named(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        await change_phone(db, household.number, by(), new=MARIAM, old=None, also=True)
    async with pool.begin() as db:
        with pytest.raises(SupportError, match="say which one"):
            await change_phone(db, household.number, by(), new=OUMAR, old=None)
    async with pool.begin() as db:
        await change_phone(db, household.number, by(), new=None, old=AWA)
    assert await phones(pool, household) == [MARIAM]


@pytest.mark.parametrize(("new", "old"), [(AWA, None), (MARIAM, OUMAR)])
async def test_a_phone_that_is_there_or_is_not_is_refused(
    pool: AsyncEngine, household: Household, new: str, old: str | None
) -> None:
    async with pool.connect() as db:
        with pytest.raises(SupportError):
            await change_phone(db, household.number, by(), new=new, old=old)
    assert await phones(pool, household) == [AWA]


async def test_every_act_is_kept_with_actor_and_reason(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        await change_phone(db, household.number, by(), new=MARIAM, old=AWA)
    async with pool.connect() as db:
        act = (await db.execute(sa.select(support_act))).one()
        noted = await changes_of(db, household, 9)
    assert (act.act, act.number, act.actor, act.facts) == (
        "household phone",
        household.number,
        by().actor,
        {"new": MARIAM, "old": AWA},
    )
    assert [(change.what, change.detail, change.reason) for change in noted] == [
        (Change.PHONE_ADDED, "…02", by().reason),
        (Change.PHONE_REMOVED, "…01", by().reason),
    ]


async def test_the_household_goes_on_when_its_head_dies(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        await change_head(db, household.number, by(), name="Mariam Sangaré", rank=2, left=True)
    after = await read(pool, household)
    assert after is not None
    assert (after.number, after.head_name, after.head_rank) == (household.number, "Mariam Sangaré", 2)
    left = await people(pool, after)
    assert [(person.rank, person.name) for person in left] == [(2, "Mariam Sangaré"), (3, None), (4, None)]
    assert (await stands(pool, after, NOON + timedelta(days=40))).cover.is_covered
    assert await sent(pool, AWA) == ["head changed"]
    async with pool.connect() as db:
        assert await broken(db) == []


async def test_a_head_named_by_mistake_is_taken_back_whole(pool: AsyncEngine, household: Household) -> None:
    before = await people(pool, household)
    async with pool.begin() as db:
        await change_head(db, household.number, by(), name="Mariam Sangaré", rank=2, left=True)
        await change_head(db, household.number, by(), name="Awa Koné", rank=1, left=False)
    after = await read(pool, household)
    assert after is not None
    assert (after.head_name, after.head_rank) == ("Awa Koné", 1)
    assert [person.rank for person in await people(pool, after)] == [person.rank for person in before]
    async with pool.connect() as db:
        assert await broken(db) == []


async def test_a_head_who_stays_is_still_covered(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        await change_head(db, household.number, by(), name="Mariam Sangaré", rank=2, left=False)
    assert len(await people(pool, household)) == 4


@pytest.mark.parametrize(("rank", "why"), [(1, "already"), (9, "no person"), (3, "under 16")])
async def test_not_everybody_can_be_the_head(
    pool: AsyncEngine, household: Household, rank: int, why: str
) -> None:
    async with pool.connect() as db:
        with pytest.raises(SupportError, match=why):
            await change_head(db, household.number, by(), name="Mariam Sangaré", rank=rank, left=False)


async def test_who_left_before_cannot_come_back_as_the_head(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        second = (tables.beneficiary.c.number == household.number) & (tables.beneficiary.c.rank == 2)
        await db.execute(sa.update(tables.beneficiary).where(second).values(removed_on=NOON.date()))
        with pytest.raises(SupportError, match="no person"):
            await change_head(db, household.number, by(), name="Mariam Sangaré", rank=2, left=False)


async def test_a_covered_household_is_closed_only_when_said_so(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.connect() as db:
        with pytest.raises(SupportError, match="--although-covered"):
            await close_household(db, household.number, by(), although_covered=False)
    async with pool.begin() as db:
        await close_household(db, household.number, by(), although_covered=True)
    assert await read(pool, household) is None
    assert await sent(pool, AWA) == ["household closed"]


async def test_a_household_with_a_payment_under_way_is_not_closed(pool: AsyncEngine) -> None:
    await found_town(pool)
    household = await join(pool, AWA, at=NOON)
    async with pool.connect() as db:
        with pytest.raises(SupportError, match="under way"):
            await close_household(db, household.number, by(), although_covered=False)


async def test_what_another_pays_stops_no_closing_and_its_money_is_kept(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        caller = Caller(OUMAR, "fr", "test", "pays", NOON)
        await ask_payment(db, caller, household, Money(1_000, "XOF"), PayingPhone(OUMAR))
        await close_household(db, household.number, by(), although_covered=True)
    await paid(pool, household, at=NOON, payer=OUMAR)
    async with pool.connect() as db:
        told = list(await db.scalars(sa.select(outbox.c.body).where(outbox.c.phone == OUMAR)))
        assert await broken(db) == []
    assert len(told) == 1
    assert "personne n'est couvert" in told[0]


async def test_what_was_closed_is_reopened_as_it_was(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        await close_household(db, household.number, by(), although_covered=True)
    async with pool.begin() as db:
        await reopen_household(db, household.number, by())
    after = await read(pool, household)
    assert after == household
    assert await phones(pool, household) == [AWA]
    assert await sent(pool, AWA) == ["household closed", "household reopened"]
    async with pool.connect() as db:
        assert await broken(db) == []


async def test_only_what_is_closed_is_reopened_and_only_what_is_open_changed(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        with pytest.raises(SupportError, match="is open"):
            await reopen_household(db, household.number, by())
        await close_household(db, household.number, by(), although_covered=True)
        with pytest.raises(SupportError, match="keneya household reopen"):
            await change_phone(db, household.number, by(), new=MARIAM, old=AWA)
        with pytest.raises(SupportError, match="no household"):
            await change_phone(db, "199999995", by(), new=MARIAM, old=AWA)


async def test_money_that_comes_for_a_closed_household_is_kept_and_covers_nobody(pool: AsyncEngine) -> None:
    await found_town(pool)
    household = await joined(pool, AWA, pay_minor=6_000)
    async with pool.begin() as db:
        await close_household(db, household.number, by(), although_covered=True)
        caller = Caller(AWA, "en", "test", "late", NOON)
        await ask_payment(db, caller, household, Money(6_000, "XOF"), PayingPhone(AWA))
    await paid(pool, household, at=NOON)
    async with pool.connect() as db:
        bodies = await db.scalars(
            sa.select(outbox.c.body).where(outbox.c.template == "receipt").order_by(outbox.c.recorded_at)
        )
        assert "personne n'est couvert" in list(bodies)[-1]
    assert await net(pool, household) == 0
    async with pool.connect() as db:
        assert await broken(db) == []


async def test_an_unpaid_household_is_closed_without_a_word_of_cover(pool: AsyncEngine) -> None:
    await found_town(pool)
    household = await unpaid(pool, AWA)
    async with pool.begin() as db:
        await close_household(db, household.number, by(), although_covered=False)
    assert await read(pool, household) is None
