"""A database whose chart is open."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.ledger.scene import open_chart


@pytest.fixture
async def book(pool: AsyncEngine) -> AsyncEngine:
    """Connections as the service's role to a ledger with the scene's accounts."""
    await open_chart(pool)
    return pool
