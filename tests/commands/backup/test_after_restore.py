"""Life after a restore: the new server's transaction numbers are low, and no franc is lost or counted twice for it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

import timing
from commands.backup import archive, manifest
from commands.upkeep import CHECKS
from engines.cluster import OWNER_ROLE
from engines.embedded import Engines
from invariants import examine
from ledger.balances import balance
from ledger.folding import fold_all
from ledger.seals import verify
from mutuelle.households.households import Household
from mutuelle.schedules.jobs import run_schedules
from mutuelle.schedules.tables import digest
from tests.commands.backup.conftest import Keneya, as_superuser
from tests.conftest import Database
from tests.support.launching import ask
from tests.support.officers import FANTA
from tests.support.town import AWA, MARIAM, found_town, join, paid, pays

# The next that comes by the clock: a restore proves that no schedule is overdue.
TODAY = datetime.now(UTC).replace(hour=7, minute=0, second=0, microsecond=0)
MONDAY, WEEK = TODAY + timedelta(days=7 - TODAY.weekday()), timedelta(days=7)
SUNDAY = MONDAY - timedelta(hours=19)
MANY = 20_000  # transactions of others on the first server
OTHERS = f"do $$ begin for nth in 1..{MANY} loop perform pg_current_xact_id(); commit; end loop; end $$"
NOW_ON_THE_SERVER = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint"

# The newest number that anything in the database remembers.
REMEMBERED = """
select max(number) from (
    select max(xid::text::bigint) as number from ledger.journal
    union all select max(upto::text::bigint) - 1 from ledger.fold
    union all select max(upto::text::bigint) - 1 from ledger.seal
    union all select max(pg_snapshot_xmax(counted_to::pg_snapshot)::text::bigint) - 1 from schedule
) every
"""
BOOKED_SINCE = "select count(*) from ledger.journal where xid::text::bigint > :since"
UNSEALED = "select count(*) from ledger.journal where xid >= (select max(upto) from ledger.seal)"


def test_numbers_go_on_where_the_restored_book_ended(
    keneya: Keneya, engines: Engines, elsewhere: Engines, database: Database, empty: Database, tmp_path: Path
) -> None:
    asyncio.run(as_superuser(engines, OTHERS))
    home = asyncio.run(_first_week(database, engines))
    assert keneya(database, "backup", tmp_path / "first")[0] == 0
    remembered = asyncio.run(ask(database.owner_url, REMEMBERED))
    assert isinstance(remembered, int)

    assert keneya(empty, "restore", tmp_path / "first")[::2] == (0, "")
    there = asyncio.run(ask(elsewhere.superuser_url, NOW_ON_THE_SERVER))
    assert isinstance(there, int)
    assert there < MANY < remembered
    asyncio.run(_week(empty, elsewhere, home, MONDAY + WEEK, 1_500, since=remembered))

    # Back to the first server, whose own numbers are higher than those of the second.
    assert keneya(empty, "backup", tmp_path / "second")[0] == 0
    for file, remembering in (("first", database), ("second", empty)):
        with archive.reading(tmp_path / file) as read:
            newest = asyncio.run(ask(remembering.owner_url, REMEMBERED))
            assert isinstance(newest, int)
            assert manifest.read(read.manifest).tick > newest
    asyncio.run(as_superuser(engines, f"create database back owner {OWNER_ROLE}"))
    back = Database("back", engines.url("service", "back"), engines.url("owner", "back"))
    try:
        assert keneya(back, "restore", tmp_path / "second")[0] == 0
        remembered = asyncio.run(ask(back.owner_url, REMEMBERED))
        assert isinstance(remembered, int)
        asyncio.run(_week(back, engines, home, MONDAY + 2 * WEEK, 1_200, since=remembered))
        assert asyncio.run(_received(back)) == [6_000, 1_500, 1_200]
    finally:
        asyncio.run(as_superuser(engines, "drop database back with (force)"))


async def _first_week(database: Database, engines: Engines) -> Household:
    """Two households that have paid a part; folded, and long after the last journal sealed and told."""
    pool = create_async_engine(database.url, poolclass=NullPool)
    await found_town(pool)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    today = datetime.now(UTC)  # a restore proves that a household is recorded on the day on which it agrees
    homes = [await join(pool, phone, at=today, pay_minor=3_000) for phone in (AWA, MARIAM)]
    for home in homes:
        await paid(pool, home, at=SUNDAY)
    await fold_all(pool)
    await as_superuser(engines, OTHERS)
    await run_schedules(pool, timing.Clock.at(MONDAY))
    await pool.dispose()
    return homes[0]


async def _week(
    database: Database, engines: Engines, home: Household, monday: datetime, amount_minor: int, *, since: int
) -> None:
    """One payment and a digest; what was booked is behind everything that the book remembered."""
    pool = create_async_engine(database.url, poolclass=NullPool)
    async with pool.connect() as db:
        owed = (await balance(db, "BEN", home.account)).net
    await pays(pool, home, amount_minor, at=SUNDAY)
    async with pool.connect() as db:
        assert (await balance(db, "BEN", home.account)).net == owed - amount_minor
        assert await db.scalar(text(REMEMBERED)) > since
        assert await db.scalar(text(BOOKED_SINCE), {"since": since}) == 1
    assert await fold_all(pool) == 1
    await as_superuser(engines, OTHERS)
    await run_schedules(pool, timing.Clock.at(monday))  # seals before it tells
    async with pool.connect() as db:
        assert await db.scalar(text(UNSEALED)) == 0
    await _expect_sound(pool)
    await pool.dispose()


async def _expect_sound(pool: AsyncEngine) -> None:
    """Every seal verifies, the old ones too, and every invariant holds."""
    async with pool.connect() as db:
        assert {verdict.fault async for verdict in verify(db)} == {None}
        assert {f.invariant.name for f in await examine(db, CHECKS) if not f.holds} == set()


async def _received(database: Database) -> list[int]:
    pool = create_async_engine(database.url, poolclass=NullPool)
    async with pool.connect() as db:
        each = select(digest.c.received_minor).where(digest.c.phone == FANTA).order_by(digest.c.counted_to_at)
        received = list(await db.scalars(each))
    await pool.dispose()
    return received
