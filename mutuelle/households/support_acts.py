"""Acts of support: every look-up and every change made for somebody else, with who did it and why. Never altered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.acts import By
from mutuelle.household_key import OfHousehold, of_household
from mutuelle.households.households import Household
from mutuelle.households.tables import support_act

WHO = "who"
PHONE, HEAD = "household phone", "household head"
MERGE, CLOSE, REOPEN = "household merge", "household close", "household reopen"
ERASE, EXTRACT = "household erase", "extract"
DOUBT, TRUST, UNFREEZE = "phone doubt", "phone known", "household unfreeze"
NETWORK = "phone network"
CASE_CLOSE, CASE_REOPEN = "case close", "case reopen"
ROUTE_ADD, ROUTE_REMOVE = "route add", "route remove"
WAYS_TO_PAY_CHANGE = "ways to pay"
WHO_OWES, PAYER_LIST = "who owes", "payer list"  # lists of names on paper


class SupportError(Exception):
    """An act of support that is impossible, in one line for a person; nothing was changed."""


@dataclass(frozen=True)
class NewSupportAct:
    """An act to be written down: its name, what was typed (`subject`), and what it takes to take it back (`facts`)."""

    act: str
    subject: str
    household: OfHousehold | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class SupportAct:
    """An act as it was written down; `facts` are what it takes to take it back."""

    id: UUID
    act: str
    facts: Mapping[str, Any]
    actor: str
    reason: str
    done_at: datetime


async def write_act(db: AsyncConnection, act: NewSupportAct, by: By) -> UUID:
    """Write down what was done, in the transaction that does it, and return its id."""
    household = act.household
    row = {
        "id": act.id,
        "act": act.act,
        "subject": act.subject,
        "mutuelle_id": household and household.mutuelle_id,
        "number": household and household.number,
        "facts": dict(act.facts),
        "actor": by.actor,
        "reason": by.reason,
        "done_at": by.at,
    }
    await db.execute(insert(support_act), row)
    return act.id


async def last_act(db: AsyncConnection, household: Household, *acts: str) -> SupportAct | None:
    """The newest act of these kinds on a household."""
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
            of_household(support_act, household),
            support_act.c.act.in_(acts),
        )
        .order_by(support_act.c.nth.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    return SupportAct(*row) if row else None
