"""Collects payments: sends requests to operators, asks for their status, settles them, and never gives up by itself.

An unknown outcome is UNKNOWN, and the operator is asked again in longer and longer waits. Only a definite answer of the
operator makes a payment FAILED; what a person must look at becomes a case.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from mobilemoney.accounts import ConnectedAccounts, capabilities_of
from mobilemoney.credentials import Credentials
from mobilemoney.operator import (
    Capabilities,
    Flow,
    Operator,
    OperatorAccount,
    OperatorAnswer,
    Outcome,
    PaymentRequest,
    our_word,
)
from mutuelle.acts import By
from mutuelle.contributions.operator_health import HeardOperators
from mutuelle.contributions.payment_queue import (
    QUEUE_COLUMNS,
    QueuedPayment,
    keep_step_token,
    lease_queued,
    lock_queued,
    queued_payment,
)
from mutuelle.contributions.payments import OPEN, KeptRow, PaymentState, move, open_case, open_case_of
from mutuelle.contributions.receipts import notify_failed, notify_late
from mutuelle.contributions.settlement.settle import SETTLED_AT_ONCE, settle_locked
from mutuelle.tables import operator_account, payment
from timing import Clock

log = logging.getLogger("keneya.collection")

AFTER_THE_CALL = timedelta(seconds=4)  # a phone shows no prompt while its call is open
LEASE = timedelta(seconds=60)  # a status and a request, with their time-outs, end well before
PLACES = 64  # payments asked about at once; no more are claimed, so that no lease expires in a queue
SETTLERS = 3  # batches at once: one is decided here, one is written by PostgreSQL, one waits for the disk
CLAIM_AGAIN_S = 0.25  # while answers are pending: a new payment does not wait for the slowest earlier one
TOLD_LATE_AFTER = timedelta(seconds=60)
# A payment that the operator does not know may be sent again. Longer than a lease and, like it, never scaled: what a
# killed worker left behind is found first.
SAME_REFERENCE_WITHIN = timedelta(minutes=2)
UNSENT_FOR = timedelta(hours=1)  # a later prompt would surprise its payer: it is not sent any more
OLD_AFTER = timedelta(days=1)  # then a person looks at it
LONG_NUMBER = re.compile(r"\d(?:[ .-]?\d){5,}")  # as long as a phone number may be written
TOO_LATE, LOST_LEASE = "it waited too long to be sent", "the lease ran out between the steps"
S = PaymentState
T = TypeVar("T")


@dataclass(frozen=True)
class Round:
    """What collecting depends on. `operators`: the names of those that this round asks, in its `accounts`.

    `clock` gives the time of each step, and divides its waits. What the operators answer is counted in `heard`.
    """

    pool: AsyncEngine
    operators: Sequence[str]
    accounts: ConnectedAccounts
    public_url: str
    clock: Clock
    heard: HeardOperators = field(default_factory=HeardOperators)

    def within(self, since: datetime | None, wait: timedelta) -> bool:
        """Whether less than the scaled `wait` has passed since then."""
        return since is None or self.clock() - since < self.clock.scaled(wait)


@dataclass(frozen=True)
class ClaimedPayment:
    """A payment that this worker holds under the lease `token`, and the account that is asked for it."""

    queued: QueuedPayment
    token: UUID
    account: OperatorAccount

    @property
    def capabilities(self) -> Capabilities:
        return capabilities_of(self.queued.operator)


@dataclass(frozen=True)
class AnsweredPayment:
    """An operator's answer about a claimed payment."""

    claimed: ClaimedPayment
    answer: OperatorAnswer

    @property
    def queued(self) -> QueuedPayment:
        return self.claimed.queued


Paid = asyncio.Queue[AnsweredPayment | None]  # answers that wait to be settled; None: there are no more


async def collect(house: Round, going_on: Callable[[], bool] = lambda: False) -> int:
    """Process the payments that are due; returns how many there were.

    1. Claim them under a lease: ASKED becomes SENT, committed before the operator is called.
    2. Outside any transaction, send new ones and ask for the status of the others, concurrently. While `going_on`,
       claim more as places become free.
    3. Record each answer as it comes. All PAID ones that came while the last batch was written are settled in one
       transaction; each other answer moves its payment and plans the next question in its own.
    """
    paid: Paid = asyncio.Queue(2 * SETTLED_AT_ONCE)
    settlers = [asyncio.create_task(_settle_what_comes(house, paid)) for _settler in range(SETTLERS)]
    try:
        return await deal_with_what_is_due(
            lambda room: _claim(house, room), lambda claimed: _deal(house, claimed, paid), going_on
        )
    finally:
        await paid.put(None)
        await asyncio.gather(*settlers)


