"""A household is registered by an enrolment officer, or by a relative who pays for it; it may have no phone of its own.

An officer registers at most A_DAY households a day, and a possible duplicate only after she has seen the other one and
said that it is not the same. The household then confirms it from its phone (`confirmation`).
"""

import re
from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Money, Sentence, _
from mutuelle.acts import By
from mutuelle.contributions.foresight import if_paid
from mutuelle.contributions.payments import PayingPhone, ask_payment, lock_phone
from mutuelle.contributions.standing import standing
from mutuelle.contributions.ways_to_pay import cash_instead
from mutuelle.cover.policies import write_policy
from mutuelle.enrolment.enrolment import DueInCash, Enrolment, agreed_offer, notify_due_in_cash, served_place
from mutuelle.household_key import of_household
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.confirmation import (
    Unconfirmed,
    confirm_by,
    confirm_household,
    deny_household,
    invite,
    unconfirmed_in,
)
from mutuelle.households.duplicates import Near, households_with_phone, near_households
from mutuelle.households.households import (
    CONFIRMED,
    Household,
    add_phone,
    find_household,
    lock_household,
    phones_of,
    register_household,
)
from mutuelle.households.member_numbers import shown_number
from mutuelle.officers.pins import try_pin
from mutuelle.officers.roles import Appointment, Role, appointment_of
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.scheme.products import Offer
from mutuelle.tables import household as household_table
from talk.answers import Kind, Secret, ages, phone_number
from talk.figures import groups
from talk.keywords import BY_MESSAGE
from talk.phones import shown_phone, typed_phone
from talk.trouble import InvalidError, RefusedError
from talk.words import Caller
from values import value

NO_PHONE = "0"
A_DAY = 60  # households that one officer registers: more than anybody visits
RELATIVES_A_DAY = (
    3  # households that somebody registers for their people: each is an SMS to a stranger's phone
)
RELATIVE = "relative"  # as what they did, in the change log
OWN_PHONE = _("This is the phone that you call with. To join with your own household, dial and press 1.")
DAY = timedelta(days=1)
# Figures behind the ages that are too long for one: four and more, or in groups behind a comma.
PHONE_TRIED = re.compile(r"(?:[,;]\s*(?=[^,;]*\d{2})|[*\s](?=\+?\d{4}))(?=(?:\D*\d){4})(\+?\d[\d .+-]*)$")


async def register(
    db: AsyncConnection,
    caller: Caller,
    *,
    enrolment: Enrolment,
    phone: str | None,
    others: tuple[str, ...],
    pin: Secret | None,
) -> Household | Sentence:
    """Write a household, its people and its first policy for an officer; a sentence if her PIN is not right.

    `others` are the numbers of the possible duplicates that she was shown and rejected. By SMS there is no PIN: the
    code that was sent back to her phone replaces it.
    """
    appointment = await appointment_of(db, caller, enrolment.mutuelle, Role.ENROLMENT)
    if wrong := await _wrong_pin(db, caller, pin):
        return wrong
    for each in sorted({caller.phone, phone or caller.phone}):
        await lock_phone(db, each)  # of two at once, the second finds the first's household
    if await registered_since(db, appointment, caller) >= A_DAY:
        raise RefusedError(
            _("You have registered {most} households in a day. Please go on tomorrow.", most=A_DAY)
        )
    new, mutuelle = enrolment.household, await get_mutuelle(db, enrolment.mutuelle)
    await served_place(db, mutuelle.id, new.place_id)
    chosen = await agreed_offer(db, enrolment, mutuelle.today(caller.at))
    _refuse_unseen(await near_households(db, mutuelle, new.place_id, new.head_name, phone), others)
    return await _written(db, caller, enrolment, chosen, phone, appointment.role)


