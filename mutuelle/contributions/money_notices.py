"""An operator's notice is a doorbell, never a proof: it is stored, and its payment is due at once.

Nothing in it is believed. A notice for a payment that has failed becomes a case for a person.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.contributions.payments import OPEN, PaymentState, open_case
from mutuelle.tables import money_notice, payment

SOON = timedelta(minutes=15)  # a notice of the failure itself comes within seconds, also repeated


async def ring(
    db: AsyncConnection, operator: str, token: str, body: bytes, body_hash: bytes, now: datetime
) -> bool:
    """Store a notice and make its payment due; False for an unknown token."""
    is_open = payment.c.state.in_(OPEN)
    rung = await db.execute(
        sa.update(payment)
        .where(payment.c.operator == operator, payment.c.notice_token == token)
        .values(
            due_at=sa.case((is_open, now), else_=payment.c.due_at),
            polls=sa.case((is_open, 0), else_=payment.c.polls),
        )
        .returning(payment.c.mutuelle_id, payment.c.reference, payment.c.state, payment.c.due_at)
    )
    row = rung.one_or_none()
    if row is None:
        return False
    notice = {"operator": operator, "token": token, "body_hash": body_hash, "body": body, "received_at": now}
    statement = insert(money_notice).values(notice)
    heard = await db.scalar(
        statement.on_conflict_do_update(
            index_elements=["operator", "token", "body_hash"], set_={"times": money_notice.c.times + 1}
        ).returning(money_notice.c.times)
    )
    if row.state == PaymentState.FAILED and heard == 1 and now - row.due_at > SOON:
        detail = "the operator rang for a payment that had failed"
        await open_case(db, row.mutuelle_id, row.reference, "late notice", detail, now)
    return True
