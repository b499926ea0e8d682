"""A household leaves the mutuelle: it takes back its agreement to be a member.

It is closed as support closes one: nothing is erased, what it paid stays in the books, money that comes late is kept
for it, and support can open it again.
"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Money, Sentence, _
from mutuelle.acts import By
from mutuelle.contributions.standing import standing
from mutuelle.household_key import of_household
from mutuelle.households.households import Household, lock_household, own_household, refuse_frozen
from mutuelle.households.pins import try_household_pin
from mutuelle.households.support_acts import SupportError
from mutuelle.notify import notify
from mutuelle.schedules.tables import reminder_consent
from mutuelle.scheme.mutuelles import treasurers
from mutuelle.support.changes import close_household
from talk.answers import Secret
from talk.trouble import RefusedError
from talk.words import Caller

REASON = "the household asked for it"
PAYMENT_UNDER_WAY = _("A payment of yours is under way. Wait for our SMS, then try again.")


async def leave(
    db: AsyncConnection,
    caller: Caller,
    *,
    number: str,
    due: Money,
    credit: Money,
    pin: Secret | None = None,
) -> Sentence | None:
    """Close the caller's household as she agreed to: with this debt and this credit, and no longer covered.

    RefusedError where they are no longer so, a payment is under way or the household is frozen; a sentence where it has
    a PIN and `pin` is not it.
    """
    await lock_household(db, number)
    household = await own_household(db, caller, number)
    refuse_frozen(household)
    if wrong := await try_household_pin(db, caller, household, pin):
        return wrong
    stands = await standing(db, household, caller.at)
    if (stands.due, stands.credit) != (due, credit):
        raise RefusedError(_("Your account has changed. Please look again."))
    try:
        await close_household(db, number, By(caller.phone, REASON, caller.at), although_covered=True)
    except SupportError:
        raise RefusedError(PAYMENT_UNDER_WAY) from None
    await _end_reminders(db, household, caller)
    today = stands.mutuelle.today(caller.at)
    told = dict.fromkeys(
        (who.phone for who in await treasurers(db, household.mutuelle_id, today)),
        left(household, due, credit),
    )
    event = f"{number} {caller.at.isoformat()}"
    await notify(db, household.mutuelle_id, "household left", told, caller.at, event=event)
    return None


async def _end_reminders(db: AsyncConnection, household: Household, caller: Caller) -> None:
    agreed = of_household(reminder_consent, household) & reminder_consent.c.until.is_(None)
    until = sa.func.greatest(reminder_consent.c.since, caller.at)
    await db.execute(sa.update(reminder_consent).where(agreed).values(until=until))


def left(household: Household, due: Money, credit: Money) -> Sentence:
    """To the treasurers: who left, and what is still to be given back or was still owed."""
    facts: dict[str, Fact] = {"mutuelle": household.mutuelle_name, "number": household.shown_number}
    if credit.amount_minor:
        return _(
            "{mutuelle}: household {number} has left, at its own wish. Its credit of {credit} is to be given back.",
            **facts,
            credit=credit,
        )
    if due.amount_minor:
        return _(
            "{mutuelle}: household {number} has left, at its own wish. It still owed {due}.", **facts, due=due
        )
    return _("{mutuelle}: household {number} has left, at its own wish. Nothing is owed.", **facts)
