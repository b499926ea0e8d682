"""What strangers may cost and find out in an hour or a day: each use is one row, and limits count the rows.

Two uses at one instant may both pass as the last one: these are brakes, not accounts.
"""

import logging
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from talk.tables import limited_use

log = logging.getLogger("keneya.talk")

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def begun(now: datetime, length: timedelta) -> datetime:
    """When the hour or day (UTC, of this `length`) began that `now` is in: a limit reached is told once in it."""
    return now - (now - EPOCH) % length


class Limited(StrEnum):
    """What is counted, and by whom: the subject of the first is a country, of the others a phone."""

    STRANGER_ANSWERED = "stranger answered"
    NUMBER_NOT_FOUND = "number not found"
    MEMBER_LOOKED_UP = "member looked up"  # by an officer
    HOLDER_NOT_PROVEN = "holder not proven"  # a wrong number or year of birth


async def note_use(db: AsyncConnection, what: Limited, subject: str, item: str, at: datetime) -> bool:
    """Write down a use; False if it was written before, which a hop that is played again does."""
    row = {"what": what, "subject": subject, "item": item, "used_at": at}
    noted = insert(limited_use).values(row).on_conflict_do_nothing().returning(limited_use.c.item)
    return await db.scalar(noted) is not None


async def is_noted(db: AsyncConnection, what: Limited, subject: str, item: str) -> bool:
    """Whether this use was written down before."""
    same = (limited_use.c.what == what, limited_use.c.subject == subject, limited_use.c.item == item)
    return bool(await db.scalar(select(exists().where(*same))))


async def uses_since(
    db: AsyncConnection, what: Limited, since: datetime, *, subject: str | None = None
) -> int:
    """How many there were from `since` on, of one subject or of all."""
    mine = (limited_use.c.what == what) & (limited_use.c.used_at >= since)
    if subject is not None:
        mine &= limited_use.c.subject == subject
    return await db.scalar(select(func.count()).select_from(limited_use).where(mine)) or 0


def alarm_once(event: str, used: int, most: int, **facts: str) -> None:
    """One line of the log for a person where this use was the last one that is allowed."""
    if used == most:
        log.warning(event, extra={"limit": most, **facts})
