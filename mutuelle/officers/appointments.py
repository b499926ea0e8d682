"""Gives and withdraws roles, with the record of each: who, to whom, what, why, when.

Each appointment has its row in the record of changes; a row without one breaks an invariant (`invariants.py`).
"""

from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.acts import By
from mutuelle.locks import Lock, lock
from mutuelle.notify import notify
from mutuelle.officers.messages import role_changed_by_service, role_given, role_withdrawn
from mutuelle.officers.pins import allow_new_pin, has_pin
from mutuelle.officers.roles import Appointment, NewOfficer, Role, appointments_of_phone, officers_of
from mutuelle.officers.tables import role_change
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle, treasurers
from mutuelle.tables import doctor, facility, officer
from talk.phones import shown_phone
from talk.trouble import RefusedError

MOST_OFFICERS = 400  # of a mutuelle, all roles together: its lists are read on a phone


async def lock_roles(db: AsyncConnection, mutuelle_id: str) -> None:
    """Until the transaction ends, nobody else gives or withdraws a role in this mutuelle."""
    await lock(db, Lock.ROLES, mutuelle_id)


async def give_role(
    db: AsyncConnection, mutuelle_id: str, given: NewOfficer, *, by: By, act: UUID | None = None
) -> None:
    """Give a role from today on and notify its phone by SMS; RefusedError if it has it, or there is no such facility.

    A phone that held no role at all may receive a new PIN: its old one may be known to a former holder of the phone.
    """
    role, phone = given.role, given.phone
    await lock_roles(db, mutuelle_id)
    mutuelle = await get_mutuelle(db, mutuelle_id)
    in_office = await officers_of(db, mutuelle_id, by.at)
    if any(appointment.phone == phone and appointment.role is role for appointment in in_office):
        raise RefusedError(_("{phone} has this role already.", phone=shown_phone(phone)))
    if len(in_office) >= MOST_OFFICERS:
        raise RefusedError(_("This mutuelle has too many officers."))
    held_none = not await appointments_of_phone(db, phone, by.at)
    since = mutuelle.today(by.at)
    if role is Role.DOCTOR:
        await _write_doctor(db, mutuelle_id, given, since)
    else:
        await _write_officer(db, mutuelle_id, given, since)
    appointment = Appointment(mutuelle_id, mutuelle.name, role, phone, given.name)
    await note_role(db, appointment, "given", since, by=by, act=act)
    if held_none and await has_pin(db, phone):
        await allow_new_pin(db, phone, by=By(by.actor, "a first office", by.at))
    await notify(db, mutuelle_id, "role given", {phone: role_given(mutuelle.name, role)}, by.at)


async def withdraw_role(
    db: AsyncConnection, mutuelle_id: str, role: Role, phone: str, *, by: By, act: UUID | None = None
) -> Appointment:
    """End a role at once and notify its phone by SMS; RefusedError if it is not in force."""
    await lock_roles(db, mutuelle_id)
    mutuelle = await get_mutuelle(db, mutuelle_id)
    today = mutuelle.today(by.at)
    held = [o for o in await officers_of(db, mutuelle_id, by.at) if (o.role, o.phone) == (role, phone)]
    if not held:
        raise RefusedError(_("{phone} does not have this role.", phone=shown_phone(phone)))
    table = doctor if role is Role.DOCTOR else officer
    appointment = (table.c.mutuelle_id == mutuelle_id) & (table.c.phone == phone)
    if role is not Role.DOCTOR:
        appointment &= officer.c.role == role
    # Yesterday was its last day: the appointment is not in force any more.
    await db.execute(sa.update(table).where(appointment).values(until=today - timedelta(days=1)))
    await note_role(db, held[0], "withdrawn", today, by=by, act=act)
    await notify(db, mutuelle_id, "role withdrawn", {phone: role_withdrawn(mutuelle.name, role)}, by.at)
    return held[0]


async def tell_treasurers(
    db: AsyncConnection, mutuelle: Mutuelle, template: str, sentence: Sentence, at: datetime, event: str = ""
) -> None:
    """Notify the treasurers in office of an event; without a name it is one of its own."""
    phones = [officer.phone for officer in await treasurers(db, mutuelle.id, mutuelle.today(at))]
    await notify(db, mutuelle.id, template, dict.fromkeys(phones, sentence), at, event=event)


