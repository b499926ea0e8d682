"""Databases of a benchmark's own on the same server: made, copied, gone afterwards.

What a peer or a limit writes is never in the book that is checked.
"""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import make_url

from bench.engine import engine_of
from bench.place import BenchPlace
from engines.cluster import DATABASE, OWNER_ROLE
from engines.embedded import Engines

FOUNDED = "founded"


async def keep_founded(place: BenchPlace) -> None:
    """Keep a copy of the founded mutuelle before anything is written into it, for `database` to begin with."""
    await as_superuser(place, f'create database "{FOUNDED}" owner {OWNER_ROLE} template "{DATABASE}"')


@asynccontextmanager
async def database(place: BenchPlace, name: str, template: str | None = None) -> AsyncIterator[BenchPlace]:
    """An empty database of the owner's, or a copy of `template`, to which nobody is connected; dropped at the end."""
    of = f' template "{template}"' if template else ""
    await as_superuser(place, f'create database "{name}" owner {OWNER_ROLE}{of}')
    try:
        yield dataclasses.replace(
            place,
            service_url=_in(place.service_url, name),
            owner_url=_in(place.owner_url, name),
            superuser_url=_in(place.superuser_url, name),
        )
    finally:
        await as_superuser(place, f'drop database "{name}" with (force)')


def _in(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


async def as_superuser(place: BenchPlace | Engines, *statements: str) -> None:
    """Each statement by itself, outside any transaction."""
    await _run(place.superuser_url, statements)


async def as_owner(place: BenchPlace, *statements: str) -> None:
    """Each statement by itself, as the owner of the tables."""
    await _run(place.owner_url, statements)


async def _run(url: str, statements: tuple[str, ...]) -> None:
    async with engine_of(url, isolation_level="AUTOCOMMIT") as engine, engine.connect() as db:
        for statement in statements:
            await db.exec_driver_sql(statement)
