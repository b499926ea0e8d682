"""Balances, statements and the trial balance: as of any day, each fund alone."""

from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.balances import Balance, balance
from ledger.reports import TrialLine, trial_balance
from ledger.statements import statement, statements
from tests.support.ledger_scene import (
    AWA,
    CONTRIBUTIONS,
    FLOAT,
    MOUSSA,
    SIK,
    TODAY,
    TRANSPORT_CASH,
    TRANSPORT_INCOME,
    YESTERDAY,
    called,
    hold,
    journal,
    mirror,
    move,
    paid,
    posted,
)


async def test_a_statement_tells_what_happened_to_a_household(book: AsyncEngine) -> None:
    wrong = paid("2", amount_minor=500)
    await posted(
        book, called("1"), wrong, mirror("3", wrong), paid("4", effective_on=YESTERDAY), paid("5", MOUSSA)
    )
    async with book.begin() as db:
        entries = await statement(db, SIK, AWA)
    told = [(e.effective_on, e.debit, e.credit, e.counter_account, e.reversed) for e in entries]
    assert told == [
        (YESTERDAY, 0, 2000, FLOAT, False),
        (TODAY, 6000, 0, CONTRIBUTIONS, False),
        (TODAY, 0, 500, FLOAT, True),
        (TODAY, 500, 0, FLOAT, False),
    ]
    assert [e.reverses_id for e in entries] == [None, None, None, wrong.id]
    assert {e.kind for e in entries} == {"receipt"}
    assert all(e.recorded_at.tzinfo for e in entries)


async def test_many_statements_are_one_question(book: AsyncEngine) -> None:
    await posted(book, paid("1"), paid("2", MOUSSA, 700))
    async with book.begin() as db:
        told = await statements(db, SIK, [AWA, MOUSSA, CONTRIBUTIONS])
        assert await statements(db, "ATA", [AWA]) == {AWA: []}
    assert {account: [e.credit for e in entries] for account, entries in told.items()} == {
        AWA: [2000],
        MOUSSA: [700],
        CONTRIBUTIONS: [],
    }


async def test_a_balance_as_of_a_day_counts_that_day(book: AsyncEngine) -> None:
    await posted(book, paid("1", effective_on=YESTERDAY), paid("2"))
    async with book.begin() as db:
        assert await balance(db, SIK, AWA, YESTERDAY) == Balance(0, 2000)
        assert await balance(db, SIK, AWA, TODAY) == Balance(0, 4000)
        assert (await balance(db, SIK, AWA)).net == -4000
        assert await balance(db, SIK, "health:member:1") == Balance(0, 0)


async def test_the_trial_balance_keeps_funds_apart(book: AsyncEngine) -> None:
    fare = journal("2", move(TRANSPORT_CASH, TRANSPORT_INCOME, 300))
    await posted(
        book, called("1"), fare, journal("3", hold(AWA, FLOAT, 50)), paid("4", effective_on=YESTERDAY)
    )
    async with book.begin() as db:
        assert await trial_balance(db) == [
            TrialLine(SIK, "health", CONTRIBUTIONS, "XOF", 0, 6000),
            TrialLine(SIK, "health", FLOAT, "XOF", 2000, 0),
            TrialLine(SIK, "health", AWA, "XOF", 6000, 2000),
            TrialLine(SIK, "transport", TRANSPORT_CASH, "XOF", 300, 0),
            TrialLine(SIK, "transport", TRANSPORT_INCOME, "XOF", 0, 300),
        ]
        assert [line.account for line in await trial_balance(db, SIK, YESTERDAY)] == [FLOAT, AWA]
        assert await trial_balance(db, "ATA") == []
