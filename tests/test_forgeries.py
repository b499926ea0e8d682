"""Forgeries by whoever has the owner's password, each undone again: `keneya check` names it, or a page says why not."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

import timing
from commands.upkeep import CHECKS
from engines.cluster import OWNER_ROLE, SERVICE_ROLE
from engines.embedded import Engines
from invariants import examine
from ledger.folding import fold
from migrations.grants import auditor_statements
from mutuelle.acts import By
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.households import Household, household_by_number
from mutuelle.schedules.jobs import run_schedules
from mutuelle.scheme import sealed_records
from mutuelle.tables import beneficiary, household_phone
from tests.conftest import Database
from tests.support.clinic import contract, open_facility
from tests.support.doctor_desk import check, give_card, make
from tests.support.forgeries import MISSED, OWNERS, SERVERS
from tests.support.town import AWA, MARIAM, found, join, paid, paid_in

RECORD_ALL = sealed_records._RECORD.replace("STANDS", sealed_records.households(max(sealed_records.FORMS)))


@pytest.fixture
async def lived(pool: AsyncEngine) -> AsyncEngine:
    """A town of today: Awa has paid and was at the doctor's, Mariam has not paid; told, folded and sealed."""
    now = datetime.now(UTC)
    async with pool.begin() as db:
        await found(db, waiting_months=0)
        await open_facility(db)
        await contract(db)
    # A round each noon, since nobody is woken at night; the last one on or before now.
    last = datetime(now.year, now.month, now.day, 12, tzinfo=UTC) - timedelta(days=now.hour < 12)
    noons = [last - timedelta(days=back) for back in range(8, -1, -1)]
    await run_schedules(pool, timing.Clock.at(noons[0]))
    home = await join(pool, AWA, at=now)
    await paid(pool, home, at=now)
    for proof in (
        await make(pool, home, at=now),
        (await give_card(pool, home, at=now))[0],
        str(now.year - 45),
    ):
        await check(pool, home.number, proof, at=now)
    await in_time(pool, await join(pool, MARIAM, at=now, name="Mariam Sangaré"), now)
    async with pool.begin() as db:
        await fold(db, "BEN")
    for noon in noons[1:]:
        await run_schedules(pool, timing.Clock.at(noon))
    return pool


async def in_time(pool: AsyncEngine, home: Household, now: datetime) -> None:
    """Somebody joined the household after its policy, somebody left it: noted as the program does."""
    mine = (beneficiary.c.mutuelle_id == home.mutuelle_id) & (beneficiary.c.number == home.number)
    joiner = {"rank": 5, "name": "Awa Keita", "birth_year": 1990, "added_on": now.date(), "first_policy": 2}
    async with pool.begin() as db:
        await db.execute(
            insert(beneficiary).values(mutuelle_id=home.mutuelle_id, number=home.number, **joiner)
        )
        await note_change(db, home, Change.ADDED, detail="", by=By(MARIAM, "asked", now))
        await db.execute(
            update(beneficiary).where(mine, beneficiary.c.rank == 4).values(removed_on=now.date())
        )
        await note_change(db, home, Change.REMOVED, detail="", by=By(MARIAM, "left", now))


@pytest.fixture
async def superuser(engines: Engines, database: Database) -> AsyncIterator[AsyncEngine]:
    url = make_url(engines.superuser_url).set(database=database.name)
    engine = create_async_engine(url)
    yield engine
    await engine.dispose()


async def noticed(db: AsyncConnection) -> set[str]:
    """What `keneya check` names, asked by the service's role."""
    await db.execute(text(f"set local role {SERVICE_ROLE}"))
    await db.execute(text("set local search_path = pg_catalog, public"))
    return {finding.invariant.name for finding in await examine(db, CHECKS) if not finding.holds}


async def forged(superuser: AsyncEngine, script: str, *, as_owner: bool = True) -> set[str]:
    """What is noticed of a forgery; it is undone."""
    async with superuser.connect() as db:
        await db.execute(text(f"set local role {OWNER_ROLE if as_owner else 'none'}"))
        driver = (await db.get_raw_connection()).driver_connection
        assert driver
        if script == "{settled}":
            await settled_by_hand(db)
        elif script == "{auditor}":
            await db.execute(text("set local role none"))
            await driver.execute("create role spy login")
            await driver.execute(";".join(auditor_statements("spy")))
        else:
            await driver.execute(script.replace("{record}", RECORD_ALL))
        await db.execute(text("reset role"))
        found_out = await noticed(db)
        await db.rollback()
    return found_out


async def settled_by_hand(db: AsyncConnection) -> None:
    """Mariam's payment is answered as paid, by nobody."""
    number = await db.scalar(select(household_phone.c.number).where(household_phone.c.phone == MARIAM))
    await paid_in(db, await household_by_number(db, str(number)), at=datetime.now(UTC))


async def test_every_forgery_is_named(lived: AsyncEngine, superuser: AsyncEngine) -> None:
    async with superuser.connect() as db:
        assert await noticed(db) == set(), "nobody forged anything"
    wrong: dict[str, set[str]] = {}
    for forgeries, as_owner in ((OWNERS, True), (SERVERS, False)):
        for name, (script, who) in forgeries.items():
            found_out = await forged(superuser, script, as_owner=as_owner)
            if who not in found_out:
                wrong[name] = found_out
    assert wrong == {}


async def test_what_no_check_can_tell_is_written_down(lived: AsyncEngine, superuser: AsyncEngine) -> None:
    decision = (Path(__file__).parents[1] / "docs/decisions/0031-what-the-owner-cannot-hide.md").read_text()
    for name, script in MISSED.items():
        assert await forged(superuser, script) == set(), name
        assert f"- {name}:" in decision
    counts = [int(figure) for figure in re.findall(r"\*\*(\d+) of (\d+)\*\*", decision)[0]]
    assert counts == [len(OWNERS) + len(SERVERS), len(OWNERS) + len(SERVERS) + len(MISSED)]
