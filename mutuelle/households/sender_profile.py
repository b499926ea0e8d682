"""What is known of the sender of an SMS: a household's phone, an officer's, or nothing.

Closed households and ended appointments do not count: a number may have a new owner.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.household_key import same_household
from mutuelle.households.holders import HEARD_OF_CALLER
from mutuelle.officers.roles import appointments_by, appointments_of_phone
from mutuelle.tables import household as household_table
from mutuelle.tables import household_phone, mutuelle
from prepared import Prepared
from sms.limits import Sender
from talk.phones import region_of


async def roles_of(db: AsyncConnection, phone: str, at: datetime) -> frozenset[str]:
    """The roles in which `phone` is in office on the day of `at`, in any mutuelle."""
    return frozenset(appointment.role for appointment in await appointments_of_phone(db, phone, at))


_SPEAKS = sa.exists().where(
    same_household(household_table, household_phone),
    household_phone.c.phone == sa.bindparam("phone"),
    household_table.c.closed_at.is_(None),
)
_OFFICER: sa.ColumnElement[Any] = sa.exists(appointments_by("phone"))
_ASKED: sa.Select[Any] = sa.select(_OFFICER, _SPEAKS).add_cte(HEARD_OF_CALLER)
_SENDER = Prepared(_ASKED)


async def sender_of(db: AsyncConnection, phone: str, at: datetime) -> Sender:
    """The sender `phone` at `at`; an appointment goes before a household. That it wrote is written down (`HEARD`)."""
    is_officer, speaks = await _SENDER.row(db, {"phone": phone, "value": phone, "at": at})
    if is_officer:
        return Sender.OFFICER
    if speaks:
        return Sender.MEMBER
    served = await db.scalar(sa.select(sa.exists().where(mutuelle.c.country == region_of(phone))))
    return Sender.STRANGER if served else Sender.FOREIGN
