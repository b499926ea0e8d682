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
from mutuelle.households.households import Household
from mutuelle.households.pins import own_household_by_pin
from mutuelle.households.support_acts import SupportError
from mutuelle.officers.appointments import tell_treasurers
from mutuelle.schedules.tables import reminder_consent
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
    household = await own_household_by_pin(db, caller, number, pin)
    if isinstance(household, Sentence):
        return household
    stands = await standing(db, household, caller.at)
    if (stands.due, stands.credit) != (due, credit):
        raise RefusedError(_("Your account has changed. Please look again."))
    try:
        await close_household(db, number, By(caller.phone, REASON, caller.at), although_covered=True)
    except SupportError:
        raise RefusedError(PAYMENT_UNDER_WAY) from None
    await _end_reminders(db, household, caller)
    said, event = left(household, due, credit), f"{number} {caller.at.isoformat()}"
    await tell_treasurers(db, stands.mutuelle, "household left", said, caller.at, event)
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
