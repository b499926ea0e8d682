"""Reminders by consent: before a cover ends or is suspended, an SMS says how much to pay by when.

Only phones that agreed are reminded, once for each policy and occasion, in day hours; never while a payment is under
way or when the next period is paid for already.
"""

import sqlalchemy as sa
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import _
from mutuelle.household_key import of_household, same_household
from mutuelle.households.households import OF_PHONE, households_of, own_household
from mutuelle.schedules.tables import reminder_consent as consent
from mutuelle.tables import household as household_table
from mutuelle.tables import household_phone, officer
from talk.trouble import RefusedError
from talk.words import Caller
from values import value


async def wants_reminders(db: AsyncConnection, caller: Caller) -> bool:
    """Whether the caller's phone agreed to be reminded for a household it speaks for."""
    asked = OF_PHONE.join(
        consent,
        same_household(consent, household_phone) & (consent.c.phone == household_phone.c.phone),
    ).where(consent.c.until.is_(None))
    return bool(await db.scalar(select(asked.exists()), {"phone": caller.phone, "at": caller.at}))


async def accept_reminders(db: AsyncConnection, caller: Caller) -> None:
    """From now on remind the caller's phone, for every household it speaks for; RefusedError if there is none."""
    households = await households_of(db, caller)
    if not households:
        raise RefusedError(_("This phone speaks for no household yet. Dial again and press 1 to join."))
    rows = [
        {
            "mutuelle_id": household.mutuelle_id,
            "number": household.number,
            "phone": caller.phone,
            "since": caller.at,
        }
        for household in households
    ]
    await db.execute(insert(consent).on_conflict_do_nothing(), rows)


async def stop_reminders(db: AsyncConnection, caller: Caller) -> None:
    """Stop reminding the caller's phone, for all households."""
    still_open = (consent.c.phone == caller.phone) & consent.c.until.is_(None)
    await db.execute(
        update(consent).where(still_open).values(until=sa.func.greatest(consent.c.since, caller.at))
    )


@value
class Relative:
    """The phone of somebody who registered a household, with no office; `reminded`: the household allows it."""

    number: str
    phone: str
    reminded: bool


async def relative_of(db: AsyncConnection, caller: Caller) -> Relative | None:
    """Who registered the oldest household that the caller speaks for, if it was a relative."""
    own = sa.exists().where(
        same_household(household_phone, household_table),
        household_phone.c.phone == household_table.c.registered_by,
    )
    held = sa.exists().where(
        officer.c.mutuelle_id == household_table.c.mutuelle_id,
        officer.c.phone == household_table.c.registered_by,
    )
    agreed = sa.exists().where(
        same_household(consent, household_table),
        consent.c.phone == household_table.c.registered_by,
        consent.c.until.is_(None),
    )
    numbers = [household.number for household in await households_of(db, caller)]
    rows = await db.execute(
        select(household_table.c.number, household_table.c.registered_by, agreed)
        .where(
            household_table.c.number.in_(numbers),
            household_table.c.registered_by.is_not(None),
            ~own,
            ~held,
        )
        .order_by(household_table.c.enrolled_at)
        .limit(1)
    )
    found = rows.one_or_none()
    return Relative(*found) if found else None


async def remind_relative(
    db: AsyncConnection, caller: Caller, *, number: str, phone: str, reminded: bool
) -> None:
    """The household allows that the relative's phone is reminded too, or ends it."""
    household = await own_household(db, caller, number)
    relative = await relative_of(db, caller)
    if relative is None or (relative.number, relative.phone) != (number, phone):
        raise RefusedError(_("Nothing was changed. Please look again."))
    key = {"mutuelle_id": household.mutuelle_id, "number": number, "phone": phone}
    if reminded:
        await db.execute(insert(consent).values(**key, since=caller.at).on_conflict_do_nothing())
        return
    still_open = of_household(consent, household) & (consent.c.phone == phone) & consent.c.until.is_(None)
    await db.execute(
        update(consent).where(still_open).values(until=sa.func.greatest(consent.c.since, caller.at))
    )
