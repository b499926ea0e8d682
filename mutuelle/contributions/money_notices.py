"""An operator's notice is a doorbell, never a proof: it is stored, and its payment is due at once.

Nothing in it is believed. A notice for a payment that has failed becomes a case for a person.
"""

import hashlib
import logging
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mobilemoney import adapters
from mobilemoney.credentials import Credentials
from mobilemoney.operator import Notice
from mobilemoney.wire import reference as our_reference
from mutuelle.contributions.payments import OPEN, PaymentState, open_case
from mutuelle.tables import money_notice, operator_account, payment
from prepared import Prepared

log = logging.getLogger("keneya.notices")

SOON = timedelta(minutes=15)  # a notice of the failure itself comes within seconds, also repeated


class NoticeVerdict(StrEnum):
    """What became of a notice. FORGED: its operator signs, and has not signed this one; it is not stored."""

    STORED = "stored"
    UNKNOWN_ADDRESS = "unknown address"
    FORGED = "forged"


async def ring(
    db: AsyncConnection, operator: str, token: str, notice: Notice, credentials: Credentials, now: datetime
) -> NoticeVerdict:
    """Store a notice and make its payment due.

    The token in its address is one payment's, or an account's: then the notice names our reference or the token of a
    first step. One that names no payment of ours is stored and logged, and answered like the others.
    """
    target = await _TARGET.row(db, {"operator": operator, "token": token})
    if target is None or operator not in adapters():
        return NoticeVerdict.UNKNOWN_ADDRESS
    mutuelle_id, account, reference = target
    adapter = adapters()[operator]
    if why := adapter.forgery(notice, credentials.of(mutuelle_id, account, operator)):
        log.warning("notice.forged", extra={"operator": operator, "account": account, "why": why})
        return NoticeVerdict.FORGED
    if reference is not None:
        is_meant = payment.c.reference == reference
    else:
        named = adapter.named_in(notice)
        is_meant = (payment.c.account == account) & _is_named(named)
    row = await _make_due(db, (payment.c.mutuelle_id == mutuelle_id) & is_meant, now)
    heard = await _store(db, operator, token, notice.body, now)
    if row is None:
        log.warning("notice.unmatched", extra={"operator": operator, "account": account})
    elif row.state == PaymentState.FAILED and heard == 1 and now - row.due_at > SOON:
        detail = "the operator rang for a payment that had failed"
        await open_case(db, row.mutuelle_id, row.reference, "late notice", detail, now)
    return NoticeVerdict.STORED


_OPERATOR, _TOKEN = sa.bindparam("operator", type_=sa.Text), sa.bindparam("token", type_=sa.Text)
# The payment that has this token, or else the account.
_TARGET = Prepared(
    select(payment.c.mutuelle_id, payment.c.account, payment.c.reference)
    .where(payment.c.operator == _OPERATOR, payment.c.notice_token == _TOKEN)
    .union_all(
        select(operator_account.c.mutuelle_id, operator_account.c.name, sa.null()).where(
            operator_account.c.operator == _OPERATOR, operator_account.c.notice_token == _TOKEN
        )
    )
)


def _is_named(named: str | None) -> sa.ColumnElement[bool]:
    reference = our_reference(named)
    if reference is not None:
        return sa.or_(payment.c.reference == reference, payment.c.step_token == named)
    return payment.c.step_token == named if named else sa.false()


async def _make_due(db: AsyncConnection, is_meant: sa.ColumnElement[bool], now: datetime) -> Any:
    """The payment that is meant; an open one is asked about at once, and in short waits again."""
    is_open = payment.c.state.in_(OPEN)
    rung = await db.execute(
        sa.update(payment)
        .where(is_meant)
        .values(
            due_at=sa.case((is_open, now), else_=payment.c.due_at),
            polls=sa.case((is_open, 0), else_=payment.c.polls),
        )
        .returning(payment.c.mutuelle_id, payment.c.reference, payment.c.state, payment.c.due_at)
    )
    return rung.one_or_none()


async def _store(db: AsyncConnection, operator: str, token: str, body: bytes, now: datetime) -> int:
    """How often this very notice has come."""
    row = {
        "operator": operator,
        "token": token,
        "body_hash": hashlib.sha256(body).digest(),
        "body": body,
        "received_at": now,
    }
    again = (
        insert(money_notice)
        .values(row)
        .on_conflict_do_update(
            index_elements=["operator", "token", "body_hash"], set_={"times": money_notice.c.times + 1}
        )
    )
    times: int = (await db.execute(again.returning(money_notice.c.times))).scalar_one()
    return times
