"""Colleagues: who else is in office, and the new PIN that a treasurer allows one of them."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.acts import By
from mutuelle.officers.pins import allow_new_pin, lock_pin, try_pin
from mutuelle.officers.roles import Role, appointment_of, officers_of
from talk.answers import Secret
from talk.phones import shown_phone
from talk.trouble import RefusedError
from talk.words import Caller


@dataclass(frozen=True)
class Colleague:
    """Somebody in office, in a list."""

    phone: str
    name: str

    @property
    def key(self) -> str:
        return self.phone

    @property
    def label(self) -> str:
        return f"{self.name} {shown_phone(self.phone)}"


async def holders_of(db: AsyncConnection, caller: Caller, mutuelle_id: str, role: Role) -> list[Colleague]:
    """Those who have this role today, by name."""
    in_office = await officers_of(db, mutuelle_id, caller.at)
    return [
        Colleague(appointment.phone, appointment.name)
        for appointment in in_office
        if appointment.role is role
    ]


async def colleagues_of(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> list[Colleague]:
    """The other officers whose role takes a PIN, each once, by name."""
    in_office = await officers_of(db, mutuelle_id, caller.at)
    names = {
        appointment.phone: appointment.name
        for appointment in in_office
        if appointment.role is not Role.DOCTOR
    }
    names.pop(caller.phone, None)
    return sorted((Colleague(*item) for item in names.items()), key=lambda person: person.name)


async def allow_colleague_pin(
    db: AsyncConnection, caller: Caller, *, mutuelle: str, phone: str, pin: Secret
) -> Sentence | None:
    """Let a colleague in office receive a new PIN on her own phone; a sentence where the caller's PIN is not right."""
    await appointment_of(db, caller, mutuelle, Role.TREASURER)
    in_office = {appointment.phone for appointment in await officers_of(db, mutuelle, caller.at)}
    if phone == caller.phone or phone not in in_office:
        raise RefusedError(_("{phone} is not a colleague in office.", phone=shown_phone(phone)))
    for each in sorted((caller.phone, phone)):  # in one order: no deadlock where two allow each other
        await lock_pin(db, each)
    if wrong := await try_pin(db, caller, pin):
        return wrong
    await allow_new_pin(db, phone, by=By("treasurer", f"allowed by a treasurer of {mutuelle}", caller.at))
    return None
