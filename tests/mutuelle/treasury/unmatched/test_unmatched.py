"""Money whose owner is not known, and receipts that were wrong: set right by two, once, on the day of the money."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.balances import balance
from ledger.book import Account, open_accounts
from locales import Money, Sentence
from mobilemoney import operator
from mutuelle import tables
from mutuelle.contributions.payments import PaymentState, move
from mutuelle.contributions.settlement.settle import settle
from mutuelle.cover.rules import CoverState
from mutuelle.households.households import Household
from mutuelle.officers.joint_acts import APPROVED, NewJointAct, acts_to_sign, answer_act, propose
from mutuelle.officers.roles import Appointment, Role, appointment_of
from mutuelle.schedules.digest.digest import balance_now
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.support.merging import merge_households
from mutuelle.treasury.past_receipts import last_receipts
from mutuelle.treasury.reconciliation import reconcile
from mutuelle.treasury.unmatched.corrections import correction_of, failed_payments, money_of_receipt
from mutuelle.treasury.unmatched.decisions import MoneyOutcome
from mutuelle.treasury.unmatched.invariants import INVARIANTS
from mutuelle.treasury.unmatched.kept import KEPT_AFTER_DAYS
from mutuelle.treasury.unmatched.matches import match_of
from mutuelle.treasury.unmatched.money import Unmatched, matching, unmatched_money
from mutuelle.treasury.voucher_acts import proposal_of
from mutuelle.treasury.voucher_kinds import NewVoucher, NumberedVoucher, VoucherKind, income_of, transit_of
from mutuelle.treasury.voucher_reads import last_vouchers
from talk.answers import Secret
from tests.mutuelle.treasury.statements.test_take_in import OFFICE, sent, stands
from tests.mutuelle.treasury.test_cash import refusal
from tests.support.officer_acts import AGREED, broken, calling, templates
from tests.support.officers import FANTA, ISSA, PIN, give_pin
from tests.support.own_accounts import opens
from tests.support.statements import FLOAT, NAME, SUSPENSE, TODAY, line, open_merchant, take_lines, taken
from tests.support.town import AWA, MARIAM, NOON, found_town, join, paid
from tests.support.treasury import proposes_it, takes_back, written, xof

DAY = timedelta(days=1)
GONE = "This money is not there any more. Please look again."
KNOWN = "The owner of this money is known by now."
STATED_FIRST = "The statement shows {amount} of {day} without an owner already"
DECIDED_ONCE = "This was money without an owner: two decided about it, once."


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    await found_town(pool)
    await open_merchant(pool)
    await opens(pool, FLOAT, 50_000)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    return pool


@pytest.fixture
async def household(town: AsyncEngine) -> Household:
    return await join(town, AWA, at=NOON - 10 * DAY, cash=True)


async def waits(pool: AsyncEngine) -> list[Unmatched]:
    async with pool.connect() as db:
        return await unmatched_money(db, "BEN")


async def one_wrong_digit(pool: AsyncEngine, minor: int = 12_000, on: date = TODAY - 5 * DAY) -> Unmatched:
    """Money that came with a number which nobody has."""
    done = await taken(pool, [line(1, minor, "cotisation 199000011", payer="22376000001", on=on)])
    assert done.unmatched == 1
    [money] = await waits(pool)
    return money


async def proposed(pool: AsyncEngine, act: NewJointAct, by: str = FANTA) -> Sentence | None:
    async with pool.begin() as db:
        return await propose(db, calling(by), mutuelle="BEN", proposal=act, pin=Secret(PIN), agreed=AGREED)


async def signed(pool: AsyncEngine, by: str = ISSA) -> Sentence | None:
    async with pool.begin() as db:
        [act] = await acts_to_sign(db, calling(by), "BEN")
        return await answer_act(
            db, calling(by), mutuelle="BEN", proposal=act.id, answer=APPROVED, pin=Secret(PIN)
        )


async def both(pool: AsyncEngine, act: NewJointAct) -> None:
    assert await proposed(pool, act) is None
    assert await signed(pool) is None


async def fanta(pool: AsyncEngine) -> Appointment:
    async with pool.connect() as db:
        return await appointment_of(db, calling(FANTA), "BEN", Role.TREASURER)


async def held(pool: AsyncEngine, account: str) -> int:
    async with pool.connect() as db:
        return (await balance(db, "BEN", account)).net


async def codes(pool: AsyncEngine, household: Household) -> list[str]:
    async with pool.connect() as db:
        return [one.code for one in await last_receipts(db, household, 9)]


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


async def differences(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        found = await reconcile(db, await get_mutuelle(db, "BEN"), NOON)
    return [one.kind for one in found.differences]


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


async def voucher(pool: AsyncEngine, kind: VoucherKind, money: Unmatched) -> NewJointAct:
    credit = income_of(VoucherKind.GIFT) if kind is VoucherKind.KEPT else FLOAT
    new = NewVoucher(
        kind, SUSPENSE, credit, money.amount, "he came with the paper", "Boubou Sy", found=money.key
    )
    async with pool.connect() as db:
        act = await proposal_of(db, calling(FANTA), await fanta(pool), new)
    assert act is not None
    return act


async def test_money_is_given_back_by_a_voucher_of_two_and_waits_no_longer(town: AsyncEngine) -> None:
    money = await one_wrong_digit(town)
    await both(town, await voucher(town, VoucherKind.RETURNED, money))
    assert (await waits(town), await held(town, SUSPENSE), await held(town, FLOAT)) == ([], 0, 50_000)
    assert await broken(town) == set()
    assert await refusal(proposed(town, await voucher(town, VoucherKind.RETURNED, money))) == KNOWN


async def test_money_is_kept_as_a_gift_after_a_year_and_not_before(town: AsyncEngine) -> None:
    young = await one_wrong_digit(town)
    too_early = await voucher(town, VoucherKind.KEPT, young)
    assert await refusal(proposed(town, too_early)) == "Its owner has {days} to come for it."
    await taken(town, [line(2, 700, "", on=TODAY - KEPT_AFTER_DAYS * DAY)])
    old = (await waits(town))[0]
    await both(town, await voucher(town, VoucherKind.KEPT, old))
    assert await held(town, accounts.unsplit("gifts")) == -700
    assert [one.key for one in await waits(town)] == [young.key]
    assert await broken(town) == set()


BMS = accounts.bank("bms")
ARRIVED_FIRST = accounts.suspense("bms")


async def on_its_way(pool: AsyncEngine) -> NumberedVoucher:
    """5 000 F that two have sent from the merchant code to the bank."""
    await opens(pool, BMS, 20_000)
    async with pool.begin() as db:
        await open_accounts(db, [Account("BEN", ARRIVED_FIRST, "XOF")])
    sending = NewVoucher(
        VoucherKind.SENT, transit_of("health"), FLOAT, xof(5_000), "for the bank", toward=BMS
    )
    await proposes_it(pool, sending)
    assert await signed(pool) is None
    [found] = await written(pool)
    return found


def arrived(way: NumberedVoucher, into: str = BMS, found: str = "") -> NewVoucher:
    facts = (transit_of("health"), way.amount, "417")
    return NewVoucher(VoucherKind.ARRIVED, into, *facts, slip="417", completes=way.key, found=found)


async def test_our_own_money_that_a_statement_showed_first_is_booked_once(town: AsyncEngine) -> None:
    way = await on_its_way(town)
    await taken(town, [line(1, 5_000, "virement OM", on=TODAY)], name="bms")
    assert STATED_FIRST in await refusal(proposes_it(town, arrived(way)))
    [money] = await waits(town)
    other = arrived(way, accounts.suspense(NAME), money.key)
    assert await refusal(proposes_it(town, other)) == KNOWN  # not the money of another account
    assert await proposes_it(town, arrived(way, ARRIVED_FIRST, money.key)) is None
    assert await signed(town) is None
    assert [await held(town, one) for one in (BMS, transit_of("health"), ARRIVED_FIRST)] == [25_000, 0, 0]
    assert (await waits(town), await differences(town)) == ([], [])
    assert await broken(town) == set()
    async with town.connect() as db:
        assert {one.kind for one in await last_vouchers(db, "BEN", 9)} == {VoucherKind.SENT}
    for one in await written(town):
        assert await refusal(takes_back(town, one)) in (
            DECIDED_ONCE,
            "This money has arrived: take back its arrival first.",
        )
    assert await refusal(proposes_it(town, arrived(way, ARRIVED_FIRST, money.key))) == KNOWN


async def test_a_voucher_that_was_proposed_before_the_statement_came_is_not_signed(town: AsyncEngine) -> None:
    way = await on_its_way(town)
    assert await proposes_it(town, arrived(way)) is None
    await taken(town, [line(1, 5_000, "virement OM", on=TODAY)], name="bms")
    assert STATED_FIRST in await refusal(signed(town))
    assert await held(town, BMS) == 25_000


async def test_a_voucher_waits_for_a_statement_that_is_being_taken_in(town: AsyncEngine) -> None:
    """Neither sees the other's money before it is committed: without the wait both would book the sum."""
    way = await on_its_way(town)
    async with town.connect() as importing:
        await take_lines(importing, [line(1, 5_000, "virement OM", on=TODAY)], name="bms")
        asked = asyncio.create_task(refusal(proposes_it(town, arrived(way))))
        await asyncio.sleep(0.5)
        assert not asked.done()
        await importing.commit()
    assert STATED_FIRST in await asked


