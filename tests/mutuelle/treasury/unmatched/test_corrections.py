"""A receipt of another household, money that an operator took back, a failed payment that was paid: right by two."""

from datetime import date

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.book import Account, open_accounts
from mutuelle import tables
from mutuelle.contributions.payments import PaymentState
from mutuelle.cover.rules import CoverState
from mutuelle.households.households import Household
from mutuelle.treasury.unmatched.corrections import correction_of, failed_payments, money_of_receipt
from mutuelle.treasury.unmatched.decisions import MoneyOutcome
from mutuelle.treasury.unmatched.matches import match_of
from mutuelle.treasury.voucher_kinds import VoucherKind
from tests.mutuelle.treasury.statements.test_take_in import sent, stands
from tests.mutuelle.treasury.test_cash import refusal
from tests.support.officer_acts import broken, calling, templates
from tests.support.officers import FANTA
from tests.support.own_accounts import held
from tests.support.statements import FLOAT, SUSPENSE, TODAY, line, taken
from tests.support.town import AWA, MARIAM, NOON, join, paid
from tests.support.unmatched import (
    DAY,
    GONE,
    both,
    codes,
    differences,
    fanta,
    one_wrong_digit,
    proposed,
    voucher,
    waits,
)


async def test_a_receipt_of_another_household_is_moved_with_its_day(
    town: AsyncEngine, household: Household
) -> None:
    other = await join(town, MARIAM, at=NOON - 10 * DAY, cash=True)
    await taken(town, [line(1, 12_000, household.number, payer="76 00 00 55", on=TODAY - 5 * DAY)])
    [code] = await codes(town, household)
    async with town.connect() as db:
        money = await money_of_receipt(db, await fanta(town), code)
    await both(
        town, correction_of(MoneyOutcome.MOVED, money, "she typed her neighbour's number", other.number)
    )
    before, after = await stands(town, household), await stands(town, other)
    assert (before.cover.state, before.due.amount_minor) == (CoverState.UNPAID, 12_000)
    assert (await templates(town, "+22376000055"))[-1] == "receipt cancelled", (
        "the payer has that receipt too"
    )
    assert (after.cover.from_on, after.due.amount_minor) == (date(2026, 12, 17), 0)
    assert await held(town, FLOAT) == 62_000
    assert (await codes(town, household), len(await codes(town, other))) == ([], 1)
    assert await broken(town) == set()
    back = correction_of(MoneyOutcome.MOVED, money, "once more", other.number)
    assert await refusal(proposed(town, back)) == GONE
    [moved_code] = await codes(town, other)  # what was moved can be set right again
    async with town.connect() as db:
        moved = await money_of_receipt(db, await fanta(town), moved_code)
    await both(town, correction_of(MoneyOutcome.MOVED, moved, "it was hers after all", household.number))
    assert not (await stands(town, household)).due.amount_minor
    assert await broken(town) == set()


async def test_money_that_was_moved_never_left_its_account(town: AsyncEngine, household: Household) -> None:
    """A new line of the same sum is new money, and the statement still agrees with the book."""
    other = await join(town, MARIAM, at=NOON - 10 * DAY, cash=True)
    await taken(town, [line(1, 6_000, household.number, on=TODAY - 5 * DAY)])
    async with town.connect() as db:
        money = await money_of_receipt(db, await fanta(town), (await codes(town, household))[0])
    await both(town, correction_of(MoneyOutcome.MOVED, money, "her neighbour's", other.number))
    assert await differences(town) == []
    done = await taken(
        town, [line(2, 6_000, "sans nom", on=TODAY - 4 * DAY), line(3, 700, on=TODAY - 6 * DAY)]
    )
    assert done.unmatched == 2
    assert await differences(town) == []
    assert await broken(town) == set()


async def test_what_goes_back_by_the_operator_meets_its_line(town: AsyncEngine, household: Household) -> None:
    """Given back by a voucher, or taken back by the operator: the line of the statement shows it."""
    money = await one_wrong_digit(town, minor=3_000)
    await both(town, await voucher(town, VoucherKind.RETURNED, money))
    await taken(town, [line(2, 5_000, household.number, on=TODAY - DAY)])
    async with town.connect() as db:
        wrong = await money_of_receipt(db, await fanta(town), (await codes(town, household))[0])
    await both(town, correction_of(MoneyOutcome.TAKEN_BACK, wrong, "the operator's letter"))
    await taken(town, [line(3, -3_000, "retour"), line(4, -5_000, "annulation")])
    assert await differences(town) == []
    assert await held(town, FLOAT) == 50_000


