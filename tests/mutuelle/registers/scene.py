"""What the tests of registers ask of the database after a register was taken over."""

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from invariants import examine
from ledger import checks as ledger_checks
from mutuelle import checks
from mutuelle.households import Household, find_household
from mutuelle.registers.tables import register_line
from mutuelle.standing import Standing, standing
from tests.mutuelle.test_founding import counts
from tests.town import NOON


async def home(db: AsyncConnection, register_number: str) -> Household:
    of = register_line.c.register_number == register_number
    found = await find_household(db, str(await db.scalar(select(register_line.c.number).where(of))))
    assert found
    return found


async def stands(pool: AsyncEngine, register_number: str, at: datetime = NOON) -> Standing:
    async with pool.connect() as db:
        return await standing(db, await home(db, register_number), at)


async def broken(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        findings = await examine(db, (*checks.CHECKS, *ledger_checks.CHECKS))
    return [f"{finding.invariant.name} {finding.offenders}" for finding in findings if not finding.holds]


async def everything(pool: AsyncEngine) -> dict[str, int]:
    async with pool.connect() as db:
        found = await counts(db)
        found["journal"] = await db.scalar(text("select count(*) from ledger.journal")) or 0
    return found
