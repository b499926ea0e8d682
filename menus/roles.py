"""Roles: a treasurer proposes that one is given or withdrawn; a colleague may get a new PIN."""

from locales import Sentence, _
from menus.sign import NOTHING, propose, sign
from menus.words import work_pin
from mutuelle.officers.colleagues import allow_colleague_pin, colleagues_of, holders_of
from mutuelle.officers.role_changes import GIVE, WITHDRAW, facilities_of, language_codes, role_change
from mutuelle.officers.roles import SPOKEN, Appointment, NewOfficer, Role
from talk.answers import person_name, phone_number
from talk.phones import region_of, shown_phone
from talk.words import Caller, Option, ask, choose, confirm, do, look

ANSWER, PIN = "answer", "pin"
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
    return await (sign(caller, appointment) if what.key == ANSWER else pin_of_colleague(caller, appointment))


async def give(caller: Caller, appointment: Appointment) -> Sentence:
    role = Role((await choose(_("Which role?"), ROLES)).key)
    phone = await ask(_("The person's phone?"), phone_number(region_of(caller.phone)))
    name = await ask(_("First and last name?"), person_name)
    if role is not Role.DOCTOR:
        return await propose(caller, appointment, role_change(GIVE, NewOfficer(role, phone, name)))
    facilities = await look(facilities_of, appointment.mutuelle_id)
    if not facilities:
        return _("{mutuelle} has no facility yet.", mutuelle=appointment.mutuelle_name)
    at = await choose(_("At which facility?"), facilities)
    spoken = await ask(_("Languages spoken, by their letters? Example: FR BM"), language_codes)
    doctor = NewOfficer(role, phone, name, at.key, spoken)
    return await propose(caller, appointment, role_change(GIVE, doctor))


async def withdraw(caller: Caller, appointment: Appointment) -> Sentence:
    role = Role((await choose(_("Which role ends?"), ROLES)).key)
    held = await look(holders_of, caller, appointment.mutuelle_id, role)
    if not held:
        return _("Nobody has this role: {role}.", role=SPOKEN[role])
    who = await choose(_("Whose office ends?"), held)
    return await propose(caller, appointment, role_change(WITHDRAW, NewOfficer(role, who.phone, who.name)))


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
