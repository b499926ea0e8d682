"""The check of a cover at a facility: a doctor shows a member number and the code that the patient just made.

The answer is kept and binds the mutuelle. It says covered or not, for whom and until when, and nothing of payments or
care; whatever is not right reads the same sentence, at the same cost, and is counted.
"""

import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _
from mutuelle.care import limits, notices
from mutuelle.care.codes import KeptCode, digests, find_code, use_code
from mutuelle.care.limits import Desk, count_failure
from mutuelle.care.patients import shown_patient
from mutuelle.care.tables import eligibility_check
from mutuelle.cover import current
from mutuelle.dates import local_time
from mutuelle.households import Household, find_household, lock_household
from mutuelle.mutuelles import Mutuelle
from mutuelle.people import people_of
from mutuelle.staff.roles import Office, Role, offices_of
from mutuelle.standing import standing
from talk.answers import Secret
from talk.trouble import Refused
from talk.words import Caller, Consent

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without those that look like another
REFERENCE_LENGTH = 6
DRAWS = 50

NOT_A_DOCTOR = _("Only doctors under contract check a cover. For your own cover, dial and press 1.")
NOT_RECOGNISED = _(
    "Number or code not recognised, or code over 15 minutes old. "
    "Check the digits, or ask the patient for a new code (dial, press 5)."
)


async def doctor_offices(db: AsyncConnection, caller: Caller) -> list[Office]:
    """The contracts under which the caller is a doctor today."""
    return [office for office in await offices_of(db, caller) if office.role is Role.DOCTOR]


async def check_cover(
    db: AsyncConnection, caller: Caller, *, number: str, code: Secret, agreed: Consent
) -> Sentence:
    """The answer to a doctor. Nothing is raised once a try has been counted: the count must be kept.

    1. The desk's lock, then the household's: checks made at once come one after the other.
    2. A facility or doctor who has had the day's share is told so, whatever was typed.
    3. Everything is looked up even when it is known to be in vain, so that no answer takes longer than another.
    4. A code that is alive is used up with its answer.
    """
    offices = await doctor_offices(db, caller)
    if not offices:
        raise Refused(NOT_A_DOCTOR)
    desk = await limits.desk_for(db, caller, [office.mutuelle_id for office in offices], number)
    if await limits.is_stopped(db, desk, caller.at):
        return stopped(desk)
    if await limits.is_used_up(db, desk, caller.at):
        return used_up(desk)
    await lock_household(db, number)
    home = await find_household(db, number)
    if home and home.mutuelle_id != desk.mutuelle.id:
        home = None
    is_locked = await limits.is_locked(db, desk, number, caller.at)
    kept = await find_code(db, desk.mutuelle.id, number, digests(caller, number, code), caller.at)
    reason = trouble(home, kept, is_locked=is_locked, at=caller.at)
    if home and kept and not reason:
        return await _answer(db, caller, desk, home, kept)
    await count_failure(db, caller, desk, number, reason)
    if home and kept and reason == "used":
        return await _used_before(db, caller, desk, home, kept)
    return NOT_RECOGNISED


def trouble(home: Household | None, kept: KeptCode | None, *, is_locked: bool, at: datetime) -> str:
    """Why there is no answer, for the record alone; empty where there is one."""
    if home is None:
        return "number"
    if is_locked:
        return "locked"
    if kept is None:
        return "code"
    if kept.used_at is not None:
        return "used"
    return "" if kept.is_alive(at) else "expired"


async def _answer(
    db: AsyncConnection, caller: Caller, desk: Desk, home: Household, kept: KeptCode
) -> Sentence:
    """Use the code up, keep what is answered, tell the household that somebody asked."""
    stands = await standing(db, home, caller.at)
    today = stands.mutuelle.today(caller.at)
    covered = any(person.rank == kept.rank and person.covered for person in stands.people)
    row = {
        "mutuelle_id": home.mutuelle_id,
        "number": home.number,
        "rank": kept.rank,
        "code_position": kept.position,
        "doctor_phone": caller.phone,
        "facility_id": desk.facility_id,
        "channel": caller.gateway,
        "asked_at": caller.at,
        "covered": covered,
        "state": stands.cover.state,
        "until_on": stands.cover.until_on,
        "policy_sequence": current(stands.periods, today).terms.sequence,
        "policies_known": len(stands.periods),
    }
    given = await _write(db, row)
    await use_code(db, home, kept, caller.at)
    await notices.tell_checked(db, desk.mutuelle, home, given["reference"], caller.at)
    return await _worded(db, desk.mutuelle, home, given)


