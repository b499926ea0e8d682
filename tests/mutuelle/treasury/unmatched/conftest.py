"""A town whose merchant code has 50 000 F, and a household that owes its first year."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.households.households import Household
from tests.support.officers import FANTA, ISSA, give_pin
from tests.support.own_accounts import opens
from tests.support.statements import FLOAT, open_merchant
from tests.support.town import AWA, NOON, found_town, join
from tests.support.unmatched import DAY


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    await found_town(pool)
    await open_merchant(pool)
    await opens(pool, FLOAT, 50_000)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    return pool


@pytest.fixture
async def household(town: AsyncEngine) -> Household:
    return await join(town, AWA, at=NOON - 10 * DAY, cash=True)
