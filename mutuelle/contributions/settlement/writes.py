"""Settlement writes: what was decided of a batch of payments, and how it is written.

One statement for each kind of row, not for each payment; only rare rows (cases) are written one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.book import Account, Journal, open_accounts
from mutuelle.acts import By
from mutuelle.contributions.payment_queue import QueuedPayment
from mutuelle.contributions.payments import PaymentState, move, open_case, with_moves
from mutuelle.cover.policies import write_policies
from mutuelle.notify import Notification, notify_all
from mutuelle.posting import post_all
from mutuelle.scheme.regimes import Regime
from values import value

STATUS_ANSWER = "status answer"
ASK_LATER = timedelta(hours=6)


@value
class SettledPayment:
    """A payment that is PAID: the operator's own reference and fee, when it was completed, and why it was moved."""

    queued: QueuedPayment
    operator_reference: str | None
    completed_at: datetime
    reason: str
    fee_minor: int | None = None


@dataclass
class SettlementWrites:
    """What was decided so far. `spent_on`: which payment each reference of an operator has paid for.

    `regimes` are the rows of regimes that payments were agreed under.
    `outgrown` are renewals for fewer people than the household has by now: their money begins no period. `proof` is
    what says that payments are paid.
    `left` are contradictory answers, with the reason; `cases` are kinds of trouble with settled payments, in words.
    """

    now: datetime
    spent_on: dict[tuple[str, str], UUID]
    outgrown: set[UUID]
    proof: str = STATUS_ANSWER
    regimes: dict[tuple[str, str | None, date | None], Regime] = field(default_factory=dict)
    policies: list[dict[str, Any]] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    journals: list[Journal] = field(default_factory=list)
    paid: list[SettledPayment] = field(default_factory=list)
    left: list[tuple[QueuedPayment, str]] = field(default_factory=list)
    cases: list[tuple[QueuedPayment, str, str]] = field(default_factory=list)
    notification: list[Notification] = field(default_factory=list)


async def write_settlement(db: AsyncConnection, batch: SettlementWrites) -> None:
    """Write policies, journals, moves, cases and receipts; RuntimeError where the ledger refuses a journal."""
    if batch.policies:
        await write_policies(db, batch.policies)
    if batch.accounts:
        await open_accounts(db, batch.accounts)
    if batch.journals:
        await post_all(db, batch.journals)
    if batch.paid:
        await _move_paid(db, batch.paid, batch.now)
    for queued, contradiction in batch.left:
        await _leave_to_a_person(db, queued, contradiction, batch.now)
    for queued, kind, detail in batch.cases:
        await open_case(db, queued.mutuelle_id, queued.reference, kind, detail, batch.now)
    await notify_all(db, batch.notification, batch.now)


async def _move_paid(db: AsyncConnection, paid: Sequence[SettledPayment], now: datetime) -> None:
    columns = {
        "mutuelles": [one.queued.mutuelle_id for one in paid],
        "references": [one.queued.reference for one in paid],
        "states": [one.queued.state for one in paid],
        "said": [one.operator_reference for one in paid],
        "times": [one.completed_at for one in paid],
        "reasons": [one.reason for one in paid],
        "fees": [one.fee_minor for one in paid],
    }
    written = await db.execute(_MOVE_PAID, {**columns, "at": now})
    if written.rowcount != len(paid):
        raise RuntimeError(f"{written.rowcount} of {len(paid)} payments moved: not all of them were locked")


async def _leave_to_a_person(db: AsyncConnection, queued: QueuedPayment, detail: str, now: datetime) -> None:
    key = (queued.mutuelle_id, queued.reference)
    await open_case(db, *key, "contradiction", detail, now)
    # Asked about again later: the operator may correct it, and nobody is notified of what is not known.
    later: dict[str, Any] = {"due_at": now + ASK_LATER, "lease_token": None, "lease_until": None}
    await move(db, *key, PaymentState.UNKNOWN, by=By(queued.operator, detail, now), **later)


# A paid payment ends its lease. Its row, which is locked, is looked up by its key: the
# planner would read the whole table for 256 of its rows.
_MOVE_PAID = with_moves("""
    update payment p
       set state = 'PAID', operator_reference = made.said, completed_at = made.at, fee_minor = made.fee,
           lease_token = null, lease_until = null, otp = null
      from unnest(cast(:mutuelles as text[]), cast(:references as uuid[]), cast(:states as text[]),
                  cast(:said as text[]), cast(:times as timestamptz[]), cast(:reasons as text[]),
                  cast(:fees as bigint[])) as made (mutuelle, reference, was, said, at, reason, fee)
     cross join lateral (select ctid from payment found where found.mutuelle_id = made.mutuelle
                            and found.reference = made.reference offset 0) one
     where p.ctid = one.ctid
    returning p.mutuelle_id, p.reference, made.was, p.state as next, p.operator as actor, made.reason
""")
