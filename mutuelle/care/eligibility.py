"""Eligibility checks: a doctor sends a member number and what proves it, and reads whether the patient is covered.

Three things prove it, on one path: the code that the patient (or anybody of the household) has just made, a code of the
household's card, or the patient's year of birth, which is marked as "without code" and has a quota. The answer is kept
and binds the mutuelle. It says covered or not, for whom and until when, what the patient pays for a care that was asked
about, and nothing of payments; every failed check gets the same sentence, takes the same time, and is counted.
Decisions 0016 and 0051.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.care import guess_limits, messages
from mutuelle.care.answers import CheckAnswer, answered_before, only_with_code, stopped, used, used_up
from mutuelle.care.code_input import PROOF_CAME_BEFORE, parts_in, proof_parts
from mutuelle.care.codes import REMEMBERED, FoundProof, KeptCode, digests, find_proof, use_code
from mutuelle.care.guess_limits import DoctorAtFacility, MadeToday, count_failure
from mutuelle.care.messages import CheckToKnow
from mutuelle.care.patients import shown_covered, shown_patient
from mutuelle.care.shares import service_meant, share_told, unknown_care
from mutuelle.care.tables import eligibility_check
from mutuelle.contributions.standing import Facts, facts_of, stands_on
from mutuelle.cover.people import Person, people_of, present
from mutuelle.cover.rules import current
from mutuelle.dates import local_time
from mutuelle.free_codes import draw_free
from mutuelle.household_key import HouseholdKey, of_household
from mutuelle.households.holders import something_waits, told
from mutuelle.households.households import Household, lock_household, phones_of
from mutuelle.officers.roles import Appointment, Role, appointments_of
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.tables import facility
from prepared import Prepared
from sms.tables import Arrival, inbox
from talk.answers import Secret, wrong_secret
from talk.trouble import RefusedError
from talk.words import Caller

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without letters that look like another one
REFERENCE_LENGTH = 6

PARTS_WAIT_S = 300  # so long number or proof waits for the other one, in an SMS of its own

NOT_A_DOCTOR = _("Only doctors under contract check a cover. For your own cover, dial and press 1.")
NOT_RECOGNISED = wrong_secret(
    _(
        "Number, code or year not recognised, or code over 15 minutes old. Check the digits. "
        "A new code: any phone of the household, press 5."
    )
)


async def doctor_appointments(db: AsyncConnection, caller: Caller) -> list[Appointment]:
    """The contracts under which the caller is a doctor today."""
    return [
        appointment for appointment in await appointments_of(db, caller) if appointment.role is Role.DOCTOR
    ]


async def check_cover(
    db: AsyncConnection,
    caller: Caller,
    *,
    number: str,
    proof: Secret,
    service: str = "",
    facility_id: str = "",
) -> Sentence:
    """The answer to a doctor. Nothing is raised after a failure has been counted: the count must be committed.

    1. Lock the facility, then the household: simultaneous checks run one after the other.
    2. A facility or doctor past a daily limit gets that answer, whatever was typed. So does who names a care that
       nobody knows: no code is looked at, and none is used up.
    3. Read everything even where the check has failed already, so that all answers take the same time.
    4. A valid code is used up with its answer.

    `proof` is PROOF_CAME_BEFORE where it is in an SMS of the last minutes. With a `service` the answer says what the
    patient pays for it.
    """
    appointments = await doctor_appointments(db, caller)
    if not appointments:
        raise RefusedError(NOT_A_DOCTOR)
    if proof == PROOF_CAME_BEFORE and not (proof := await _proof_that_came(db, caller)):
        return _("The code came too long ago. Please send the number and the code once more.")
    mutuelles = [appointment.mutuelle_id for appointment in appointments]
    asker = await guess_limits.facility_for(db, caller, mutuelles, number, facility_id)
    if asker.level is None:
        raise RefusedError(
            _("Your facility has no agreement with {mutuelle} today.", mutuelle=asker.mutuelle.name)
        )
    code, year = proof_parts(proof)
    made = await guess_limits.made_today(db, asker, caller.at)
    if past := _past_limit(asker, made, without_code=not code):
        return past
    if service and not (service := await service_meant(db, asker.mutuelle.id, service)):
        return await unknown_care(db, asker.mutuelle.id, caller.language)
    household = await lock_household(db, number)
    if household and household.mutuelle_id != asker.mutuelle.id:
        household = None
    is_locked = await guess_limits.is_locked(db, asker, number, caller.at)
    kept = digests(caller.keyring, number, code) if code else ()
    found = await find_proof(db, HouseholdKey(asker.mutuelle.id, number), kept, year, caller.at)
    reason = "number" if household is None else "locked" if is_locked else trouble(proof, found, caller.at)
    if household and not reason:
        return await _answer(db, caller, asker, household, found, service)
    await count_failure(db, caller, asker, number, reason)
    if household and found.code and reason == "used":
        return await _used_before(db, caller, asker, household, found.code, service)
    return NOT_RECOGNISED


def _past_limit(asker: DoctorAtFacility, made: MadeToday, *, without_code: bool) -> Sentence | None:
    """What is said to a doctor or facility past a limit of the day; None where all are kept."""
    if made.wrong >= asker.limits.guesses_a_day:
        return stopped(asker)
    if made.answered >= asker.limits.checks_a_day:
        return used_up(asker)
    if without_code and (
        made.without_code >= asker.limits.without_code_a_doctor
        or made.without_code_here >= asker.limits.without_code_a_facility
    ):
        return only_with_code(asker)
    return None


async def _proof_that_came(db: AsyncConnection, caller: Caller) -> Secret:
    """The proof in the last SMS of the caller that has one; empty if none came in PARTS_WAIT_S."""
    since = caller.at - timedelta(seconds=PARTS_WAIT_S)
    own = (inbox.c.phone == caller.phone) & (inbox.c.received_at >= since)
    handled = own & (inbox.c.state == Arrival.ANSWERED)
    bodies = await db.scalars(select(inbox.c.body).where(handled).order_by(inbox.c.nth.desc()))
    for body in bodies:
        parts = parts_in(body)
        if parts and parts.proof:
            return parts.proof
    return Secret("")


def trouble(proof: Secret, found: FoundProof, at: datetime) -> str:
    """Why the proof does not open an answer about its household, for the record only; empty if it does."""
    typed, year = proof_parts(proof)
    code = found.code
    if typed and code is None:
        return "code"
    if code and not code.in_hand:
        return "card"
    if code and code.is_frozen:
        return "frozen"
    if code and code.used_at is not None:
        return "used"
    if code and not code.is_alive(at):
        return "expired"
    # A code made on a phone says for whom it is, whatever year stands behind it.
    needs_year = year is not None and (code is None or code.of_card)
    return "year" if needs_year and not found.born else ""


async def _answer(
    db: AsyncConnection,
    caller: Caller,
    asker: DoctorAtFacility,
    household: Household,
    found: FoundProof,
    service: str,
) -> Sentence:
    """Use up the code, keep the answer, notify those who must know of the check."""
    facts = await facts_of(db, household, caller.at)
    stands, code = stands_on(household, facts), found.code
    meant = patients(stands.people, found)
    covered = [person.rank for person in stands.people if person.rank in meant and person.covered]
    row = {
        "mutuelle_id": household.mutuelle_id,
        "number": household.number,
        "rank": meant[0] if len(meant) == 1 else None,
        "covered_ranks": None if len(meant) == 1 else covered,
        "code_position": code.position if code else None,
        "doctor_phone": caller.phone,
        "facility_id": asker.facility_id,
        "channel": caller.gateway,
        "asked_at": caller.at,
        "covered": bool(covered),
        "state": stands.cover.state,
        "until_on": stands.cover.until_on,
        "policy_sequence": current(stands.periods, facts.today).terms.sequence,
        "policies_known": len(stands.periods),
    }
    given = await _write(db, row)
    if code:
        await use_code(db, household, code, caller.at)
    await _notify(db, asker.mutuelle, household, facts, code, given)
    share = await share_told(db, caller, asker, stands, given, service) if service else None
    return _worded(asker.mutuelle, household, facts.people, given, share)


async def _notify(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    household: Household,
    facts: Facts,
    code: KeptCode | None,
    given: Mapping[str, Any],
) -> None:
    """Notify the phones of the household, and the treasurers where none of these phones made the code."""
    reference, at = given["reference"], given["asked_at"]
    doubts = facts.doubts
    if code is None or code.of_card:
        is_where = (facility.c.mutuelle_id == mutuelle.id) & (facility.c.id == given["facility_id"])
        where = await db.scalar(select(facility.c.name).where(is_where))
        # Only a household that is confirmed makes a code on a phone; the phone of another may be a stranger's.
        confirmed = await phones_of(db, household)
        doubts = {phone: doubt for phone, doubt in doubts.items() if phone in confirmed}
        check = CheckToKnow(reference, where or "", f"..{household.number[-3:]}", code is not None)
        await messages.notify_treasurers(db, mutuelle, check, at)
    said = messages.checked(mutuelle, at, without_code=code is None)
    sentences = told(doubts, said, something_waits(mutuelle.name))
    await messages.notify_checked(db, mutuelle, facts.phones, sentences, reference, at)


def patients(people: Sequence[Person], found: FoundProof) -> list[int]:
    """Whom a proof is of, by rank: a code made on a phone is one person's; else who was born in the year, or all."""
    if found.code and found.code.rank is not None:
        return [found.code.rank]
    return list(found.born) or [person.rank for person in people]


