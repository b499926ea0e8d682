"""What is known of the sender of an SMS: a household's phone, an officer's, or nothing.

Closed households and ended appointments do not count: a number may have a new owner.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.household_key import same_household
from mutuelle.officers.roles import appointments_of_phone
from mutuelle.tables import household as household_table
from mutuelle.tables import household_phone, mutuelle
from sms.limits import Sender
from talk.phones import region_of


async def roles_of(db: AsyncConnection, phone: str, at: datetime) -> frozenset[str]:
    """The roles in which `phone` is in office on the day of `at`, in any mutuelle."""
    return frozenset(appointment.role for appointment in await appointments_of_phone(db, phone, at))


async def sender_of(db: AsyncConnection, phone: str, at: datetime) -> Sender:
    """The sender `phone` at `at`; an appointment goes before a household."""
    if await appointments_of_phone(db, phone, at):
        return Sender.OFFICER
    speaks = sa.exists().where(
        same_household(household_table, household_phone),
        household_phone.c.phone == phone,
        household_table.c.closed_at.is_(None),
    )
    if await db.scalar(sa.select(speaks)):
        return Sender.MEMBER
    served = await db.scalar(sa.select(sa.exists().where(mutuelle.c.country == region_of(phone))))
    return Sender.STRANGER if served else Sender.FOREIGN
