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
from mutuelle.contributions.payments import (
    OPEN,
    PAYMENTS,
    PAYOUTS,
    Kept,
    KeptRow,
    PaymentState,
    open_case_of,
)
from mutuelle.tables import money_notice, operator_account
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
    """Store a notice and make its payment or payout due.

    The token in its address is one payment's, or an account's: then the notice names our reference or the token of a
    first step. One that names no payment of ours is stored and logged, and answered like the others.
    """
    target = await _TARGET.row(db, {"operator": operator, "token": token})
    if target is None or operator not in adapters():
        return NoticeVerdict.UNKNOWN_ADDRESS
    mutuelle_id, account, reference, is_payout = target
    adapter = adapters()[operator]
    if why := adapter.forgery(notice, credentials.of(mutuelle_id, account, operator)):
        log.warning("notice.forged", extra={"operator": operator, "account": account, "why": why})
        return NoticeVerdict.FORGED
    kept, row = (PAYOUTS if is_payout else PAYMENTS), None
    if reference is not None:
        row = await _make_due(db, kept, KeptRow(kept, mutuelle_id, reference).is_it, now)
    elif named := adapter.named_in(notice):
        for kept in (PAYMENTS, PAYOUTS):
            its = (kept.rows.c.mutuelle_id == mutuelle_id) & (kept.rows.c.account == account)
            if row := await _make_due(db, kept, its & _is_named(kept, named), now):
                break
    heard = await _store(db, operator, token, notice.body, now)
    if row is None:
        log.warning("notice.unmatched", extra={"operator": operator, "account": account})
    elif row.state == PaymentState.FAILED and heard == 1 and now - row.due_at > SOON:
        detail = f"the operator rang for a {kept.rows.name} that had failed"
        meant = KeptRow(kept, row.mutuelle_id, row.reference)
        await open_case_of(db, meant, "late notice", detail, now)
    return NoticeVerdict.STORED


_OPERATOR, _TOKEN = sa.bindparam("operator", type_=sa.Text), sa.bindparam("token", type_=sa.Text)
_OWN = [
    select(
        kept.rows.c.mutuelle_id, kept.rows.c.account, kept.rows.c.reference, sa.literal(kept is PAYOUTS)
    ).where(kept.rows.c.operator == _OPERATOR, kept.rows.c.notice_token == _TOKEN)
    for kept in (PAYMENTS, PAYOUTS)
]
# The payment or payout that has this token, or else the account.
_TARGET = Prepared(
    sa.union_all(
        *_OWN,
        select(operator_account.c.mutuelle_id, operator_account.c.name, sa.null(), sa.false()).where(
            operator_account.c.operator == _OPERATOR, operator_account.c.notice_token == _TOKEN
        ),
    )
)


def _is_named(kept: Kept, named: str) -> sa.ColumnElement[bool]:
    of, reference = kept.rows.c, our_reference(named)
    if reference is not None:
        return sa.or_(of.reference == reference, of.step_token == named)
    return of.step_token == named


async def _make_due(db: AsyncConnection, kept: Kept, is_meant: sa.ColumnElement[bool], now: datetime) -> Any:
    """The payment or payout that is meant; an open one is asked about at once, and in short waits again."""
    of = kept.rows.c
    is_open = of.state.in_(OPEN)
    rung = await db.execute(
        sa.update(kept.rows)
        .where(is_meant)
        .values(due_at=sa.case((is_open, now), else_=of.due_at), polls=sa.case((is_open, 0), else_=of.polls))
        .returning(of.mutuelle_id, of.reference, of.state, of.due_at)
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
