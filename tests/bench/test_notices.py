"""What an operator's notice costs on the wire: web answers it only when it is stored."""

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench.wiretap import Count, PostgresListener, Tap, between
from mutuelle.contributions.money_notices import NoticeVerdict, ring
from mutuelle.tables import operator_account, payment
from prepared import Reader, unframed
from tests.conftest import Database
from tests.support.operators import SIMULATED, a_notice
from tests.support.town import AWA, NOON, found_town, join

# One statement finds the payment, one writes all; each is a round trip, and a transaction by itself.
COST = Count(statements=2, round_trips=2)


@pytest.mark.parametrize("by_account", [False, True])
async def test_a_notice_is_two_statements_and_as_many_round_trips(
    pool: AsyncEngine, database: Database, by_account: bool
) -> None:
    await found_town(pool)
    await join(pool, AWA, at=NOON)
    table = operator_account if by_account else payment
    async with pool.begin() as db:
        await db.execute(update(payment).values(polls=3))
        token = str(await db.scalar(select(table.c.notice_token)))
    tap = Tap()
    async with between(database.url, lambda: PostgresListener(tap)) as url:
        engine = create_async_engine(url, pool_size=1)
        reader, before = Reader(unframed(engine)), Count()
        for body in (b"prepares both", b"is counted"):
            before = tap.count
            verdict = await ring(reader, "simulated", token, a_notice(body), SIMULATED, NOON)
            assert verdict is NoticeVerdict.STORED
        await reader.close()
        await engine.dispose()
    assert tap.count - before == COST
    async with pool.connect() as db:
        assert await db.scalar(text("select count(*) from money_notice")) == 2
        assert await db.scalar(select(payment.c.polls)) == (3 if by_account else 0)
