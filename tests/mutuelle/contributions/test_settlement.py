"""Settling in batches: what a batch leaves is what its payments leave one by one, and nobody waits for ever."""

import asyncio
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle import tables
from mutuelle.contributions.settlement.settle import SETTLED_AT_ONCE, settle, settle_all
from tests.support.settlement_batches import Paid, every_kind, rows_of
from tests.support.town import NOON

LATER = NOON + timedelta(minutes=5)


@pytest.fixture
async def answers(pool: AsyncEngine, owner: AsyncEngine) -> list[Paid]:
    return await every_kind(pool, owner)


async def test_a_batch_leaves_the_rows_that_its_payments_leave_one_by_one(
    pool: AsyncEngine, answers: list[Paid]
) -> None:
    for seed in range(6):
        in_turn = Random(seed).sample(answers, len(answers))
        async with pool.connect() as db:
            together = await settle_all(db, in_turn, LATER)
            batched = await rows_of(db)
            await db.rollback()
            alone = [await settle(db, *one, LATER) for one in in_turn]
            single = await rows_of(db)
            await db.rollback()
        assert together == alone
        for table, rows in single.items():
            assert batched[table] == rows, table


async def test_a_batch_of_every_kind_is_settled_but_for_what_must_not_be(
    pool: AsyncEngine, answers: list[Paid]
) -> None:
    async with pool.begin() as db:
        settled = await settle_all(db, answers, LATER)
        again = await settle_all(db, answers, LATER)
        cases = sorted(await db.scalars(select(tables.payment_case.c.kind)))
    # Not settled: the two that were before, the one that paid nothing, the second of one operator's reference.
    assert settled.count(False) == 4
    assert not any(again)
    assert cases == ["clock", "contradiction", "contradiction", "mismatch", "mismatch", "mismatch"]


async def test_batches_that_share_payments_end_and_settle_each_once(
    pool: AsyncEngine, answers: list[Paid]
) -> None:
    async def settles(seed: int) -> int:
        in_turn = Random(seed).sample(answers, len(answers) - 3)
        async with pool.begin() as db:
            return sum(await settle_all(db, in_turn, LATER))

    settled = await asyncio.gather(*(settles(seed) for seed in range(8)))
    async with pool.begin() as db:
        left = await settle_all(db, answers, LATER)
        paid = await db.scalars(select(tables.payment.c.reference).where(tables.payment.c.state == "PAID"))
        assert sum(settled) + sum(left) == len(list(paid)) - 2  # two were paid before


async def test_a_batch_is_limited_and_names_a_payment_once(pool: AsyncEngine, answers: list[Paid]) -> None:
    async with pool.connect() as db:
        with pytest.raises(LookupError):
            await settle_all(db, [answers[0], answers[0]], LATER)
        with pytest.raises(ValueError, match="at most"):
            await settle_all(db, [answers[0]] * (SETTLED_AT_ONCE + 1), LATER)
        assert await settle_all(db, [], LATER) == []
