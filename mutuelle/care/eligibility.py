"""Eligibility checks: a doctor sends a member number and the code that the patient has just made.

The answer is kept and binds the mutuelle. It says covered or not, for whom and until when, and nothing of payments or
care; every failed check gets the same sentence, takes the same time, and is counted.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _
from mutuelle.care import guess_limits, messages
from mutuelle.care.code_input import CODE_CAME_BEFORE, parts_in
from mutuelle.care.codes import KeptCode, digests, find_code, use_code
from mutuelle.care.guess_limits import DoctorAtFacility, count_failure
from mutuelle.care.patients import shown_patient
from mutuelle.care.tables import eligibility_check
from mutuelle.contributions.standing import facts_of, stands_on
from mutuelle.cover.people import Person, people_of
from mutuelle.cover.rules import current
from mutuelle.dates import local_time
from mutuelle.free_codes import draw_free
from mutuelle.household_key import of_household
from mutuelle.households.households import Household, lock_household
from mutuelle.officers.roles import Appointment, Role, appointments_of
from mutuelle.scheme.mutuelles import Mutuelle
from prepared import Prepared
from sms.tables import Arrival, inbox
from talk.answers import Secret, wrong_secret
from talk.trouble import RefusedError
from talk.words import Caller

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without letters that look like another one
REFERENCE_LENGTH = 6

PARTS_WAIT_S = 300  # so long number or code waits for the other one, in an SMS of its own

NOT_A_DOCTOR = _("Only doctors under contract check a cover. For your own cover, dial and press 1.")
NOT_RECOGNISED = wrong_secret(
    _(
        "Number or code not recognised, or code over 15 minutes old. "
        "Check the digits, or ask the patient for a new code (dial, press 5)."
    )
)


async def doctor_appointments(db: AsyncConnection, caller: Caller) -> list[Appointment]:
    """The contracts under which the caller is a doctor today."""
    return [
        appointment for appointment in await appointments_of(db, caller) if appointment.role is Role.DOCTOR
    ]


async def check_cover(db: AsyncConnection, caller: Caller, *, number: str, code: Secret) -> Sentence:
    """The answer to a doctor. Nothing is raised after a failure has been counted: the count must be committed.

    1. Lock the facility, then the household: simultaneous checks run one after the other.
    2. A facility or doctor past the daily limit gets that answer, whatever was typed.
    3. Read everything even where the check has failed already, so that all answers take the same time.
    4. A valid code is used up with its answer.

    `code` is CODE_CAME_BEFORE where it is in an SMS of the last minutes.
    """
    appointments = await doctor_appointments(db, caller)
    if not appointments:
        raise RefusedError(NOT_A_DOCTOR)
    if code == CODE_CAME_BEFORE and not (code := await _code_that_came(db, caller)):
        return _("The code came too long ago. Please send the number and the code once more.")
    asker = await guess_limits.facility_for(
        db, caller, [appointment.mutuelle_id for appointment in appointments], number
    )
    wrong, answered = await guess_limits.made_today(db, asker, caller.at)
    if wrong >= asker.limits.guesses_a_day:
        return stopped(asker)
    if answered >= asker.limits.checks_a_day:
        return used_up(asker)
    household = await lock_household(db, number)
    if household and household.mutuelle_id != asker.mutuelle.id:
        household = None
    is_locked = await guess_limits.is_locked(db, asker, number, caller.at)
    kept = await find_code(db, asker.mutuelle.id, number, digests(caller, number, code), caller.at)
    reason = trouble(household, kept, is_locked=is_locked, at=caller.at)
    if household and kept and not reason:
        return await _answer(db, caller, asker, household, kept)
    await count_failure(db, caller, asker, number, reason)
    if household and kept and reason == "used":
        return await _used_before(db, caller, asker, household, kept)
    return NOT_RECOGNISED


async def _code_that_came(db: AsyncConnection, caller: Caller) -> Secret:
    """The code in the last SMS of the caller that has one; empty if none came in PARTS_WAIT_S."""
    since = caller.at - timedelta(seconds=PARTS_WAIT_S)
    own = (inbox.c.phone == caller.phone) & (inbox.c.received_at >= since)
    handled = own & (inbox.c.state == Arrival.ANSWERED)
    bodies = await db.scalars(select(inbox.c.body).where(handled).order_by(inbox.c.nth.desc()))
    for body in bodies:
        parts = parts_in(body)
        if parts and parts.code:
            return parts.code
    return Secret("")


def trouble(household: Household | None, kept: KeptCode | None, *, is_locked: bool, at: datetime) -> str:
    """Why the check fails, for the record only; empty if it does not."""
    if household is None:
        return "number"
    if is_locked:
        return "locked"
    if kept is None:
        return "code"
    if kept.used_at is not None:
        return "used"
    return "" if kept.is_alive(at) else "expired"


async def _answer(
    db: AsyncConnection, caller: Caller, asker: DoctorAtFacility, household: Household, kept: KeptCode
) -> Sentence:
    """Use up the code, keep the answer, notify the household of the check."""
    facts = await facts_of(db, household, caller.at)
    stands = stands_on(household, facts)
    covered = any(person.rank == kept.rank and person.covered for person in stands.people)
    row = {
        "mutuelle_id": household.mutuelle_id,
        "number": household.number,
        "rank": kept.rank,
        "code_position": kept.position,
        "doctor_phone": caller.phone,
        "facility_id": asker.facility_id,
        "channel": caller.gateway,
        "asked_at": caller.at,
        "covered": covered,
        "state": stands.cover.state,
        "until_on": stands.cover.until_on,
        "policy_sequence": current(stands.periods, facts.today).terms.sequence,
        "policies_known": len(stands.periods),
    }
    given = await _write(db, row)
    await use_code(db, household, kept, caller.at)
    # Only a household that is confirmed has a code.
    await messages.notify_checked(db, asker.mutuelle, facts.phones, given["reference"], caller.at)
    return _worded(asker.mutuelle, facts.people, given)


async def _write(db: AsyncConnection, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep an answer under a reference of its own."""

    async def write(reference: str) -> bool:
        return bool(await _WRITE.value(db, {**row, "reference": reference}))

    return {**row, "reference": await draw_free("reference of a check", draw_reference, write)}


