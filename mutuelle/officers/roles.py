"""Roles and appointments: who may act for which mutuelle on a day.

An appointment counts from its first to its last day in the mutuelle's time zone; every action checks it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.tables import doctor, mutuelle, officer
from prepared import Prepared
from talk.trouble import RefusedError
from talk.words import Caller
from values import value


class Role(StrEnum):
    """What somebody may do for a mutuelle."""

    DOCTOR = "doctor"
    TREASURER = "treasurer"
    COLLECTOR = "collector"
    ENROLMENT = "enrolment officer"


SPOKEN: dict[Role, Sentence] = {
    Role.DOCTOR: _("referent doctor"),
    Role.TREASURER: _("treasurer"),
    Role.COLLECTOR: _("collector"),
    Role.ENROLMENT: _("enrolment officer"),
}


@value
class NewOfficer:
    """Somebody in a role that is given or withdrawn; `facility_id` and `languages` are a new doctor's."""

    role: Role
    phone: str
    name: str
    facility_id: str | None = None
    languages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Appointment:
    """A role in a mutuelle, held by `name`, whose phone is `phone`."""

    mutuelle_id: str
    mutuelle_name: str
    role: Role
    phone: str
    name: str

    @property
    def key(self) -> str:
        return f"{self.mutuelle_id} {self.role} {self.phone}"

    @property
    def label(self) -> Sentence:
        return _("{mutuelle}: {role}", mutuelle=self.mutuelle_name, role=SPOKEN[self.role])


async def appointments_of(db: AsyncConnection, caller: Caller) -> list[Appointment]:
    """The appointments of the caller's phone today, by mutuelle and role."""
    return await appointments_of_phone(db, caller.phone, caller.at)


async def appointments_of_phone(db: AsyncConnection, phone: str, at: datetime) -> list[Appointment]:
    """The appointments of `phone` on the day of `at`, by mutuelle and role."""
    return await _appointments(db, at, "phone", phone)


async def officers_of(db: AsyncConnection, mutuelle_id: str, at: datetime) -> list[Appointment]:
    """Everybody in office in a mutuelle on the day of `at`, by role and name; its doctors too."""
    found = await _appointments(db, at, "mutuelle_id", mutuelle_id)
    return sorted(found, key=lambda appointment: (appointment.role, appointment.name, appointment.phone))


async def appointment_of(db: AsyncConnection, caller: Caller, mutuelle_id: str, role: Role) -> Appointment:
    """The caller's own appointment of this role; RefusedError if it is not in force today."""
    for appointment in await appointments_of(db, caller):
        if appointment.mutuelle_id == mutuelle_id and appointment.role is role:
            return appointment
    raise RefusedError(_("This office is no longer yours. Questions: see your mutuelle."))


async def _appointments(db: AsyncConnection, at: datetime, column: str, value: str) -> list[Appointment]:
    return [appointment(row) for row in await _prepared_by(column).rows(db, {"at": at, "value": value})]


@cache  # compiled once
def _prepared_by(column: str) -> Prepared:
    return Prepared(appointments_by(column))


@cache  # built once: the home menu runs it at every hop
def appointments_by(column: str) -> Select[Any]:
    """The appointments in force on the day of `at`, of officers and doctors whose `column` is `value`."""
    both = sa.union_all(
        _in_office(officer, officer.c.role, officer.c.since, column),
        _in_office(doctor, sa.literal(Role.DOCTOR.value), doctor.c.contracted_on, column),
    ).subquery()
    return select(both).order_by(both.c.mutuelle_name, both.c.mutuelle_id, both.c.role)


def _in_office(
    table: sa.Table, role: sa.ColumnElement[str], since: sa.ColumnElement[Any], column: str
) -> Select[Any]:
    """The appointments of `table` in force on the day of `at` in their mutuelle's time zone."""
    at = sa.bindparam("at", type_=sa.DateTime(timezone=True))
    today = sa.cast(sa.func.timezone(mutuelle.c.timezone, at), sa.Date)
    return (
        select(
            table.c.mutuelle_id,
            mutuelle.c.name.label("mutuelle_name"),
            sa.cast(role, sa.Text).label("role"),
            table.c.phone,
            table.c.name,
        )
        .join_from(table, mutuelle, mutuelle.c.id == table.c.mutuelle_id)
        .where(since <= today, sa.or_(table.c.until.is_(None), table.c.until >= today))
        .where(table.c[column] == sa.bindparam("value"))
    )


def appointment(row: Sequence[Any]) -> Appointment:
    """The appointment in a row of `appointments_by`."""
    mutuelle_id, mutuelle_name, role, phone, name = row
    return Appointment(mutuelle_id, mutuelle_name, Role(role), phone, name)
