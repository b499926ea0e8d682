"""Proposals of roles: a treasurer proposes that one is given or withdrawn, another approves or refuses.

Never the same person or phone, never the officer concerned; each with the PIN. Unanswered ones lapse.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _
from mutuelle.acts import By
from mutuelle.notify import notify
from mutuelle.officers.appointments import give_role, lock_roles, withdraw_role
from mutuelle.officers.messages import change_proposed, change_refused
from mutuelle.officers.pins import allow_new_pin, lock_pin, try_pin
from mutuelle.officers.roles import SPOKEN, Appointment, NewOfficer, Role, appointment_of, officers_of
from mutuelle.officers.tables import role_proposal
from mutuelle.tables import facility
from talk.answers import Kind, Secret
from talk.phones import shown_phone
from talk.questions import initials
from talk.trouble import InvalidError, RefusedError
from talk.words import Caller, Option

GIVE, WITHDRAW = "give", "withdraw"
APPROVED, REFUSED = "approved", "refused"
TWO_TREASURERS = "two treasurers"  # the actor in records and in the ledger
OPEN_DAYS = 7
MOST_OPEN = 8  # of a mutuelle: what a treasurer can read through on a phone
LAST_TREASURER = _("The last treasurer cannot be withdrawn. Please see your mutuelle.")


@dataclass(frozen=True)
class Proposal:
    """A change of roles that waits for a second treasurer. `facility` is a doctor's, by name."""

    id: str
    what: str
    role: Role
    phone: str
    name: str
    facility: str
    proposed_by: str
    proposer: str

    @property
    def key(self) -> str:
        return self.id

    @property
    def label(self) -> Sentence:
        return _("{name}, {role}", name=self.name, role=SPOKEN[self.role])

    @property
    def words(self) -> Sentence:
        """All that is agreed to."""
        return change_words(self.what, self.role, self.name, self.phone, self.facility)


def change_words(what: str, role: Role, name: str, phone: str, facility: str = "") -> Sentence:
    """The change as a question, in the same words for proposer and approver."""
    facts: dict[str, Fact] = {"role": SPOKEN[role], "name": name, "phone": shown_phone(phone)}
    if what == WITHDRAW:
        return _("End the office of {name}, {phone}, {role}?", **facts)
    if facility:
        return _("Appoint {name}, {phone}, {role}, {facility}?", **facts, facility=facility)
    return _("Appoint {name}, {phone}, {role}?", **facts)


def _languages(typed: str) -> tuple[str, ...]:
    codes = tuple(dict.fromkeys(re.findall(r"[a-z]+", typed.lower())))
    if not codes or len(codes) > 6 or any(len(code) not in (2, 3) for code in codes):
        raise InvalidError(_("Please type the letters of each language, like FR BM."))
    return codes


language_codes = Kind("languages", _languages, good=("fr BM",), bad=("", "12", "bambara"), takes_rest=True)


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


async def facilities_of(db: AsyncConnection, mutuelle_id: str) -> list[Option]:
    """The facilities at which a doctor can be appointed, by name."""
    of_mutuelle = select(facility.c.id, facility.c.name).where(facility.c.mutuelle_id == mutuelle_id)
    return [Option(*row) for row in await db.execute(of_mutuelle.order_by(facility.c.name, facility.c.id))]


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


