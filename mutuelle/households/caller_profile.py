"""The caller profile: language, households and roles of a caller, in one query; every call begins with it.

A call remembers it. It only decides which menus are offered: each menu reads for itself, and each action checks again.
"""

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.households.confirmation import waiting_for_phone
from mutuelle.households.holders import HEARD_OF_CALLER, IS_DOUBTED
from mutuelle.households.households import OF_PHONE, Household
from mutuelle.officers.roles import Appointment, appointment, appointments_by
from mutuelle.rows import rows_of
from prepared import Prepared
from talk.preferences import CHOSEN, spoken
from talk.words import Caller
from values import value


@value
class CallerProfile:
    """Who the calling phone is to the mutuelles today. `is_asked`: a household waits for this phone's confirmation.

    `is_doubted`: it spoke for a household, and who holds it now is not known.
    """

    language: str
    is_asked: bool
    is_doubted: bool
    households: tuple[Household, ...]
    appointments: tuple[Appointment, ...]

    @property
    def mutuelles(self) -> list[str]:
        """The codes of the mutuelles that know the phone."""
        of_households = {household.mutuelle_id for household in self.households}
        return sorted(of_households | {appointment.mutuelle_id for appointment in self.appointments})


async def profile_of(db: AsyncConnection, caller: Caller) -> CallerProfile:
    """The caller's profile; her households the oldest first, her appointments by mutuelle and role.

    That she called is written down in the same statement, once a day (`HEARD`).
    """
    facts = {"phone": caller.phone, "value": caller.phone, "at": caller.at}
    [(language, is_asked, is_doubted, households, appointments)] = await _PROFILE.rows(db, facts)
    households = tuple([Household(*row) for row in households])
    return CallerProfile(
        spoken(language), is_asked, is_doubted, households, tuple(map(appointment, appointments))
    )


_PROFILE = Prepared(
    select(
        CHOSEN.scalar_subquery(),
        sa.exists(waiting_for_phone()),
        IS_DOUBTED,
        rows_of(OF_PHONE),
        rows_of(appointments_by("phone")),
    ).add_cte(HEARD_OF_CALLER)
)