async def deal_with_what_is_due(
    claim: Callable[[int], Awaitable[Sequence[T]]],
    deal: Callable[[T], Coroutine[Any, Any, None]],
    going_on: Callable[[], bool],
) -> int:
    """Claim, and deal with each that was claimed, all at once; returns how many there were. While `going_on`, claim
    more as places become free. `claim` gets the number of free places.
    """
    asking: set[asyncio.Task[None]] = set()
    dealt = 0
    try:
        while True:
            for claimed in await claim(PLACES - len(asking)):
                asking.add(asyncio.create_task(deal(claimed)))
                dealt += 1
            if not asking:
                return dealt
            _done, asking = await asyncio.wait(asking, timeout=CLAIM_AGAIN_S)
            if not going_on():
                return dealt
    finally:
        if asking:
            await asyncio.wait(asking)


async def _claim(house: Round, room: int) -> list[ClaimedPayment]:
    """Take up to `room` payments that are due, under one lease."""
    token, clock = uuid4(), house.clock.stopped()
    now = clock()
    if not room:
        return []
    async with house.pool.begin() as db:
        queued_payments = await _lock_due(db, house.operators, clock, room)
        stale = [
            queued
            for queued in queued_payments
            if queued.state is S.ASKED and not house.within(queued.asked_at, UNSENT_FOR)
        ]
        for queued in stale:
            await _fail(db, queued, By("worker", TOO_LATE, now))
        taken = [queued for queued in queued_payments if queued not in stale]
        keys = [(queued.mutuelle_id, queued.account) for queued in taken]
        accounts = await accounts_named(db, keys, house.accounts.credentials)
        if taken:
            await lease_queued(db, taken, token, now + LEASE, now)
    return [ClaimedPayment(queued, token, accounts[queued.mutuelle_id, queued.account]) for queued in taken]


async def accounts_named(
    db: AsyncConnection, names: Sequence[tuple[str, str]], credentials: Credentials
) -> dict[tuple[str, str], OperatorAccount]:
    """The accounts at operators with these names (mutuelle, name)."""
    if not names:
        return {}
    its = sa.tuple_(operator_account.c.mutuelle_id, operator_account.c.name)
    rows = await db.execute(select(operator_account).where(its.in_(set(names))))
    return {
        (row.mutuelle_id, row.name): OperatorAccount(
            **row._mapping, credentials=credentials.of(row.mutuelle_id, row.name, row.operator)
        )
        for row in rows
    }


