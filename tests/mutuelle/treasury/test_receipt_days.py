"""Cash that is recorded days after it was received: it counts from its own day, within limits, and nobody misses it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from ledger.book import Origin
from ledger.periods import close_period
from mutuelle.acts import By
from mutuelle.contributions.standing import RENEWAL_OPENS, Standing, standing
from mutuelle.cover.rules import CoverState
from mutuelle.households.households import Household
from mutuelle.officers.roles import Role
from mutuelle.schedules.jobs import run_schedules
from mutuelle.tables import policy
from mutuelle.treasury.cash import Recorded
from mutuelle.treasury.cash_disputes import cancel_cash, cash_receipt_of, last_cash
from mutuelle.treasury.receipt_days import MOST_DAYS_BACK, ReceiptDays, earlier_day
from talk.trouble import InvalidError
from tests.mutuelle.treasury.test_cash import refusal
from tests.support.joined_households import joined
from tests.support.officer_acts import broken, calling, deposits, receives
from tests.support.officers import FANTA, OUMOU, appoint, give_pin
from tests.support.town import AWA, NOON, found_town, sell

DAY = timedelta(days=1)
JOINED = NOON - 400 * DAY  # paid in full: expired on 17/10/2026, in grace for a month
GRACE_ENDS = datetime(2026, 11, 17, 12, tzinfo=UTC)


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    """The usual town with a collector who has been in office for years."""
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR, at=JOINED - 30 * DAY)
    return pool


@pytest.fixture
async def household(town: AsyncEngine) -> Household:
    return await joined(town, AWA, at=JOINED)


async def stands(pool: AsyncEngine, household: Household, at: datetime = NOON) -> Standing:
    async with pool.connect() as db:
        return await standing(db, household, at)


async def test_what_was_received_in_the_grace_renews_without_a_gap(
    town: AsyncEngine, household: Household
) -> None:
    """Typed five days after the grace had ended, received on its last day: no gap, no new waiting period."""
    before = await stands(town, household, GRACE_ENDS)
    assert (before.cover.state, before.cover.until_on) == (CoverState.GRACE, GRACE_ENDS.date())
    assert isinstance(await receives(town, household, 12_000, days_ago=5), Recorded)
    after = await stands(town, household)
    assert after.cover.state is CoverState.COVERED
    assert after.periods[0].expires_on
    assert after.periods[1].opened_on == after.periods[0].expires_on + DAY
    async with town.connect() as db:
        agreed = await db.scalar(select(policy.c.agreed_on).where(policy.c.sequence == 2))
    assert agreed == GRACE_ENDS.date()
    assert await broken(town) == set()


async def test_what_was_received_after_the_grace_waits_again(town: AsyncEngine, household: Household) -> None:
    assert isinstance(await receives(town, household, 12_000, days_ago=4), Recorded)
    assert (await stands(town, household)).cover.state is CoverState.WAITING


async def test_the_household_reads_the_day_and_contests_it(town: AsyncEngine, household: Household) -> None:
    done = await receives(town, household, 12_000, days_ago=5)
    assert isinstance(done, Recorded)
    async with town.connect() as db:
        body = await db.scalar(text("select body from sms_outbox where template = 'cash receipt'"))
        found = await cash_receipt_of(db, calling(AWA), done.receipt_code)
    assert body.startswith("12 000 F payés en espèces le 17/11 pour le ménage")
    assert found.on == GRACE_ENDS.date()


async def test_in_closed_books_it_is_booked_today_for_its_day(
    town: AsyncEngine, household: Household
) -> None:
    async with town.begin() as db:
        said = {"actor": "Fanta", "reason": "the first half of November is counted"}
        assert (
            await close_period(db, "BEN", date(2026, 11, 20), Origin(source="test", key="november", **said))
        ).stands
    await receives(town, household, 12_000, days_ago=5)
    assert (await stands(town, household)).cover.state is CoverState.COVERED
    async with town.connect() as db:
        journal = "select effective_on, occurred_on from ledger.journal where kind = 'contribution received'"
        booked = (await db.execute(text(f"{journal} order by recorded_at desc limit 1"))).one()
    assert booked.effective_on > date(2026, 11, 20)
    assert booked.occurred_on == GRACE_ENDS.date()
    assert await broken(town) == set()


@pytest.mark.parametrize("days_ago", [-1, MOST_DAYS_BACK + 1])
async def test_neither_in_the_future_nor_long_ago(
    town: AsyncEngine, household: Household, days_ago: int
) -> None:
    assert "cannot be recorded today" in await refusal(receives(town, household, 12_000, days_ago=days_ago))
    assert isinstance(await receives(town, household, 12_000, days_ago=MOST_DAYS_BACK), Recorded)
    assert await broken(town) == set()


async def test_not_before_the_household_joined(town: AsyncEngine) -> None:
    household = await joined(town, AWA, at=NOON - 3 * DAY, pay_minor=3_000)
    assert "cannot be recorded today" in await refusal(receives(town, household, 3_000, days_ago=4))
    assert isinstance(await receives(town, household, 3_000, days_ago=3), Recorded)


async def test_not_before_it_agreed_to_what_it_pays(town: AsyncEngine, household: Household) -> None:
    """The renewal was agreed to, and paid in part, on the 18th: what is paid of it came then or later."""
    await receives(town, household, 3_000, at=NOON - 4 * DAY)
    assert "cannot be recorded today" in await refusal(receives(town, household, 3_000, days_ago=5))
    assert isinstance(await receives(town, household, 3_000, days_ago=4), Recorded)


async def test_not_before_it_could_renew(town: AsyncEngine) -> None:
    household = await joined(town, AWA, at=NOON - 340 * DAY)
    expires_on = (await stands(town, household)).periods[0].expires_on
    assert expires_on
    open_for = (NOON.date() - (expires_on - RENEWAL_OPENS)).days
    assert 0 < open_for < MOST_DAYS_BACK
    assert "cannot be recorded today" in await refusal(
        receives(town, household, 12_000, days_ago=open_for + 1)
    )
    assert isinstance(await receives(town, household, 12_000, days_ago=open_for), Recorded)


async def test_not_before_its_price_was_on_sale(town: AsyncEngine, household: Household) -> None:
    async with town.begin() as db:
        await sell(db, "BEN", version=2, lump_sum_minor=15_000, sold_from=NOON.date() - 2 * DAY)
    assert "cannot be recorded today" in await refusal(receives(town, household, 15_000, days_ago=3))
    assert isinstance(await receives(town, household, 15_000, days_ago=2), Recorded)


async def test_not_before_the_collector_was_appointed(pool: AsyncEngine) -> None:
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR, at=NOON - 2 * DAY)
    household = await joined(pool, AWA, at=JOINED)
    assert "cannot be recorded today" in await refusal(receives(pool, household, 12_000, days_ago=3))
    assert isinstance(await receives(pool, household, 12_000, days_ago=2), Recorded)
    assert await broken(pool) == set()


async def test_the_digest_tells_what_was_recorded_late_once(town: AsyncEngine, household: Household) -> None:
    """Four days late is told, three are not; what was cancelled is not; the next digest begins anew."""
    other = await joined(town, "+22376000011", at=JOINED, name="Sira Diarra")
    third = await joined(town, "+22376000012", at=JOINED, name="Nana Diarra")
    await run_schedules(town, timing.Clock.at(NOON - DAY))
    await receives(town, household, 12_000, days_ago=4)
    await receives(town, other, 12_000, days_ago=3)
    wrong = await receives(town, third, 12_000, days_ago=9)
    assert isinstance(wrong, Recorded)
    async with town.begin() as db:
        await cancel_cash(db, "BEN", wrong.receipt_code, by=By("Mme Diallo", "not so", NOON))
    monday = datetime(2026, 11, 23, 7, tzinfo=UTC)
    for at in (monday, monday + 7 * DAY):
        await run_schedules(town, timing.Clock.at(at))
    async with town.connect() as db:
        mine = "select body from sms_outbox where template = 'digest' and phone = :phone order by created_at"
        first, second = await db.scalars(text(mine), {"phone": FANTA})
    assert "A vérifier : 1 (4 j), espèces notées tard : 1" in first
    assert "Rien à vérifier" in second


DAYS = ReceiptDays(date(2026, 11, 8), date(2026, 11, 22))


@pytest.mark.parametrize("typed", ["8", "08", "8/11", "08.11.2026", "8 11", "8-11-26", "08*11", "le 8 nov"])
def test_a_day_is_typed_as_people_type_it(typed: str) -> None:
    assert earlier_day(DAYS).parse(typed).on == date(2026, 11, 8)


@pytest.mark.parametrize("typed", ["", "7", "22", "23", "8/12", "8/11/2025", "hier", "8 dec", "811"])
def test_what_is_no_earlier_day_is_asked_again(typed: str) -> None:
    with pytest.raises(InvalidError):
        earlier_day(DAYS).parse(typed)


def test_a_day_of_the_month_is_one_day_only() -> None:
    """Over the turn of a month too."""
    days = ReceiptDays(date(2027, 2, 20), date(2027, 3, 6))
    assert len({day.day for day in days.before_today} | {days.today.day}) == MOST_DAYS_BACK + 1
    assert earlier_day(days).parse("28").on == date(2027, 2, 28)


async def test_treasurers_read_the_last_cash_with_both_days(town: AsyncEngine, household: Household) -> None:
    """The newest record first, nothing that was taken back, nothing of long ago."""
    other = await joined(town, "+22376000011", at=JOINED, name="Sira Diarra")
    old = await receives(town, other, 12_000, at=NOON - 40 * DAY)
    await give_pin(town, FANTA)
    await deposits(town, 12_000, at=NOON - 39 * DAY)
    await receives(town, household, 3_000, at=NOON - 3 * DAY)
    late = await receives(town, household, 3_000, days_ago=3)
    assert isinstance(old, Recorded)
    assert isinstance(late, Recorded)
    async with town.begin() as db:
        listed = [(one.on, one.recorded_on) for one in await last_cash(db, "BEN", NOON)]
        assert listed == [(NOON.date() - 3 * DAY, NOON.date()), (NOON.date() - 3 * DAY,) * 2]
        await cancel_cash(db, "BEN", late.receipt_code, by=By("Mme Diallo", "not so", NOON))
        assert len(await last_cash(db, "BEN", NOON)) == 1
        assert len(await last_cash(db, "BEN", NOON - 20 * DAY)) == 2
