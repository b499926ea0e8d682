"""Money whose owner is not known is listed, searched and given to its household by two, once, on its own day."""

import asyncio
from datetime import date

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Money
from mobilemoney import operator
from mutuelle import tables
from mutuelle.contributions.payments import PaymentState, move
from mutuelle.contributions.settlement.settle import settle
from mutuelle.cover.rules import CoverState
from mutuelle.households.households import Household
from mutuelle.schedules.digest.digest import balance_now
from mutuelle.support.merging import merge_households
from mutuelle.treasury.unmatched.invariants import INVARIANTS
from mutuelle.treasury.unmatched.matches import match_of
from mutuelle.treasury.unmatched.money import matching
from tests.mutuelle.treasury.statements.test_take_in import OFFICE, stands
from tests.mutuelle.treasury.test_cash import refusal
from tests.mutuelle.treasury.unmatched.test_groups import MUTANTS as OF_GROUPS
from tests.support.officer_acts import broken, calling
from tests.support.officers import FANTA, ISSA
from tests.support.own_accounts import held
from tests.support.statements import SUSPENSE, TODAY, line, taken
from tests.support.town import AWA, MARIAM, NOON, join
from tests.support.unmatched import (
    DAY,
    KNOWN,
    both,
    codes,
    one_wrong_digit,
    proposed,
    signed,
    waits,
)


async def test_money_finds_its_household_by_two_and_covers_from_its_own_day(
    town: AsyncEngine, household: Household
) -> None:
    money = await one_wrong_digit(town)
    assert await proposed(town, match_of(money, household.number, "she has the paper")) is None
    assert (await stands(town, household)).cover.state is CoverState.UNPAID
    assert await signed(town) is None
    now = await stands(town, household)
    assert now.cover.state is CoverState.WAITING
    assert now.cover.from_on == date(2026, 12, 17)  # a month after the day of the money
    assert not now.due.amount_minor
    assert (await waits(town), await held(town, SUSPENSE)) == ([], 0)
    assert len(await codes(town, household)) == 1
    async with town.connect() as db:
        figures = await balance_now(db, calling(FANTA), "BEN")
    assert (figures.received_minor, figures.payers) == (12_000, 1)
    assert await broken(town) == set()
    again = match_of(money, household.number, "she has the paper")
    assert await refusal(proposed(town, again)) == KNOWN


async def test_two_who_sign_at_once_match_it_once(town: AsyncEngine, household: Household) -> None:
    money = await one_wrong_digit(town)
    assert await proposed(town, match_of(money, household.number, "she has the paper")) is None
    done = await asyncio.gather(signed(town), signed(town), return_exceptions=True)
    assert sum(one is None for one in done) == 1
    assert await held(town, household.account) == 0  # 12 000 called, 12 000 received
    assert await broken(town) == set()


async def test_money_for_a_household_that_was_joined_with_another_is_its_heirs(
    town: AsyncEngine, household: Household
) -> None:
    money = await one_wrong_digit(town)
    heir = await join(town, MARIAM, at=NOON - 10 * DAY, cash=True)
    async with town.begin() as db:
        await merge_households(db, household.number, heir.number, OFFICE)
    await both(town, match_of(money, household.number, "she has the paper"))
    assert not (await stands(town, heir)).due.amount_minor
    assert await broken(town) == set()


async def test_nobody_decides_about_her_own_household(town: AsyncEngine) -> None:
    money = await one_wrong_digit(town)
    own = await join(town, FANTA, at=NOON - 10 * DAY, cash=True)
    said = "Nobody decides about the money of her own household. Ask another treasurer."
    assert await refusal(proposed(town, match_of(money, own.number, "mine"))) == said
    assert await proposed(town, match_of(money, own.number, "hers"), by=ISSA) is None
    assert await refusal(signed(town, by=FANTA)) == said


async def test_money_that_an_operators_answer_brought_can_be_matched_and_closes_its_case(
    town: AsyncEngine,
) -> None:
    household = await join(town, AWA, at=NOON - DAY, pay_minor=6_000)
    async with town.begin() as db:
        row = (await db.execute(select(tables.payment))).one()
        key = household.mutuelle_id, row.reference
        await move(db, *key, PaymentState.SENT, by=OFFICE)
        answer = operator.OperatorAnswer(
            operator.Outcome.PAID, 5_000, "XOF", AWA, "T1", NOON
        )  # another amount than was asked
        await settle(db, *key, answer, NOON)
    [money] = await waits(town)
    assert (money.source, money.amount, money.payer) == ("suspense", Money(5_000, "XOF"), AWA)
    await both(town, match_of(money, household.number, "the operator rounded it"))
    assert (await stands(town, household)).due == Money(7_000, "XOF")
    async with town.connect() as db:
        assert list(await db.scalars(select(tables.payment_case.c.closed_at))) == [NOON]
    assert await broken(town) == set()


async def test_it_is_found_by_amount_day_phone_and_reference(town: AsyncEngine) -> None:
    await taken(
        town,
        [
            line(1, 5_000, "pour ma mère", payer="22376000001", on=TODAY - DAY),
            line(2, 7_500, "sans nom", payer="22376000002", on=TODAY - 40 * DAY),
        ],
    )
    found = await waits(town)
    assert [one.amount.amount_minor for one in found] == [7_500, 5_000]
    for sought, amount in (
        ("5000 F", 5_000),
        ("5 000", 5_000),
        (f"{TODAY - 40 * DAY:%d/%m}", 7_500),
        ("76 00 00 02", 7_500),
        ("ma mere", 5_000),
    ):
        assert [one.amount.amount_minor for one in matching(found, sought)] == [amount], sought
    assert matching(found, "9 999") == []


MUTANTS = {
    "decision_was_signed_by_two": (
        "update joint_act set answer = 'refused' where kind = 'money match'",
        "delete from money_decision",
        "update money_decision set outcome = 'moved'",
    ),
    "decision_posted_once": (
        "update money_decision set amount_minor = amount_minor - 1",
        "update money_decision set occurred_on = occurred_on - 1",
        "delete from ledger.request where source = 'decision'",
        "insert into ledger.request select mutuelle_id, source, key || '-again', content_hash, verdict,"
        " gen_random_uuid() from ledger.request where source = 'decision'",  # money matched twice
    ),
    "suspense_is_unmatched_money": (
        "delete from money_decision",
        "update ledger.movement set amount = amount + 1 where debit_account like '%suspense%'",
    ),
    "decision_receipt_was_told": ("delete from sms_outbox where template = 'receipt'",),
}


def test_every_invariant_has_a_mutant() -> None:
    assert set(MUTANTS) | set(OF_GROUPS) == {invariant.name for invariant in INVARIANTS}


@pytest.mark.parametrize(
    ("name", "mutant"),
    [(name, one) for name, many in MUTANTS.items() for one in many],
)
async def test_each_invariant_is_broken_by_its_mutants(
    town: AsyncEngine, household: Household, owner: AsyncEngine, name: str, mutant: str
) -> None:
    money = await one_wrong_digit(town)
    await both(town, match_of(money, household.number, "she has the paper"))
    async with owner.begin() as db:
        for table in ("journal", "movement", "request"):
            await db.execute(text(f"alter table ledger.{table} disable trigger user"))
        await db.execute(text(mutant))
    assert name in {one.split(":")[0] for one in await broken(town)}
