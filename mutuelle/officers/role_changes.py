"""Roles given and withdrawn by two treasurers: an act of two people, never about one of them."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _
from mutuelle.acts import By
from mutuelle.officers.appointments import give_role, withdraw_role
from mutuelle.officers.joint_acts import TWO_TREASURERS, ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.roles import SPOKEN, Appointment, NewOfficer, Role, officers_of
from mutuelle.tables import facility
from talk.answers import Kind
from talk.phones import shown_phone
from talk.trouble import InvalidError, RefusedError
from talk.words import Caller, Option

GIVE, WITHDRAW = "give", "withdraw"
LAST_TREASURER = _("The last treasurer cannot be withdrawn. Please see your mutuelle.")


@dataclass(frozen=True)
class RoleChange:
    """A role that is given or withdrawn; `facility` is a new doctor's, by name."""

    what: str
    officer: NewOfficer
    facility: str


def role_change(what: str, officer: NewOfficer) -> NewJointAct:
    """The proposal to GIVE or WITHDRAW a role."""
    facts: dict[str, Any] = {
        "what": what,
        "role": officer.role.value,
        "phone": officer.phone,
        "name": officer.name,
    }
    if what == GIVE and officer.role is Role.DOCTOR:
        facts |= {"facility": officer.facility_id, "languages": list(officer.languages)}
    return NewJointAct(ROLE_CHANGE.name, facts, "a change of roles")


def _languages(typed: str) -> tuple[str, ...]:
    codes = tuple(dict.fromkeys(re.findall(r"[a-z]+", typed.lower())))
    if not codes or len(codes) > 6 or any(len(code) not in (2, 3) for code in codes):
        raise InvalidError(_("Please type the letters of each language, like FR BM."))
    return codes


language_codes = Kind("languages", _languages, good=("fr BM",), bad=("", "12", "bambara"), takes_rest=True)


async def facilities_of(db: AsyncConnection, mutuelle_id: str) -> list[Option]:
    """The facilities at which a doctor can be appointed, by name."""
    of_mutuelle = select(facility.c.id, facility.c.name).where(facility.c.mutuelle_id == mutuelle_id)
    return [Option(*row) for row in await db.execute(of_mutuelle.order_by(facility.c.name, facility.c.id))]


def _label(facts: Facts) -> Sentence:
    who: dict[str, Fact] = {"name": facts["name"], "role": SPOKEN[Role(facts["role"])]}
    if facts["what"] == GIVE:
        return _("Appoint {name}, {role}", **who)
    return _("End the office of {name}, {role}", **who)


async def _look_again(db: AsyncConnection, caller: Caller, own: Appointment, facts: Facts) -> RoleChange:
    """RefusedError where the role is held already or not at all, for oneself, and for the last treasurer."""
    what, role, phone = facts["what"], Role(facts["role"]), facts["phone"]
    in_office = await officers_of(db, own.mutuelle_id, caller.at)
    held = any((appointment.role, appointment.phone) == (role, phone) for appointment in in_office)
    if what == GIVE and phone == caller.phone:
        raise RefusedError(_("Nobody proposes a role for herself. Ask another treasurer."))
    if what == GIVE and held:
        raise RefusedError(_("{phone} has this role already.", phone=shown_phone(phone)))
    if what == WITHDRAW and not held:
        raise RefusedError(_("{phone} does not have this role.", phone=shown_phone(phone)))
    treasurers = {appointment.phone for appointment in in_office if appointment.role is Role.TREASURER}
    if what == WITHDRAW and role is Role.TREASURER and treasurers <= {phone}:
        raise RefusedError(LAST_TREASURER)
    at = facts.get("facility")
    named = (facility.c.mutuelle_id == own.mutuelle_id) & (facility.c.id == at)
    name = await db.scalar(select(facility.c.name).where(named)) if at else None
    officer = NewOfficer(role, phone, facts["name"], at, tuple(facts.get("languages", ())))
    return RoleChange(what, officer, name or "")


def _words(change: RoleChange, _reason: str) -> Sentence:
    who = change.officer
    facts: dict[str, Fact] = {"role": SPOKEN[who.role], "name": who.name, "phone": shown_phone(who.phone)}
    if change.what == WITHDRAW:
        return _("End the office of {name}, {phone}, {role}?", **facts)
    if change.facility:
        return _("Appoint {name}, {phone}, {role}, {facility}?", **facts, facility=change.facility)
    return _("Appoint {name}, {phone}, {role}?", **facts)


async def _carry_out(db: AsyncConnection, act: JointAct, change: RoleChange, at: datetime) -> None:
    who, by_act = change.officer, UUID(act.id)
    if change.what == WITHDRAW:
        by = By(TWO_TREASURERS, "withdrawn by two treasurers", at)
        await withdraw_role(db, act.mutuelle_id, who.role, who.phone, by=by, act=by_act)
    else:
        by = By(TWO_TREASURERS, "given by two treasurers", at)
        await give_role(db, act.mutuelle_id, who, by=by, act=by_act)


ROLE_CHANGE = known(
    ActKind(
        "role change",
        label=_label,
        look_again=_look_again,
        words=_words,
        carry_out=_carry_out,
        done=lambda facts: _("Done. {name} is told by SMS.", name=facts["name"]),
        about=lambda facts: str(facts["phone"]),
        subject=("what", "role", "phone"),
    )
)
