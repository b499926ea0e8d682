"""Connections to a database for as long as a block of code: of the benchmarks and the proofs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool


@asynccontextmanager
async def transaction(url: str) -> AsyncIterator[AsyncConnection]:
    """One transaction on a connection of its own."""
    async with engine_of(url) as engine, engine.begin() as db:
        yield db


@asynccontextmanager
async def engine_of(url: str, *, pooled: bool = False, **options: Any) -> AsyncIterator[AsyncEngine]:
    """Connections that end with their use, or are kept for the next one until the end."""
    engine = create_async_engine(url, poolclass=None if pooled else NullPool, **options)
    try:
        yield engine
    finally:
        await engine.dispose()
