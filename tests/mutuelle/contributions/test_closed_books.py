"""Money that comes after the books of its day were closed: booked today, and it covers from the day it was paid."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from invariants import examine
from ledger import accounts
from ledger.balances import balance
from ledger.book import Origin
from ledger.periods import close_period
from mutuelle.contributions.portfolio import portfolio
from mutuelle.contributions.standing import standing
from mutuelle.households.households import Household
from mutuelle.invariants import INVARIANTS
from mutuelle.scheme.mutuelles import get_mutuelle
from tests.support.town import AWA, found_town, join, paid, pays

JOINED = datetime(2026, 10, 5, 9, tzinfo=UTC)
LAST = date(2026, 10, 31)
LATER = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    """A household that agreed to 12 000 F on 5 October and has paid nothing; then October was closed."""
    await found_town(pool)
    joined = await join(pool, AWA, at=JOINED, pay_minor=6_000)
    async with pool.begin() as db:
        said = {"actor": "Fanta", "reason": "October is counted"}
        assert (await close_period(db, "BEN", LAST, Origin(source="test", key="october", **said))).stands
    return joined


async def test_late_money_covers_from_the_day_it_was_paid(pool: AsyncEngine, household: Household) -> None:
    on_time = JOINED + timedelta(days=2)
    await paid(pool, household, at=on_time)
    await pays(pool, household, 6_000, at=LATER)
    async with pool.begin() as db:
        now = await standing(db, household, LATER)
        mutuelle = await get_mutuelle(db, "BEN")
        counted = await portfolio(db, mutuelle, LATER.date())
        booked = await balance(db, "BEN", accounts.collections("simulated-ML"), LAST)
        broken = [f.invariant.name for f in await examine(db, INVARIANTS) if not f.holds]
    assert now.periods[0].opened_on == on_time.date()
    assert now.cover == counted[household.number].cover
    assert booked.debits == 0  # the closed books are as they were
    assert broken == []
