"""Seals: blocks that leave nothing out whatever commits when, and whose bytes never change."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.book import Account, Journal, open_accounts, post
from ledger.seals import EVERY, Seal, find, newest, seal, seal_block, seal_due, seals, verify
from tests.support.ledger_scene import AWA, CONTRIBUTIONS, SIK, called, journal, move, paid, posted

NOTHING_BEFORE = bytes(32)
# Of one journal with two movements and a memo, written below value by value: an encoding that changes breaks every
# seal that was ever told to a treasurer.
KNOWN_HASH = "b3651eed46846f0086a8d8fa4bed1f99636ba50fd394205880cc31ffc0e2bd60"
KNOWN_ROOT = "75d3875ffd97909c3f5e494b0dfcdd7a3a4fe3d0c16ea3aa2247fef20d882ad0"


async def sealed(pool: AsyncEngine, most: int = 50_000) -> list[int]:
    """Seal all that can be, block by block: how many journals each holds."""
    counts: list[int] = []
    while True:
        async with pool.begin() as db:
            block = await seal_block(db, SIK, most)
        if block is None:
            return counts
        counts.append(block.journals)


async def chain(pool: AsyncEngine) -> list[Seal]:
    async with pool.connect() as db:
        return [one async for one in seals(db, SIK)]


async def faults(pool: AsyncEngine) -> list[str | None]:
    async with pool.connect() as db:
        return [verdict.fault async for verdict in verify(db)]


async def post_in(db: AsyncConnection, *journals: Journal) -> None:
    assert all(answer.stands for answer in await post(db, journals))


async def test_blocks_follow_on_each_other(book: AsyncEngine) -> None:
    assert await sealed(book) == []
    await posted(book, called("1"), paid("2"))
    assert await sealed(book) == [2]
    assert await sealed(book) == []
    await posted(book, paid("3"))
    assert await sealed(book) == [1]
    first, second = await chain(book)
    assert (first.block, first.journals, first.previous) == (1, 2, NOTHING_BEFORE)
    assert (second.block, second.journals, second.previous) == (2, 1, first.root)
    assert second.upto > first.upto
    assert await faults(book) == [None, None]


async def test_each_mutuelle_has_a_chain_of_its_own(book: AsyncEngine) -> None:
    async with book.begin() as db:
        await open_accounts(db, [Account("ATA", code, "XOF") for code in (AWA, CONTRIBUTIONS)])
    elsewhere = Journal(
        "ATA", "payment", "1", "receipt", called("1").effective_on, "worker", "paid", called("1").movements
    )
    await posted(book, called("1"), elsewhere)
    async with book.begin() as db:
        assert await seal(db, SIK) == 1
        assert await newest(db, "ATA") is None
        assert await seal(db, "ATA") == 1
    async with book.connect() as db:
        here, there = [one async for one in seals(db)][::-1]
        assert (here.mutuelle, there.mutuelle) == (SIK, "ATA")
        assert here.root != there.root
        assert await find(db, here.short.replace("-", "")) == [here]
        assert await find(db, there.root.hex()) == [there]
        assert await find(db, "0000000000") == []


async def test_what_commits_late_is_not_left_out(book: AsyncEngine) -> None:
    """A watermark would have passed the journal that was written first and committed last."""
    async with book.begin() as late:
        await post_in(late, paid("late"))
        await posted(book, paid("early"))
        assert await sealed(book) == [], "it waits behind the one that is not settled yet"
    assert await sealed(book) == [2]
    assert await faults(book) == [None]


async def test_a_transaction_that_only_reads_holds_nothing_up(book: AsyncEngine) -> None:
    async with book.connect() as reader:
        await reader.execute(text("select count(*) from ledger.journal"))
        await posted(book, paid("1"))
        assert await sealed(book) == [1]


async def test_what_the_sealing_transaction_wrote_itself_waits_for_the_next_seal(book: AsyncEngine) -> None:
    await posted(book, paid("before"))
    async with book.begin() as db:
        await post_in(db, paid("own"))
        assert await seal(db, SIK) == 1
    assert await sealed(book) == [1]


async def test_nothing_is_missed_or_sealed_twice_while_writers_commit_in_any_order(book: AsyncEngine) -> None:
    chance, done = random.Random(4), asyncio.Event()

    async def write(writer: int) -> None:
        for nth in range(25):
            async with book.begin() as db:
                await post_in(db, paid(f"{writer} {nth}"))
                await asyncio.sleep(chance.choice((0, 0, 0.001, 0.02)))
                await post_in(db, paid(f"{writer} {nth} more"))

    async def keep_sealing() -> None:
        while not done.is_set():
            async with book.begin() as db:
                await seal_block(db, SIK, chance.choice((1, 3, 1000)))
            await asyncio.sleep(0.002)

    sealers = [asyncio.create_task(keep_sealing()) for _ in range(2)]
    await asyncio.gather(*(write(writer) for writer in range(6)))
    done.set()
    await asyncio.gather(*sealers)
    await sealed(book)
    blocks = await chain(book)
    assert len(blocks) > 10
    assert [one.block for one in blocks] == list(range(1, len(blocks) + 1))
    assert sum(one.journals for one in blocks) == 6 * 25 * 2
    assert set(await faults(book)) == {None}


async def test_a_transaction_is_never_split(book: AsyncEngine) -> None:
    await posted(book, paid("1"))
    await posted(book, paid("2"), paid("3"), paid("4"))
    await posted(book, paid("5"))
    await posted(book, *(paid(f"large {nth}") for nth in range(5)))
    await posted(book, paid("6"))
    assert await sealed(book, most=2) == [1, 3, 1, 5, 1]
    assert set(await faults(book)) == {None}


async def test_two_who_seal_at_once_make_one_chain(book: AsyncEngine) -> None:
    await posted(book, *(paid(str(nth)) for nth in range(20)))

    async def once() -> None:
        async with book.begin() as db:
            await seal(db, SIK)

    await asyncio.gather(*(once() for _ in range(5)))
    assert [one.journals for one in await chain(book)] == [20]


async def test_a_sealer_waits_for_another_and_seals_what_came_meanwhile(book: AsyncEngine) -> None:
    await posted(book, paid("1"))
    async with book.connect() as first:
        await first.begin()
        assert await seal(first, SIK) == 1
        second = asyncio.create_task(sealed(book))
        await asyncio.sleep(0.1)
        await posted(book, paid("2"))
        assert not second.done()
        await first.commit()
    assert await second == [1]
    assert await faults(book) == [None, None]


async def test_a_worker_seals_every_mutuelle_once_a_minute(book: AsyncEngine) -> None:
    now = datetime.now(UTC)
    assert await seal_due(book, now) == 0
    await posted(book, paid("1"))
    assert await seal_due(book, now) == 1
    await posted(book, paid("2"))
    assert await seal_due(book, now) == 0, "the last block is not a minute old"
    assert await seal_due(book, now + EVERY + timedelta(seconds=5)) == 1
    assert await seal_due(book, now + 3 * EVERY) == 0, "nothing is written where there is nothing"


async def test_a_backlog_is_sealed_in_one_round(book: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    for nth in range(4):
        await posted(book, paid(str(nth)))
    monkeypatch.setattr("ledger.seals.MOST_JOURNALS", 1)
    monkeypatch.setattr("ledger.seals.seal_block.__defaults__", (1,))
    assert await seal_due(book, datetime.now(UTC)) == 4


async def test_the_bytes_of_a_journal_and_of_a_block_are_what_they_always_were(
    book: AsyncEngine, owner: AsyncEngine
) -> None:
    known = journal("known", move(AWA, CONTRIBUTIONS, 6000), move(AWA, CONTRIBUTIONS, 1))
    await posted(book, known)
    async with owner.begin() as db:
        for table in ("journal", "movement", "request"):
            await db.execute(text(f"alter table ledger.{table} disable trigger append_only"))
        await db.execute(
            text("""update ledger.journal set xid = '1000', recorded_at = '2026-11-22 10:00:00.000001+00',
                    reason = 'é', memo = '{"é": "2", "b": "", "a": "1"}', occurred_on = '2026-10-31'""")
        )
        rows = await db.execute(text("select hash from ledger.journal_hashes('SIK', '0', '1001')"))
        hashes = rows.scalar_one()
        block = (
            await db.execute(text("select * from ledger.block_root('SIK', 1, '0', '1001', sha256(''))"))
        ).one()
    assert (block.journals, block.hashes) == (1, hashes)
    assert (hashes.hex(), block.root.hex()) == (KNOWN_HASH, KNOWN_ROOT)
