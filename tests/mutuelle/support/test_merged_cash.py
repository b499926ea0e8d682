"""Cash that a collector recorded for a household that was written down twice: its money has gone over."""

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from locales import Money
from mutuelle.acts import By
from mutuelle.officers.roles import Role
from mutuelle.support.merging import merge_households, reopen_household
from mutuelle.treasury.cash import Recorded
from mutuelle.treasury.cash_disputes import cancel_cash
from talk.trouble import RefusedError
from tests.support.joined_households import broken, by, joined, net, stands, unpaid
from tests.support.officer_acts import receives
from tests.support.officers import OUMOU, appoint
from tests.support.town import AWA, MARIAM, NOON, found_town


async def test_cash_that_went_over_with_a_merge_is_cancelled_only_when_the_merge_is_taken_back(
    pool: AsyncEngine,
) -> None:
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR)
    kept, double = await joined(pool, AWA, pay_minor=3_000), await unpaid(pool, MARIAM)
    done = await receives(pool, double, 3_000)
    assert isinstance(done, Recorded)
    async with pool.begin() as db:
        await merge_households(db, double.number, kept.number, by())

    async def cancels(db: AsyncConnection) -> None:
        await cancel_cash(db, "BEN", done.receipt_code, by=By("Mme Diallo", "never given", NOON))

    async with pool.connect() as db:
        with pytest.raises(RefusedError, match="joined with another"):
            await cancels(db)
    assert (await net(pool, kept), await net(pool, double)) == (6_000, 0)
    async with pool.begin() as db:
        await reopen_household(db, double.number, by())
        await cancels(db)
    assert (await stands(pool, kept)).due == Money(9_000, "XOF")
    async with pool.connect() as db:
        assert await broken(db) == []
