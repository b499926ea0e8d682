"""Cases: payments that a person must look at, closed once they are settled, each time with who and why."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.acts import By
from mutuelle.households.households import find_household
from mutuelle.households.support_acts import CASE_CLOSE, CASE_REOPEN, NewSupportAct, SupportError, write_act
from mutuelle.tables import payment, payment_case


@dataclass(frozen=True)
class Case:
    """One payment in one kind of trouble."""

    mutuelle_id: str
    reference: UUID
    kind: str
    detail: str
    opened_at: datetime
    number: str
    operator: str


async def open_cases(db: AsyncConnection, limit: int) -> list[Case]:
    """The cases that are open, the oldest first."""
    rows = await db.execute(
        select(
            payment_case.c.mutuelle_id,
            payment_case.c.reference,
            payment_case.c.kind,
            payment_case.c.detail,
            payment_case.c.opened_at,
            payment.c.number,
            payment.c.operator,
        )
        .join(
            payment,
            (payment.c.mutuelle_id == payment_case.c.mutuelle_id)
            & (payment.c.reference == payment_case.c.reference),
        )
        .where(payment_case.c.closed_at.is_(None))
        .order_by(payment_case.c.opened_at, payment_case.c.reference, payment_case.c.kind)
        .limit(limit)
    )
    return [Case(*row) for row in rows]


async def close_case(db: AsyncConnection, reference: UUID, kind: str | None, by: By) -> int:
    """Close the open cases of a payment (of one kind, or all); returns how many."""
    return await _set(db, CASE_CLOSE, reference, kind, by)


async def reopen_case(db: AsyncConnection, reference: UUID, kind: str | None, by: By) -> int:
    """Reopen the closed cases of a payment (of one kind, or all); returns how many."""
    return await _set(db, CASE_REOPEN, reference, kind, by)


async def _set(db: AsyncConnection, act: str, reference: UUID, kind: str | None, by: By) -> int:
    found = (
        await db.execute(
            select(payment.c.mutuelle_id, payment.c.number).where(payment.c.reference == reference)
        )
    ).one_or_none()
    if found is None:
        raise SupportError(f"no payment has the reference {reference}")
    closes = act == CASE_CLOSE
    these = (
        (payment_case.c.mutuelle_id == found.mutuelle_id)
        & (payment_case.c.reference == reference)
        & (payment_case.c.closed_at.is_(None) if closes else payment_case.c.closed_at.is_not(None))
    )
    if kind is not None:
        these &= payment_case.c.kind == kind
    changed = await db.scalars(
        sa.update(payment_case)
        .where(these)
        .values(closed_at=by.at if closes else None)
        .returning(payment_case.c.kind)
    )
    kinds = sorted(changed)
    if not kinds:
        raise SupportError(f"the payment {reference} has no such case to {act.split()[1]}")
    household = await find_household(db, found.number, closed=True)
    await write_act(db, NewSupportAct(act, str(reference), household, {"kinds": kinds}), by)
    return len(kinds)
