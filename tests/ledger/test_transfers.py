"""Transfers between funds: each fund balances alone, and what one is owed is what the other owes."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.balances import balance
from ledger.book import Origin, Voucher, reverse
from ledger.reports import trial_balance
from ledger.reservations import Held, expire_due, held, reserve, settle_reservation, void
from ledger.transfers import Transfer, transfer
from tests.support.ledger_scene import (
    FLOAT,
    SIK,
    TODAY,
    TRANSPORT_BANK,
    TRANSPORT_CASH,
    TRANSPORT_INCOME,
    journal,
    move,
    posted,
    verdicts,
)

LEND = Transfer(FLOAT, TRANSPORT_BANK, 700, "XOF")
OWED = accounts.interfund(accounts.TRANSPORT)
OWES = accounts.interfund(accounts.HEALTH, accounts.TRANSPORT)


def voucher(key: str) -> Voucher:
    return Voucher(SIK, "transfer", key, "transfer", TODAY, "treasurer", "agreed by two")


async def test_a_transfer_leaves_a_debt_between_the_funds(book: AsyncEngine) -> None:
    async with book.begin() as db:
        answer = await transfer(db, voucher("a"), LEND)
        assert verdicts([answer]) == ["created"]
        nets = [(await balance(db, SIK, code)).net for code in (FLOAT, OWED, TRANSPORT_BANK, OWES)]
        assert nets == [-700, 700, 700, -700]
        sums: dict[str, int] = {}
        for line in await trial_balance(db, SIK):
            sums[line.fund] = sums.get(line.fund, 0) + line.debit - line.credit
        assert sums == {"health": 0, "transport": 0}


async def test_a_transfer_is_paid_back_by_another_or_reversed(book: AsyncEngine) -> None:
    async with book.begin() as db:
        lent = await transfer(db, voucher("a"), LEND)
        back = await transfer(db, voucher("b"), Transfer(TRANSPORT_BANK, FLOAT, 200, "XOF"))
        assert back.stands
        assert (await balance(db, SIK, OWED)).net == 500
        assert lent.journal_id
        said = {"source": "t", "key": "r", "actor": "treasurer", "reason": "error"}
        assert (await reverse(db, SIK, lent.journal_id, TODAY, Origin(**said))).stands
        assert (await balance(db, SIK, OWED)).net == -200


async def test_half_a_transfer_is_refused(book: AsyncEngine) -> None:
    async with book.begin() as db:
        await transfer(db, voucher("a"), LEND)
    gives, takes = LEND.movements()
    other = [move(OWED, FLOAT, 701), takes]
    swapped = [gives, move(OWES, TRANSPORT_BANK, 700)]
    answers = await posted(
        book, journal("x", gives), journal("y", takes), journal("z", *other), journal("w", *swapped)
    )
    assert verdicts(answers) == ["refused: interfund_unpaired"] * 4


async def test_a_fund_cannot_give_cash_that_it_has_not(book: AsyncEngine) -> None:
    order = Transfer(TRANSPORT_CASH, FLOAT, 700, "XOF")
    async with book.begin() as db:
        assert verdicts([await transfer(db, voucher("a"), order)]) == ["refused: balance_too_low"]
    await posted(book, journal("e", move(TRANSPORT_CASH, TRANSPORT_INCOME, 700)))
    async with book.begin() as db:
        assert verdicts([await transfer(db, voucher("b"), order)]) == ["created"]


@pytest.mark.parametrize("deadline", [None, datetime(2026, 1, 1, tzinfo=UTC)])
async def test_a_reserved_transfer_moves_whole_or_is_freed_half_by_half(
    book: AsyncEngine, deadline: datetime | None
) -> None:
    async with book.begin() as db:
        await transfer(db, voucher("a"), LEND)
        posted, halves = await reserve(db, voucher("hold"), LEND.movements(), deadline)
        assert posted.stands
        half = await settle_reservation(db, voucher("half"), halves[0])
        assert half.reason == ("interfund_unpaired" if deadline is None else "pending_expired")
        if deadline is None:
            assert [(await void(db, voucher(f"v{nth}"), one)).stands for nth, one in enumerate(halves)] == [
                True
            ] * 2
    assert await expire_due(book, TODAY) == (2 if deadline else 0)
    async with book.begin() as db:
        assert await held(db, SIK, FLOAT) == Held(0, 0)
        assert (await balance(db, SIK, OWED)).net == 700


def test_a_transfer_joins_two_funds() -> None:
    with pytest.raises(ValueError, match="one fund"):
        Transfer(TRANSPORT_BANK, TRANSPORT_CASH, 1, "XOF")
