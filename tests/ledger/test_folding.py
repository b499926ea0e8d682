"""The fold: day rows are exactly what was posted, whenever it ran, and no answer depends on it."""

import asyncio
from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from invariants import examine
from ledger.balances import Balance, balance, balance_as_known
from ledger.book import post
from ledger.folding import catch_up, fold, fold_all
from ledger.invariants.book import INVARIANTS
from tests.support.ledger_scene import AWA, CONTRIBUTIONS, FLOAT, SIK, TODAY, called, paid, posted
from tests.support.patience import PATIENCE_S

DAYS = [TODAY - timedelta(days=back) for back in (0, 3, 1, 3, 10, 0, 2, 10)]


async def _as_of(db: AsyncConnection) -> list[tuple[Balance, ...]]:
    days = [TODAY - timedelta(days=back) for back in range(12)]
    accounts = (FLOAT, CONTRIBUTIONS, AWA, "health:member")
    return [tuple([await balance(db, SIK, account, day) for account in accounts]) for day in days]


async def _broken(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        return [f.invariant.name for f in await examine(db, INVARIANTS) if not f.holds]


async def test_balances_as_of_a_day_do_not_depend_on_the_fold(book: AsyncEngine) -> None:
    for nth, day in enumerate(DAYS):
        await posted(
            book, called(f"c{nth}", amount_minor=7), paid(f"p{nth}", amount_minor=10**nth, effective_on=day)
        )
        async with book.begin() as db:
            before = await _as_of(db)
            if nth % 3 == 2:
                await fold(db, SIK)
            assert await _as_of(db) == before
    async with book.begin() as db:
        before = await _as_of(db)
        while await fold(db, SIK, 1):
            pass
        assert await _as_of(db) == before
        assert await balance(db, SIK, FLOAT, TODAY - timedelta(days=3)) == Balance(
            10**7 + 10**4 + 10**3 + 10, 0
        )
        assert await balance(db, SIK, FLOAT, date(2026, 1, 1)) == Balance(0, 0)
    assert await _broken(book) == []


async def test_a_journal_that_commits_late_is_folded_too(book: AsyncEngine) -> None:
    """What a watermark over ids or times would lose: an older transaction that commits after a newer one."""
    async with book.connect() as slow:
        began = await slow.begin()
        await post(slow, [paid("slow", amount_minor=1)])
        await posted(book, paid("quick", amount_minor=10))
        async with book.begin() as db:
            assert await fold(db, SIK) == 0  # the horizon waits
            assert (await balance(db, SIK, FLOAT)).net == 10
        await began.commit()
    async with book.begin() as db:
        assert await fold(db, SIK) == 2
        assert (await balance(db, SIK, FLOAT)).net == 11
    assert await _broken(book) == []


async def test_the_barrier_waits_for_what_is_under_way(book: AsyncEngine) -> None:
    async with book.connect() as slow:
        began = await slow.begin()
        await post(slow, [paid("slow")])
        await posted(book, paid("quick"))
        assert not await catch_up(book, SIK, within_s=0.3)
        waiting = asyncio.create_task(catch_up(book, SIK))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await began.commit()
    assert await asyncio.wait_for(waiting, PATIENCE_S)
    async with book.connect() as db:
        unfolded = "select count(*) from ledger.journal j join ledger.fold f using (mutuelle_id) where j.xid >= f.upto"
        assert await db.scalar(text(unfolded)) == 0


async def test_folding_and_posting_at_once_loses_nothing(book: AsyncEngine) -> None:
    async def write(writer: int) -> None:
        for nth in range(15):
            await posted(book, paid(f"{writer}-{nth}", amount_minor=1, effective_on=DAYS[nth % len(DAYS)]))

    folded: list[int] = []

    async def keep_folding() -> None:
        for _round in range(40):
            folded.append(await fold_all(book))

    await asyncio.gather(*(write(n) for n in range(4)), keep_folding(), keep_folding())
    assert await catch_up(book, SIK)
    in_days = text("select sum(debits) from ledger.account_day where account = :account")
    async with book.connect() as db:
        assert (await balance(db, SIK, FLOAT)).net == 60
        assert await db.scalar(in_days, {"account": FLOAT}) == 60
    assert 0 < sum(folded) <= 60
    assert await _broken(book) == []


async def test_a_transaction_is_never_split(book: AsyncEngine) -> None:
    await posted(book, *(paid(f"a{nth}", amount_minor=1) for nth in range(5)))
    await posted(book, paid("b", amount_minor=1))
    async with book.begin() as db:
        assert await fold(db, SIK, 2) == 5
    async with book.begin() as db:
        assert await fold(db, SIK, 2) == 1
        assert await fold(db, SIK, 2) == 0


async def test_what_was_known_before_a_tick(book: AsyncEngine) -> None:
    ticks = []
    for nth in range(4):
        async with book.connect() as db:
            ticks.append(int(await db.scalar(text("select ledger.horizon()")) or 0))
        await posted(book, called(f"c{nth}"), paid(f"p{nth}", amount_minor=10**nth, effective_on=DAYS[nth]))
        async with book.begin() as db:
            await fold(db, SIK)
    async with book.connect() as db:
        known = [(await balance_as_known(db, SIK, FLOAT, tick)).net for tick in ticks]
        members = [(await balance_as_known(db, SIK, "health:member", tick)).credits for tick in ticks]
        old = await balance_as_known(db, SIK, AWA, ticks[3], TODAY - timedelta(days=1))
    assert known == members == [0, 1, 11, 111]
    assert old == Balance(0, 110)


async def test_what_was_known_does_not_waver_while_others_post(book: AsyncEngine) -> None:
    await posted(book, called("c"), paid("p", amount_minor=70))
    async with book.connect() as db:
        tick = int(await db.scalar(text("select ledger.horizon()")) or 0)
    known = set()

    async def ask() -> None:
        for _again in range(60):
            async with book.connect() as db:
                known.add((await balance_as_known(db, SIK, FLOAT, tick)).net)

    async def write() -> None:
        for nth in range(60):
            await posted(book, paid(f"w{nth}", amount_minor=1))

    await asyncio.gather(ask(), ask(), write())
    assert known == {70}


async def test_an_account_that_nobody_folds_cannot_be_opened(owner: AsyncEngine) -> None:
    with pytest.raises(DBAPIError, match="account_folded_by_fkey"):
        async with owner.begin() as db:
            await db.execute(
                text(
                    "insert into ledger.account (mutuelle_id, code, fund, kind, currency, keeping)"
                    " values ('NEW', 'health:float:x', 'health', 'float', 'XOF', 'folded')"
                )
            )
