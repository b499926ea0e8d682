"""A town that pays out, the operator that it pays by, and the worker."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.contributions.collection import Round
from tests.support.payouts import PayingOperator, house_of, pays_out, town_that_pays_out
from tests.support.town import NOON, Clock


@pytest.fixture
async def town(pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> AsyncEngine:
    pays_out(monkeypatch)
    await town_that_pays_out(pool)
    return pool


@pytest.fixture
def operator() -> PayingOperator:
    return PayingOperator()


@pytest.fixture
def house(pool: AsyncEngine, operator: PayingOperator, clock: Clock) -> Round:
    clock.now = NOON
    return house_of(pool, operator, clock)
