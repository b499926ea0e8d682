"""Who answers the same calls: the service, a bare Starlette route, and Express; each is one process with one pool.

Without node, npm or a network Express is left out, and the table says so.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench import express
from bench.cores import Core
from bench.place import OPTIONS, PLAIN, WEB, BenchPlace, Served, served, started

OURS = "Keneya"
LIMIT = "limit: bare route, asyncpg"
PEER = "peer: Express, ussd-menu-builder, pg"


@dataclass(frozen=True)
class Contender:
    """`application` is run under uvicorn; without one it is Express. `has_worker`: another process answers SMS."""

    application: str | None
    options: tuple[str, ...] = PLAIN
    has_worker: bool = False


CONTENDERS = {
    OURS: Contender(WEB, OPTIONS, has_worker=True),
    LIMIT: Contender("bench.limit_calls:create_app"),
    PEER: Contender(None),
}


@asynccontextmanager
async def start(contender: Contender, place: BenchPlace, core: Core = None) -> AsyncIterator[Served | None]:
    """One process of it; None where it is left out."""
    if contender.application:
        async with served(place, contender.application, core, contender.options) as process:
            yield process
    elif command := express.command():
        async with started(place, command, core) as process:
            yield process
    else:
        yield None
