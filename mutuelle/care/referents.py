"""The referent doctor of a household: chosen by the household, from the doctors that its mutuelle has under contract.

Choices are never changed; the newest one holds while that doctor is in office.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Date, DateTime, cast, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import _
from mutuelle.acts import By
from mutuelle.care.directory import AT_FACILITY, in_office
from mutuelle.care.tables import referent
from mutuelle.household_key import of_household
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.households import Household, lock_household, own_household
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import doctor, facility, mutuelle
from talk.phones import shown_phone
from talk.trouble import RefusedError
from talk.words import Caller


@dataclass(frozen=True)
class Referent:
    """The doctor that a household chose; `in_office`: still under contract, so that the household may call."""

    doctor_phone: str
    doctor: str
    facility: str
    facility_phone: str
    in_office: bool

    @property
    def phone(self) -> str:
        """The facility's number, in national form."""
        return shown_phone(self.facility_phone)


async def referent_of(db: AsyncConnection, household: Household, at: datetime) -> Referent | None:
    """The doctor that a household chose last, also one who has left since; in office on the day of `at`."""
    today = cast(func.timezone(mutuelle.c.timezone, literal(at, DateTime(timezone=True))), Date)
    newest = (
        select(referent.c.doctor_phone)
        .where(of_household(referent, household))
        .order_by(referent.c.sequence.desc())
        .limit(1)
        .scalar_subquery()
    )
    row = (
        await db.execute(
            select(doctor.c.phone, doctor.c.name, facility.c.name, facility.c.phone, in_office(today))
            .join(facility, AT_FACILITY)
            .join(mutuelle, mutuelle.c.id == doctor.c.mutuelle_id)
            .where(doctor.c.mutuelle_id == household.mutuelle_id, doctor.c.phone == newest)
        )
    ).one_or_none()
    return Referent(*row) if row else None


async def choose_referent(db: AsyncConnection, caller: Caller, *, number: str, doctor_phone: str) -> Referent:
    """Write the household's choice; RefusedError if the doctor is no longer under contract with its mutuelle."""
    await lock_household(db, number)
    household = await own_household(db, caller, number)
    today = (await get_mutuelle(db, household.mutuelle_id)).today(caller.at)
    chosen = doctor.c.mutuelle_id == household.mutuelle_id, doctor.c.phone == doctor_phone
    if not await db.scalar(select(doctor.c.phone).where(*chosen, in_office(today))):
        raise RefusedError(_("This doctor can no longer be chosen. Please look again."))
    before = await referent_of(db, household, caller.at)
    if before is None or before.doctor_phone != doctor_phone:
        await _write(db, household, doctor_phone, caller)
    found = await referent_of(db, household, caller.at)
    if found is None:
        raise LookupError(doctor_phone)
    return found


async def _write(db: AsyncConnection, household: Household, doctor_phone: str, caller: Caller) -> None:
    key = {"mutuelle_id": household.mutuelle_id, "number": household.number}
    newest = await db.scalar(select(sa.func.max(referent.c.sequence)).filter_by(**key))
    choice = {"sequence": (newest or 0) + 1, "doctor_phone": doctor_phone}
    await db.execute(insert(referent), {**key, **choice, "chosen_at": caller.at, "chosen_by": caller.phone})
    name = await db.scalar(
        select(doctor.c.name).where(
            doctor.c.mutuelle_id == household.mutuelle_id, doctor.c.phone == doctor_phone
        )
    )
    await note_change(
        db,
        household,
        Change.DOCTOR_CHOSEN,
        detail=name or "",
        by=By(caller.phone, "chosen in the menu", caller.at),
    )
