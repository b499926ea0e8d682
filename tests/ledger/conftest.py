"""A database whose chart is open; one in which much has happened."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.ledger_history import live
from tests.support.ledger_scene import open_chart


@pytest.fixture
async def book(pool: AsyncEngine) -> AsyncEngine:
    """Connections as the service's role to a ledger with the scene's accounts."""
    await open_chart(pool)
    return pool


@pytest.fixture
async def lived(book: AsyncEngine) -> AsyncEngine:
    """The same, with a history (`tests/support/ledger_history.py`)."""
    await live(book)
    return book
