"""What the worker does about payments: send what was asked, ask how it went, settle, never give up by itself.

An outcome that nobody knows is UNKNOWN and asked about again, less and less often; only the operator's definite
word makes a payment fail.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from mobilemoney.operator import Answer, Ask, Operator, Outcome
from mutuelle.payments import OPEN, PaymentState, move
from mutuelle.receipts import tell_failed, tell_late
from mutuelle.settlement import settle
from mutuelle.tables import money_notice, payment
from mutuelle.wishes import Due, due_payment

log = logging.getLogger("keneya.collection")

AFTER_THE_CALL = timedelta(seconds=4)  # a prompt cannot show on a phone whose call is still open
LEASE = timedelta(seconds=30)  # longer than any call to an operator may take
BATCH = 32
ASK_AGAIN_S = (3, 5, 10, 20, 40, 60, 120, 300, 600, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600)
TOLD_LATE_AFTER = timedelta(seconds=60)
SAME_REFERENCE_WITHIN = timedelta(minutes=2)  # an operator that knows nothing of it may be sent it again
NOT_FOUND_IS_PROOF_AFTER = timedelta(minutes=15)
S = PaymentState


async def collect(
    pool: AsyncEngine,
    operators: Mapping[str, Operator],
    public_url: str,
    now: datetime,
    *,
    time_scale: float = 1.0,
) -> int:
    """One round over the payments that are due; returns how many were dealt with.

    1. Claim a batch under a lease: ASKED becomes SENT, and that is committed before the operator hears of it.
    2. Outside any transaction, send what is new and ask about the rest, side by side.
    3. Record each answer in a transaction of its own: settle, or move and plan the next question.
    """
    async with pool.begin() as db:
        claimed, token = await _claim(db, operators, now, AFTER_THE_CALL / time_scale)
    answers = await asyncio.gather(
        *(_consult(operators[due.operator], due, public_url, now, time_scale) for due in claimed)
    )
    for due, answer in zip(claimed, answers, strict=True):
        await _record_safely(pool, due, answer, token, now, time_scale)
    return len(claimed)


async def _claim(
    db: AsyncConnection, operators: Mapping[str, Operator], now: datetime, pause: timedelta
) -> tuple[list[Due], UUID]:
    token = uuid4()
    ready = await db.execute(
        select(payment)
        .where(
            payment.c.state.in_(OPEN),
            payment.c.due_at <= now,
            (payment.c.state != S.ASKED) | (payment.c.asked_at <= now - pause),
            payment.c.operator.in_(list(operators)),
            sa.func.coalesce(payment.c.lease_until, now) <= now,
        )
        .order_by(payment.c.due_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    claimed = [due_payment(row) for row in ready]
    for due in claimed:
        # A row still SENT was sent by a worker that never came back: nobody knows what the operator heard.
        to = {S.ASKED: S.SENT, S.SENT: S.UNKNOWN}.get(due.state, due.state)
        changes: dict[str, object] = {"lease_token": token, "lease_until": now + LEASE}
        if due.state is S.ASKED:
            changes["sent_at"] = now
        await move(
            db,
            due.mutuelle_id,
            due.reference,
            to,
            actor="worker",
            reason="handed to the operator" if to is S.SENT else "no answer before the lease ran out",
            at=now,
            **changes,
        )
    return claimed, token


async def _consult(operator: Operator, due: Due, public_url: str, now: datetime, time_scale: float) -> Answer:
    """Send a payment that is new, ask about one that is not; send again one the operator never heard of."""
    if due.state is S.ASKED:
        return await operator.request(_ask(due, public_url))
    answer = await operator.status(due.reference)
    unheard = (
        answer.outcome is Outcome.NOT_FOUND
        and now - (due.sent_at or now) <= SAME_REFERENCE_WITHIN / time_scale
    )
    return await operator.request(_ask(due, public_url)) if unheard else answer


def _ask(due: Due, public_url: str) -> Ask:
    return Ask(
        reference=due.reference,
        phone=due.payer_phone,
        amount_minor=due.amount.amount_minor,
        currency=due.amount.currency,
        note=f"Mutuelle {due.number}",
        notice_url=f"{public_url}/money/{due.operator}/{due.notice_token}",
    )


async def _record_safely(
    pool: AsyncEngine, due: Due, answer: Answer, token: UUID, now: datetime, time_scale: float
) -> None:
    """One payment's trouble is its own: the others go on, and its lease brings it back."""
    try:
        async with pool.begin() as db:
            await _record(db, due, answer, token, now, time_scale)
    except Exception:
        log.exception("payment.not_recorded", extra={"payment": str(due.reference)})


