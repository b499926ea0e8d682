"""Posting at the same time: whatever two connections do, one key makes one journal."""

import asyncio
from dataclasses import replace

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.book import (
    Journal,
    Phase,
    balance,
    post,
)
from tests.ledger.scene import (
    AWA,
    FLOAT,
    SIK,
    count,
    hold,
    journal,
    mirror,
    paid,
    posted,
    resolve,
    verdicts,
)

WAITING = text(
    "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
)


async def waiting(pool: AsyncEngine, connections: int = 1) -> None:
    """Return once so many other connections wait for a lock: the race is on."""
    async with pool.connect() as db:
        while (await db.scalar(WAITING) or 0) < connections:
            await db.rollback()
            await asyncio.sleep(0.01)


async def race(pool: AsyncEngine, first: Journal, second: Journal, *, commit: bool = True) -> list[str]:
    """Post `first`, then `second` from another connection before the first transaction ends."""
    async with pool.connect() as holder:
        one = await post(holder, [first])
        rival = asyncio.create_task(posted(pool, second))
        await waiting(pool)
        await (holder.commit() if commit else holder.rollback())
        return verdicts([*one, *(await rival)])


async def test_two_transactions_with_one_key_make_one_journal(book: AsyncEngine) -> None:
    assert await race(book, paid("k"), paid("k")) == ["created", "exists"]
    assert await race(book, paid("l"), replace(paid("l"), reason="other")) == [
        "created",
        "conflict: other_content",
    ]
    assert await race(book, paid("m"), paid("m"), commit=False) == ["created", "created"]
    async with book.begin() as db:
        assert (await balance(db, SIK, FLOAT)).debits == 3 * 2000


async def test_two_reversals_at_once_make_one(book: AsyncEngine) -> None:
    await posted(book, paid("k"))
    told = await race(book, mirror("r1", paid("k")), mirror("r2", paid("k")))
    assert told == ["created", "refused: reversal_duplicate"]


async def test_two_resolutions_at_once_make_one(book: AsyncEngine) -> None:
    held = hold(AWA, FLOAT, 500)
    reservation = journal("h", held)
    await posted(book, reservation)
    pay, free = (journal(phase, resolve(phase, held, reservation.id)) for phase in (Phase.POST, Phase.VOID))
    assert await race(book, pay, free) == ["created", "refused: pending_resolved"]


async def test_two_batches_in_opposite_order_do_not_embrace(book: AsyncEngine) -> None:
    async with book.connect() as holder:
        await post(holder, [paid("m")])
        up = asyncio.create_task(posted(book, paid("a"), paid("m"), paid("z")))
        await waiting(book, 1)
        down = asyncio.create_task(posted(book, paid("z"), paid("m"), paid("a")))
        await waiting(book, 2)
        await holder.commit()
        assert verdicts(await up) == ["created", "exists", "created"]
        assert verdicts(await down) == ["exists", "exists", "exists"]


async def test_many_writers_of_the_same_keys_make_each_journal_once(book: AsyncEngine) -> None:
    keys = [str(n) for n in range(60)]

    async def writer(turn: int) -> None:
        for start in range(0, 60, 20):
            some = keys[start : start + 20]
            await posted(book, *(paid(key) for key in (some if turn % 2 else some[::-1])))

    await asyncio.gather(*(writer(turn) for turn in range(4)))
    async with book.begin() as db:
        assert await count(db, "journal") == 60
        assert (await balance(db, SIK, FLOAT)).debits == 60 * 2000
