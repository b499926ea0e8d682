"""Statements: whole and page by page, with the balance that each page begins with."""

import itertools
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.balances import Balance, balance
from ledger.book import Journal
from ledger.folding import fold
from ledger.statements import DayRange, Entry, statement, statement_page
from tests.support.ledger_scene import AWA, FLOAT, SIK, TODAY, YESTERDAY, called, mirror, paid, posted


async def _lived(book: AsyncEngine) -> None:
    await posted(book, called("c"), *(paid(f"p{nth}", amount_minor=100 + nth) for nth in range(7)))
    await posted(book, *(paid(f"y{nth}", amount_minor=10, effective_on=YESTERDAY) for nth in range(5)))
    await posted(book, mirror("r", paid("p3", amount_minor=103)))


async def _paged(db: AsyncConnection, account: str, size: int) -> tuple[list[Entry], list[Balance]]:
    entries: list[Entry] = []
    openings: list[Balance] = []
    page = await statement_page(db, SIK, account, size=size)
    for _ in range(50):
        entries += page.entries
        openings.append(page.opening)
        assert len(page.entries) <= size
        if page.next is None:
            return entries, openings
        page = await statement_page(db, SIK, account, after=page.next, size=size)
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("account", [AWA, FLOAT])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_the_pages_are_the_whole_statement(book: AsyncEngine, account: str, size: int) -> None:
    await _lived(book)
    async with book.connect() as db:
        whole = await statement(db, SIK, account)
        entries, openings = await _paged(db, account, size)
    assert entries == whole
    assert len(whole) >= 13
    sums = [Balance(0, 0)]
    for entry in whole:
        sums.append(Balance(sums[-1].debits + entry.debit, sums[-1].credits + entry.credit))
    assert openings == sums[:-1][::size]


async def test_a_statement_from_a_day_begins_with_the_balance_of_the_day_before(book: AsyncEngine) -> None:
    await _lived(book)
    for folded in (False, True):
        async with book.begin() as db:
            if folded:
                await fold(db, SIK)
            page = await statement_page(db, SIK, FLOAT, DayRange(TODAY))
            older = await statement_page(db, SIK, FLOAT, DayRange(last_on=YESTERDAY))
            assert page.opening == await balance(db, SIK, FLOAT, YESTERDAY) == Balance(50, 0)
        assert {entry.effective_on for entry in page.entries} == {TODAY}
        assert [entry.debit for entry in older.entries] == [10] * 5


async def test_a_transaction_s_journals_stand_in_the_order_in_which_they_were_posted(
    book: AsyncEngine,
) -> None:
    journals: list[Journal] = []
    for nth in range(20):
        journals += [called(f"c{nth}", amount_minor=nth + 1), paid(f"p{nth}", amount_minor=nth + 1)]
    await posted(book, *journals)
    async with book.connect() as db:
        entries, _openings = await _paged(db, AWA, 7)
    assert [entry.journal_id for entry in entries] == [journal.id for journal in journals]
    assert all(a.recorded_at < b.recorded_at for a, b in itertools.pairwise(entries))


async def test_the_bounds_of_a_page_are_checked(book: AsyncEngine) -> None:
    async with book.connect() as db:
        for size in (0, 1001):
            with pytest.raises(ValueError, match="from 1 to 1000"):
                await statement_page(db, SIK, AWA, size=size)
        nothing = await statement_page(db, SIK, AWA, DayRange(TODAY + timedelta(days=5)))
    assert (nothing.opening, nothing.entries, nothing.next) == (Balance(0, 0), (), None)
