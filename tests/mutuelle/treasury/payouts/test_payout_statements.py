"""Statements and payouts: a line that names one proves it, or contradicts it; what differs is in the list."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from mobilemoney import Outcome
from mutuelle.contributions.collection import Round
from mutuelle.contributions.payment_queue import lock_queued
from mutuelle.contributions.payments import PaymentState
from mutuelle.households.households import lock_household
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.support.cases import open_cases
from mutuelle.treasury.payouts.outcomes import WAS_PAID
from mutuelle.treasury.payouts.payouts import Payout
from mutuelle.treasury.reconciliation import (
    LINE_UNBOOKED,
    MOVE_UNSTATED,
    PAYOUT_CAME_BACK,
    PAYOUT_UNSTATED,
    reconcile,
)
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from tests.mutuelle.treasury.payouts.test_payouts import a_lock_is_waited_for
from tests.support.officer_acts import answers, broken
from tests.support.own_accounts import held, opens
from tests.support.patience import PATIENCE_S
from tests.support.payouts import (
    HELD,
    WALLET,
    PayingOperator,
    all_payouts,
    proposes_payout,
    says_of_payout,
    to_clinic,
    works,
)
from tests.support.statements import kinds, line, taken
from tests.support.town import AWA, MARIAM, NOON, Clock, join, paid, pays
from tests.support.treasury import records, takes_back, written, xof

S = PaymentState
FLOAT = "health:float:simulated-ML"
OF_PAYOUTS, OF_BOTH = "disbursement:simulated-ML", "simulated-ML"


async def sent(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock, says: Outcome = Outcome.ACCEPTED
) -> Payout:
    """A payout of 40 000 F that the operator has; it is PAID unless it `says` otherwise."""
    operator.says = says
    await proposes_payout(town, to_clinic())
    await answers(town)
    for _round in range(3):
        await works(house, clock)
    [one] = await all_payouts(town)
    return one


async def differing(town: AsyncEngine, clock: Clock) -> list[tuple[str, str, int]]:
    async with town.connect() as db:
        found = await reconcile(db, await get_mutuelle(db, "BEN"), clock.now + timedelta(days=1))
    return [(one.account, one.kind, one.amount.amount_minor) for one in found.differences]


async def cases(town: AsyncEngine) -> list[str]:
    async with town.connect() as db:
        return [f"{one.about} {one.kind}" for one in await open_cases(db, 10)]


@pytest.mark.parametrize("account", [OF_PAYOUTS, OF_BOTH])
async def test_a_line_proves_what_the_operator_could_not_say(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock, account: str
) -> None:
    """In a statement of the wallet for payouts, and in one of a wallet for both."""
    one = await sent(town, house, operator, clock, Outcome.UNKNOWN)
    assert one.state is S.UNKNOWN
    done = await taken(town, [line(1, -40_000, f"PAYOUT {one.reference}")], name=account, now=clock.now)
    assert (done.posted, done.debits, done.known) == (1, 0, 0)
    assert [payout.state for payout in await all_payouts(town)] == [S.PAID]
    assert (await held(town, WALLET), len(await written(town))) == (60_000, 1)
    assert (await differing(town, clock), await cases(town)) == ([], [])
    assert await broken(town) == set()
    again = await taken(town, [line(1, -40_000, f"PAYOUT {one.reference}")], name=account, now=clock.now)
    assert again.known == 1


async def test_a_payout_by_the_operators_own_reference_is_known(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    one = await sent(town, house, operator, clock)
    row = f"{clock.now.date()};T{one.reference.hex[:8]};;-40000;XOF;Paiement marchand"
    done = await taken(town, [row], name=OF_PAYOUTS, now=clock.now)
    assert (done.known, done.posted, done.debits) == (1, 0, 0)
    assert (await differing(town, clock), await broken(town)) == ([], set())


async def test_a_payout_that_no_line_shows_is_in_the_list(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    await sent(town, house, operator, clock)
    await taken(town, [line(1, -500, "Frais de tenue")], name=OF_PAYOUTS, now=clock.now + timedelta(hours=1))
    assert await differing(town, clock) == [(OF_PAYOUTS, PAYOUT_UNSTATED, -40_000)]


async def test_another_amount_and_a_second_line_are_cases_and_change_nothing(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    one = await sent(town, house, operator, clock, Outcome.UNKNOWN)
    note = f"PAYOUT {one.reference}"
    await taken(town, [line(1, -4_000, note)], name=OF_PAYOUTS, now=clock.now)
    assert [payout.state for payout in await all_payouts(town)] == [S.UNKNOWN]
    assert await cases(town) == ["payout statement"]
    both = [line(2, -40_000, note), line(3, -40_000, note)]
    done = await taken(town, both, name=OF_PAYOUTS, now=clock.now)
    assert (done.posted, done.debits) == (1, 1)
    assert [payout.state for payout in await all_payouts(town)] == [S.PAID]
    assert await broken(town) == set()


async def test_money_that_came_back_waits_for_two_to_take_the_voucher_back(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    one = await sent(town, house, operator, clock)
    lines = [line(1, -40_000, f"PAYOUT {one.reference}"), line(2, 40_000, f"REVERSAL {one.reference}")]
    await taken(town, lines, name=OF_PAYOUTS, now=clock.now)
    assert await cases(town) == ["payout statement"]
    assert await differing(town, clock) == [(OF_PAYOUTS, PAYOUT_CAME_BACK, 40_000)]
    [voucher] = await written(town)
    await takes_back(town, voucher)
    await answers(town)
    assert [payout.state for payout in await all_payouts(town)] == [S.REVERSED]
    assert (await differing(town, clock), await held(town, WALLET)) == ([], HELD)
    assert await broken(town) == set()


async def test_what_came_back_does_not_hide_what_was_paid_and_comes_back_once(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    """The portal writes the newest line first, and the reversal twice."""
    one = await sent(town, house, operator, clock)
    came, went = f"REVERSAL {one.reference}", f"PAYOUT {one.reference}"
    lines = [line(3, 40_000, came), line(2, 40_000, came), line(1, -40_000, went), line(4, -40_000, went)]
    await taken(town, lines, name=OF_PAYOUTS, now=clock.now)
    assert await kinds(town) == {"T3": "payout", "T2": "unmatched", "T1": "payout", "T4": "debit"}
    await taken(town, [line(5, 40_000, came)], name=OF_PAYOUTS, now=clock.now)
    assert (await kinds(town))["T5"] == "unmatched"
    assert await broken(town) == set()


async def test_a_line_of_two_payouts_proves_neither(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    operator.says = Outcome.UNKNOWN
    for amount in (xof(40_000), xof(10_000)):
        await proposes_payout(town, replace(to_clinic(), amount=amount))
        await answers(town)
    await works(house, clock)
    both = " ".join(str(one.reference) for one in await all_payouts(town))
    await taken(town, [line(1, -40_000, both)], name=OF_PAYOUTS, now=clock.now)
    assert {one.state for one in await all_payouts(town)} == {S.UNKNOWN}
    assert await cases(town) == ["payout statement"]


async def test_a_line_dates_no_payout_before_it_was_signed(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    one = await sent(town, house, operator, clock, Outcome.UNKNOWN)
    before = line(1, -40_000, f"PAYOUT {one.reference}", on=one.asked_at.date() - timedelta(days=3))
    await taken(town, [before], name=OF_PAYOUTS, now=clock.now)
    [after] = await all_payouts(town)
    assert (after.state, after.completed_at) == (S.PAID, one.asked_at)


async def test_a_statement_locks_payments_before_households_as_settlement_does(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    """Else each would wait for the other: it shows an advance that was given back, and a payment."""
    home, other = await join(town, AWA, at=NOON), await join(town, MARIAM, at=NOON)
    await paid(town, home, at=NOON)
    await pays(town, home, 8_000, at=NOON)
    new = NewVoucher(VoucherKind.REFUND, home.account, WALLET, xof(8_000), "Trop perçu", home.initials, AWA)
    operator.says = Outcome.UNKNOWN
    await proposes_payout(town, new)
    await answers(town)
    await works(house, clock)
    [one] = await all_payouts(town)
    async with town.connect() as db:
        batch = await db.begin()
        reference = await db.scalar(
            text("select reference from payment where number = :n"), {"n": other.number}
        )
        await lock_queued(db, [("BEN", reference)])
        lines = [line(1, -8_000, f"PAYOUT {one.reference}"), line(2, 12_000, str(reference))]
        takes = asyncio.create_task(taken(town, lines, name=OF_BOTH, now=clock.now))
        await a_lock_is_waited_for(town)
        await asyncio.wait_for(lock_household(db, home.number), PATIENCE_S)
        await batch.rollback()
        assert (await takes).posted == 1
    assert [payout.state for payout in await all_payouts(town)] == [S.PAID]


async def test_a_line_that_shows_a_failed_one_paid_is_a_case_until_two_say_so(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    operator.ends = Outcome.FAILED
    one = await sent(town, house, operator, clock)
    assert one.state is S.FAILED
    await taken(town, [line(1, -40_000, f"PAYOUT {one.reference}")], name=OF_PAYOUTS, now=clock.now)
    assert await cases(town) == ["payout statement"]
    assert await differing(town, clock) == [(OF_PAYOUTS, LINE_UNBOOKED, -40_000)]
    clock.now += timedelta(hours=2)
    await says_of_payout(town, one, WAS_PAID, at=clock.now)
    await answers(town, at=clock.now)
    assert (await differing(town, clock), await held(town, WALLET)) == ([], 60_000)
    assert await broken(town) == set()


async def test_money_moved_within_one_wallet_is_expected_in_no_statement(
    town: AsyncEngine, house: Round, operator: PayingOperator, clock: Clock
) -> None:
    await opens(town, FLOAT, 50_000)
    move = NewVoucher(VoucherKind.SENT, "health:transit", FLOAT, xof(20_000), "Recharge", toward=WALLET)
    await records(town, move)
    [moved] = await written(town)
    back = NewVoucher(
        VoucherKind.ARRIVED, WALLET, "health:transit", xof(20_000), "T 1", slip="T 1", completes=moved.key
    )
    await records(town, back)
    clock.now += timedelta(days=1)
    days = [line(1, -100, "Frais"), line(2, -100, "Frais", on=clock.now.date())]
    await taken(town, days, name=OF_BOTH, now=clock.now)
    assert (OF_BOTH, MOVE_UNSTATED, -20_000) not in await differing(town, clock)
    await taken(town, days, name=OF_PAYOUTS, now=clock.now)
    assert (OF_BOTH, MOVE_UNSTATED, -20_000) in await differing(town, clock)  # they are two wallets
    async with town.connect() as db:
        assert await db.scalar(text("select count(*) from payout")) == 0
