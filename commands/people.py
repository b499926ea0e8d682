"""`keneya role` and `keneya pin`: appointments and PINs, for what two treasurers cannot do by phone.

Every act is recorded with actor and reason; a PIN is printed once, on this terminal, and not stored in clear.
"""

import argparse
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from commands.command import (
    CommandError,
    Commands,
    acted,
    command,
    database,
    expect_mutuelle,
    group,
    keyring,
    of_mutuelle,
    phone,
)
from mutuelle.acts import By
from mutuelle.founding.rules import Doctor, faults_of_doctor, faults_of_officer
from mutuelle.officers.appointments import give_role, notify_treasurers, withdraw_role
from mutuelle.officers.pins import SLIP, issue_pin, unlock_pin
from mutuelle.officers.roles import Appointment, NewOfficer, Role, appointments_of_phone, officers_of
from mutuelle.officers.tables import role_change
from mutuelle.scheme.mutuelles import Officer, get_mutuelle
from mutuelle.tables import facility
from talk.phones import shown_phone
from talk.questions import initials

ROLES = {role.value.replace(" ", "-"): role for role in Role}


def add(commands: Commands) -> None:
    roles = group(commands, "role", "give and withdraw roles, list who has which")
    give = command(roles, "give", appoint, "give somebody a role, from today on")
    withdraw = command(roles, "withdraw", end_appointment, "end somebody's role, from now on")
    for parser in (give, withdraw):
        parser.add_argument("role", choices=ROLES, help="which role")
    list_ = command(roles, "list", list_officers, "print who is in office today, or every change")
    of_mutuelle(give, withdraw, list_, required=True)
    list_.add_argument("--changes", action="store_true", help="every change since the beginning, and why")
    pins = group(commands, "pin", "issue and unlock the work PINs of officers")
    issue = command(pins, "issue", print_pin, "print a new PIN once, for the slip that its owner is handed")
    unlock = command(pins, "unlock", unlock_phone, "let a locked PIN be tried again")
    for parser in (give, withdraw, issue, unlock):
        parser.add_argument("phone", type=phone, metavar="PHONE", help="the person's phone, +22370000000")
        acted(parser)
    give.add_argument("--name", required=True, help="the person's first and last name")
    give.add_argument(
        "--facility", metavar="ID", help="a doctor's facility; without it the known ones are told"
    )
    give.add_argument("--languages", default="fr", help="a doctor's languages, such as fr,bm (default: fr)")


async def appoint(arguments: argparse.Namespace) -> int:
    """Appoint after the same checks as at the founding; the person and the treasurers are notified by SMS."""
    await expect_mutuelle(arguments.mutuelle)
    role, at = ROLES[arguments.role], datetime.now(UTC)
    if initials(arguments.name) == initials(arguments.actor):
        raise CommandError("nobody gives themselves a role: let another operator of the service do it", 2)
    async with database() as db:
        await _expect_no_fault(db, arguments, role)
        await give_role(
            db,
            arguments.mutuelle,
            NewOfficer(role, arguments.phone, arguments.name, arguments.facility, _codes(arguments)),
            by=By(arguments.actor, arguments.reason, at),
        )
        mutuelle = await get_mutuelle(db, arguments.mutuelle)
        appointment = Appointment(mutuelle.id, mutuelle.name, role, arguments.phone, arguments.name)
        await notify_treasurers(db, appointment, "given", actor=arguments.actor, at=at)
    print(f"{arguments.name} is {role} of {arguments.mutuelle} from today on, and is told by SMS.")
    print("So are the treasurers of the mutuelle.")
    if role is not Role.DOCTOR:
        print("The work PIN is received by phone (dial, 9, then 9) or printed with `keneya pin issue`.")
    return 0


def _codes(arguments: argparse.Namespace) -> tuple[str, ...]:
    return tuple(code for code in arguments.languages.split(",") if code)


async def _expect_no_fault(db: AsyncConnection, arguments: argparse.Namespace, role: Role) -> None:
    if role is not Role.DOCTOR:
        faults = list(faults_of_officer(Officer(role, arguments.phone, arguments.name)))
        if arguments.facility:
            faults.append("only a doctor has a facility")
    else:
        facilities = select(facility.c.id).where(facility.c.mutuelle_id == arguments.mutuelle)
        known = list(await db.scalars(facilities.order_by(facility.c.id)))
        doctor = Doctor(arguments.phone, arguments.name, arguments.facility or "", _codes(arguments))
        faults = list(faults_of_doctor(doctor, known))
        if arguments.facility not in known:
            faults.append(f"--facility is one of: {', '.join(known) or 'none yet'}")
    if faults:
        raise CommandError("; ".join(faults), 2)


async def end_appointment(arguments: argparse.Namespace) -> int:
    """End an appointment, here also the last treasurer's: the operator of this command can appoint the next."""
    await expect_mutuelle(arguments.mutuelle)
    role, at = ROLES[arguments.role], datetime.now(UTC)
    async with database() as db:
        ended = await withdraw_role(
            db, arguments.mutuelle, role, arguments.phone, by=By(arguments.actor, arguments.reason, at)
        )
        await notify_treasurers(db, ended, "withdrawn", actor=arguments.actor, at=at)
        left = [
            appointment
            for appointment in await officers_of(db, arguments.mutuelle, at)
            if appointment.role is role
        ]
    print(f"{ended.name} is no longer {role} of {arguments.mutuelle}, and is told by SMS. Left: {len(left)}.")
    print("The treasurers of the mutuelle are told too.")
    return 0


async def list_officers(arguments: argparse.Namespace) -> int:
    """Print today's appointments, or each change of them."""
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        if arguments.changes:
            await _print_changes(db, arguments.mutuelle)
            return 0
        for appointment in await officers_of(db, arguments.mutuelle, datetime.now(UTC)):
            print(f"{appointment.role:<18} {appointment.phone:<16} {appointment.name}")
    return 0


async def _print_changes(db: AsyncConnection, mutuelle_id: str) -> None:
    change = role_change.c
    changes = select(role_change).where(change.mutuelle_id == mutuelle_id)
    ordered = changes.order_by(change.changed_at, change.role, change.phone, change.position)
    for row in await db.execute(ordered):
        day = f"{row.changed_at:%Y-%m-%d %H:%M}"
        print(f"{day}  {row.what:<9}  {row.role:<18} {row.phone:<16} {row.name}: {row.reason} ({row.actor})")


async def print_pin(arguments: argparse.Namespace) -> int:
    """Print the PIN alone on the last line; an SMS notifies a person who had one before."""
    at, keys = datetime.now(UTC), keyring()
    async with database() as db:
        if not await appointments_of_phone(db, arguments.phone, at):
            raise CommandError(f"{arguments.phone} has no office today, so it needs no PIN", 2)
        drawn = await issue_pin(
            db, arguments.phone, keys, origin=SLIP, by=By(arguments.actor, arguments.reason, at)
        )
    print(
        f"New work PIN of {shown_phone(arguments.phone)}, printed once: write it on the slip, clear the screen."
    )
    print(drawn)
    return 0


async def unlock_phone(arguments: argparse.Namespace) -> int:
    """Unlock a PIN. First make sure of the person: a lock may mean that somebody else tried."""
    async with database() as db:
        found = await unlock_pin(
            db, arguments.phone, by=By(arguments.actor, arguments.reason, datetime.now(UTC))
        )
    if not found:
        raise CommandError(f"{arguments.phone} has no PIN")
    print("The PIN can be tried again. Its owner is told by SMS.")
    return 0
