"""The clock of the ledger: it moves on after a restore, and never where there was none."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.folding import fold
from ledger.seals import seal
from tests.support.ledger_scene import SIK, paid, posted


async def _move(owner: AsyncEngine, above: int = 0) -> int:
    async with owner.begin() as db:
        return int(await db.scalar(text("select ledger.move_clock(:above)"), {"above": above}) or 0)


async def test_on_a_book_that_was_not_restored_nothing_moves(book: AsyncEngine, owner: AsyncEngine) -> None:
    assert await _move(owner) == 0
    await posted(book, paid("a"))
    async with book.begin() as db:
        assert await fold(db, SIK) == 1
        assert await seal(db, SIK) == 1
    assert [await _move(owner) for _ in range(3)] == [0, 0, 0]


async def test_after_a_restore_the_next_tick_comes_after_all(book: AsyncEngine, owner: AsyncEngine) -> None:
    await posted(book, paid("a"))
    shift = await _move(owner, above=10**9)
    assert shift > 10**8
    assert await _move(owner, above=10**9) == shift
    await posted(book, paid("b"))
    async with book.begin() as db:
        assert await fold(db, SIK) == 2
        ticks = list(await db.scalars(text("select xid from ledger.journal order by xid")))
        assert ticks[0] < 10**9 < ticks[1]
        assert await seal(db, SIK) == 2
    assert await _move(owner) == shift
