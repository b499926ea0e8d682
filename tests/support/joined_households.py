"""Households for the tests of support: joined by the menu's action, their first payment paid or failed."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from invariants import examine
from ledger.balances import balance
from ledger.invariants.book import INVARIANTS as LEDGER_CHECKS
from mutuelle import tables
from mutuelle.acts import By
from mutuelle.contributions.payments import OPEN, PaymentState, move
from mutuelle.contributions.standing import Standing, standing
from mutuelle.households.households import Household, find_household
from mutuelle.invariants import INVARIANTS
from sms.tables import outbox
from tests.support.town import NOON, join, paid

DOUBLE = "a test, written down twice"


def by(at: datetime = NOON) -> By:
    return By("Kadidia, support", DOUBLE, at)


async def joined(
    pool: AsyncEngine,
    phone: str,
    *,
    at: datetime = NOON,
    pay_minor: int | None = None,
    name: str = "Awa Koné",
) -> Household:
    """A household whose first payment is paid."""
    household = await join(pool, phone, at=at, pay_minor=pay_minor, name=name)
    await paid(pool, household, at=at)
    return household


async def unpaid(pool: AsyncEngine, phone: str, *, name: str = "Awa Koné", at: datetime = NOON) -> Household:
    """A household whose first payment failed."""
    household = await join(pool, phone, at=at, name=name)
    async with pool.begin() as db:
        waiting = (tables.payment.c.number == household.number) & tables.payment.c.state.in_(OPEN)
        reference = (await db.execute(sa.select(tables.payment.c.reference).where(waiting))).scalar_one()
        await move(db, household.mutuelle_id, reference, PaymentState.FAILED, by=By("test", "refused", at))
    return household


async def read(pool: AsyncEngine, household: Household) -> Household | None:
    """The household now; None if it is closed."""
    async with pool.connect() as db:
        return await find_household(db, household.number)


async def stands(pool: AsyncEngine, household: Household, at: datetime = NOON) -> Standing:
    async with pool.connect() as db:
        return await standing(db, household, at)


async def net(pool: AsyncEngine, household: Household) -> int:
    """What the household owes in the ledger, in minor units; negative: its credit."""
    async with pool.connect() as db:
        return (await balance(db, household.mutuelle_id, household.account)).net


async def sent(pool: AsyncEngine, phone: str) -> list[str]:
    """The templates of the SMS to a phone, except receipts."""
    async with pool.connect() as db:
        rows = await db.scalars(
            sa.select(outbox.c.template)
            .where(outbox.c.phone == phone, outbox.c.template.not_in(["receipt"]))
            .order_by(outbox.c.recorded_at, outbox.c.key)
        )
        return list(rows)


async def broken(db: AsyncConnection) -> list[str]:
    """The names of the broken invariants."""
    return [f.invariant.name for f in await examine(db, [*LEDGER_CHECKS, *INVARIANTS]) if not f.holds]