async def enrol_relative(
    db: AsyncConnection,
    caller: Caller,
    *,
    enrolment: Enrolment,
    phone: str | None,
    pay_now: Money | None,
    payer: PayingPhone | None = None,
) -> Household:
    """Write the household of somebody's relative, and ask the caller's phone for `pay_now`, if it can be asked.

    `payer` has what she says of her network, and the code that it gave her to pay with. The relative's own phone
    confirms it; where there is none, an officer does. As in joining, nobody is told who is a member already: who knows
    of a duplicate is the officer, and two households that are one are joined by support.
    """
    for each in sorted({caller.phone, phone or caller.phone}):
        await lock_phone(db, each)
    if phone == caller.phone:
        raise RefusedError(OWN_PHONE)
    new, mutuelle = enrolment.household, await get_mutuelle(db, enrolment.mutuelle)
    if await relatives_since(db, caller) >= RELATIVES_A_DAY:
        raise RefusedError(
            _("You have registered {most} relatives in a day. Please go on tomorrow.", most=RELATIVES_A_DAY)
        )
    await served_place(db, mutuelle.id, new.place_id)
    chosen = await agreed_offer(db, enrolment, mutuelle.today(caller.at))
    household = await _written(db, caller, enrolment, chosen, phone, RELATIVE)
    if pay_now is not None:
        await ask_payment(db, caller, household, pay_now, payer or PayingPhone(caller.phone))
    return household


async def _written(
    db: AsyncConnection, caller: Caller, enrolment: Enrolment, chosen: Offer, phone: str | None, reason: str
) -> Household:
    """Write an unconfirmed household, its policy and who registered it as what; its phone is asked to confirm."""
    new, mutuelle = enrolment.household, await get_mutuelle(db, enrolment.mutuelle)
    household = await register_household(
        db, mutuelle, new, phone=phone, at=caller.at, registered_by=caller.phone
    )
    today = mutuelle.today(caller.at)
    await write_policy(db, household, chosen, sequence=1, agreed_on=today, at=caller.at)
    by = By(caller.phone, reason, caller.at)
    await note_change(db, household, Change.REGISTERED, detail=new.head_name, by=by)
    if phone is not None:
        await invite(db, caller, phone)
    return household


async def confirm_seen(
    db: AsyncConnection, caller: Caller, *, mutuelle: str, number: str, pin: Secret
) -> Sentence | None:
    """An officer has seen a household without a phone that a relative registered, and it agrees.

    A sentence if her PIN is not right.
    """
    appointment = await appointment_of(db, caller, mutuelle, Role.ENROLMENT)
    await lock_household(db, number)
    waiting = await to_be_seen(db, appointment, number)
    if wrong := await try_pin(db, caller, pin):
        return wrong
    await confirm_by(db, waiting.household, By(caller.phone, appointment.role, caller.at))
    return None


async def to_be_seen(db: AsyncConnection, appointment: Appointment, number: str) -> Unconfirmed:
    """The household of the officer's mutuelle that a relative registered, without a phone; RefusedError if none."""
    for waiting in await unconfirmed_in(db, appointment.mutuelle_id, number):
        if not waiting.has_phone and not waiting.officer:
            return waiting
    raise RefusedError(_("Household {number} waits for no agent.", number=shown_number(number)))


async def confirm_registration(db: AsyncConnection, caller: Caller, *, number: str) -> None:
    """The phone confirms the household. Where it pays in cash, an SMS says whom, as after joining by call."""
    household = await confirm_household(db, caller, number=number)
    await invite(db, caller, caller.phone)  # another household may wait for the same phone
    if caller.gateway == BY_MESSAGE:  # the answer says it itself
        return
    if cash := await cash_instead(db, caller, household):
        stands = await standing(db, household, caller.at)
        if stands.due.amount_minor:
            due = DueInCash(household, stands.due, stands.today, if_paid(stands, stands.due))
            await notify_due_in_cash(db, caller, due, cash)


async def deny_registration(db: AsyncConnection, caller: Caller, *, number: str) -> None:
    """The phone denies the household, and is asked about the next one that waits for it, if any."""
    await deny_household(db, caller, number=number)
    await invite(db, caller, caller.phone)


@value
class AgesGiven:
    """The ages of a household, and what was written behind them that is neither an age nor a phone, as `12345`."""

    people: tuple[int, ...]
    no_phone: str = ""


