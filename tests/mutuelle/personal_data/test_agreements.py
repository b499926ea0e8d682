"""What a household reads of its own agreements, its copy, and what leaving does."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Money, languages, render
from locales.letters import fold, septets
from menus.agreements import PAGE_ROOM
from mutuelle.households.change_log import Change, changes_of
from mutuelle.households.households import Household, household_by_number, households_of
from mutuelle.households.pins import draw_household_pin
from mutuelle.personal_data.agreements import WordsAgreed, agreements_of
from mutuelle.personal_data.copies import ask_copy, copies_asked, copy_asked
from mutuelle.personal_data.leaving import leave
from mutuelle.schedules.reminders.consent import accept_reminders, wants_reminders
from mutuelle.support.merging import reopen_household
from mutuelle.tables import payment
from sms.tables import outbox
from talk.answers import Secret
from talk.trouble import RefusedError
from talk.words import Caller
from tests.support.doctor_desk import SEALS
from tests.support.joined_households import broken, by, joined, net, read
from tests.support.town import AWA, MARIAM, NOON, Handset, found_town, join, paid, pays
from ussd import calls

LATER = NOON + timedelta(days=40)
NONE = Money(0, "XOF")


def caller(at: datetime = LATER, phone: str = AWA) -> Caller:
    return Caller(phone, "fr", "test", f"call {phone} {at}", at)


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    """Awa's household of four, paid up."""
    await found_town(pool)
    return await joined(pool, AWA)


async def agreed(pool: AsyncEngine, household: Household) -> list[WordsAgreed]:
    async with pool.connect() as db:
        return await agreements_of(db, household)


async def own(pool: AsyncEngine, phone: str) -> Household:
    async with pool.connect() as db:
        [household] = await households_of(db, caller(phone=phone))
    return household


async def test_a_household_reads_its_own_words_and_nobody_elses(
    pool: AsyncEngine, ussd_deps: calls.UssdDeps
) -> None:
    """Two join at one moment, of the same name."""
    screens = {}
    for phone in (AWA, MARIAM):
        handset = Handset(ussd_deps, phone=phone)
        screens[phone] = await handset.dial("1", "1", "Awa Koné", "45 38", "1")
        await handset.type("1")
    first, second = await own(pool, AWA), await own(pool, MARIAM)
    for phone, household in ((AWA, first), (MARIAM, second)):
        [joining] = await agreed(pool, household)
        assert joining.what == "enrol"
        assert joining.words == screens[phone]


async def test_what_somebody_else_pays_is_not_her_agreement(
    pool: AsyncEngine, ussd_deps: calls.UssdDeps
) -> None:
    handset = Handset(ussd_deps, phone=AWA)
    await handset.dial("1", "1", "Awa Koné", "45 38", "2")
    await handset.type("1")
    household = await own(pool, AWA)
    await paid(pool, household, at=NOON)
    son = Handset(ussd_deps, phone=MARIAM)
    await son.dial("2", "4", household.number, "5000")
    screen = await son.type("1")
    assert son.shown.end, screen
    async with pool.connect() as db:
        assert len(await agreements_of(db, household)) == 1
        assert await db.scalar(select(payment.c.number).where(payment.c.by_another)) == household.number


@pytest.mark.parametrize("language", languages())
def test_long_words_are_read_page_by_page_and_whole(language: str) -> None:
    words = "Mutuelle Yèrèdèmè-Wa, Fam. élargie : 999 999 F. " * 4 + "\n1 J'accepte\n2 Non"
    for by_message in (True, False):
        pages = WordsAgreed("enrol", words, NOON, NOON.date(), by_message).pages(language, PAGE_ROOM)
        shown = [fold(render(page, language)) for page in pages]
        assert max(map(septets, shown)) <= PAGE_ROOM
        assert " ".join(page.removeprefix("... ") for page in shown).endswith(fold(" ".join(words.split())))


async def test_who_leaves_is_closed_told_and_can_come_back(pool: AsyncEngine, household: Household) -> None:
    await pays(pool, household, 3_000, at=NOON)
    async with pool.begin() as db:
        await accept_reminders(db, caller(NOON))
    async with pool.begin() as db:
        await leave(db, caller(), number=household.number, due=NONE, credit=Money(3_000, "XOF"))
    assert await read(pool, household) is None
    async with pool.connect() as db:
        assert not await wants_reminders(db, caller())
        told = select(outbox.c.body).where(outbox.c.template == "household left")
        bodies = list(await db.scalars(told))
        assert await broken(db) == []
    assert len(bodies) == 2
    assert all("3 000 F" in body for body in bodies)
    assert await net(pool, household) == -3_000  # in the books, until it is given back
    async with pool.begin() as db:
        await reopen_household(db, household.number, by(LATER))
        assert not await wants_reminders(db, caller()), "what she ended stays ended"
    assert await read(pool, household) == household


async def test_nobody_leaves_under_other_terms_than_were_said(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        with pytest.raises(RefusedError, match="changed"):
            await leave(db, caller(), number=household.number, due=NONE, credit=Money(1, "XOF"))
        with pytest.raises(RefusedError, match="does not speak"):
            await leave(db, caller(phone=MARIAM), number=household.number, due=NONE, credit=NONE)
    assert await read(pool, household) == household


async def test_nobody_leaves_while_a_payment_is_under_way(pool: AsyncEngine) -> None:
    await found_town(pool)
    waits = await join(pool, AWA, at=NOON)
    async with pool.begin() as db:
        with pytest.raises(RefusedError, match="under way"):
            await leave(db, caller(), number=waits.number, due=Money(12_000, "XOF"), credit=NONE)


async def test_who_shares_the_phone_takes_nobody_out_of_the_mutuelle(
    pool: AsyncEngine, household: Household
) -> None:
    """Not without the household's own code, and not after one of its phones has said NO."""
    who = replace(caller(), keyring=SEALS)
    async with pool.begin() as db:
        drawn = await draw_household_pin(db, who, number=household.number, pin=None)
        for pin in (None, Secret("0000000")):
            assert await leave(db, who, number=household.number, due=NONE, credit=NONE, pin=pin)
    assert await read(pool, household)
    async with pool.begin() as db:
        await db.execute(text("update household set frozen_at = now()"))
        with pytest.raises(RefusedError, match="said NO"):
            await leave(db, who, number=household.number, due=NONE, credit=NONE, pin=Secret(str(drawn)))
        await db.execute(text("update household set frozen_at = null"))
        own = await leave(db, who, number=household.number, due=NONE, credit=NONE, pin=Secret(str(drawn)))
        assert own is None
    assert await read(pool, household) is None


async def test_a_copy_is_asked_for_once_and_waits_until_it_is_given(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        await ask_copy(db, caller(), number=household.number)
        with pytest.raises(RefusedError, match="already"):
            await ask_copy(db, caller(), number=household.number)
    async with pool.begin() as db:
        [waiting] = await copies_asked(db)
        assert (waiting.number, waiting.on) == (household.number, LATER.date())
        assert [change.what for change in await changes_of(db, household, 5)] == [Change.COPY_ASKED]
        assert await copy_asked(db, await household_by_number(db, household.number)) == waiting
        assert await broken(db) == []