async def notify_treasurers(
    db: AsyncConnection, appointment: Appointment, what: str, *, actor: str, at: datetime
) -> None:
    """Notify the other treasurers that an operator of the service has "given" or "withdrawn" (`what`) a role."""
    in_office = await officers_of(db, appointment.mutuelle_id, at)
    phones = {other.phone for other in in_office if other.role is Role.TREASURER} - {appointment.phone}
    sentence = role_changed_by_service(appointment, what, actor)
    await notify(
        db, appointment.mutuelle_id, "role changed by the service", dict.fromkeys(phones, sentence), at
    )


async def note_role(
    db: AsyncConnection,
    appointment: Appointment,
    what: str,
    since: date,
    *,
    by: By,
    act: UUID | None = None,
) -> None:
    """Write down that an appointment was "given" or "withdrawn" (`what`), from the day `since` on."""
    of_appointment = (
        (role_change.c.mutuelle_id == appointment.mutuelle_id)
        & (role_change.c.role == appointment.role)
        & (role_change.c.phone == appointment.phone)
    )
    before = await db.scalar(select(sa.func.count()).select_from(role_change).where(of_appointment))
    row = {
        "mutuelle_id": appointment.mutuelle_id,
        "role": appointment.role,
        "phone": appointment.phone,
        "position": (before or 0) + 1,
        "what": what,
        "name": appointment.name,
        "since": since,
        "actor": by.actor,
        "reason": by.reason,
        "act": act,
        "changed_at": by.at,
    }
    await db.execute(insert(role_change), row)


async def note_founders(db: AsyncConnection, mutuelle_id: str, at: datetime) -> None:
    """Write down, `at` this instant, the appointments of the founding that have no record yet."""
    officers = select(officer.c.role, officer.c.phone, officer.c.name, officer.c.since).where(
        officer.c.mutuelle_id == mutuelle_id
    )
    doctors = select(
        sa.literal(Role.DOCTOR.value, sa.Text), doctor.c.phone, doctor.c.name, doctor.c.contracted_on
    ).where(doctor.c.mutuelle_id == mutuelle_id)
    held = sa.union_all(officers, doctors).subquery()
    noted = sa.exists().where(
        role_change.c.mutuelle_id == mutuelle_id,
        role_change.c.role == held.c.role,
        role_change.c.phone == held.c.phone,
    )
    words = (mutuelle_id, 1, "given", "founding", "founded with this office")
    constant = [*map(sa.literal, words), sa.literal(at, role_change.c.changed_at.type)]
    columns = ["mutuelle_id", "position", "what", "actor", "reason", "changed_at"]
    columns += ["role", "phone", "name", "since"]
    await db.execute(insert(role_change).from_select(columns, select(*constant, *held.c).where(~noted)))


async def _write_officer(db: AsyncConnection, mutuelle_id: str, given: NewOfficer, since: date) -> None:
    key = {"mutuelle_id": mutuelle_id, "role": given.role, "phone": given.phone}
    facts = {"name": given.name, "since": since, "until": None}
    statement = insert(officer).values(**key, **facts)
    await db.execute(statement.on_conflict_do_update(index_elements=officer.primary_key.columns, set_=facts))


async def _write_doctor(db: AsyncConnection, mutuelle_id: str, given: NewOfficer, since: date) -> None:
    own = (facility.c.mutuelle_id == mutuelle_id) & (facility.c.id == given.facility_id)
    if not await db.scalar(select(facility.c.id).where(own)):
        raise RefusedError(_("There is no such facility."))
    facts = {
        "name": given.name,
        "facility_id": given.facility_id,
        "languages": list(given.languages),
        "contracted_on": since,
        "until": None,
    }
    statement = insert(doctor).values(mutuelle_id=mutuelle_id, phone=given.phone, **facts)
    await db.execute(statement.on_conflict_do_update(index_elements=doctor.primary_key.columns, set_=facts))