async def proposals_for(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> list[Proposal]:
    """The open proposals that the caller may answer, the oldest first."""
    return [
        proposal
        for proposal in await _open(db, caller, mutuelle_id)
        if caller.phone not in (proposal.proposed_by, proposal.phone)
    ]


async def expect_possible(
    db: AsyncConnection, caller: Caller, mutuelle: str, what: str, role: Role, phone: str
) -> list[str]:
    """The treasurers who could answer such a proposal; RefusedError where it is impossible or proposed already."""
    in_office = await officers_of(db, mutuelle, caller.at)
    held = any((appointment.role, appointment.phone) == (role, phone) for appointment in in_office)
    if what == GIVE and phone == caller.phone:
        raise RefusedError(_("Nobody proposes a role for herself. Ask another treasurer."))
    if what == GIVE and held:
        raise RefusedError(_("{phone} has this role already.", phone=shown_phone(phone)))
    if what == WITHDRAW and not held:
        raise RefusedError(_("{phone} does not have this role.", phone=shown_phone(phone)))
    waiting = await _open(db, caller, mutuelle)
    if any((p.what, p.role, p.phone) == (what, role, phone) for p in waiting):
        raise RefusedError(_("This is proposed already: another treasurer must answer."))
    if len(waiting) >= MOST_OPEN:
        raise RefusedError(_("Too many proposals wait. Please answer them first."))
    others = [o.phone for o in in_office if o.role is Role.TREASURER and o.phone not in (caller.phone, phone)]
    if not others:
        raise RefusedError(_("It takes another treasurer to approve this. Please see your mutuelle."))
    return others


async def propose(
    db: AsyncConnection, caller: Caller, *, mutuelle: str, what: str, officer: NewOfficer, pin: Secret
) -> Sentence | None:
    """Propose to GIVE or WITHDRAW a role, and notify the other treasurers; a sentence where the PIN is not right."""
    await lock_roles(db, mutuelle)
    own = await appointment_of(db, caller, mutuelle, Role.TREASURER)
    others = await expect_possible(db, caller, mutuelle, what, officer.role, officer.phone)
    if wrong := await try_pin(db, caller, pin):
        return wrong
    row = {
        "mutuelle_id": mutuelle,
        "id": uuid4(),
        "what": what,
        "role": officer.role,
        "phone": officer.phone,
        "name": officer.name,
        "facility_id": officer.facility_id,
        "languages": list(officer.languages) if officer.facility_id else None,
        "proposed_by": caller.phone,
        "proposer_name": own.name,
        "proposed_at": caller.at,
        "expires_at": caller.at + timedelta(days=OPEN_DAYS),
    }
    await db.execute(insert(role_proposal), row)
    sentence = change_proposed(own.mutuelle_name, officer.role, officer.name, own.name)
    await notify(db, mutuelle, "role proposed", dict.fromkeys(others, sentence), caller.at)
    return None


async def answer_proposal(
    db: AsyncConnection, caller: Caller, *, mutuelle: str, proposal: str, answer: str, pin: Secret
) -> Sentence | None:
    """Approve a proposal, which carries it out, or refuse it; a sentence where the PIN is not right."""
    await lock_roles(db, mutuelle)
    own = await appointment_of(db, caller, mutuelle, Role.TREASURER)
    found = {p.id: p for p in await _open(db, caller, mutuelle)}.get(proposal)
    if found is None:
        raise RefusedError(_("This proposal was answered already, or a week has passed."))
    expect_second_person(own, found.proposed_by, found.proposer)
    if own.phone == found.phone:
        raise RefusedError(_("Nobody answers a proposal about herself."))
    if wrong := await try_pin(db, caller, pin):
        return wrong
    await db.execute(
        sa.update(role_proposal)
        .where(role_proposal.c.mutuelle_id == mutuelle, role_proposal.c.id == UUID(found.id))
        .values(answer=answer, answered_by=caller.phone, answered_at=caller.at)
    )
    if answer == APPROVED:
        await _carry_out(db, caller, mutuelle, found)
    else:
        sentence = change_refused(own.mutuelle_name, found.name, own.name)
        await notify(db, mutuelle, "role refused", {found.proposed_by: sentence}, caller.at)
    return None


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


async def _carry_out(db: AsyncConnection, caller: Caller, mutuelle: str, found: Proposal) -> None:
    """Carry out what was approved; RefusedError, and the answer rolled back, if it is no longer possible."""
    in_office = await officers_of(db, mutuelle, caller.at)
    treasurers = {appointment.phone for appointment in in_office if appointment.role is Role.TREASURER}
    if found.proposed_by not in treasurers:
        raise RefusedError(_("Who proposed this is no longer treasurer: nothing was done."))
    proposal = UUID(found.id)
    if found.what == WITHDRAW:
        if found.role is Role.TREASURER and treasurers <= {found.phone}:
            raise RefusedError(LAST_TREASURER)
        by = By(TWO_TREASURERS, "withdrawn by two treasurers", caller.at)
        await withdraw_role(db, mutuelle, found.role, found.phone, by=by, proposal=proposal)
        return
    where = (role_proposal.c.mutuelle_id == mutuelle) & (role_proposal.c.id == proposal)
    row = (
        await db.execute(select(role_proposal.c.facility_id, role_proposal.c.languages).where(where))
    ).one()
    officer = NewOfficer(found.role, found.phone, found.name, row.facility_id, tuple(row.languages or ()))
    by = By(TWO_TREASURERS, "given by two treasurers", caller.at)
    await give_role(db, mutuelle, officer, by=by, proposal=proposal)


def expect_second_person(own: Appointment, proposed_by: str, proposer: str) -> None:
    """Refused where the proposer answers, perhaps with a second phone."""
    if own.phone == proposed_by or initials(own.name) == initials(proposer):
        raise RefusedError(_("Another treasurer than the one who proposed must answer."))


async def _open(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> list[Proposal]:
    """The proposals that wait for an answer and have not lapsed, the oldest first."""
    p = role_proposal.c
    of_facility = (facility.c.mutuelle_id == p.mutuelle_id) & (facility.c.id == p.facility_id)
    rows = await db.execute(
        select(p.id, p.what, p.role, p.phone, p.name, facility.c.name, p.proposed_by, p.proposer_name)
        .outerjoin_from(role_proposal, facility, of_facility)
        .where(p.mutuelle_id == mutuelle_id, p.answer.is_(None), p.expires_at > caller.at)
        .order_by(p.proposed_at, p.id)
    )
    return [
        Proposal(str(row[0]), row[1], Role(row[2]), row[3], row[4], row[5] or "", *row[6:]) for row in rows
    ]
