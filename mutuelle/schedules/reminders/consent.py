"""Reminders by consent: before a cover ends or is suspended, an SMS says how much to pay by when.

Only phones that agreed are reminded, once for each policy and occasion, in day hours; never while a payment is under
way or when the next period is paid for already.
"""

import sqlalchemy as sa
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import _
from mutuelle.household_key import same_household
from mutuelle.households.households import OF_PHONE, households_of
from mutuelle.schedules.tables import reminder_consent as consent
from mutuelle.tables import household_phone
from talk.trouble import RefusedError
from talk.words import Caller


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
