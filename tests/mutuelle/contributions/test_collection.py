"""Collecting, where the operator or the time misbehave: nothing fails without proof, nothing stays out of sight."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from mobilemoney import OperatorAnswer, Outcome, PaymentRequest, simulated
from mobilemoney.networks import networks
from mobilemoney.operator import Flow
from mutuelle import tables
from mutuelle.contributions import collection
from mutuelle.contributions.collection import OLD_AFTER, UNSENT_FOR, Round, collect
from mutuelle.contributions.money_notices import NoticeVerdict, ring
from mutuelle.contributions.standing import standing
from mutuelle.households.households import Household
from tests.support.operators import SIMULATED, a_notice, connected_to
from tests.support.town import AWA, MARIAM, NOON, OUMAR, Clock, found_town, join

SOON = timedelta(seconds=5)
NOT_FOUND_IS_PROOF_AFTER = timedelta(minutes=15)  # of the operator `simulated`


@dataclass
class Operator:
    """An operator at the end of its wire: what it says next to a request and to a status question."""

    says: OperatorAnswer = field(default_factory=lambda: OperatorAnswer(Outcome.PENDING))
    asked: list[PaymentRequest] = field(default_factory=list)
    breaks_for: str = ""
    paid: dict[UUID, PaymentRequest] = field(default_factory=dict)
    slow_for: str = ""
    free: asyncio.Event = field(default_factory=asyncio.Event)
    meanwhile: Callable[[], Awaitable[None]] | None = None
    accepts: OperatorAnswer = field(default_factory=lambda: OperatorAnswer(Outcome.ACCEPTED))
    before_request: Callable[[], Awaitable[None]] | None = None
    tokens: list[str | None] = field(default_factory=lambda: ["T1"])
    prepared: list[PaymentRequest] = field(default_factory=list)

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        if self.before_request:
            await self.before_request()
        self.asked.append(ask)
        if ask.phone == self.breaks_for:
            raise OverflowError("date value out of range")
        return self.accepts

    async def prepare(self, ask: PaymentRequest) -> OperatorAnswer:
        self.prepared.append(ask)
        token = self.tokens[min(len(self.prepared), len(self.tokens)) - 1]
        return OperatorAnswer(Outcome.ACCEPTED if token else Outcome.UNKNOWN, token=token)

    async def status(self, ask: PaymentRequest) -> OperatorAnswer:
        if self.meanwhile:
            await self.meanwhile()
        if ask.reference not in self.paid:
            return self.says
        if ask.phone == self.slow_for:
            await self.free.wait()
        return OperatorAnswer(
            Outcome.PAID, ask.amount_minor, ask.currency, ask.phone, f"T{ask.reference}", NOON + SOON
        )

    def approve_all(self) -> None:
        """Everybody types the PIN."""
        self.paid = {ask.reference: ask for ask in self.asked}


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    """Awa has joined at noon and waits to be asked for her first payment."""
    await found_town(pool)
    return await join(pool, AWA, at=NOON)


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.fixture
def round_(pool: AsyncEngine, operator: Operator, clock: Clock) -> Round:
    clock.now = NOON + SOON
    return Round(pool, ["simulated"], connected_to(operator), "http://127.0.0.1", timing.Clock(clock))


async def later(round_: Round, clock: Clock, wait: timedelta) -> None:
    """The time passes, and the worker comes round."""
    clock.now += wait
    await collect(round_)


async def known(pool: AsyncEngine) -> tuple[list[str], list[str]]:
    """The states of all payments, and the kinds of all cases."""
    async with pool.connect() as db:
        states = await db.scalars(select(tables.payment.c.state).order_by(tables.payment.c.payer_phone))
        return list(states), sorted(await db.scalars(select(tables.payment_case.c.kind)))


def paid(at: datetime, amount_minor: int = 12_000) -> OperatorAnswer:
    return OperatorAnswer(Outcome.PAID, amount_minor, "XOF", AWA, "OP-1", at)


@pytest.mark.usefixtures("household")
async def test_what_the_operator_had_is_never_failed_because_it_knows_nothing_of_it_later(
    pool: AsyncEngine, round_: Round, operator: Operator, clock: Clock
) -> None:
    await collect(round_)
    operator.says = OperatorAnswer(Outcome.NOT_FOUND)
    await later(round_, clock, NOT_FOUND_IS_PROOF_AFTER + SOON)
    assert await known(pool) == (["UNKNOWN"], ["contradiction"])
    operator.says = paid(clock.now)
    await later(round_, clock, timedelta(hours=30))
    assert (await known(pool))[0] == ["PAID"]


@pytest.mark.usefixtures("household")
async def test_what_the_operator_never_had_fails_when_that_is_proven(
    pool: AsyncEngine, round_: Round, operator: Operator, clock: Clock
) -> None:
    operator.breaks_for = AWA
    operator.says = OperatorAnswer(Outcome.NOT_FOUND)
    await collect(round_)
    assert await known(pool) == (["UNKNOWN"], [])
    await later(round_, clock, timedelta(minutes=10))
    assert (await known(pool))[0] == ["UNKNOWN"]
    await later(round_, clock, NOT_FOUND_IS_PROOF_AFTER)
    assert await known(pool) == (["FAILED"], [])


@pytest.mark.usefixtures("household")
async def test_one_payments_trouble_is_not_anothers(
    pool: AsyncEngine, round_: Round, operator: Operator
) -> None:
    await join(pool, MARIAM, at=NOON, name="Mariam Sangaré")
    operator.breaks_for = AWA
    await collect(round_)
    assert await known(pool) == (["UNKNOWN", "PENDING"], [])


@pytest.mark.usefixtures("household")
async def test_a_prompt_is_not_sent_long_after_it_was_wished_for(
    pool: AsyncEngine, round_: Round, operator: Operator, clock: Clock
) -> None:
    await later(round_, clock, UNSENT_FOR + SOON)
    assert operator.asked == []
    assert await known(pool) == (["FAILED"], [])


@pytest.mark.usefixtures("household")
async def test_an_old_payment_is_put_before_a_person_and_still_asked_about(
    pool: AsyncEngine, round_: Round, clock: Clock
) -> None:
    await collect(round_)
    await later(round_, clock, OLD_AFTER + SOON)
    assert await known(pool) == (["PENDING"], ["old"])


@pytest.mark.parametrize("days", [-40, -400, -10_000, 3])
async def test_nobodys_clock_dates_a_payment_before_its_wish_or_after_its_answer(
    pool: AsyncEngine, round_: Round, operator: Operator, clock: Clock, household: Household, days: int
) -> None:
    await collect(round_)
    operator.says = paid(NOON + timedelta(days=days))
    await later(round_, clock, SOON)
    assert await known(pool) == (["PAID"], ["clock"])
    async with pool.connect() as db:
        period = (await standing(db, household, clock.now)).periods[0]
    assert period.opened_on == NOON.date()


@pytest.mark.usefixtures("household")
async def test_paid_but_nothing_is_left_to_a_person(
    pool: AsyncEngine, round_: Round, operator: Operator, clock: Clock
) -> None:
    await collect(round_)
    operator.says = paid(NOON + SOON, amount_minor=0)
    await later(round_, clock, SOON)
    assert await known(pool) == (["UNKNOWN"], ["contradiction"])


@pytest.mark.usefixtures("household")
async def test_a_bell_that_rings_long_after_the_failure_is_put_before_a_person(
    pool: AsyncEngine, round_: Round, operator: Operator, clock: Clock
) -> None:
    await collect(round_)
    operator.says = OperatorAnswer(Outcome.FAILED, reason="APPROVAL_REJECTED")
    await later(round_, clock, SOON)
    async with pool.begin() as db:
        token = (await db.execute(select(tables.payment.c.notice_token))).scalar_one()
        heard = await ring(db, "simulated", token, a_notice(b"declined"), SIMULATED, clock.now + SOON)
        assert heard is NoticeVerdict.STORED
    assert await known(pool) == (["FAILED"], [])
    async with pool.begin() as db:
        long_after = clock.now + timedelta(hours=2)
        heard = await ring(db, "simulated", token, a_notice(b"paid after all"), SIMULATED, long_after)
        assert heard is NoticeVerdict.STORED
    assert await known(pool) == (["FAILED"], ["late notice"])


@pytest.mark.usefixtures("household")
async def test_a_bell_during_the_question_is_not_lost(
    pool: AsyncEngine, round_: Round, operator: Operator, clock: Clock
) -> None:
    await collect(round_)

    async def bell() -> None:
        async with pool.begin() as db:
            token = (await db.execute(select(tables.payment.c.notice_token))).scalar_one()
            await ring(db, "simulated", token, a_notice(b"paid"), SIMULATED, clock.now)

    operator.meanwhile = bell
    await later(round_, clock, SOON)
    async with pool.connect() as db:
        assert await db.scalar(select(func.count()).where(tables.payment.c.due_at <= clock.now)) == 1


@pytest.fixture
async def three(
    pool: AsyncEngine, household: Household, round_: Round, operator: Operator
) -> list[Household]:
    """Three households whose payments the operator has, and whose payers have approved them."""
    others = [await join(pool, phone, at=NOON, name="Mariam Sangaré") for phone in (MARIAM, OUMAR)]
    await collect(round_)
    operator.approve_all()
    return [household, *others]


async def until(pool: AsyncEngine, state: str, payments: int) -> None:
    """Wait until so many payments are in `state`: a round goes on beside the test."""
    for _look in range(3000):
        if (await states(pool)).count(state) == payments:
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


async def states(pool: AsyncEngine) -> list[str]:
    return (await known(pool))[0]


@pytest.mark.usefixtures("three")
async def test_what_is_paid_in_one_round_is_settled_in_one_transaction(
    pool: AsyncEngine, round_: Round, clock: Clock
) -> None:
    await later(round_, clock, SOON)
    assert await states(pool) == ["PAID"] * 3
    async with pool.connect() as db:
        ticks = "select count(distinct xid) from ledger.journal where kind = 'contribution received'"
        assert await db.scalar(text(ticks)) == 1
        assert await db.scalar(select(func.count(tables.payment.c.lease_token))) == 0


async def test_one_payment_that_cannot_be_settled_does_not_hold_the_others(
    pool: AsyncEngine, owner: AsyncEngine, round_: Round, clock: Clock, three: list[Household]
) -> None:
    closed = {"code": three[1].account}
    async with owner.begin() as db:
        await db.execute(
            text("update ledger.account set closed_on = '2026-01-01' where code = :code"), closed
        )
    await later(round_, clock, SOON)
    assert await states(pool) == ["PAID", "PENDING", "PAID"]


@pytest.mark.usefixtures("three")
async def test_a_payer_does_not_wait_for_a_slower_answer(
    pool: AsyncEngine, round_: Round, clock: Clock, operator: Operator
) -> None:
    operator.slow_for = MARIAM
    turn = asyncio.create_task(later(round_, clock, SOON))
    await until(pool, "PAID", 2)
    assert not turn.done()
    operator.free.set()
    await turn
    assert await states(pool) == ["PAID"] * 3


@pytest.mark.usefixtures("three")
async def test_who_pays_meanwhile_is_claimed_while_a_slow_answer_is_out(
    pool: AsyncEngine, round_: Round, clock: Clock, operator: Operator
) -> None:
    operator.slow_for = MARIAM
    clock.now += SOON
    turn = asyncio.create_task(collect(round_, going_on=lambda: not operator.free.is_set()))
    await join(pool, "+22376000004", at=NOON, name="Sira Traoré")
    await until(pool, "PENDING", 2)  # Mariam's, whose answer is out, and hers
    operator.free.set()
    assert await turn == 4


@pytest.mark.usefixtures("three")
async def test_no_more_is_claimed_than_is_asked_at_once(
    pool: AsyncEngine, round_: Round, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection, "PLACES", 2)
    await later(round_, clock, SOON)
    assert (await states(pool)).count("PAID") == 2
    async with pool.connect() as db:
        assert await db.scalar(select(func.count(tables.payment.c.lease_token))) == 0


@pytest.mark.usefixtures("three")
async def test_an_answer_that_comes_after_another_worker_took_over_comes_too_late(
    pool: AsyncEngine, round_: Round, clock: Clock, operator: Operator
) -> None:
    async def taken_over() -> None:
        async with pool.begin() as db:
            of_mariam = tables.payment.c.payer_phone == MARIAM
            await db.execute(update(tables.payment).where(of_mariam).values(lease_token=UUID(int=1)))

    operator.meanwhile = taken_over
    await later(round_, clock, SOON)
    assert await states(pool) == ["PAID", "PENDING", "PAID"]


def with_capabilities(monkeypatch: pytest.MonkeyPatch, **facts: Any) -> None:
    """The operator `simulated` declares these instead."""
    monkeypatch.setattr(simulated, "CAPABILITIES", replace(simulated.CAPABILITIES, **facts))


@pytest.mark.usefixtures("household")
async def test_a_request_is_never_sent_twice_where_our_reference_is_not_honoured(
    round_: Round, operator: Operator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_capabilities(monkeypatch, honours_reference=False)
    await collect(round_)
    operator.says = OperatorAnswer(Outcome.NOT_FOUND)
    await later(round_, clock, SOON)
    assert len(operator.asked) == 1


@pytest.mark.parametrize("names_reference", [False, True])
@pytest.mark.usefixtures("household")
async def test_what_refuses_a_request_that_was_sent_again_says_nothing_of_the_first(
    pool: AsyncEngine, round_: Round, operator: Operator, clock: Clock, names_reference: bool
) -> None:
    operator.accepts = OperatorAnswer(Outcome.UNKNOWN)  # it had the request, and its answer was lost
    await collect(round_)
    operator.says = OperatorAnswer(Outcome.NOT_FOUND)  # and it does not find it yet
    operator.accepts = OperatorAnswer(
        Outcome.FAILED, reason="PAYER_NOT_FOUND", names_reference=names_reference
    )
    await later(round_, clock, SOON)
    assert len(operator.asked) == 2
    assert (await known(pool))[0] == ["FAILED" if names_reference else "UNKNOWN"]
    if not names_reference:
        operator.says = paid(clock.now)
        await later(round_, clock, 2 * SOON)
        assert (await known(pool))[0] == ["PAID"]


@pytest.mark.parametrize("said", ["70 00 00 02", "+22370000002", "223-70-00-00-02"])
@pytest.mark.usefixtures("household")
async def test_a_kept_reason_repeats_no_phone_number(
    pool: AsyncEngine, round_: Round, operator: Operator, said: str
) -> None:
    operator.accepts = OperatorAnswer(Outcome.FAILED, reason=f"4002: le numéro {said} est invalide")
    await collect(round_)
    moves = tables.payment_move.c
    async with pool.connect() as db:
        kept = await db.scalar(select(moves.reason).where(moves.to_state == "FAILED"))
    assert str(kept).replace("+", "") == "operator: 4002: le numéro # est invalide"


@pytest.mark.usefixtures("household")
async def test_not_found_is_no_proof_where_the_operator_says_so(
    pool: AsyncEngine, round_: Round, operator: Operator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_capabilities(monkeypatch, not_found_is_proof=None, honours_reference=False)
    operator.accepts = OperatorAnswer(Outcome.UNKNOWN)
    await collect(round_)
    operator.says = OperatorAnswer(Outcome.NOT_FOUND)
    await later(round_, clock, 2 * NOT_FOUND_IS_PROOF_AFTER)
    assert (await known(pool))[0] == ["UNKNOWN"]


@pytest.mark.usefixtures("household")
async def test_what_is_not_told_is_no_difference(
    pool: AsyncEngine, round_: Round, operator: Operator, clock: Clock
) -> None:
    await collect(round_)
    operator.says = OperatorAnswer(Outcome.PAID, operator_reference="OP-1", completed_at=clock.now)
    await later(round_, clock, SOON)
    assert await known(pool) == (["PAID"], [])


@pytest.fixture
def two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    with_capabilities(monkeypatch, two_steps=True, honours_reference=False)


async def kept_token(pool: AsyncEngine) -> str | None:
    async with pool.connect() as db:
        token: str | None = await db.scalar(select(tables.payment.c.step_token))
        return token


@pytest.mark.usefixtures("household", "two_steps")
async def test_the_token_of_the_first_step_is_committed_before_the_second(
    pool: AsyncEngine, round_: Round, operator: Operator
) -> None:
    seen: list[str | None] = []

    async def look() -> None:
        seen.append(await kept_token(pool))

    operator.before_request = look
    await collect(round_)
    assert seen == ["T1"]
    assert [(ask.token, ask.reference == operator.prepared[0].reference) for ask in operator.asked] == [
        ("T1", True)
    ]


@pytest.mark.usefixtures("household", "two_steps")
async def test_a_first_step_without_an_answer_is_repeated_and_asks_nobody_twice(
    pool: AsyncEngine, round_: Round, operator: Operator, clock: Clock
) -> None:
    operator.tokens = [None, "T2"]
    await collect(round_)
    assert (operator.asked, await kept_token(pool)) == ([], None)
    await later(round_, clock, SOON)
    assert [ask.token for ask in operator.asked] == ["T2"]
    await later(round_, clock, SOON)
    assert (len(operator.prepared), len(operator.asked)) == (2, 1)


@pytest.mark.usefixtures("household", "two_steps")
async def test_a_second_step_without_an_answer_is_never_repeated(
    pool: AsyncEngine, round_: Round, operator: Operator, clock: Clock
) -> None:
    operator.accepts = OperatorAnswer(Outcome.UNKNOWN)
    await collect(round_)
    operator.says = OperatorAnswer(Outcome.NOT_FOUND)
    await later(round_, clock, SOON)
    assert (len(operator.prepared), len(operator.asked)) == (1, 1)
    operator.says = paid(clock.now)
    await later(round_, clock, timedelta(hours=30))
    assert (await known(pool))[0] == ["PAID"]


@pytest.mark.usefixtures("household", "two_steps")
async def test_a_first_step_that_never_gave_a_token_fails_after_an_hour_because_nobody_was_asked(
    pool: AsyncEngine, round_: Round, operator: Operator, clock: Clock
) -> None:
    operator.tokens = [None]
    await collect(round_)
    asked = dict(round_.heard.counts)
    await later(round_, clock, UNSENT_FOR + SOON)
    assert (await known(pool), operator.asked) == ((["FAILED"], []), [])
    assert round_.heard.counts == asked, "our own refusal is no answer of the operator"


@pytest.mark.usefixtures("household", "two_steps")
async def test_without_the_payers_code_there_is_no_first_step_and_the_failure_is_ours(
    pool: AsyncEngine, round_: Round, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker was killed that had claimed it: the code is kept until a payment is claimed."""
    can = replace(simulated.CAPABILITIES, networks=dict.fromkeys(networks(), Flow.OTP_FIRST))
    monkeypatch.setattr(simulated, "CAPABILITIES", replace(can, two_steps=True))
    await collect(round_)
    assert (await known(pool))[0] == ["FAILED"]
    assert (operator.prepared, operator.asked, round_.heard.counts) == ([], [], {})
    async with pool.connect() as db:
        last = select(tables.payment_move.c.actor).order_by(tables.payment_move.c.position.desc()).limit(1)
        assert await db.scalar(last) == "worker"


