"""How a household pays where no operator can ask the calling phone: in cash, and to whom.

A mutuelle may have no route, or none for the country of this phone; its households join, pay and renew in cash.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.households.households import Household
from mutuelle.officers.roles import Appointment, Role, appointment, appointments_by
from mutuelle.rows import rows_of
from mutuelle.tables import household as household_table
from mutuelle.tables import mutuelle as mutuelles
from mutuelle.tables import route
from prepared import Prepared
from talk.phones import region_of, shown_phone
from talk.words import Caller
from values import value


@value
class PayInCash:
    """Who takes the cash of a household. `another_phone`: a phone of another country could be asked instead."""

    name: str
    phone: str
    another_phone: bool

    @property
    def shown(self) -> str:
        """Name and number, in national form."""
        return f"{self.name}, {shown_phone(self.phone)}"


async def cash_instead(db: AsyncConnection, caller: Caller, household: Household) -> PayInCash | None:
    """Whom `household` pays in cash, where no operator can ask the calling phone for money; None where one can."""
    ways = await _ways(db, caller, household.mutuelle_id, household)
    return None if ways.is_served else await _who_takes_cash(db, ways)


async def cash_in_place(
    db: AsyncConnection, caller: Caller, mutuelle_id: str, place_id: str
) -> PayInCash | None:
    """The same for a newcomer who lives in a place of the mutuelle."""
    ways = await _ways(db, caller, mutuelle_id, None)
    return None if ways.is_served else await _who_takes_cash(db, replace(ways, place_id=place_id))


async def who_takes_cash(
    db: AsyncConnection, caller: Caller, mutuelle_id: str, household: Household | None
) -> PayInCash:
    """Whom to pay in cash, in any case: in the place of `household`, or anywhere in the mutuelle."""
    return await _who_takes_cash(db, await _ways(db, caller, mutuelle_id, household, in_any_case=True))


@value
class _Ways:
    """How a mutuelle can be paid from a phone: `is_served` by an operator of its country, and who is in office."""

    mutuelle_name: str
    complaints_phone: str
    has_route: bool
    is_served: bool
    place_id: str | None  # of the household
    appointments: list[Appointment]


async def _ways(
    db: AsyncConnection,
    caller: Caller,
    mutuelle_id: str,
    household: Household | None,
    *,
    in_any_case: bool = False,
) -> _Ways:
    """Without `in_any_case` nobody in office is read where an operator serves the phone."""
    asked = {"value": mutuelle_id, "at": caller.at, "country": region_of(caller.phone)}
    asked |= {"number": household.number if household else None, "in_any_case": in_any_case}
    [found] = await _ASKED.rows(db, asked)
    name, complaints, has_route, is_served, place_id, held = found
    appointments = sorted(map(appointment, held or ()), key=lambda one: (one.name, one.phone))
    return _Ways(name, complaints, has_route, is_served, place_id, appointments)


def _asked() -> Select[Any]:
    mutuelle = sa.bindparam("value", type_=sa.Text)
    routes = select(route.c.operator).where(route.c.mutuelle_id == mutuelle)
    place = select(household_table.c.place_id).where(
        household_table.c.mutuelle_id == mutuelle,
        household_table.c.number == sa.bindparam("number", type_=sa.Text),
    )
    served = routes.where(route.c.country == sa.bindparam("country")).exists()
    cash = sa.bindparam("in_any_case", type_=sa.Boolean) | ~served
    return select(
        mutuelles.c.name,
        mutuelles.c.complaints_phone,
        routes.exists(),
        served,
        place.scalar_subquery(),
        sa.case((cash, rows_of(appointments_by("mutuelle_id")))),
    ).where(mutuelles.c.id == mutuelle)


_ASKED = Prepared(_asked())


async def _who_takes_cash(db: AsyncConnection, ways: _Ways) -> PayInCash:
    """The collector who received most in that place lately, else another one, else a treasurer; where nobody is in
    office, the mutuelle's own phone.
    """
    collectors = [appointment for appointment in ways.appointments if appointment.role is Role.COLLECTOR]
    treasurers = [appointment for appointment in ways.appointments if appointment.role is Role.TREASURER]
    if found := await _nearest(db, collectors, ways.place_id) or next(iter(treasurers), None):
        return PayInCash(found.name, found.phone, ways.has_route)
    return PayInCash(ways.mutuelle_name, ways.complaints_phone, ways.has_route)


_LATELY = sa.text(
    """
    select h.phone
      from cash_holder h
     cross join lateral (select r.number from cash_receipt r
                          where r.mutuelle_id = h.mutuelle_id and r.holder = h.holder
                          order by r.received_at desc limit 100) lately
      join household x on x.mutuelle_id = h.mutuelle_id and x.number = lately.number and x.place_id = :place
     where h.mutuelle_id = :mutuelle and h.role = :role and h.phone = any(cast(:phones as text[]))
     group by h.phone
     order by count(*) desc, h.phone
     limit 1
    """
)


async def _nearest(
    db: AsyncConnection, collectors: Sequence[Appointment], place_id: str | None
) -> Appointment | None:
    """The collector of a place, by the last hundred receipts of each; the first by name where none collected there."""
    if len(collectors) < 2:
        return collectors[0] if collectors else None
    facts = {
        "mutuelle": collectors[0].mutuelle_id,
        "role": Role.COLLECTOR,
        "place": place_id,
        "phones": [appointment.phone for appointment in collectors],
    }
    nearest = await db.scalar(_LATELY, facts)
    return next((appointment for appointment in collectors if appointment.phone == nearest), collectors[0])
