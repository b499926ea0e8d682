"""The deeds of an enrolment officer: register a household that may have no phone of its own, give it one later.

An officer writes down at most so many households a day, and a household that may be there already only after
she has seen it and said that it is another. What she wrote is the household's when it says so (`confirmation`).
"""

from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Money, Sentence, _
from mutuelle.changes import Change, note_change
from mutuelle.confirmation import invite
from mutuelle.duplicates import Near, households_with_phone, near_households
from mutuelle.enrolment import agreed_offer, served_place
from mutuelle.households import (
    CONFIRMED,
    Household,
    add_phone,
    find_household,
    household_named,
    lock_household,
    phones_of,
    register_household,
)
from mutuelle.mutuelles import get_mutuelle
from mutuelle.numbers import shown_number
from mutuelle.payments import lock_phone
from mutuelle.policies import write_policy
from mutuelle.staff.pins import try_pin
from mutuelle.staff.roles import Office, Role, office_of
from mutuelle.tables import household
from talk.answers import Kind, Secret, phone_number
from talk.keywords import BY_MESSAGE
from talk.phones import shown_phone, typed_phone
from talk.trouble import Refused
from talk.words import Caller, Consent

NO_PHONE = "0"
A_DAY = 60  # households that one officer registers: more than anybody visits
DAY = timedelta(days=1)


async def register(
    db: AsyncConnection,
    caller: Caller,
    *,
    mutuelle: str,
    place_id: str,
    head_name: str,
    ages: tuple[int, ...],
    phone: str | None,
    product: str,
    version: int,
    price: Money,
    others: tuple[str, ...],
    pin: Secret | None,
    agreed: Consent,
) -> Household | Sentence:
    """A household, its people and its first policy, written by an officer; a sentence if her PIN is not right.

    `others` are the numbers of the households that she was shown and said it is not. By SMS there is no PIN: the
    code that was sent back to her phone stands for it.
    """
    office = await office_of(db, caller, mutuelle, Role.ENROLMENT)
    if wrong := await _wrong_pin(db, caller, pin):
        return wrong
    for each in sorted({caller.phone, phone or caller.phone}):
        await lock_phone(db, each)  # of two at once, the second finds the household of the first
    if await registered_since(db, office, caller) >= A_DAY:
        raise Refused(_("You have registered {most} households in a day. Please go on tomorrow.", most=A_DAY))
    joined = await get_mutuelle(db, mutuelle)
    await served_place(db, mutuelle, place_id)
    today = joined.today(caller.at)
    chosen = await agreed_offer(db, mutuelle, product, version, ages, price, today)
    _refuse_unseen(await near_households(db, joined, place_id, head_name, phone), others)
    home = await register_household(
        db,
        joined,
        head_name=head_name,
        place_id=place_id,
        phone=phone,
        ages=ages,
        at=caller.at,
        registered_by=caller.phone,
    )
    await write_policy(db, home, chosen, sequence=1, agreed_on=today, at=caller.at)
    await note_change(
        db, home, Change.REGISTERED, detail=head_name, actor=caller.phone, reason=office.role, at=caller.at
    )
    if phone is not None:
        await invite(db, home, office.name, phone, caller.at)
    return home


def phone_or_none(region: str) -> Kind[str]:
    """A mobile number of `region`, or 0 for none."""

    def parse(typed: str) -> str:
        return NO_PHONE if typed == NO_PHONE else typed_phone(typed, region)

    own = phone_number(region)
    return Kind("phone or none", parse, good=(*own.good, NO_PHONE), bad=own.bad, takes_zero=True)


async def give_phone(
    db: AsyncConnection,
    caller: Caller,
    *,
    mutuelle: str,
    number: str,
    phone: str,
    others: tuple[str, ...],
    pin: Secret,
    agreed: Consent,
) -> Sentence | None:
    """The first phone of a household that has none; it speaks for it once its holder has said so."""
    office = await office_of(db, caller, mutuelle, Role.ENROLMENT)
    await lock_household(db, number)  # before the PIN, as where cash is received: nobody waits in a circle
    home = await without_phone(db, office, number)
    joined = await get_mutuelle(db, mutuelle)
    _refuse_unseen(await households_with_phone(db, joined, phone), others)
    if wrong := await try_pin(db, caller, pin):
        return wrong
    await add_phone(db, home, phone, caller.at)
    await note_change(
        db,
        home,
        Change.PHONE_ADDED,
        detail=shown_phone(phone),
        actor=caller.phone,
        reason=office.role,
        at=caller.at,
    )
    await invite(db, home, office.name, phone, caller.at)
    return None


async def without_phone(db: AsyncConnection, office: Office, number: str) -> Household:
    """The household of the officer's mutuelle that waits for its first phone; Refused if it does not.

    One that has confirmed has a phone, or had one: whoever lost it is helped by the mutuelle, not by an officer alone.
    """
    home = await find_household(db, number)
    if home is None or home.mutuelle_id != office.mutuelle_id:
        raise Refused(_("No household has the number {number}.", number=shown_number(number)))
    is_confirmed = await db.scalar(
        select(CONFIRMED).where(household.c.mutuelle_id == home.mutuelle_id, household.c.number == number)
    )
    if is_confirmed or await phones_of(db, home, unconfirmed=True):
        raise Refused(
            _("Household {number} has its phone. Please see the treasurer.", number=home.shown_number)
        )
    return home


async def without_phone_asked(db: AsyncConnection, caller: Caller, office: Office, number: str) -> Household:
    """The same for a number that the officer types; those that nobody has are counted and limited."""
    await household_named(db, caller, number, office.mutuelle_id)
    return await without_phone(db, office, number)


async def registered_since(db: AsyncConnection, office: Office, caller: Caller) -> int:
    """How many households the officer has registered in the last 24 hours."""
    found = await db.scalar(
        select(sa.func.count())
        .select_from(household)
        .where(
            household.c.mutuelle_id == office.mutuelle_id,
            household.c.registered_by == caller.phone,
            household.c.enrolled_at > caller.at - DAY,
        )
    )
    return found or 0


async def _wrong_pin(db: AsyncConnection, caller: Caller, pin: Secret | None) -> Sentence | None:
    if caller.gateway == BY_MESSAGE and pin is None:
        return None
    return await try_pin(db, caller, pin or Secret(""))


def _refuse_unseen(near: Iterable[Near], seen: tuple[str, ...]) -> None:
    if any(found.number not in seen for found in near):
        raise Refused(_("A household like this one was just registered. Please look again."))
