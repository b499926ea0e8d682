"""Acts of support: every look-up and every change made for somebody else, with who did it and why. Never altered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.households import Household, HouseholdKey, find_household, lock_household
from mutuelle.payments import open_payment
from mutuelle.support.tables import support_act

WHO = "who"
PHONE, HEAD = "household phone", "household head"
MERGE, CLOSE, REOPEN = "household merge", "household close", "household reopen"
CASE_CLOSE, CASE_REOPEN = "case close", "case reopen"
ROUTE_ADD, ROUTE_REMOVE = "route add", "route remove"


class SupportFault(Exception):
    """What support asked for cannot be done; one line for a person, and nothing was changed."""


@dataclass(frozen=True)
class By:
    """Who acts, why, and when (aware UTC)."""

    actor: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Act:
    """An act as it was written down; `facts` are what it takes to take it back."""

    id: UUID
    act: str
    facts: Mapping[str, Any]
    actor: str
    reason: str
    done_at: datetime


async def write_act(
    db: AsyncConnection,
    act: str,
    subject: str,
    by: By,
    *,
    home: HouseholdKey | None = None,
    facts: Mapping[str, Any] | None = None,
    act_id: UUID | None = None,
) -> UUID:
    """Write down what was done, in the transaction that does it, and return its id; `subject` is what was typed."""
    act_id = act_id or uuid4()
    row = {
        "id": act_id,
        "act": act,
        "subject": subject,
        "mutuelle_id": home and home.mutuelle_id,
        "number": home and home.number,
        "facts": dict(facts or {}),
        "actor": by.actor,
        "reason": by.reason,
        "done_at": by.at,
    }
    await db.execute(insert(support_act), row)
    return act_id


async def last_act(db: AsyncConnection, home: Household, *acts: str) -> Act | None:
    """The newest of these acts on a household."""
    rows = await db.execute(
        select(
            support_act.c.id,
            support_act.c.act,
            support_act.c.facts,
            support_act.c.actor,
            support_act.c.reason,
            support_act.c.done_at,
        )
        .where(
            support_act.c.mutuelle_id == home.mutuelle_id,
            support_act.c.number == home.number,
            support_act.c.act.in_(acts),
        )
        .order_by(support_act.c.nth.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    return Act(*row) if row else None


async def open_household(db: AsyncConnection, number: str) -> Household:
    """The open household with this number, locked until the transaction ends."""
    await lock_household(db, number)
    home = await find_household(db, number)
    if home is None:
        closed = await find_household(db, number, closed=True)
        raise SupportFault(
            f"household {number} is closed: `keneya household reopen {number}` first"
            if closed
            else f"no household has the number {number}"
        )
    return home


async def refuse_while_paying(db: AsyncConnection, home: Household) -> None:
    """SupportFault while a payment is under way: it belongs to the household as it is."""
    if payment := await open_payment(db, home):
        raise SupportFault(
            f"a payment of {payment.amount} for household {home.number} is under way: wait until it is settled"
        )
