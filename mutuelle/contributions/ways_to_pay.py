"""How a household pays where no operator can ask the calling phone: in cash, and to whom.

A mutuelle may have no route, or none for the country of this phone; its households join, pay and renew in cash.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.contributions.payments import operator_for
from mutuelle.household_key import of_household
from mutuelle.households.households import Household
from mutuelle.officers.roles import Appointment, Role, officers_of
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import household as household_table
from mutuelle.tables import route
from talk.phones import shown_phone
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
    return await cash_in_place(db, caller, household.mutuelle_id, await _place_of(db, household))


async def cash_in_place(
    db: AsyncConnection, caller: Caller, mutuelle_id: str, place_id: str
) -> PayInCash | None:
    """The same for a newcomer who lives in a place of the mutuelle."""
    if await operator_for(db, mutuelle_id, caller.phone):
        return None
    return await _who_takes_cash(db, caller, mutuelle_id, place_id)


async def who_takes_cash(
    db: AsyncConnection, caller: Caller, mutuelle_id: str, household: Household | None
) -> PayInCash:
    """Whom to pay in cash, in any case: in the place of `household`, or anywhere in the mutuelle."""
    return await _who_takes_cash(
        db, caller, mutuelle_id, await _place_of(db, household) if household else None
    )


async def _place_of(db: AsyncConnection, household: Household) -> str:
    found = select(household_table.c.place_id).where(of_household(household_table, household))
    place_id: str = (await db.execute(found)).scalar_one()
    return place_id


async def _who_takes_cash(
    db: AsyncConnection, caller: Caller, mutuelle_id: str, place_id: str | None
) -> PayInCash:
    """The collector who received most in that place lately, else another one, else a treasurer; where nobody is in
    office, the mutuelle's own phone.
    """
    has_route = sa.exists().where(route.c.mutuelle_id == mutuelle_id)
    another_phone = bool(await db.scalar(select(has_route)))
    appointments = await officers_of(db, mutuelle_id, caller.at)
    collectors = [appointment for appointment in appointments if appointment.role is Role.COLLECTOR]
    treasurers = [appointment for appointment in appointments if appointment.role is Role.TREASURER]
    if found := await _nearest(db, collectors, place_id) or next(iter(treasurers), None):
        return PayInCash(found.name, found.phone, another_phone)
    mutuelle = await get_mutuelle(db, mutuelle_id)
    return PayInCash(mutuelle.name, mutuelle.complaints_phone, another_phone)


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
