"""Cases: payments and payouts that a person must look at, closed once they are settled, each time with who and why."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.acts import By
from mutuelle.contributions.payments import PAYMENTS, PAYOUTS, Kept
from mutuelle.households.households import find_household
from mutuelle.households.support_acts import CASE_CLOSE, CASE_REOPEN, NewSupportAct, SupportError, write_act


@dataclass(frozen=True)
class Case:
    """One payment or payout in one kind of trouble; `about` is the household's number, or that it is a payout."""

    mutuelle_id: str
    reference: UUID
    kind: str
    detail: str
    opened_at: datetime
    about: str
    operator: str


async def open_cases(db: AsyncConnection, limit: int) -> list[Case]:
    """The cases that are open, the oldest first."""
    whose = ((PAYMENTS, PAYMENTS.rows.c.number), (PAYOUTS, sa.literal("payout")))
    both = sa.union_all(*(_open(kept, about) for kept, about in whose)).subquery()
    oldest = select(both).order_by(both.c.opened_at, both.c.reference, both.c.kind).limit(limit)
    return [Case(*row) for row in await db.execute(oldest)]


def _open(kept: Kept, about: sa.ColumnElement[str]) -> sa.Select[tuple[object, ...]]:
    case, of = kept.cases.c, kept.rows.c
    return (
        select(
            case.mutuelle_id,
            case.reference,
            case.kind,
            case.detail,
            case.opened_at,
            about.label("about"),
            of.operator,
        )
        .join_from(
            kept.cases,
            kept.rows,
            (of.mutuelle_id == case.mutuelle_id) & (of.reference == case.reference),
        )
        .where(case.closed_at.is_(None))
    )


async def close_case(db: AsyncConnection, reference: UUID, kind: str | None, by: By) -> int:
    """Close the open cases of a payment or payout (of one kind, or all); returns how many."""
    return await _set(db, CASE_CLOSE, reference, kind, by)


async def reopen_case(db: AsyncConnection, reference: UUID, kind: str | None, by: By) -> int:
    """Reopen the closed cases of a payment or payout (of one kind, or all); returns how many."""
    return await _set(db, CASE_REOPEN, reference, kind, by)


async def _set(db: AsyncConnection, act: str, reference: UUID, kind: str | None, by: By) -> int:
    kept, number = await _whose(db, reference)
    closes, case = act == CASE_CLOSE, kept.cases.c
    these = (case.reference == reference) & (
        case.closed_at.is_(None) if closes else case.closed_at.is_not(None)
    )
    if kind is not None:
        these &= case.kind == kind
    closing = sa.update(kept.cases).where(these).values(closed_at=by.at if closes else None)
    kinds = sorted(await db.scalars(closing.returning(case.kind)))
    if not kinds:
        raise SupportError(f"the {kept.rows.name} {reference} has no such case to {act.split()[1]}")
    household = await find_household(db, number, closed=True) if number else None
    await write_act(db, NewSupportAct(act, str(reference), household, {"kinds": kinds}), by)
    return len(kinds)


async def _whose(db: AsyncConnection, reference: UUID) -> tuple[Kept, str | None]:
    """Where the payment or payout is kept, and the household of a payment."""
    of_payment = select(PAYMENTS.rows.c.number).where(PAYMENTS.rows.c.reference == reference)
    if number := await db.scalar(of_payment):
        return PAYMENTS, number
    of_payout = select(PAYOUTS.rows.c.reference).where(PAYOUTS.rows.c.reference == reference)
    if await db.scalar(of_payout):
        return PAYOUTS, None
    raise SupportError(f"no payment or payout has the reference {reference}")
