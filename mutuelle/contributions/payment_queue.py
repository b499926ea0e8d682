"""The payment queue: payments as the worker claims and reads them, in any state."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Money
from mutuelle.contributions.payments import (
    OPEN,
    PAYMENTS,
    PAYOUTS,
    Kept,
    KeptRow,
    PaymentState,
    PaymentWay,
    with_moves,
)
from mutuelle.tables import payment
from values import value


@value
class QueuedPayment:
    """A payment of the queue, as it was asked for; `lease_token` names the worker that holds it.

    `account` is the mutuelle's at the operator, and its name behind float and suspense; `step_token` what the first of
    two steps gave; `otp` what the payer typed, until it is sent.
    """

    mutuelle_id: str
    reference: UUID
    number: str
    amount: Money
    payer_phone: str
    asked_by: str
    operator: str
    account: str
    network: str
    notice_token: str
    receipt_code: str
    state: PaymentState
    asked_at: datetime
    due_at: datetime
    sent_at: datetime | None
    late_notified_at: datetime | None
    polls: int
    renews_code: str | None = None
    renews_version: int | None = None
    renews_members: int | None = None
    renews_minor: int | None = None
    renews_sequence: int | None = None
    renews_regime: str | None = None
    renews_regime_since: date | None = None
    by_another: bool = False
    step_token: str | None = None
    otp: str | None = None
    lease_token: UUID | None = None

    @property
    def row(self) -> KeptRow:
        return KeptRow(PAYMENTS, self.mutuelle_id, self.reference)

    @property
    def way(self) -> PaymentWay:
        """How its payer is asked."""
        return PaymentWay(self.operator, self.account, self.network)


# In the order of the fields; money is two columns.
QUEUE_COLUMNS = [
    payment.c[column]
    for name in QueuedPayment.__dataclass_fields__
    for column in (("amount_minor", "currency") if name == "amount" else (name,))
]


_STATE = [column.name for column in QUEUE_COLUMNS].index("state") - 5  # after those that are named below


def queued_payment(row: Iterable[Any]) -> QueuedPayment:
    """The payment in a row of QUEUE_COLUMNS."""
    mutuelle_id, reference, number, amount_minor, currency, *facts = row
    facts[_STATE] = PaymentState(facts[_STATE])
    return QueuedPayment(mutuelle_id, reference, number, Money(amount_minor, currency), *facts)


async def lock_queued(
    db: AsyncConnection, keys: Sequence[tuple[str, UUID]]
) -> dict[tuple[str, UUID], QueuedPayment]:
    """Lock the payments of these (mutuelle, reference), in one order, and read each after it is locked."""
    ordered = sorted(set(keys), key=lambda key: (key[0], key[1].int))
    columns = {
        "mutuelles": [mutuelle for mutuelle, _r in ordered],
        "references": [ref for _m, ref in ordered],
    }
    found = [queued_payment(row) for row in (await db.execute(_LOCK_QUEUED, columns)).all()]
    return {(queued.mutuelle_id, queued.reference): queued for queued in found}


async def lease_queued(
    db: AsyncConnection, queued_payments: Sequence[QueuedPayment], token: UUID, until: datetime, now: datetime
) -> None:
    """Take locked payments under a lease: ASKED becomes SENT.

    A row still SENT was left by a worker that died: its outcome is unknown.
    """
    states = [(queued.mutuelle_id, queued.reference, queued.state) for queued in queued_payments]
    await lease_rows(db, states, token, until, now)


async def lease_rows(
    db: AsyncConnection,
    states: Sequence[tuple[str, UUID, PaymentState]],
    token: UUID,
    until: datetime,
    now: datetime,
    *,
    kept: Kept = PAYMENTS,
) -> None:
    """The same for payments or payouts by (mutuelle, reference, state)."""
    columns = {
        "mutuelles": [mutuelle for mutuelle, _r, _s in states],
        "references": [reference for _m, reference, _s in states],
        "states": [state for _m, _r, state in states],
        "nexts": [_TAKEN.get(state, state) for _m, _r, state in states],
    }
    await db.execute(_LEASE[kept.rows.name], {**columns, "token": token, "until": until, "at": now})


async def keep_step_token(db: AsyncConnection, row: KeptRow, lease_token: UUID, step_token: str) -> bool:
    """Write what the first of two steps gave; False if the lease is no longer ours, or the row has ended meanwhile."""
    rows = row.kept.rows
    is_ours = row.is_it & (rows.c.lease_token == lease_token) & rows.c.state.in_(OPEN)
    written = await db.execute(update(rows).where(is_ours).values(step_token=step_token))
    return bool(written.rowcount)


_TAKEN = {PaymentState.ASKED: PaymentState.SENT, PaymentState.SENT: PaymentState.UNKNOWN}
_TAKE = """
    update ROWS p
       set state = made.next, lease_token = :token, lease_until = :until,
           sent_at = case made.was when 'ASKED' then :at else p.sent_at end ALSO
      from unnest(cast(:mutuelles as text[]), cast(:references as uuid[]), cast(:states as text[]),
                  cast(:nexts as text[])) as made (mutuelle, reference, was, next)
     where p.mutuelle_id = made.mutuelle and p.reference = made.reference
    returning p.mutuelle_id, p.reference, made.was, made.next, 'worker' as actor,
              case made.next when 'SENT' then 'handed to the operator'
                             else 'no answer before the lease ran out' end as reason
"""
_LEASE = {
    "payment": with_moves(_TAKE.replace("ROWS", "payment").replace("ALSO", ", otp = null")),
    "payout": with_moves(_TAKE.replace("ROWS", "payout").replace("ALSO", ""), PAYOUTS),
}
_LOCK = """
    select COLUMNS
      from unnest(cast(:mutuelles as text[]), cast(:references as uuid[])) as wanted (mutuelle, reference)
     cross join lateral (select * from payment locked where locked.mutuelle_id = wanted.mutuelle
                            and locked.reference = wanted.reference for update) p
"""
_LOCK_QUEUED = text(_LOCK.replace("COLUMNS", ", ".join(f"p.{column.name}" for column in QUEUE_COLUMNS)))
