"""Three lists that agree, and each way in which they do not."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.book import Account, open_accounts
from mutuelle import tables
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.reconciliation import (
    CONTRADICTION,
    LINE_UNBOOKED,
    MOVE_UNSTATED,
    PAYMENT_UNBOOKED,
    PAYMENT_UNSTATED,
    Reconciliation,
    differing,
    reconcile,
)
from tests.support.officer_acts import broken
from tests.support.statements import TODAY, books, journals, kinds, line, open_merchant, taken
from tests.support.town import AWA, MARIAM, NOON, OUMAR, found_town, join, paid

DAY = timedelta(days=1)
PUSH, BANK = "simulated-ML", "bnda"
LATER = NOON + DAY


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    await found_town(pool)
    await open_merchant(pool)
    async with pool.begin() as db:
        codes = (accounts.bank(BANK), accounts.opening(), accounts.suspense(BANK))
        await open_accounts(db, [Account("BEN", code, "XOF") for code in codes])
    return pool


async def compared(pool: AsyncEngine, day: date | None = None) -> Reconciliation:
    async with pool.connect() as db:
        return await reconcile(db, await get_mutuelle(db, "BEN"), LATER, day)


async def found(pool: AsyncEngine, day: date | None = None) -> list[tuple[str, str, int]]:
    """(account, kind, amount) of each difference."""
    return [
        (one.account, one.kind, one.amount.amount_minor) for one in (await compared(pool, day)).differences
    ]


async def test_nothing_differs_where_no_statement_came_and_that_is_said(town: AsyncEngine) -> None:
    await paid(town, await join(town, AWA, at=NOON - DAY), at=NOON)
    whole = await compared(town)
    assert whole.differences == []
    assert whole.waiting == [(BANK, None), ("merchant-BEN", None), (PUSH, None)]


async def test_a_day_on_which_all_three_agree(town: AsyncEngine) -> None:
    home = await join(town, AWA, at=NOON - DAY)
    await paid(town, home, at=NOON)
    async with town.connect() as db:
        ours = await db.scalar(select(tables.payment.c.reference))
    await taken(town, [line(1, 12_000, str(ours)), line(2, -120, "frais")], name=PUSH)
    whole = await compared(town, TODAY)
    assert whole.differences == []
    [row] = whole.days
    assert (row.booked_in_minor, row.booked_out_minor, row.payments_minor) == (12_000, 120, 12_000)
    assert (row.stated_in_minor, row.stated_out_minor, row.is_stated) == (12_000, 120, True)
    assert PUSH not in dict(whole.waiting)


async def test_each_kind_of_difference_is_named_with_its_amount_and_age(town: AsyncEngine) -> None:
    homes = [await join(town, phone, at=NOON - DAY) for phone in (AWA, MARIAM, OUMAR)]
    for home in homes:
        await paid(town, home, at=NOON)
    async with town.connect() as db:
        rows = await db.execute(
            select(tables.payment.c.number, tables.payment.c.reference).order_by(tables.payment.c.number)
        )
        ours = {number: str(reference) for number, reference in rows}
    lines = [
        line(1, 12_000, ours[homes[0].number]),
        line(2, 11_000, ours[homes[1].number]),  # not what the book has; of the third there is none
        line(3, -40_000, "retrait"),
    ]
    await taken(town, lines, name=PUSH)
    assert sorted(await found(town)) == [
        (PUSH, LINE_UNBOOKED, -40_000),
        (PUSH, PAYMENT_UNSTATED, 12_000),
        (PUSH, CONTRADICTION, 11_000),
    ]
    assert await found(town, TODAY) == await found(town)
    assert await found(town, TODAY - DAY) == []
    async with town.connect() as db:
        mutuelle = await get_mutuelle(db, "BEN")
        assert await differing(db, mutuelle, mutuelle.today(LATER)) == (3, 1)


async def test_a_payment_without_a_journal_differs(town: AsyncEngine, owner: AsyncEngine) -> None:
    await paid(town, await join(town, AWA, at=NOON - DAY), at=NOON)
    async with owner.begin() as db:
        await db.execute(text("alter table ledger.request disable trigger user"))
        await db.execute(text("update ledger.request set source = 'other' where source = 'payment'"))
    assert await found(town) == [(PUSH, PAYMENT_UNBOOKED, 12_000)]


async def test_what_a_treasurer_brought_to_the_bank_is_not_booked_again(town: AsyncEngine) -> None:
    await books(town, accounts.bank(BANK), "d1", 50_000, TODAY - 2 * DAY)
    await books(town, accounts.bank(BANK), "w1", 8_000, TODAY, came=False)
    await books(town, accounts.bank(BANK), "d2", 30_000, TODAY - 3 * DAY)
    lines = [
        line(1, 50_000, "versement"),
        line(2, -8_000, "cheque 12"),
        line(3, 700, "qui ?"),
        line(4, 100, on=TODAY - 9 * DAY),
    ]
    done = await taken(town, lines, name=BANK)
    assert await kinds(town) == {"T1": "own", "T2": "debit", "T3": "unmatched", "T4": "unmatched"}
    assert (done.known, done.unmatched, done.debits) == (1, 2, 1)
    assert [amount for _debit, _credit, amount in await journals(town)] == [100, 700]
    assert await found(town) == [(BANK, MOVE_UNSTATED, 30_000)]  # the bank has not got it
    again = [line(1, 50_000, "versement"), line(5, 50_000, "versement")]
    assert (await taken(town, again, name=BANK)).unmatched == 1  # one line shows one movement
    assert await broken(town) == set()


async def test_what_was_booked_after_the_statement_came_is_not_missed_in_it(town: AsyncEngine) -> None:
    await taken(town, [line(1, 700, on=TODAY - DAY), line(2, 800)], name=BANK)
    await books(
        town, accounts.bank(BANK), "late", 30_000, TODAY
    )  # the day goes on after the statement of noon
    assert await found(town) == []
    await books(town, accounts.bank(BANK), "early", 20_000, TODAY - DAY)
    assert await found(town) == [(BANK, MOVE_UNSTATED, 20_000)]


async def test_a_treasurer_may_book_what_the_statement_showed_first(town: AsyncEngine) -> None:
    await taken(town, [line(1, -9_000, "retrait")], name=BANK)
    assert await found(town) == [(BANK, LINE_UNBOOKED, -9_000)]
    await books(town, accounts.bank(BANK), "w", 9_000, TODAY - DAY, came=False)
    assert await found(town) == []