async def _write(db: AsyncConnection, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep an answer under a reference of its own."""

    async def write(reference: str) -> bool:
        return bool(await _WRITE.value(db, {**row, "reference": reference}))

    return {**row, "reference": await draw_free("reference of a check", draw_reference, write)}


_WRITE = Prepared(
    sa.text("""
    insert into eligibility_check (mutuelle_id, reference, number, rank, covered_ranks, code_position, doctor_phone,
                                   facility_id, channel, asked_at, covered, state, until_on, policy_sequence,
                                   policies_known)
    values (:mutuelle_id, :reference, :number, :rank, :covered_ranks, :code_position, :doctor_phone,
            :facility_id, :channel, :asked_at, :covered, :state, :until_on, :policy_sequence,
            :policies_known)
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
    db: AsyncConnection,
    caller: Caller,
    asker: DoctorAtFacility,
    household: Household,
    kept: KeptCode,
    service: str,
) -> Sentence:
    """For a used code: notify the household, and repeat the answer to the doctor who got it (an SMS may be lost).

    What the patient pays is told as it is at this moment; who asks it of another care is not a second doctor.
    """
    rows = await db.execute(
        select(eligibility_check).where(
            of_household(eligibility_check, household),
            eligibility_check.c.code_position == kept.position,
        )
    )
    given = rows.one()
    time = local_time(given.asked_at, asker.mutuelle.timezone)
    is_recent = caller.at - given.asked_at <= REMEMBERED
    is_next_care = bool(service) and given.doctor_phone == caller.phone and is_recent
    if not is_next_care:
        await messages.notify_used_again(db, asker.mutuelle, household, kept.position, caller.at)
    if given.doctor_phone != caller.phone:
        return used(asker.mutuelle.today(given.asked_at), time)
    answer, share = dict(given._mapping), None
    if is_next_care:
        stands = stands_on(household, await facts_of(db, household, caller.at))
        share = await share_told(db, caller, asker, stands, answer, service)
    everybody = await people_of(db, household)
    return answered_before(_worded(asker.mutuelle, household, everybody, answer, share), time)


def _worded(
    mutuelle: Mutuelle,
    household: Household,
    everybody: Sequence[Person],
    given: Mapping[str, Any],
    share: Sentence | None,
) -> Sentence:
    """The sentence of a kept answer, with what the patient pays."""
    day = mutuelle.today(given["asked_at"])
    until = given["until_on"] if given["covered"] else None
    check = CheckAnswer(
        mutuelle.name, given["reference"], day, until, share, without_code=given["code_position"] is None
    )
    if given["rank"] is not None:
        patient = next(person for person in everybody if person.rank == given["rank"])
        return check.about(shown_patient(patient, everybody, day))
    covered = [person for person in everybody if person.rank in given["covered_ranks"]]
    named, counted = shown_covered(household, covered, len(present(everybody)), day)
    return check.about(named).or_else(check.about(counted)) if named else check.about(counted)