async def _record(
    db: AsyncConnection, due: Due, answer: Answer, token: UUID, now: datetime, time_scale: float
) -> None:
    where = (payment.c.mutuelle_id == due.mutuelle_id) & (payment.c.reference == due.reference)
    current = (
        await db.execute(
            select(payment.c.state, payment.c.lease_token, payment.c.due_at).where(where).with_for_update()
        )
    ).one()
    if current.lease_token != token or current.state not in OPEN:
        return  # another worker has taken over, or it is settled: this answer comes too late to matter
    if answer.outcome is Outcome.PAID:
        await settle(db, due.mutuelle_id, due.reference, answer, now)
    elif answer.outcome is Outcome.FAILED or _is_proven_lost(due, answer, now, time_scale):
        await move(
            db, due.mutuelle_id, due.reference, S.FAILED, actor=due.operator, reason=_why(answer), at=now
        )
        await tell_failed(db, due, now)
    else:
        await _ask_again(db, due, answer, now, time_scale, rung=current.due_at != due.due_at)
    await db.execute(sa.update(payment).where(where).values(lease_token=None, lease_until=None))
    log.info("payment.answer", extra={"payment": str(due.reference), "outcome": str(answer.outcome)})


def _is_proven_lost(due: Due, answer: Answer, now: datetime, time_scale: float) -> bool:
    sent_at = due.sent_at or now
    return answer.outcome is Outcome.NOT_FOUND and now - sent_at >= NOT_FOUND_IS_PROOF_AFTER / time_scale


def _why(answer: Answer) -> str:
    return f"operator: {answer.reason or answer.outcome}"[:100]


async def _ask_again(
    db: AsyncConnection, due: Due, answer: Answer, now: datetime, time_scale: float, *, rung: bool
) -> None:
    to = S.PENDING if answer.outcome in (Outcome.ACCEPTED, Outcome.PENDING) else S.UNKNOWN
    wait_s: float = ASK_AGAIN_S[min(due.polls, len(ASK_AGAIN_S) - 1)]
    wait_s *= (
        0.9 + secrets.randbelow(21) / 100
    )  # spread, so that a thousand payments do not ask in one second
    changes: dict[str, object] = {
        "polls": due.polls + 1,
        "due_at": now + timedelta(seconds=wait_s / time_scale),
    }
    if rung:  # a notice came while the operator was being asked: the answer may be older than the notice
        changes = {"polls": 0, "due_at": now}
    if due.told_late_at is None and now - due.asked_at >= TOLD_LATE_AFTER / time_scale:
        changes["told_late_at"] = now
        await tell_late(db, due, now)
    await move(
        db, due.mutuelle_id, due.reference, to, actor=due.operator, reason=_why(answer), at=now, **changes
    )


async def ring(
    db: AsyncConnection, operator: str, token: str, body: bytes, body_hash: bytes, now: datetime
) -> bool:
    """Keep an operator's notice as it came and make its payment due at once; False for an unknown token.

    A notice is a doorbell, never a proof: nothing in it is believed.
    """
    rung = await db.scalar(
        sa.update(payment)
        .where(payment.c.operator == operator, payment.c.notice_token == token)
        .values(
            due_at=sa.case((payment.c.state.in_(OPEN), now), else_=payment.c.due_at),
            polls=sa.case((payment.c.state.in_(OPEN), 0), else_=payment.c.polls),
        )
        .returning(payment.c.reference)
    )
    if rung is None:
        return False
    notice = {"operator": operator, "token": token, "body_hash": body_hash, "body": body, "received_at": now}
    statement = insert(money_notice).values(notice)
    await db.execute(
        statement.on_conflict_do_update(
            index_elements=["operator", "token", "body_hash"], set_={"times": money_notice.c.times + 1}
        )
    )
    return True
