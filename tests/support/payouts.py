"""An operator that pays out, as payouts meet it at the end of its wire, and a town whose treasurers use it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from ledger import accounts
from locales import Sentence
from mobilemoney import OperatorAnswer, Outcome, PaymentRequest, simulated
from mobilemoney.operator import Capabilities
from mutuelle.contributions.collection import Round
from mutuelle.officers.joint_acts import propose
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.tables import payout
from mutuelle.treasury.payouts.outcomes import outcome_of
from mutuelle.treasury.payouts.payee_names import ask_names
from mutuelle.treasury.payouts.payout_acts import payout_proposal
from mutuelle.treasury.payouts.payouts import Payout, payouts_where
from mutuelle.treasury.payouts.sending import send_payouts
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from talk.answers import Secret
from tests.support.officer_acts import AGREED, calling
from tests.support.officers import FANTA, PIN
from tests.support.operators import connected_to
from tests.support.own_accounts import opens
from tests.support.town import NOON, Clock
from tests.support.treasury import CLINIC, town_with_a_bank, xof

WALLET = accounts.disbursement("simulated-ML")
CSCOM = "+22376000031"
HELD, OWED = 100_000, 60_000
SOON = timedelta(seconds=5)


@dataclass
class PayingOperator:
    """What it says next to a payout that is sent (`says`) and to a question about one; what it really paid is `paid`.

    `reaches`: whether what is sent reaches it; `ends`: how what reached it ends. `meanwhile`: what people do, once,
    while it answers.
    """

    says: Outcome = Outcome.ACCEPTED
    reaches: bool = True
    ends: Outcome = Outcome.PAID
    name: str | None = None
    honours: bool = True
    tells_wrong: dict[str, object] = field(default_factory=dict)
    known: dict[UUID, tuple[PaymentRequest, Outcome]] = field(default_factory=dict)
    paid: Counter[UUID] = field(default_factory=Counter)
    sent: list[UUID] = field(default_factory=list)
    prepared: list[UUID] = field(default_factory=list)
    tokens: dict[str, UUID] = field(default_factory=dict)
    names_asked: int = 0
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def prepare(self, ask: PaymentRequest) -> OperatorAnswer:
        raise NotImplementedError

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        raise NotImplementedError

    async def status(self, ask: PaymentRequest) -> OperatorAnswer:
        raise NotImplementedError

    async def balance_minor(self) -> int | None:
        return None

    async def prepare_payout(self, out: PaymentRequest) -> OperatorAnswer:
        self.prepared.append(out.reference)
        if not self.reaches:
            return OperatorAnswer(Outcome.UNKNOWN, reason="no answer")
        token = f"step-{len(self.prepared)}"
        self.tokens[token] = out.reference
        await self._people_act()
        return OperatorAnswer(Outcome.ACCEPTED, token=token)

    async def pay_out(self, out: PaymentRequest) -> OperatorAnswer:
        await asyncio.sleep(0)
        self.sent.append(out.reference)
        if self.reaches and not (self.honours and out.reference in self.known):
            self.known[out.reference] = out, self.ends
            self.paid[out.reference] += self.ends is Outcome.PAID
        await self._people_act()
        return OperatorAnswer(self.says, reason="no answer" if self.says is Outcome.UNKNOWN else None)

    async def _people_act(self) -> None:
        if act := self.meanwhile:
            self.meanwhile = None
            await act()

    async def payout_status(self, out: PaymentRequest) -> OperatorAnswer:
        await asyncio.sleep(0)
        if out.reference not in self.known:
            return OperatorAnswer(Outcome.NOT_FOUND)
        ask, ends = self.known[out.reference]
        if self.says is Outcome.UNKNOWN or ends is not Outcome.PAID:
            return OperatorAnswer(
                Outcome.UNKNOWN if self.says is Outcome.UNKNOWN else ends, reason="its word"
            )
        told = OperatorAnswer(
            Outcome.PAID, ask.amount_minor, ask.currency, ask.phone, f"T{ask.reference.hex[:8]}"
        )
        return replace(told, **self.tells_wrong)  # type: ignore[arg-type]

    async def payee_name(self, phone: str) -> str | None:
        self.names_asked += 1
        return self.name


def pays_out(monkeypatch: pytest.MonkeyPatch, **what: object) -> None:
    """The operator `simulated` pays out, with these capabilities."""
    usual: Capabilities = replace(simulated.CAPABILITIES, tells_payee=False)
    monkeypatch.setattr(simulated, "CAPABILITIES", replace(usual, **what))  # type: ignore[arg-type]


async def town_that_pays_out(pool: AsyncEngine) -> None:
    """The mutuelle has 100 000 F for payouts at its operator, and owes its health centre 60 000 F."""
    await town_with_a_bank(pool)
    await opens(pool, CLINIC, OWED)
    await opens(pool, WALLET, HELD)


def to_clinic(minor: int = 40_000, *, phone: str = CSCOM) -> NewVoucher:
    return NewVoucher(VoucherKind.FACILITY, CLINIC, WALLET, xof(minor), "Factures", "CSCom Hèrè", phone)


def house_of(pool: AsyncEngine, operator: PayingOperator, clock: Clock) -> Round:
    accounts_ = connected_to(operator)
    return Round(pool, ["simulated"], accounts_, "http://127.0.0.1", timing.Clock(clock))


async def proposes_payout(
    pool: AsyncEngine, new: NewVoucher, *, by: str = FANTA, pin: str = PIN, at: datetime = NOON
) -> Sentence | None:
    """The treasurer proposes to pay it by mobile money, as the menu does."""
    async with pool.begin() as db:
        own = await appointment_of(db, calling(by, at), "BEN", Role.TREASURER)
        act = await payout_proposal(db, calling(by, at), own, new)
        return await propose(
            db, calling(by, at), mutuelle="BEN", proposal=act, pin=Secret(pin), agreed=AGREED
        )


async def says_of_payout(
    pool: AsyncEngine, one: Payout, said: str, *, by: str = FANTA, at: datetime = NOON
) -> Sentence | None:
    """The treasurer proposes to say what became of it."""
    async with pool.begin() as db:
        act = outcome_of(one, said, "vu au portail")
        return await propose(
            db, calling(by, at), mutuelle="BEN", proposal=act, pin=Secret(PIN), agreed=AGREED
        )


async def all_payouts(pool: AsyncEngine) -> list[Payout]:
    async with pool.connect() as db:
        return await payouts_where(db, payout.c.mutuelle_id == "BEN")


async def works(house: Round, clock: Clock, wait: timedelta = SOON) -> None:
    """The time passes, and the worker comes round."""
    clock.now += wait
    await ask_names(house)
    await send_payouts(house)