@pytest.mark.parametrize("days_ago", [0, 5, 6])
async def test_only_a_sum_of_these_days_stands_in_the_way_of_a_gift(town: AsyncEngine, days_ago: int) -> None:
    await on_its_way(town)
    await taken(town, [line(1, 7_000, "sans nom", on=TODAY - days_ago * DAY)], name="bms")
    gift = NewVoucher(VoucherKind.GIFT, BMS, income_of(VoucherKind.GIFT), xof(7_000), "a gift", "Boubou Sy")
    if days_ago <= 5:
        assert STATED_FIRST in await refusal(proposes_it(town, gift))
    else:
        assert await proposes_it(town, gift) is None
    assert await proposes_it(town, replace(gift, amount=xof(7_001))) is None


@pytest.mark.parametrize(
    "kind", [VoucherKind.DEPOSIT, VoucherKind.SUBSIDY, VoucherKind.GIFT, VoucherKind.DEBTOR]
)
async def test_what_else_is_ours_leaves_suspense_by_a_voucher_of_two(
    town: AsyncEngine, kind: VoucherKind
) -> None:
    debtor, box = "health:receivable:etat", accounts.cash("caisse-benkadi")
    await opens(town, debtor, 9_000)
    await opens(town, box, 9_000)
    givers = {VoucherKind.DEPOSIT: box, VoucherKind.DEBTOR: debtor}
    money = await one_wrong_digit(town, minor=8_000)
    new = NewVoucher(
        kind, SUSPENSE, givers.get(kind) or income_of(kind), xof(8_000), "its paper", found=money.key
    )
    assert await proposes_it(town, new) is None
    assert await signed(town) is None
    assert (await waits(town), await held(town, SUSPENSE), await held(town, FLOAT)) == ([], 0, 58_000)
    if kind in givers:
        assert await held(town, givers[kind]) == 1_000
    assert await differences(town) == []
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
    assert set(MUTANTS) == {invariant.name for invariant in INVARIANTS}


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
