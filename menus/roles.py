"""Roles: a treasurer proposes that one is given or withdrawn, another answers; a colleague may get a new PIN."""

from locales import Fact, Sentence, _
from menus.words import work_pin
from mutuelle.officers.proposals import (
    APPROVED,
    GIVE,
    REFUSED,
    WITHDRAW,
    Proposal,
    allow_colleague_pin,
    answer_proposal,
    change_words,
    colleagues_of,
    expect_possible,
    facilities_of,
    holders_of,
    language_codes,
    proposals_for,
    propose,
)
from mutuelle.officers.roles import SPOKEN, Appointment, NewOfficer, Role
from talk.answers import person_name, phone_number
from talk.phones import region_of, shown_phone
from talk.words import Caller, Option, ask, choose, confirm, do, look

ANSWER, PIN = "answer", "pin"
NOTHING = _("Nothing was changed.")
ROLES = tuple(
    Option(role, SPOKEN[role]) for role in (Role.TREASURER, Role.COLLECTOR, Role.ENROLMENT, Role.DOCTOR)
)


async def roles(caller: Caller, appointment: Appointment) -> Sentence:
    what = await choose(
        _("Roles"),
        (
            Option(GIVE, _("Propose somebody"), "1"),
            Option(WITHDRAW, _("Propose to end an office"), "2"),
            Option(ANSWER, _("Answer a proposal"), "3"),
            Option(PIN, _("New work PIN of a colleague"), "4"),
        ),
    )
    if what.key == GIVE:
        return await give(caller, appointment)
    if what.key == WITHDRAW:
        return await withdraw(caller, appointment)
    return await (
        answer(caller, appointment) if what.key == ANSWER else pin_of_colleague(caller, appointment)
    )


async def give(caller: Caller, appointment: Appointment) -> Sentence:
    role = Role((await choose(_("Which role?"), ROLES)).key)
    phone = await ask(_("The person's phone?"), phone_number(region_of(caller.phone)))
    name = await ask(_("First and last name?"), person_name)
    if role is not Role.DOCTOR:
        return await agree(caller, appointment, GIVE, NewOfficer(role, phone, name))
    facilities = await look(facilities_of, appointment.mutuelle_id)
    if not facilities:
        return _("{mutuelle} has no facility yet.", mutuelle=appointment.mutuelle_name)
    at = await choose(_("At which facility?"), facilities)
    spoken = await ask(_("Languages spoken, by their letters? Example: FR BM"), language_codes)
    doctor = NewOfficer(role, phone, name, at.key, spoken)
    return await agree(caller, appointment, GIVE, doctor, facility=str(at.label))


async def withdraw(caller: Caller, appointment: Appointment) -> Sentence:
    role = Role((await choose(_("Which role ends?"), ROLES)).key)
    held = await look(holders_of, caller, appointment.mutuelle_id, role)
    if not held:
        return _("Nobody has this role: {role}.", role=SPOKEN[role])
    who = await choose(_("Whose office ends?"), held)
    return await agree(caller, appointment, WITHDRAW, NewOfficer(role, who.phone, who.name))


async def agree(
    caller: Caller, appointment: Appointment, what: str, officer: NewOfficer, *, facility: str = ""
) -> Sentence:
    await look(expect_possible, caller, appointment.mutuelle_id, what, officer.role, officer.phone)
    question = change_words(what, officer.role, officer.name, officer.phone, facility)
    agreed = await confirm(question, yes=_("Propose"), no=_("No"))
    if not agreed:
        return NOTHING
    secret = await work_pin()
    wrong = await do(propose, mutuelle=appointment.mutuelle_id, what=what, officer=officer, pin=secret)
    return wrong or _("Proposed. Another treasurer must approve it within 7 days, in my work.")


async def answer(caller: Caller, appointment: Appointment) -> Sentence:
    waiting = await look(proposals_for, caller, appointment.mutuelle_id)
    if not waiting:
        return _("No proposal waits for your answer.")
    found: Proposal = await choose(_("Which proposal?"), waiting)
    chosen = await choose(
        proposed_by(found),
        (Option(APPROVED, _("Approve"), "1"), Option(REFUSED, _("Refuse"), "2")),
    )
    approves = chosen.key == APPROVED
    agreed = await confirm(found.words if approves else refusal_of(found))
    if not agreed:
        return NOTHING
    secret = await work_pin()
    wrong = await do(
        answer_proposal, mutuelle=appointment.mutuelle_id, proposal=found.id, answer=chosen.key, pin=secret
    )
    if approves:
        return wrong or _("Done. {name} is told by SMS.", name=found.name)
    return wrong or _("Refused. {name} is told by SMS.", name=found.proposer)


def proposed_by(found: Proposal) -> Sentence:
    """Who proposes what, in short: the phone and the facility are read before it is approved."""
    facts: dict[str, Fact] = {"proposer": found.proposer, "name": found.name, "role": SPOKEN[found.role]}
    if found.what == GIVE:
        return _("{proposer} proposes to appoint {name}, {role}.", **facts)
    return _("{proposer} proposes to end the office of {name}, {role}.", **facts)


def refusal_of(found: Proposal) -> Sentence:
    return _("Refuse what {proposer} proposes for {name}?", proposer=found.proposer, name=found.name)


async def pin_of_colleague(caller: Caller, appointment: Appointment) -> Sentence:
    """The colleague receives it on her own phone: nobody else sees it."""
    colleagues = await look(colleagues_of, caller, appointment.mutuelle_id)
    if not colleagues:
        return _("You have no colleague here who has a work PIN.")
    who = await choose(_("For whom?"), colleagues)
    agreed = await confirm(
        _(
            "Did {name} in person ask for a new work PIN? It will be shown on {phone}.",
            name=who.name,
            phone=shown_phone(who.phone),
        )
    )
    if not agreed:
        return NOTHING
    secret = await work_pin()
    wrong = await do(allow_colleague_pin, mutuelle=appointment.mutuelle_id, phone=who.phone, pin=secret)
    return wrong or _(
        "Done. {name} dials the service, presses 9 and receives the new work PIN.", name=who.name
    )
