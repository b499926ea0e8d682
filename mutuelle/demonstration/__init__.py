"""The demonstration federation: three invented mutuelles with a year of history, to try the service.

All is invented: names, officers and phones. Apart from those that the documents
name (+2237000000x and +22370000013) they lie in three narrow ranges, +22379946xxx, +22893946xxx and +237679946xxx;
every other number stays a stranger's. The places' names are GeoNames' (https://www.geonames.org), CC BY 4.0.
"""

from datetime import datetime
from random import Random

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from mutuelle import tables
from mutuelle.demonstration.federation import found, read_lands
from mutuelle.demonstration.history import write_history, write_paid_for
from mutuelle.demonstration.people import invented, named, paid_for

SEED = 101102103
FEWEST_HOUSEHOLDS = 10


class NotEmptyError(Exception):
    """The database has a mutuelle already: nothing was written."""


async def seed(url: str, now: datetime, *, households: int = 300) -> None:
    """Write the federation with `households` (10 to 2700) into the empty migrated database at `url`, or nothing.

    One is paid for by the commune of Sikasso.

    The same `now` gives the same people, payments and receipt codes; member numbers are drawn afresh.
    """
    if households < FEWEST_HOUSEHOLDS:
        raise ValueError(f"the named households need {FEWEST_HOUSEHOLDS} in all, not {households}")
    chance = Random(SEED)
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as db:
            await _seed(db, chance, now, households)
    finally:
        await engine.dispose()


async def _seed(db: AsyncConnection, chance: Random, now: datetime, households: int) -> None:
    if await db.scalar(select(tables.mutuelle.c.id).limit(1)) is not None:
        raise NotEmptyError("the database has a mutuelle already")
    lands = read_lands(now)
    for nth, land in enumerate(lands):
        known, others = list(named(chance, land, now)), list(paid_for(land, now))
        count = households // len(lands) + (nth < households % len(lands)) - len(known) - len(others)
        stories = [*known, *invented(chance, land, count, now)]
        await found(db, land, now)
        await write_history(db, chance, land, stories)
    for land in lands:
        for story, regime in paid_for(land, now):
            await write_paid_for(db, land, story, regime)
    # Its phones are in use: each was heard of today.
    await db.execute(update(tables.household_phone).values(heard_on=now.date()))