async def test_a_payment_by_phone_that_is_moved_stays_paid_and_is_the_other_households(
    town: AsyncEngine,
) -> None:
    household = await join(town, AWA, at=NOON - DAY, pay_minor=12_000)
    await paid(town, household, at=NOON)
    other = await join(town, MARIAM, at=NOON - 10 * DAY, cash=True)
    async with town.connect() as db:
        money = await money_of_receipt(db, await fanta(town), (await codes(town, household))[0])
    await both(town, correction_of(MoneyOutcome.MOVED, money, "her neighbour's", other.number))
    assert (await codes(town, household), len(await codes(town, other))) == ([], 1)
    async with town.connect() as db:
        assert await db.scalar(select(tables.payment.c.state)) == PaymentState.PAID
    assert await broken(town) == set()


async def test_what_an_operator_takes_back_is_reversed(town: AsyncEngine) -> None:
    household = await join(town, AWA, at=NOON - DAY, pay_minor=12_000)
    await paid(town, household, at=NOON)
    [code] = await codes(town, household)
    async with town.connect() as db:
        money = await money_of_receipt(db, await fanta(town), code)
    await both(town, correction_of(MoneyOutcome.TAKEN_BACK, money, "the operator's letter of today"))
    now = await stands(town, household)
    assert (now.cover.state, now.due.amount_minor) == (CoverState.UNPAID, 12_000)
    async with town.connect() as db:
        state = await db.scalar(select(tables.payment.c.state))
        reasons = set(
            await db.scalars(text("select reason from ledger.journal where reverses_id is not null"))
        )
    assert (state, reasons) == (PaymentState.REVERSED, {"the operator's letter of today"})
    assert await codes(town, household) == []
    assert await broken(town) == set()


@pytest.mark.parametrize("moves", [0, 1])
async def test_matched_money_that_its_operator_takes_back_leaves_the_account(
    town: AsyncEngine, household: Household, moves: int
) -> None:
    money, whose = await one_wrong_digit(town, minor=7_000), household
    await both(town, match_of(money, household.number, "she has the paper"))
    if moves:
        whose = await join(town, MARIAM, at=NOON - 10 * DAY, cash=True)
        async with town.connect() as db:
            wrong = await money_of_receipt(db, await fanta(town), (await codes(town, household))[0])
        await both(town, correction_of(MoneyOutcome.MOVED, wrong, "her neighbour's", whose.number))
    async with town.connect() as db:
        receipt = await money_of_receipt(db, await fanta(town), (await codes(town, whose))[0])
    await both(town, correction_of(MoneyOutcome.TAKEN_BACK, receipt, "the operator's letter"))
    assert (await held(town, FLOAT), await held(town, SUSPENSE), await waits(town)) == (50_000, 0, [])
    assert (await stands(town, whose)).due.amount_minor == 12_000
    assert await broken(town) == set()
    await taken(town, [line(2, -7_000, "annulation"), line(3, 100, on=TODAY - 6 * DAY)])
    assert await differences(town) == []


async def test_what_had_failed_and_was_paid_is_posted_as_an_answer_would_have(town: AsyncEngine) -> None:
    household = await join(town, AWA, at=NOON - 2 * DAY, pay_minor=12_000)
    await sent(town, household, PaymentState.FAILED)
    async with town.connect() as db:
        [money] = await failed_payments(db, calling(FANTA), await fanta(town), household.number)
    await both(town, correction_of(MoneyOutcome.PAID, money, "her statement shows it"))
    assert not (await stands(town, household)).due.amount_minor
    async with town.connect() as db:
        assert await db.scalar(select(tables.payment.c.state)) == PaymentState.PAID
        assert await failed_payments(db, calling(FANTA), await fanta(town), household.number) == []
    assert await codes(town, household) == [money.code]
    assert await broken(town) == set()
    correction = correction_of(MoneyOutcome.PAID, money, "twice")
    assert await refusal(proposed(town, correction)) == GONE
    async with town.connect() as db:  # and it can be taken back afterwards
        again = await money_of_receipt(db, await fanta(town), money.code)
    await both(town, correction_of(MoneyOutcome.TAKEN_BACK, again, "the operator's letter"))
    assert await broken(town) == set()


async def test_a_failed_payment_that_a_statement_shows_is_matched_and_not_posted_twice(
    town: AsyncEngine,
) -> None:
    household = await join(town, AWA, at=NOON - 2 * DAY, pay_minor=12_000)
    reference = await sent(town, household, PaymentState.FAILED)
    async with town.connect() as db:
        [money] = await failed_payments(db, calling(FANTA), await fanta(town), household.number)
    async with town.begin() as db:
        await open_accounts(db, [Account("BEN", accounts.suspense("simulated-ML"), "XOF")])
    await taken(town, [line(1, 12_000, reference)], name="simulated-ML")
    assert (
        await refusal(proposed(town, correction_of(MoneyOutcome.PAID, money, "her statement shows it")))
        == GONE
    )
    [found] = await waits(town)
    await both(town, match_of(found, household.number, "her statement shows it"))
    assert (await stands(town, household)).credit.amount_minor == 0
    assert await held(town, accounts.collections("simulated-ML")) == 12_000
    assert await broken(town) == set()
