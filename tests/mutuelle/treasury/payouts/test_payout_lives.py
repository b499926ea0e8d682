"""Random lives of payouts: treasurers propose, sign, refuse, spend otherwise and take back; the operator pays, loses,
refuses, is silent; workers are killed before and after they send.

Whatever happens: nothing is paid out twice or unsigned, the book says what is held, owed and under way, every invariant
holds; and once the operator is well again each payout ends as the operator's own journal says.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.reservations import held as held_of
from mobilemoney import OperatorAnswer, Outcome, PaymentRequest
from mutuelle.contributions.collection import Round
from mutuelle.contributions.payments import OPEN, PaymentState
from mutuelle.officers.joint_acts import APPROVED, REFUSED, acts_to_sign
from mutuelle.treasury.payouts import sending
from mutuelle.treasury.payouts.outcomes import ASKED_FIRST, WAS_NOT, WAS_PAID
from mutuelle.treasury.payouts.sending import send_payouts
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from mutuelle.treasury.voucher_reads import last_vouchers
from talk.trouble import RefusedError
from tests.support.officer_acts import answers, broken, calling
from tests.support.officers import FANTA, ISSA, set_limit
from tests.support.own_accounts import held
from tests.support.payouts import (
    HELD,
    OWED,
    WALLET,
    PayingOperator,
    all_payouts,
    house_of,
    pays_out,
    proposes_payout,
    says_of_payout,
    to_clinic,
    town_that_pays_out,
    works,
)
from tests.support.town import NOON, Clock
from tests.support.treasury import BANK, CLINIC, facility, records, takes_back, written, xof

S = PaymentState
STEPS = 70
MOODS: dict[str, tuple[bool, Outcome, Outcome]] = {  # whether it hears, what it says, how it ends
    "pays": (True, Outcome.ACCEPTED, Outcome.PAID),
    "is lost before": (False, Outcome.UNKNOWN, Outcome.PAID),
    "is lost after": (True, Outcome.UNKNOWN, Outcome.PAID),
    "refuses": (False, Outcome.FAILED, Outcome.FAILED),
    "fails later": (True, Outcome.ACCEPTED, Outcome.FAILED),
}
KINDS: dict[str, dict[str, object]] = {
    "one step": {},
    "no references": {"honours_reference": False},
    "two steps": {"two_steps": True, "honours_reference": False},
    "never proven": {"not_found_is_proof": None},
}


@dataclass
class MoodyOperator(PayingOperator):
    """It may break the worker, before it has heard or after; and it may know of what it heard only minutes later."""

    breaks: str = ""
    is_slow: bool = False
    clock: Clock = field(default_factory=Clock)
    heard_at: dict[UUID, datetime] = field(default_factory=dict)

    async def payout_status(self, out: PaymentRequest) -> OperatorAnswer:
        since = self.clock.now - self.heard_at.get(out.reference, NOON)
        if self.is_slow and since < timedelta(minutes=5):
            return OperatorAnswer(Outcome.NOT_FOUND)
        return await super().payout_status(out)

    async def pay_out(self, out: PaymentRequest) -> OperatorAnswer:
        if self.breaks == "before":
            raise OSError("killed before a byte left")
        self.heard_at.setdefault(out.reference, self.clock.now)
        answer = await super().pay_out(out)
        if self.breaks == "after":
            raise OSError("killed before the answer came")
        return answer


@dataclass
class Life:
    """A town, its operator and its clock; what happened, by name."""

    pool: AsyncEngine
    operator: MoodyOperator
    house: Round
    clock: Clock
    chance: Random
    done: Counter[str] = field(default_factory=Counter)

    async def proposes(self) -> None:
        amount = self.chance.choice((500, 7_000, 20_000, 45_000))
        expense = NewVoucher(
            VoucherKind.EXPENSE, "health:services", WALLET, xof(amount), "Moto", "Garage", "+22376123456"
        )
        new = self.chance.choice((to_clinic(amount), expense, expense))
        await proposes_payout(self.pool, new, by=self.chance.choice((FANTA, ISSA)), at=self.clock.now)

    async def signs(self) -> None:
        by, answer = self.chance.choice((FANTA, ISSA)), self.chance.choice((APPROVED, APPROVED, REFUSED))
        async with self.pool.connect() as db:
            waiting = await acts_to_sign(db, calling(by, self.clock.now), "BEN")
        if waiting:
            act = self.chance.choice(waiting).id
            await answers(self.pool, by=by, answer=answer, proposal=act, at=self.clock.now)

    async def pays_by_bank(self) -> None:
        await records(self.pool, facility(self.chance.choice((1_000, 15_000))), at=self.clock.now)

    async def moves_money_away(self) -> None:
        sent = NewVoucher(VoucherKind.SENT, "health:transit", WALLET, xof(9_000), "Retour", toward=BANK)
        await records(self.pool, sent, at=self.clock.now)

    async def takes_back(self) -> None:
        async with self.pool.connect() as db:
            last = [one for one in await last_vouchers(db, "BEN", 5) if one.kind is VoucherKind.FACILITY]
        if last:
            await takes_back(self.pool, self.chance.choice(last), at=self.clock.now)

    async def says(self) -> None:
        """Two say what the operator's own page shows, of a payout that nobody could tell."""
        old = [
            one
            for one in await all_payouts(self.pool)
            if one.state in (S.UNKNOWN, S.PENDING) and self.clock.now - (one.sent_at or NOON) > ASKED_FIRST
        ]
        if old:
            one = self.chance.choice(old)
            said = WAS_PAID if self.operator.paid[one.reference] else WAS_NOT
            await says_of_payout(self.pool, one, said, at=self.clock.now)

    async def rounds(self) -> None:
        """Two workers come round at once, at an operator in some mood."""
        mood = MOODS[self.chance.choice(tuple(MOODS))]
        self.operator.reaches, self.operator.says, self.operator.ends = mood
        self.operator.breaks = self.chance.choice(("", "", "", "before", "after"))
        self.operator.is_slow = self.chance.random() < 0.3
        self.clock.now += timedelta(seconds=self.chance.choice((3, 20, 70, 200, 4_000)))
        await asyncio.gather(send_payouts(self.house), send_payouts(self.house))
        self.operator.breaks, self.operator.is_slow = "", False

    async def is_killed(self) -> None:
        """A worker claims, perhaps sends, and writes nothing down."""
        claimed = await sending._claim(self.house, 2)
        if self.chance.random() < 0.5:
            for one in claimed:
                await sending._consult(self.house, one)

    async def step(self) -> None:
        chances: tuple[Callable[[], Awaitable[None]], ...] = (
            *(self.proposes,) * 7,
            *(self.signs,) * 8,
            *(self.rounds,) * 6,
            *(self.is_killed,) * 2,
            self.pays_by_bank,
            self.moves_money_away,
            self.takes_back,
            self.says,
        )
        what = self.chance.choice(chances)
        try:
            await what()
            self.done[what.__name__] += 1
        except (RefusedError, AssertionError) as refused:
            self.done[f"{what.__name__} refused: {refused}"[:50]] += 1


