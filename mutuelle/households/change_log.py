"""What was changed in a household, when, by whom and why: written beside each change, never altered.

A transaction that changes a household holds its lock and notes the change.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Row, Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.acts import By
from mutuelle.household_key import of_household
from mutuelle.households.households import Household
from mutuelle.scheme.sealed_records import record_households
from mutuelle.tables import household_change


class Change(StrEnum):
    """The kinds of change; each has its words in `WORDS`."""

    ADDED = "person added"
    REMOVED = "person removed"
    CORRECTED = "person corrected"
    NAMED = "person named"
    REGISTERED = "registered"
    CONFIRMED = "confirmed"
    DENIED = "denied"
    PHONE_ADDED = "phone added"
    PHONE_REMOVED = "phone removed"
    PHONE_DOUBTED = "phone doubted"
    PHONE_KNOWN = "phone known again"
    HEAD_CHANGED = "head changed"
    FROZEN = "frozen"
    UNFROZEN = "unfrozen"
    PIN_GIVEN = "code given"
    PIN_LOCKED = "code locked"
    PIN_TAKEN = "code taken away"
    DOCTOR_CHOSEN = "doctor chosen"
    MERGED = "merged"
    WAIVED = "debt waived"
    COPY_ASKED = "copy asked"
    COPY_GIVEN = "copy given"
    REGIME = "regime changed"
    CLOSED = "closed"
    REOPENED = "reopened"
    ERASED = "erased"


WORDS: dict[Change, Sentence] = {
    Change.ADDED: _("person added"),
    Change.REMOVED: _("person removed"),
    Change.CORRECTED: _("person corrected"),
    Change.NAMED: _("name given"),
    Change.REGISTERED: _("household registered"),
    Change.CONFIRMED: _("household confirmed"),
    Change.DENIED: _("phone said: not us"),
    Change.PHONE_ADDED: _("phone added"),
    Change.PHONE_REMOVED: _("phone removed"),
    Change.PHONE_DOUBTED: _("phone in doubt"),
    Change.PHONE_KNOWN: _("phone known again"),
    Change.HEAD_CHANGED: _("new head"),
    Change.FROZEN: _("stopped by a NO"),
    Change.UNFROZEN: _("looked at, goes on"),
    Change.PIN_GIVEN: _("household code given"),
    Change.PIN_LOCKED: _("household code locked"),
    Change.PIN_TAKEN: _("household code taken away"),
    Change.DOCTOR_CHOSEN: _("doctor chosen"),
    Change.MERGED: _("households joined"),
    Change.WAIVED: _("debt waived"),
    Change.COPY_ASKED: _("copy asked for"),
    Change.COPY_GIVEN: _("copy given"),
    Change.REGIME: _("payer changed"),
    Change.CLOSED: _("household closed"),
    Change.REOPENED: _("household reopened"),
    Change.ERASED: _("data erased"),
}


@dataclass(frozen=True)
class Noted:
    """One change: `position` counts from 1; `actor` is a phone (E.164) or, from the command line, a name."""

    position: int
    what: Change
    detail: str
    actor: str
    reason: str
    changed_at: datetime


async def note_change(db: AsyncConnection, household: Household, what: Change, *, detail: str, by: By) -> int:
    """Note a change and record the household; returns its position. The caller holds the household's lock.

    `detail` is read by the household on a small screen: at most 70 letters, in no language (names, years, numbers).
    """
    newest = await db.scalar(
        select(sa.func.max(household_change.c.position)).where(of_household(household_change, household))
    )
    position = (newest or 0) + 1
    row = {
        "mutuelle_id": household.mutuelle_id,
        "number": household.number,
        "position": position,
        "what": what,
        "detail": detail,
        "actor": by.actor,
        "reason": by.reason,
        "changed_at": by.at,
    }
    await db.execute(insert(household_change), row)
    await record_households(db, [household])
    return position


async def changes_of(db: AsyncConnection, household: Household, limit: int) -> list[Noted]:
    """The last `limit` changes of a household, the newest first."""
    return [noted(row) for row in await db.execute(last_changes(household, limit))]


def last_changes(household: Household, limit: int) -> Select[Any]:
    """The question behind `changes_of`, to be asked alone or with more of each change."""
    return (
        select(
            household_change.c.position,
            household_change.c.what,
            household_change.c.detail,
            household_change.c.actor,
            household_change.c.reason,
            household_change.c.changed_at,
        )
        .where(of_household(household_change, household))
        .order_by(household_change.c.position.desc())
        .limit(limit)
    )


def noted(row: Row[Any]) -> Noted:
    """The change in a row of `last_changes`."""
    return Noted(row.position, Change(row.what), row.detail, row.actor, row.reason, row.changed_at)


async def changes_since(db: AsyncConnection, household: Household, what: set[Change], since: datetime) -> int:
    """How many changes of these kinds the household has had since then."""
    found = await db.scalar(
        select(sa.func.count())
        .select_from(household_change)
        .where(
            of_household(household_change, household),
            household_change.c.what.in_(what),
            household_change.c.changed_at > since,
        )
    )
    return found or 0