_WRITE = Prepared(
    sa.text("""
    insert into eligibility_check (mutuelle_id, reference, number, rank, code_position, doctor_phone, facility_id,
                                   channel, asked_at, covered, state, until_on, policy_sequence, policies_known)
    values (:mutuelle_id, :reference, :number, :rank, :code_position, :doctor_phone, :facility_id,
            :channel, :asked_at, :covered, :state, :until_on, :policy_sequence, :policies_known)
    on conflict (mutuelle_id, reference) do nothing returning true
    """)
)


def draw_reference() -> str:
    """Six letters and digits that a person can read over the phone."""
    drawn = secrets.randbelow(len(ALPHABET) ** REFERENCE_LENGTH)
    letters = []
    for _place in range(REFERENCE_LENGTH):
        drawn, letter = divmod(drawn, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)


async def _used_before(
    db: AsyncConnection, caller: Caller, asker: DoctorAtFacility, household: Household, kept: KeptCode
) -> Sentence:
    """For a used code: notify the household, and repeat the answer to the doctor who got it (an SMS may be lost)."""
    await messages.notify_used_again(db, asker.mutuelle, household, kept.position, caller.at)
    rows = await db.execute(
        select(eligibility_check).where(
            of_household(eligibility_check, household),
            eligibility_check.c.code_position == kept.position,
        )
    )
    given = rows.one()
    time = local_time(given.asked_at, asker.mutuelle.timezone)
    if given.doctor_phone != caller.phone:
        return used(asker.mutuelle.today(given.asked_at), time)
    return answered_before(
        _worded(asker.mutuelle, await people_of(db, household), dict(given._mapping)), time
    )


def _worded(mutuelle: Mutuelle, everybody: Sequence[Person], given: Mapping[str, Any]) -> Sentence:
    """The sentence of a kept answer."""
    day = mutuelle.today(given["asked_at"])
    patient = next(person for person in everybody if person.rank == given["rank"])
    return answer(
        mutuelle.name,
        shown_patient(patient, everybody, day),
        given["reference"],
        day=day,
        until=given["until_on"] if given["covered"] else None,
    )


def answer(mutuelle: str, who: Fact, reference: str, *, day: date, until: date | None) -> Sentence:
    """The binding answer, in one SMS segment; `until` is None without cover, and the reason is not given."""
    facts: dict[str, Fact] = {"who": who, "reference": reference, "mutuelle": mutuelle, "day": day}
    if until:
        return _(
            "{who}: COVERED on {day}, until {end}. {mutuelle}, reference {reference}.", **facts, end=until
        )
    return _("{who}: NOT COVERED on {day}. {mutuelle}, reference {reference}.", **facts)


def answered_before(answer: Sentence, time: str) -> Sentence:
    """The same answer again, to the doctor who got it."""
    return _("{answer} Code used before, at {time}.", answer=answer, time=time)


def used(day: date, time: str) -> Sentence:
    """To a doctor who sends a code that was used for another doctor."""
    return _(
        "This code was already used on {day} at {time}. Ask the patient for a new one (dial, press 5).",
        day=day,
        time=time,
    )


def stopped(asker: DoctorAtFacility) -> Sentence:
    """The facility is past its daily limit. By SMS, which can be forged, it names the call, counted apart."""
    if asker.by_message:
        return _(
            "Too many wrong numbers or codes by SMS today. Check by calling the service, 9, my work. Treat first. "
            "Questions: {phone}",
            phone=asker.mutuelle.complaints,
        )
    return _(
        "Too many wrong numbers or codes from your facility today: no check until tomorrow. "
        "Treat first. Questions: {phone}",
        phone=asker.mutuelle.complaints,
    )


def used_up(asker: DoctorAtFacility) -> Sentence:
    """The doctor is past his daily limit."""
    return _(
        "You have made {most} checks today: the next one is possible tomorrow. Treat first. Questions: {phone}",
        most=asker.limits.checks_a_day,
        phone=asker.mutuelle.complaints,
    )
