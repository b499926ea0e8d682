"""Faults put into the program on purpose: the proof "operators" notices each, in a story that is sound without them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.book import Posted, PostVerdict
from locales import Sentence
from mobilemoney import OperatorAnswer, Outcome, PaymentRequest
from mutuelle.contributions import collection
from mutuelle.contributions.collection import ClaimedPayment, Round, collect
from mutuelle.contributions.money_notices import ring
from mutuelle.contributions.payments import PaymentState
from mutuelle.officers import joint_acts
from mutuelle.officers.joint_acts import NewJointAct, propose
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.officers.tables import joint_act
from mutuelle.tables import payment
from mutuelle.treasury.payouts import payouts, sending
from mutuelle.treasury.payouts.payout_acts import PAYOUT
from talk.answers import Secret
from talk.trouble import RefusedError
from talk.words import Caller, Consent
from tests.support import payouts as acts
from tests.support.officer_acts import answers, broken
from tests.support.officers import FANTA, ISSA
from tests.support.operators import SIMULATED, a_notice
from tests.support.payouts import (
    PayingOperator,
    house_of,
    pays_out,
    proposes_payout,
    to_clinic,
    town_that_pays_out,
    works,
)
from tests.support.town import AWA, NOON, Clock, join
from torture.operators_books import Row, compare, read_books

SOON = timedelta(seconds=5)
Patch = pytest.MonkeyPatch


@dataclass
class SlowOperator(PayingOperator):
    """It hears, answers nothing, and finds what it heard only later; nobody approves what it asks a phone."""

    asked: list[PaymentRequest] = field(default_factory=list)
    finds: bool = True

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        self.asked.append(ask)
        return OperatorAnswer(Outcome.ACCEPTED)

    async def status(self, ask: PaymentRequest) -> OperatorAnswer:
        return OperatorAnswer(Outcome.PENDING)

    async def payout_status(self, out: PaymentRequest) -> OperatorAnswer:
        return await super().payout_status(out) if self.finds else OperatorAnswer(Outcome.NOT_FOUND)

    def journal(self) -> list[Row]:
        """Its own, as the simulator's operators keep one."""
        asked = [self._line(ask, "in", "PENDING", None) for ask in self.asked]
        ended_at = datetime.now(UTC).isoformat()
        return asked + [
            self._line(self.known[reference][0], "out", "PAID", ended_at)
            for reference, times in self.paid.items()
            for _time in range(times)
        ]

    def _line(self, ask: PaymentRequest, direction: str, state: str, ended_at: str | None) -> Row:
        facts = {"id": str(uuid4()), "provider": "simulated", "token": "", "amount": str(ask.amount_minor)}
        facts |= {"reference": str(ask.reference), "direction": direction, "state": state}
        return facts | {"ended_at": ended_at}


async def story(pool: AsyncEngine, operator: SlowOperator, clock: Clock) -> None:
    """Somebody forges a notice of a payment; a payout is signed, heard without an answer, and found later."""
    await town_that_pays_out(pool)
    house = house_of(pool, operator, clock)
    await join(pool, AWA, at=NOON)
    clock.now = NOON + SOON
    await collect(house)
    async with pool.begin() as db:
        token = (await db.execute(select(payment.c.notice_token))).scalar_one()
        await ring(db, "simulated", token, a_notice(b"SUCCESSFUL"), SIMULATED, clock.now)
    clock.now += SOON
    await collect(house)
    await proposes_payout(pool, to_clinic(), at=clock.now)
    async with pool.connect() as db:
        act = str(await db.scalar(select(joint_act.c.id)))
    for treasurer in (FANTA, ISSA):  # the one who proposed may not
        with suppress(RefusedError):
            await answers(pool, by=treasurer, proposal=act, at=clock.now)
    operator.says, operator.finds = Outcome.UNKNOWN, False
    for _look in range(3):
        await works(house, clock, timedelta(seconds=20))
    operator.says, operator.finds = Outcome.ACCEPTED, True
    await works(house, clock, timedelta(hours=1))


async def noticed(pool: AsyncEngine, operator: SlowOperator, clock: Clock) -> dict[str, list[str]]:
    """What the database, the comparison with the operator's journal, and `keneya check` say after the story."""
    refused: list[str] = []
    try:
        await story(pool, operator, clock)
    except IntegrityError as fault:
        refused.append(str(fault.orig))
    async with pool.connect() as db:
        books = await read_books(db, operator.journal())
    found = {"database": refused, "books": list(compare(books)), "check": sorted(await broken(pool))}
    return {who: said for who, said in found.items() if said}


@pytest.fixture
def operator(monkeypatch: Patch) -> SlowOperator:
    pays_out(monkeypatch, honours_reference=False)
    return SlowOperator(honours=False)


async def test_the_story_is_sound_as_it_is(pool: AsyncEngine, operator: SlowOperator, clock: Clock) -> None:
    assert await noticed(pool, operator, clock) == {}
    assert [*operator.paid.values()] == [1], "the payout was made"
    assert len(operator.asked) == 1, "the payment was asked for"


def resend_without_leave(patch: Patch) -> None:
    unheard = Outcome.NOT_FOUND
    patch.setattr(sending, "may_send_again", lambda _can, answer, *_times: answer.outcome is unheard)


def trust_a_notice(patch: Patch) -> None:
    consult = collection._consult

    async def trusting(house: Round, claimed: ClaimedPayment) -> OperatorAnswer:
        queued = claimed.queued
        if queued.state is PaymentState.ASKED or queued.polls:
            return await consult(house, claimed)
        amount = queued.amount
        return OperatorAnswer(Outcome.PAID, amount.amount_minor, amount.currency, queued.payer_phone, "T1")

    patch.setattr(collection, "_consult", trusting)


def skip_the_reservation(patch: Patch) -> None:
    async def nothing(*_facts: object) -> tuple[Posted, Any]:
        return Posted(PostVerdict.CREATED, uuid4(), None), None

    patch.setattr(payouts, "reserve", nothing)


def proposer_signs(patch: Patch) -> None:
    patch.setattr(joint_acts, "_expect_second_person", lambda *_facts: None)


def one_signature(patch: Patch) -> None:
    async def carried_out(
        db: AsyncConnection,
        caller: Caller,
        *,
        mutuelle: str,
        proposal: NewJointAct,
        pin: Secret,
        agreed: Consent,
    ) -> Sentence | None:
        said = await propose(db, caller, mutuelle=mutuelle, proposal=proposal, pin=pin, agreed=agreed)
        [act] = await joint_acts._open_acts(db, caller, mutuelle)
        own = await appointment_of(db, caller, mutuelle, Role.TREASURER)
        await PAYOUT.carry_out(db, act, await PAYOUT.look_again(db, caller, own, act.facts), caller.at)
        return said

    patch.setattr(acts, "propose", carried_out)


@pytest.mark.parametrize(
    ("mutant", "who", "named"),
    [
        (resend_without_leave, "books", "was paid out 3 times"),
        (trust_a_notice, "books", "is PAID and nothing was taken"),
        (skip_the_reservation, "check", "payout_was_reserved"),
        (proposer_signs, "database", "joint_act_check"),
        (one_signature, "check", "payout_was_signed"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_each_fault_is_noticed(
    pool: AsyncEngine,
    operator: SlowOperator,
    clock: Clock,
    monkeypatch: Patch,
    mutant: Callable[[Patch], None],
    who: str,
    named: str,
) -> None:
    mutant(monkeypatch)
    found = await noticed(pool, operator, clock)
    assert any(named in line for line in found.get(who, [])), found
