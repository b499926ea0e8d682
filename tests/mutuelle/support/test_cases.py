"""Cases are closed by a person, with who and why, and opened again if that was too early."""

from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.contributions.payments import open_case
from mutuelle.households.support_acts import SupportError
from mutuelle.households.tables import support_act
from mutuelle.support.cases import close_case, open_cases, reopen_case
from mutuelle.tables import payment
from tests.support.joined_households import by, joined
from tests.support.town import AWA, NOON, found_town


@pytest.fixture
async def reference(pool: AsyncEngine) -> UUID:
    """A payment with two cases."""
    await found_town(pool)
    await joined(pool, AWA)
    async with pool.begin() as db:
        found = (await db.execute(sa.select(payment.c.reference))).scalar_one()
        await open_case(db, "BEN", found, "clock", "dated tomorrow", NOON)
        await open_case(db, "BEN", found, "old", "under way for a day", NOON)
    return UUID(str(found))


async def kinds(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        return [case.kind for case in await open_cases(db, 9)]


async def test_one_kind_or_all_are_closed_and_opened_again(pool: AsyncEngine, reference: UUID) -> None:
    assert await kinds(pool) == ["clock", "old"]
    async with pool.begin() as db:
        assert await close_case(db, reference, "old", by()) == 1
    assert await kinds(pool) == ["clock"]
    async with pool.begin() as db:
        assert await close_case(db, reference, None, by()) == 1
    assert await kinds(pool) == []
    async with pool.begin() as db:
        assert await reopen_case(db, reference, None, by()) == 2
    assert await kinds(pool) == ["clock", "old"]


async def test_who_closed_it_and_why_is_kept_beside_the_household(pool: AsyncEngine, reference: UUID) -> None:
    async with pool.begin() as db:
        await close_case(db, reference, None, by())
        act = (await db.execute(sa.select(support_act))).one()
    assert (act.act, act.subject, act.actor) == ("case close", str(reference), by().actor)
    assert act.number is not None
    assert act.facts == {"kinds": ["clock", "old"]}


async def test_what_is_not_there_is_refused(pool: AsyncEngine, reference: UUID) -> None:
    async with pool.connect() as db:
        with pytest.raises(SupportError, match="no payment"):
            await close_case(db, uuid4(), None, by())
        with pytest.raises(SupportError, match="no such case to close"):
            await close_case(db, reference, "mismatch", by())
        with pytest.raises(SupportError, match="no such case to reopen"):
            await reopen_case(db, reference, None, by())
