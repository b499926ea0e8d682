"""What the worker does about payments: send what was asked, ask how it went, settle, never give up by itself.

An outcome that nobody knows is UNKNOWN and asked about again, less and less often; only the operator's definite
word makes a payment fail, and what a person must look at becomes a case.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from mobilemoney.operator import Answer, Ask, Operator, Outcome
from mutuelle.payments import OPEN, PaymentState, move, open_case
from mutuelle.receipts import tell_failed, tell_late
from mutuelle.settlement import settle
from mutuelle.tables import payment, payment_move
from mutuelle.wishes import Due, due_payment

log = logging.getLogger("keneya.collection")

AFTER_THE_CALL = timedelta(seconds=4)  # a prompt cannot show on a phone whose call is still open
LEASE = timedelta(seconds=60)  # a status and a request, each with its time-outs, end well before it
BATCH = 32
ASK_AGAIN_S = (3, 5, 10, 20, 40, 60, 120, 300, 600, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600)
TOLD_LATE_AFTER = timedelta(seconds=60)
# An operator that knows nothing of it may be sent it again. Longer than a lease and, like it, never scaled: so what a
# killed worker left behind is found in time.
SAME_REFERENCE_WITHIN = timedelta(minutes=2)
NOT_FOUND_IS_PROOF_AFTER = timedelta(minutes=15)
UNSENT_FOR = timedelta(
    hours=1
)  # a prompt that comes later than that surprises its payer: it is not sent any more
OLD_AFTER = timedelta(days=1)  # a person looks at what the operator could not say in a day
S = PaymentState


@dataclass(frozen=True)
class Round:
    """What collecting needs of the house. `clock` gives the time of each step; `time_scale` divides every wait."""

    pool: AsyncEngine
    operators: Mapping[str, Operator]
    public_url: str
    clock: Callable[[], datetime]
    time_scale: float = 1.0

    def within(self, since: datetime | None, wait: timedelta) -> bool:
        """Whether less than `wait`, as it is scaled here, has passed since then."""
        return since is None or self.clock() - since < wait / self.time_scale


async def collect(house: Round) -> int:
    """One round over the payments that are due; returns how many were dealt with.

    1. Claim a batch under a lease: ASKED becomes SENT, and that is committed before the operator hears of it.
    2. Outside any transaction, send what is new and ask about the rest, side by side.
    3. Record each answer as it comes, in a transaction of its own: settle, or move and plan the next question.
    """
    async with house.pool.begin() as db:
        claimed, token = await _claim(db, house)
    await asyncio.gather(*(_deal(house, due, token) for due in claimed))
    return len(claimed)


async def _claim(db: AsyncConnection, house: Round) -> tuple[list[Due], UUID]:
    token, now = uuid4(), house.clock()
    ready = await db.execute(
        select(payment)
        .where(
            payment.c.state.in_(OPEN),
            payment.c.due_at <= now,
            (payment.c.state != S.ASKED) | (payment.c.asked_at <= now - AFTER_THE_CALL / house.time_scale),
            payment.c.operator.in_(list(house.operators)),
            sa.func.coalesce(payment.c.lease_until, now) <= now,
        )
        .order_by(payment.c.due_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    claimed = []
    for due in [due_payment(row) for row in ready]:
        if due.state is S.ASKED and not house.within(due.asked_at, UNSENT_FOR):
            await _fail(db, due, "worker", "it waited too long to be sent", now)
        else:
            await _lease(db, due, token, now)
            claimed.append(due)
    return claimed, token


async def _lease(db: AsyncConnection, due: Due, token: UUID, now: datetime) -> None:
    """Take a payment for this round. A row still SENT was sent by a worker that never came back: nobody knows."""
    to = {S.ASKED: S.SENT, S.SENT: S.UNKNOWN}.get(due.state, due.state)
    reason = "handed to the operator" if to is S.SENT else "no answer before the lease ran out"
    changes: dict[str, object] = {"lease_token": token, "lease_until": now + LEASE}
    if due.state is S.ASKED:
        changes["sent_at"] = now
    await move(db, due.mutuelle_id, due.reference, to, actor="worker", reason=reason, at=now, **changes)


async def _deal(house: Round, due: Due, token: UUID) -> None:
    """One payment's trouble is its own: the others go on, and its lease brings it back."""
    try:
        answer = await _consult(house, due)
    except Exception:
        log.exception("payment.not_asked", extra={"payment": str(due.reference)})
        answer = Answer(Outcome.UNKNOWN, reason="a fault of ours")
    try:
        async with house.pool.begin() as db:
            await _record(db, house, due, answer, token)
    except Exception:
        log.exception("payment.not_recorded", extra={"payment": str(due.reference)})