async def test_a_lease_that_was_lost_between_the_steps_is_no_answer_of_the_operator(
    pool: AsyncEngine, household: Household, round_: Round, operator: Operator, two_steps: None
) -> None:
    prepare = operator.prepare

    async def lost(ask: PaymentRequest) -> OperatorAnswer:
        async with pool.begin() as db:
            await db.execute(update(tables.payment).values(lease_token=None, lease_until=None))
        return await prepare(ask)

    operator.prepare = lost  # type: ignore[method-assign]
    await collect(round_)
    assert (len(operator.prepared), operator.asked, round_.heard.counts) == (1, [], {})


@pytest.mark.usefixtures("household")
async def test_a_notice_to_the_address_of_an_account_rings_for_the_payment_that_it_names(
    pool: AsyncEngine, round_: Round, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await collect(round_)
    monkeypatch.setattr(simulated, "named_in", lambda notice: notice.body.decode())
    async with pool.begin() as db:
        account = (await db.execute(select(tables.operator_account.c.notice_token))).scalar_one()
        reference = (await db.execute(select(tables.payment.c.reference))).scalar_one()
    for body, is_due in [(b"", False), (str(UUID(int=7)).encode(), False), (str(reference).encode(), True)]:
        async with pool.begin() as db:
            verdict = await ring(db, "simulated", account, a_notice(body), SIMULATED, clock.now)
            due = await db.scalar(select(func.count()).where(tables.payment.c.due_at <= clock.now))
        assert (verdict, due) == (NoticeVerdict.STORED, int(is_due))


@pytest.mark.usefixtures("household")
async def test_a_notice_that_its_operator_has_not_signed_is_not_stored(
    pool: AsyncEngine, round_: Round, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await collect(round_)
    monkeypatch.setattr(simulated, "forgery", lambda notice, credentials: "no signature")
    async with pool.begin() as db:
        token = (await db.execute(select(tables.payment.c.notice_token))).scalar_one()
        verdict = await ring(db, "simulated", token, a_notice(b"paid"), SIMULATED, clock.now)
        stored = await db.scalar(select(func.count()).select_from(tables.money_notice))
        due = await db.scalar(select(func.count()).where(tables.payment.c.due_at <= clock.now))
    assert (verdict, stored, due) == (NoticeVerdict.FORGED, 0, 0)