async def _lock_due(
    db: AsyncConnection, operators: Sequence[str], clock: Clock, most: int
) -> list[QueuedPayment]:
    ready = (
        select(*QUEUE_COLUMNS)
        .where(sa.text(IS_DUE))
        .order_by(payment.c.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return [queued_payment(row) for row in await db.execute(ready, due_facts(operators, clock))]


# A condition on the table TABLE. The states are OPEN, written out: so the index of what is due serves every plan.
ROW_IS_DUE = """
    TABLE.state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN') and TABLE.due_at <= cast(:now as timestamptz)
    and (TABLE.lease_until is null or TABLE.lease_until <= cast(:now as timestamptz))
    and TABLE.operator = any (cast(:operators as text[]))
"""
IS_DUE = (
    ROW_IS_DUE.replace("TABLE", "payment")
    + " and (payment.state <> 'ASKED' or payment.asked_at <= cast(:call_over as timestamptz))"
)


def due_facts(operators: Sequence[str], clock: Clock) -> dict[str, object]:
    """The values in IS_DUE."""
    return {"now": clock(), "call_over": clock.ago(AFTER_THE_CALL), "operators": operators}


async def _deal(house: Round, claimed: ClaimedPayment, paid: Paid) -> None:
    """An error of one payment stops no other; it is retried when its lease ends."""
    try:
        answer = await _consult(house, claimed)
    except Exception:
        log.exception("payment.not_asked", extra={"payment": str(claimed.queued.reference)})
        answer = our_word(Outcome.UNKNOWN, "a fault of ours")
    house.heard.note(claimed.queued.mutuelle_id, claimed.queued.account, answer, house.clock)
    if answer.outcome is Outcome.PAID:
        await paid.put(AnsweredPayment(claimed, answer))
    else:
        await _record_alone(house, AnsweredPayment(claimed, answer))


async def _settle_what_comes(house: Round, paid: Paid) -> None:
    """Settle what waits, again and again: no batch waits to fill up, and batches grow with the load."""
    while (first := await paid.get()) is not None:
        batch = [first]
        while len(batch) < SETTLED_AT_ONCE and not paid.empty():
            more = paid.get_nowait()
            if more is None:
                paid.put_nowait(None)
                break
            batch.append(more)
        await _settle_together(house, batch)
    paid.put_nowait(None)  # for the other settlers


async def _settle_together(house: Round, batch: Sequence[AnsweredPayment]) -> None:
    """Settle in one transaction; where it fails, one by one: the error may be of a single payment."""
    if len(batch) > 1:
        try:
            async with house.pool.begin() as db:
                await _settle(db, house, batch)
        except Exception:
            log.exception("payment.batch_failed", extra={"payments": len(batch)})
        else:
            return
    for one in batch:
        await _record_alone(house, one)


async def _settle(db: AsyncConnection, house: Round, batch: Sequence[AnsweredPayment]) -> None:
    """Settle the payments whose lease is still ours; an answer after the lease is dropped."""
    queued_payments = await lock_queued(db, [(one.queued.mutuelle_id, one.queued.reference) for one in batch])
    current = [(queued_payments[one.queued.mutuelle_id, one.queued.reference], one) for one in batch]
    ours = [(queued, one.answer) for queued, one in current if queued.lease_token == one.claimed.token]
    await settle_locked(db, ours, house.clock())
    for queued, answer in ours:
        _note(queued, answer)


async def _record_alone(house: Round, answered: AnsweredPayment) -> None:
    try:
        async with house.pool.begin() as db:
            if answered.answer.outcome is Outcome.PAID:
                await _settle(db, house, [answered])
            else:
                await _record(db, house, answered)
    except Exception:
        log.exception("payment.not_recorded", extra={"payment": str(answered.queued.reference)})


async def _consult(house: Round, claimed: ClaimedPayment) -> OperatorAnswer:
    """Send a new payment; ask for the status of any other, and send it again if the operator does not know it and
    honours our reference.
    """
    queued, can = claimed.queued, claimed.capabilities
    operator, ask = house.accounts.connect(claimed.account), request_of(claimed, house.public_url)
    if can.two_steps and queued.step_token is None:
        return await _in_two_steps(house, claimed, operator, ask)
    if queued.state is S.ASKED:
        return await operator.request(ask)
    answer = await operator.status(ask)
    if _has_code(claimed, ask) and may_send_again(
        can, answer, queued.sent_at or queued.asked_at, house.clock()
    ):
        return of_every_sending(await operator.request(ask))
    return answer


def _has_code(claimed: ClaimedPayment, ask: PaymentRequest) -> bool:
    """Whether the request has the payer's code, or needs none."""
    return ask.otp is not None or claimed.capabilities.flow(claimed.queued.network) is not Flow.OTP_FIRST


def may_send_again(can: Capabilities, answer: OperatorAnswer, sent_at: datetime, now: datetime) -> bool:
    """Whether the same request may go out once more: the operator knows nothing of it, soon after it was sent, and our
    reference twice is one request to it.
    """
    unheard = answer.outcome is Outcome.NOT_FOUND and now - sent_at < SAME_REFERENCE_WITHIN
    return unheard and can.honours_reference


def of_every_sending(answer: OperatorAnswer) -> OperatorAnswer:
    """The answer to a request that was sent again. The one before, whose answer was lost, may be with the payer, or may
    have moved the money: what refuses this one says nothing of it, unless it names the reference that both have.
    """
    if answer.outcome is Outcome.FAILED and not answer.names_reference:
        reason = f"refused when it was sent again: {answer.reason}"
        return replace(answer, outcome=Outcome.UNKNOWN, reason=reason)
    return answer


async def _in_two_steps(
    house: Round, claimed: ClaimedPayment, operator: Operator, ask: PaymentRequest
) -> OperatorAnswer:
    """The first step, its token committed, then the second. Without a token nobody was asked: the first may be repeated
    until a prompt would surprise its payer, and then the payment has failed. So it has where the payer's code is gone,
    which is kept until it is sent.
    """
    if not house.within(claimed.queued.asked_at, UNSENT_FOR):
        return our_word(Outcome.FAILED, TOO_LATE)
    if not _has_code(claimed, ask):
        return our_word(Outcome.FAILED, "the code of the payer is gone")
    answer = await operator.prepare(ask)
    if answer.token is None:
        return answer
    async with house.pool.begin() as db:
        kept = await keep_step_token(db, claimed.queued.row, claimed.token, answer.token)
    if not kept:
        return our_word(Outcome.UNKNOWN, LOST_LEASE)
    return await operator.request(replace(ask, token=answer.token))


def request_of(claimed: ClaimedPayment, public_url: str) -> PaymentRequest:
    """The payment as its operator is asked for it."""
    queued = claimed.queued
    by_account = claimed.capabilities.notices_by_account
    token = claimed.account.notice_token if by_account else queued.notice_token
    return PaymentRequest(
        reference=queued.reference,
        phone=queued.payer_phone,
        amount_minor=queued.amount.amount_minor,
        currency=queued.amount.currency,
        note=f"Mutuelle {queued.number}",
        notice_url=f"{public_url}/money/{queued.operator}/{token}",
        network=queued.network,
        token=queued.step_token,
        otp=queued.otp,
    )


async def _record(db: AsyncConnection, house: Round, answered: AnsweredPayment) -> None:
    queued, answer, now = answered.queued, answered.answer, house.clock()
    where = (payment.c.mutuelle_id == queued.mutuelle_id) & (payment.c.reference == queued.reference)
    facts = select(payment.c.state, payment.c.lease_token, payment.c.due_at).where(where).with_for_update()
    current = (await db.execute(facts)).one()
    if current.lease_token != answered.claimed.token or current.state not in OPEN:
        return  # another worker has the lease, or it is settled: this answer is too late
    can = answered.claimed.capabilities
    if answer.outcome is Outcome.FAILED or await is_proven_lost(
        db, house, can, queued.row, queued.sent_at, answer
    ):
        said = None if answer.is_ours else answer.reason or ""
        await _fail(db, queued, by_answer(queued.operator, answer, now), said)
    else:
        await _ask_again(db, house, answered, rung=current.due_at != queued.due_at)
    await db.execute(sa.update(payment).where(where).values(lease_token=None, lease_until=None))
    _note(queued, answer)


def _note(queued: QueuedPayment, answer: OperatorAnswer) -> None:
    log.info("payment.answer", extra={"payment": str(queued.reference), "outcome": str(answer.outcome)})


async def _fail(db: AsyncConnection, queued: QueuedPayment, by: By, said: str | None = None) -> None:
    await move(db, queued.mutuelle_id, queued.reference, S.FAILED, by=by, otp=None)
    await notify_failed(db, queued, by.at, said)


async def is_proven_lost(
    db: AsyncConnection,
    house: Round,
    can: Capabilities,
    row: KeptRow,
    sent_at: datetime | None,
    answer: OperatorAnswer,
) -> bool:
    """NOT FOUND proves a payment or payout lost, after the operator's own wait, only if it never confirmed it before;
    else a person looks at it.
    """
    if answer.outcome is not Outcome.NOT_FOUND or can.not_found_is_proof is None:
        return False
    if house.within(sent_at, can.not_found_is_proof):
        return False
    moves = row.kept.moves.c
    acknowledged = sa.exists().where(
        moves.mutuelle_id == row.mutuelle_id, moves.reference == row.reference, moves.to_state == S.PENDING
    )
    if not await db.scalar(select(acknowledged)):
        return True
    detail = "the operator had it, and now knows nothing of it"
    await open_case_of(db, row, "contradiction", detail, house.clock())
    return False


def by_answer(operator: str, answer: OperatorAnswer, at: datetime) -> By:
    """Who makes the move that this answer makes, and why; without the phone number that an operator may repeat."""
    said = LONG_NUMBER.sub("#", answer.reason or answer.outcome)
    return By("worker", said[:100], at) if answer.is_ours else By(operator, f"operator: {said}"[:100], at)


def _wait_s(can: Capabilities, polls: int) -> float:
    """How long until the next question, after so many."""
    if not polls:
        return can.first_status.total_seconds()
    return can.ladder_s[min(polls, len(can.ladder_s) - 1)]


def due_again(house: Round, can: Capabilities, polls: int, *, rung: bool) -> dict[str, object]:
    """The changes of a row that plan the next question. `rung`: a notice came during the request, and the answer may be
    older than the notice.
    """
    now = house.clock()
    if rung:
        return {"polls": 0, "due_at": now}
    # Spread, so that a thousand payments do not ask in one second.
    wait_s = _wait_s(can, polls) * (0.9 + secrets.randbelow(21) / 100)
    return {"polls": polls + 1, "due_at": now + house.clock.scaled(timedelta(seconds=wait_s))}


async def _ask_again(db: AsyncConnection, house: Round, answered: AnsweredPayment, *, rung: bool) -> None:
    queued, answer, now = answered.queued, answered.answer, house.clock()
    to = S.PENDING if answer.outcome in (Outcome.ACCEPTED, Outcome.PENDING) else S.UNKNOWN
    changes = due_again(house, answered.claimed.capabilities, queued.polls, rung=rung)
    if queued.late_notified_at is None and not house.within(queued.asked_at, TOLD_LATE_AFTER):
        changes["late_notified_at"] = now
        await notify_late(db, queued, now)
    if not house.within(queued.asked_at, OLD_AFTER):
        detail = "the operator cannot say what became of it"
        await open_case(db, queued.mutuelle_id, queued.reference, "old", detail, now)
    by = by_answer(queued.operator, answer, now)
    await move(db, queued.mutuelle_id, queued.reference, to, by=by, **changes)
