"""How many SMS of one phone are played a day, and of all strangers an hour. The rest is stored and set aside.

Every message that is played costs the mutuelle an answer, so these are also the limits of answers to one phone.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sms.leases import REPLIES_A_DAY
from sms.tables import Arrival, inbox
from talk.limits import Limited, alarm_once, note_use, uses_since
from talk.phones import region_of

DAY = timedelta(days=1)


class Sender(StrEnum):
    """What is known of a phone: nothing, that it speaks for a household, that its owner has an office.

    FOREIGN: nothing, and no mutuelle is in its country: it is never answered, for an SMS there costs a multiple.
    """

    FOREIGN = "foreign"
    STRANGER = "stranger"
    MEMBER = "member"
    OFFICER = "officer"


# Joining takes eight messages; a member who pays, asks and mistypes all day stays under sixty; a doctor with a full
# waiting room checks three hundred patients.
PLAYED_A_DAY = {
    Sender.FOREIGN: 0,
    Sender.STRANGER: 20,
    Sender.MEMBER: 60,
    Sender.OFFICER: REPLIES_A_DAY - 1,
}  # the last says so
HELPS_A_DAY = {Sender.FOREIGN: 0, Sender.STRANGER: 1, Sender.MEMBER: 10, Sender.OFFICER: 10}
HELPS = ("help", "code", "stranger")
ORDERS = ("stop", "start")


async def played_since(db: AsyncConnection, phone: str, since: datetime) -> int:
    """How many of its messages were played after `since`, answered or not; those set aside by the limit are not."""
    return await _count(db, phone, since, inbox.c.handled_as != "limit")


async def helped_since(db: AsyncConnection, phone: str, since: datetime, known: Sender) -> int:
    """How often it was told how to go on; a stranger's STOP and START count too: they get one word a day in all."""
    kinds = HELPS + (ORDERS if known is Sender.STRANGER else ())
    return await _count(db, phone, since, inbox.c.handled_as.in_(kinds) & (inbox.c.state == Arrival.ANSWERED))


async def _count(db: AsyncConnection, phone: str, since: datetime, which: ColumnElement[bool]) -> int:
    mine = (inbox.c.phone == phone) & (inbox.c.handled_at > since)
    return await db.scalar(select(func.count()).select_from(inbox).where(mine, which)) or 0


async def told_of_limit(db: AsyncConnection, phone: str, since: datetime) -> bool:
    """Whether it was told already that nothing more is read today."""
    told = (inbox.c.handled_as == "limit") & (inbox.c.state == Arrival.ANSWERED)
    return await _count(db, phone, since, told) > 0


async def strangers_answered(db: AsyncConnection, phone: str, since: datetime) -> int:
    """How many answers went after `since` to strangers of this phone's country: their budget is its mutuelles' own."""
    return await uses_since(db, Limited.STRANGER_ANSWERED, since, subject=region_of(phone))


async def note_stranger(
    db: AsyncConnection, phone: str, message: str, now: datetime, *, since: datetime, most: int
) -> None:
    """Count the answer to a stranger's message; the last of `most` after `since` is an event for a person."""
    country = region_of(phone)
    await note_use(db, Limited.STRANGER_ANSWERED, country, message, now)
    answered = await strangers_answered(db, phone, since)
    alarm_once("sms_strangers_stopped", answered, most, country=country)