def _ages_given(typed: str) -> AgesGiven:
    try:
        return AgesGiven(ages.parse(typed))
    except InvalidError:
        tried = PHONE_TRIED.search(typed)
        if tried is None:
            raise
        return AgesGiven(ages.parse(typed[: tried.start()]), tried[1].strip())


ages_given = Kind("ages given", _ages_given, ages.good, ages.bad)


def phone_or_none(region: str) -> Kind[str]:
    """A mobile number of `region`, or 0 for none."""

    def parse(typed: str) -> str:
        return NO_PHONE if groups(typed) == [NO_PHONE] else typed_phone(typed, region)

    own = phone_number(region)
    return Kind("phone or none", parse, good=(*own.good, NO_PHONE), bad=own.bad, takes_zero=True)


@value
class FirstPhone:
    """The first phone of the household `number`; `others` as for `register`."""

    number: str
    phone: str
    others: tuple[str, ...]


async def give_phone(
    db: AsyncConnection, caller: Caller, *, mutuelle: str, given: FirstPhone, pin: Secret
) -> Sentence | None:
    """Give a household that has no phone its first one, which speaks for it once its holder has confirmed."""
    appointment = await appointment_of(db, caller, mutuelle, Role.ENROLMENT)
    await lock_household(db, given.number)  # before the PIN, as for cash: one order, no deadlock
    household = await without_phone(db, appointment, given.number)
    joined = await get_mutuelle(db, mutuelle)
    _refuse_unseen(await households_with_phone(db, joined, given.phone), given.others)
    if wrong := await try_pin(db, caller, pin):
        return wrong
    await add_phone(db, household, given.phone, caller.at)
    await note_change(
        db,
        household,
        Change.PHONE_ADDED,
        detail=shown_phone(given.phone),
        by=By(caller.phone, appointment.role, caller.at),
    )
    await invite(db, caller, given.phone)
    return None


async def without_phone(db: AsyncConnection, appointment: Appointment, number: str) -> Household:
    """The household of the officer's mutuelle that has no phone yet; RefusedError if it has one.

    A confirmed one has a phone, or had one: a lost phone is replaced by the mutuelle, not by an officer alone.
    """
    household = await find_household(db, number)
    if household is None or household.mutuelle_id != appointment.mutuelle_id:
        raise RefusedError(_("No household has the number {number}.", number=shown_number(number)))
    is_confirmed = await db.scalar(select(CONFIRMED).where(of_household(household_table, household)))
    if is_confirmed or await phones_of(db, household, unconfirmed=True):
        raise RefusedError(
            _("Household {number} has its phone. Please see the treasurer.", number=household.shown_number)
        )
    return household


async def registered_since(db: AsyncConnection, appointment: Appointment, caller: Caller) -> int:
    """How many households the officer has registered in the last 24 hours."""
    return await _registered(db, caller, household_table.c.mutuelle_id == appointment.mutuelle_id)


async def relatives_since(db: AsyncConnection, caller: Caller) -> int:
    """How many households the caller's phone has registered in the last 24 hours, in any mutuelle."""
    return await _registered(db, caller, sa.true())


async def _registered(db: AsyncConnection, caller: Caller, of: sa.ColumnElement[bool]) -> int:
    found = await db.scalar(
        select(sa.func.count())
        .select_from(household_table)
        .where(
            of,
            household_table.c.registered_by == caller.phone,
            household_table.c.enrolled_at > caller.at - DAY,
        )
    )
    return found or 0


async def _wrong_pin(db: AsyncConnection, caller: Caller, pin: Secret | None) -> Sentence | None:
    if caller.gateway == BY_MESSAGE and pin is None:
        return None
    return await try_pin(db, caller, pin or Secret(""))


def _refuse_unseen(near: Iterable[Near], seen: tuple[str, ...]) -> None:
    if any(found.number not in seen for found in near):
        raise RefusedError(_("A household like this one was just registered. Please look again."))