async def expect_true(life: Life) -> None:
    """The book against the payouts, the vouchers and the operator's journal, added up apart from the book."""
    payouts = await all_payouts(life.pool)
    assert max(life.operator.paid.values(), default=0) <= 1, "paid out twice"
    assert set(life.operator.sent) <= {one.reference for one in payouts}, "sent without a signature"
    under_way = [one for one in payouts if one.state in OPEN]
    owed, wallet = OWED, HELD
    for voucher in await written(life.pool):
        owed += {CLINIC: -1}.get(voucher.debit, 0) * voucher.amount.amount_minor
        owed += {CLINIC: 1}.get(voucher.credit, 0) * voucher.amount.amount_minor
        wallet += {WALLET: 1}.get(voucher.debit, 0) * voucher.amount.amount_minor
        wallet -= {WALLET: 1}.get(voucher.credit, 0) * voucher.amount.amount_minor
    assert (await held(life.pool, CLINIC), await held(life.pool, WALLET)) == (-owed, wallet)
    async with life.pool.connect() as db:
        of_wallet, of_debt = await held_of(db, "BEN", WALLET), await held_of(db, "BEN", CLINIC)
    assert of_wallet.credits == sum(one.amount.amount_minor for one in under_way)
    assert of_debt.debits == sum(one.amount.amount_minor for one in under_way if one.debit == CLINIC)
    assert of_wallet.credits <= wallet
    assert of_debt.debits <= owed
    paid = {one.reference for one in payouts if one.state in (S.PAID, S.REVERSED)}
    assert paid <= {reference for reference, times in life.operator.paid.items() if times}, (
        "paid, said nobody"
    )
    posted = {one.reference for one in await written(life.pool) if one.credit == WALLET and one.party}
    assert paid == posted
    assert await broken(life.pool) == set()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
async def test_a_life_of_payouts_tells_the_truth(
    pool: AsyncEngine, clock: Clock, monkeypatch: pytest.MonkeyPatch, kind: str, seed: int
) -> None:
    pays_out(monkeypatch, **KINDS[kind])
    await town_that_pays_out(pool)
    await set_limit(pool, "payouts_a_day_minor", 150_000)
    operator = MoodyOperator(honours=KINDS[kind].get("honours_reference", True) is True, clock=clock)
    clock.now = NOON
    life = Life(pool, operator, house_of(pool, operator, clock), clock, Random(f"{kind} {seed}"))
    for nth in range(STEPS):
        await life.step()
        if nth % 10 == 9:
            await expect_true(life)
    assert await all_payouts(pool), life.done
    await expect_it_ends_as_the_operator_says(life)


async def expect_it_ends_as_the_operator_says(life: Life) -> None:
    """The operator is well, and days pass: what it paid is PAID, and what it never had is freed or waits for people."""
    life.operator.reaches, life.operator.says, life.operator.ends = MOODS["pays"]
    for _round in range(30):
        await works(life.house, life.clock, timedelta(hours=12))
    await expect_true(life)
    truth: dict[UUID, bool] = {one: bool(life.operator.paid[one]) for one in life.operator.sent}
    for one in await all_payouts(life.pool):
        if one.state in OPEN:  # it was acknowledged or is never proven, and the operator knows nothing of it
            assert not truth.get(one.reference), one
            assert one.state is S.UNKNOWN
        else:
            assert (one.state is not S.FAILED) == truth.get(one.reference, False), (one, life.done)
