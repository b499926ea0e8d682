"""Queries of the import tests, after an import."""

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from invariants import examine
from ledger.invariants import book as ledger_checks
from mutuelle import invariants
from mutuelle.contributions.standing import Standing, standing
from mutuelle.households.households import Household, find_household
from mutuelle.imports.tables import register_line
from tests.mutuelle.founding.test_founding import counts
from tests.support.town import NOON


async def household(db: AsyncConnection, register_number: str) -> Household:
    of = register_line.c.register_number == register_number
    found = await find_household(db, str(await db.scalar(select(register_line.c.number).where(of))))
    assert found
    return found


async def stands(pool: AsyncEngine, register_number: str, at: datetime = NOON) -> Standing:
    async with pool.connect() as db:
        return await standing(db, await household(db, register_number), at)


async def broken(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        findings = await examine(db, (*invariants.INVARIANTS, *ledger_checks.INVARIANTS))
    return [f"{finding.invariant.name} {finding.offenders}" for finding in findings if not finding.holds]


async def everything(pool: AsyncEngine) -> dict[str, int]:
    async with pool.connect() as db:
        found = await counts(db)
        found["journal"] = await db.scalar(text("select count(*) from ledger.journal")) or 0
    return found