async def _write(db: AsyncConnection, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep an answer under a reference of its own."""
    for _draw in range(DRAWS):
        given = {**row, "reference": draw_reference()}
        written = await db.scalar(
            insert(eligibility_check)
            .values(given)
            .on_conflict_do_nothing(index_elements=["mutuelle_id", "reference"])
            .returning(eligibility_check.c.reference)
        )
        if written:
            return given
    raise RuntimeError("no reference was free")


def draw_reference() -> str:
    """Six letters and digits that a person can read over the phone."""
    drawn = secrets.randbelow(len(ALPHABET) ** REFERENCE_LENGTH)
    letters = []
    for _place in range(REFERENCE_LENGTH):
        drawn, letter = divmod(drawn, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)


async def _used_before(
    db: AsyncConnection, caller: Caller, desk: Desk, home: Household, kept: KeptCode
) -> Sentence:
    """The code was shown before, and the household is told. Who was answered reads it again: an SMS may be lost."""
    await notices.tell_used_again(db, desk.mutuelle, home, kept.position, caller.at)
    rows = await db.execute(
        select(eligibility_check).where(
            eligibility_check.c.mutuelle_id == home.mutuelle_id,
            eligibility_check.c.number == home.number,
            eligibility_check.c.code_position == kept.position,
        )
    )
    given = rows.one()
    time = local_time(given.asked_at, desk.mutuelle.timezone)
    if given.doctor_phone != caller.phone:
        return used(desk.mutuelle.today(given.asked_at), time)
    return answered_before(await _worded(db, desk.mutuelle, home, dict(given._mapping)), time)


async def _worded(
    db: AsyncConnection, mutuelle: Mutuelle, home: Household, given: Mapping[str, Any]
) -> Sentence:
    """An answer as it was kept, in words."""
    day = mutuelle.today(given["asked_at"])
    everybody = await people_of(db, home)
    patient = next(person for person in everybody if person.rank == given["rank"])
    return answer(
        mutuelle.name,
        shown_patient(patient, everybody, day),
        given["reference"],
        day=day,
        until=given["until_on"] if given["covered"] else None,
    )


def answer(mutuelle: str, who: Fact, reference: str, *, day: date, until: date | None) -> Sentence:
    """What binds the mutuelle, in one segment; `until` is None where there is no cover, and why is not said."""
    facts: dict[str, Fact] = {"who": who, "reference": reference, "mutuelle": mutuelle, "day": day}
    if until:
        return _(
            "{who}: COVERED on {day}, until {end}. {mutuelle}, reference {reference}.", **facts, end=until
        )
    return _("{who}: NOT COVERED on {day}. {mutuelle}, reference {reference}.", **facts)


def answered_before(answer: Sentence, time: str) -> Sentence:
    """The same answer once more, to the doctor who got it."""
    return _("{answer} Code used before, at {time}.", answer=answer, time=time)


def used(day: date, time: str) -> Sentence:
    """To a doctor who shows a code that served another: nothing but that."""
    return _(
        "This code was already used on {day} at {time}. Ask the patient for a new one (dial, press 5).",
        day=day,
        time=time,
    )


def stopped(desk: Desk) -> Sentence:
    """The facility's day is over, rightly typed or not; by SMS, which anybody can forge, his own call still counts."""
    if desk.by_message:
        return _(
            "Too many wrong numbers or codes by SMS today. Check by calling the service, 9, my work. Treat first. "
            "Questions: {phone}",
            phone=desk.mutuelle.complaints,
        )
    return _(
        "Too many wrong numbers or codes from your facility today: no check until tomorrow. "
        "Treat first. Questions: {phone}",
        phone=desk.mutuelle.complaints,
    )


def used_up(desk: Desk) -> Sentence:
    """The doctor's day is over."""
    return _(
        "You have made {most} checks today: the next one is possible tomorrow. Treat first. Questions: {phone}",
        most=limits.CHECKS_A_DOCTOR,
        phone=desk.mutuelle.complaints,
    )
