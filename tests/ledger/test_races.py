"""Posting at the same time: whatever two connections do, one key makes one journal."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.accounts import cash
from ledger.balances import balance
from ledger.book import Account, Journal, Origin, Phase, open_accounts, post
from ledger.folding import fold
from ledger.periods import close_period, closed_through, period_acts, period_totals
from ledger.reservations import held
from ledger.statements import statement
from tests.support.ledger_horizon import settled
from tests.support.ledger_scene import (
    AWA,
    CONTRIBUTIONS,
    FLOAT,
    SIK,
    TODAY,
    YESTERDAY,
    count,
    hold,
    journal,
    mirror,
    move,
    paid,
    posted,
    resolve,
    verdicts,
)
from tests.support.patience import PATIENCE_S

OVERLAP_S = 0.1
TILL, OTHER_TILL = cash("office"), cash("market")
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


async def open_tills(book: AsyncEngine, each_minor: int) -> None:
    """Two accounts that may not go below zero, with something in each."""
    async with book.begin() as db:
        await open_accounts(db, [Account(SIK, till, "XOF") for till in (TILL, OTHER_TILL)])
        await post(
            db,
            [
                journal(f"funding {till}", move(till, CONTRIBUTIONS, each_minor))
                for till in (TILL, OTHER_TILL)
            ],
        )


def spend(key: str, till: str, amount_minor: int) -> Journal:
    return journal(key, move(FLOAT, till, amount_minor))


def state_of(fault: DBAPIError) -> str | None:
    state: str | None = getattr(fault.orig, "sqlstate", None)
    return state


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


async def test_two_spend_the_same_money_and_one_is_refused(book: AsyncEngine) -> None:
    await open_tills(book, 1000)
    assert await race(book, spend("a", TILL, 700), spend("b", TILL, 700)) == [
        "created",
        "refused: balance_too_low",
    ]
    assert await race(book, spend("c", TILL, 300), spend("d", TILL, 300), commit=False) == [
        "created",
        "created",
    ]


async def test_what_is_reserved_meanwhile_cannot_be_spent(book: AsyncEngine) -> None:
    await open_tills(book, 1000)
    reserved = journal("held", hold(FLOAT, TILL, 700))
    assert await race(book, reserved, spend("a", TILL, 400)) == ["created", "refused: balance_too_low"]
    freed = journal("freed", resolve(Phase.VOID, hold(FLOAT, TILL, 700), reserved.id))
    assert await race(book, freed, spend("b", TILL, 400)) == ["created", "created"]
    async with book.begin() as db:
        assert (await held(db, SIK, TILL)).credits == 0
        assert (await balance(db, SIK, TILL)).net == 600


async def test_a_close_waits_for_who_posts_and_who_comes_later_is_late(book: AsyncEngine) -> None:
    said = {"source": "period", "key": "close", "actor": "treasurer", "reason": "end of the month"}

    async def closed() -> str:
        async with book.begin() as db:
            return (await close_period(db, SIK, YESTERDAY, Origin(**said))).verdict

    async with book.connect() as holder:
        await post(holder, [paid("before", effective_on=YESTERDAY)])
        close = asyncio.create_task(closed())
        await waiting(book)
        assert not close.done()
        await holder.commit()
        assert await close == "created"
    await posted(book, paid("late", effective_on=YESTERDAY))
    async with book.begin() as db:
        assert await closed_through(db, SIK) == YESTERDAY
        entries = await statement(db, SIK, AWA)
        assert [entry.occurred_on for entry in entries] == [YESTERDAY, YESTERDAY]
        assert [entry.effective_on > YESTERDAY for entry in entries] == [False, True]
        [act] = await period_acts(db, SIK)
        [total] = [t for t in await period_totals(db, SIK, act.journal_id) if t.account == FLOAT]
        assert total.cum_debits == (await balance(db, SIK, FLOAT, YESTERDAY)).debits == 2000


async def test_a_close_gets_its_turn_among_writers_who_never_pause(book: AsyncEngine) -> None:
    """Their transactions overlap all the time; the close stands in one queue with them."""
    closed = asyncio.Event()

    async def writer(name: str) -> None:
        posted_by_me = 0
        while not closed.is_set():
            async with book.begin() as db:
                await post(db, [paid(f"{name} {posted_by_me}")])
                await asyncio.sleep(OVERLAP_S)
            posted_by_me += 1

    async def close() -> str:
        await asyncio.sleep(3 * OVERLAP_S)
        async with book.begin() as db:
            told = await close_period(
                db, SIK, YESTERDAY, Origin(source="period", key="close", actor="treasurer", reason="month")
            )
        closed.set()
        return told.verdict

    async with asyncio.timeout(PATIENCE_S):
        [verdict, *_] = await asyncio.gather(close(), *(writer(name) for name in "abcdefgh"))
    assert verdict == "created"


async def test_a_deadlock_is_no_refusal(book: AsyncEngine) -> None:
    """Two callers post in opposite order, each in one transaction: one is thrown out, and is right the next time."""
    async with book.connect() as first, book.connect() as second:
        await post(first, [paid("a")])
        await post(second, [paid("b")])
        crossing = [
            asyncio.create_task(post(first, [paid("b")])),
            asyncio.create_task(post(second, [paid("a")])),
        ]
        faults = await asyncio.gather(*crossing, return_exceptions=True)
        assert sum(isinstance(fault, DBAPIError) and state_of(fault) == "40P01" for fault in faults) == 1
        for db, fault in zip((first, second), faults, strict=True):
            await (db.rollback() if isinstance(fault, BaseException) else db.commit())
    assert verdicts(await posted(book, paid("a"), paid("b"))) == ["exists", "exists"]
    async with book.begin() as db:
        assert await count(db, "journal") == await count(db, "request") == 2


async def test_runs_that_embrace_are_thrown_out_and_tried_again(book: AsyncEngine) -> None:
    """A call spends its keys run by run; with a limited account between, two calls can wait for each other."""
    await open_tills(book, 1000)
    thrown_out = []

    async def until_told(*batch: Journal) -> list[str]:
        while True:
            try:
                return verdicts(await posted(book, *batch))
            except DBAPIError as fault:
                thrown_out.append(state_of(fault))

    async with book.connect() as holder:
        await post(holder, [paid("a")])  # the first call stops after its first run
        up = asyncio.create_task(until_told(paid("y"), spend("a", TILL, 1), paid("z")))
        await waiting(book, 1)
        down = asyncio.create_task(until_told(paid("z"), spend("b", OTHER_TILL, 1), paid("y")))
        await waiting(book, 2)
        await holder.rollback()
        told = [*await up, *await down]
    assert thrown_out == ["40P01"]
    assert sorted(told) == ["created"] * 4 + ["exists"] * 2


async def test_a_serialization_failure_is_no_refusal(book: AsyncEngine) -> None:
    """A caller that insists on an old snapshot is thrown out; it is not told that the money is short."""
    await open_tills(book, 1000)
    async with book.connect() as old:
        await old.execute(text("set transaction isolation level repeatable read"))
        assert (await balance(old, SIK, TILL)).net == 1000
        await posted(book, spend("a", TILL, 200))
        with pytest.raises(DBAPIError) as thrown:
            await post(old, [spend("b", TILL, 700)])
        assert state_of(thrown.value) == "40001"
    assert verdicts(await posted(book, spend("b", TILL, 700))) == ["created"]


async def test_a_fold_beside_a_late_commit_leaves_it_for_the_next(book: AsyncEngine) -> None:
    """The horizon stops at the oldest transaction, whatever has committed after it."""
    async with book.connect() as slow:
        await post(slow, [paid("slow")])
        await posted(book, paid("quick"))
        async with book.begin() as db:
            assert await fold(db, SIK) == 0
            assert (await balance(db, SIK, FLOAT)).debits == 2000
        await slow.commit()
    await settled(book)
    async with book.begin() as db:
        assert await fold(db, SIK) == 2
        assert await fold(db, SIK) == 0
        assert (await balance(db, SIK, FLOAT, TODAY)).debits == 4000


async def test_two_folds_at_once_fold_once(book: AsyncEngine) -> None:
    await posted(book, *(paid(str(n)) for n in range(20)))
    await settled(book)

    async def folded() -> int:
        async with book.begin() as db:
            return await fold(db, SIK)

    assert sorted(await asyncio.gather(folded(), folded(), folded())) == [0, 0, 20]
    async with book.begin() as db:
        assert (await balance(db, SIK, FLOAT)).debits == 40_000