async def _consult(house: Round, due: Due) -> Answer:
    """Send a payment that is new, ask about one that is not; send again one the operator never heard of."""
    operator, ask = house.operators[due.operator], _ask(due, house.public_url)
    if due.state is S.ASKED:
        return await operator.request(ask)
    answer = await operator.status(due.reference)
    unheard = (
        answer.outcome is Outcome.NOT_FOUND
        and house.clock() - (due.sent_at or due.asked_at) < SAME_REFERENCE_WITHIN
    )
    return await operator.request(ask) if unheard else answer


def _ask(due: Due, public_url: str) -> Ask:
    return Ask(
        reference=due.reference,
        phone=due.payer_phone,
        amount_minor=due.amount.amount_minor,
        currency=due.amount.currency,
        note=f"Mutuelle {due.number}",
        notice_url=f"{public_url}/money/{due.operator}/{due.notice_token}",
    )


async def _record(db: AsyncConnection, house: Round, due: Due, answer: Answer, token: UUID) -> None:
    now = house.clock()
    where = (payment.c.mutuelle_id == due.mutuelle_id) & (payment.c.reference == due.reference)
    facts = select(payment.c.state, payment.c.lease_token, payment.c.due_at).where(where).with_for_update()
    current = (await db.execute(facts)).one()
    if current.lease_token != token or current.state not in OPEN:
        return  # another worker has taken over, or it is settled: this answer comes too late to matter
    if answer.outcome is Outcome.PAID:
        await settle(db, due.mutuelle_id, due.reference, answer, now)
    elif answer.outcome is Outcome.FAILED or await _is_proven_lost(db, house, due, answer):
        await _fail(db, due, due.operator, _why(answer), now)
    else:
        await _ask_again(db, house, due, answer, rung=current.due_at != due.due_at)
    await db.execute(sa.update(payment).where(where).values(lease_token=None, lease_until=None))
    log.info("payment.answer", extra={"payment": str(due.reference), "outcome": str(answer.outcome)})


async def _fail(db: AsyncConnection, due: Due, actor: str, reason: str, now: datetime) -> None:
    await move(db, due.mutuelle_id, due.reference, S.FAILED, actor=actor, reason=reason, at=now)
    await tell_failed(db, due, now)


async def _is_proven_lost(db: AsyncConnection, house: Round, due: Due, answer: Answer) -> bool:
    """NOT FOUND proves a payment lost only if the operator never said that it had it; else a person looks at it."""
    if answer.outcome is not Outcome.NOT_FOUND or house.within(due.sent_at, NOT_FOUND_IS_PROOF_AFTER):
        return False
    acknowledged = sa.exists().where(
        payment_move.c.mutuelle_id == due.mutuelle_id,
        payment_move.c.reference == due.reference,
        payment_move.c.to_state == S.PENDING,
    )
    if not await db.scalar(select(acknowledged)):
        return True
    detail = "the operator had it, and now knows nothing of it"
    await open_case(db, due.mutuelle_id, due.reference, "contradiction", detail, house.clock())
    return False


def _why(answer: Answer) -> str:
    return f"operator: {answer.reason or answer.outcome}"[:100]


async def _ask_again(db: AsyncConnection, house: Round, due: Due, answer: Answer, *, rung: bool) -> None:
    now = house.clock()
    to = S.PENDING if answer.outcome in (Outcome.ACCEPTED, Outcome.PENDING) else S.UNKNOWN
    # Spread, so that a thousand payments do not ask in one second.
    wait_s = ASK_AGAIN_S[min(due.polls, len(ASK_AGAIN_S) - 1)] * (0.9 + secrets.randbelow(21) / 100)
    due_at = now + timedelta(seconds=wait_s / house.time_scale)
    changes: dict[str, object] = {"polls": due.polls + 1, "due_at": due_at}
    if rung:  # a notice came while the operator was being asked: the answer may be older than the notice
        changes = {"polls": 0, "due_at": now}
    if due.told_late_at is None and not house.within(due.asked_at, TOLD_LATE_AFTER):
        changes["told_late_at"] = now
        await tell_late(db, due, now)
    if not house.within(due.asked_at, OLD_AFTER):
        detail = "the operator cannot say what became of it"
        await open_case(db, due.mutuelle_id, due.reference, "old", detail, now)
    why = _why(answer)
    await move(db, due.mutuelle_id, due.reference, to, actor=due.operator, reason=why, at=now, **changes)
