"""`keneya who`, `keneya household`, `keneya case`: support for members, each act with actor and reason.

A fault undoes the whole act. An act that can be undone prints the command that undoes it.
"""

import argparse
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from commands.command import CommandError, Commands, acted, command, database, group, member, phone
from mutuelle.acts import By
from mutuelle.households.holders import Doubt
from mutuelle.households.member_numbers import LENGTH
from mutuelle.households.support_acts import SupportError
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.support import cases, changes, freezes, merging, phones, who
from talk.answers import person_name
from talk.phones import typed_phone
from talk.trouble import InvalidError

MOST_CASES = 200


def add(commands: Commands) -> None:
    who_ = command(commands, "who", look_up, "what is known of a phone or a household, masked")
    who_.add_argument(
        "subject", type=_phone_or_number, metavar="PHONE|NUMBER", help="+22370000000 or 101482939"
    )
    acted(who_)
    _add_household(group(commands, "household", "change a household for its members"))
    _add_phone(group(commands, "phone", "who holds a household's phone"))
    _add_case(group(commands, "case", "payments, payouts and households that a person must look at"))


def _add_household(commands: Commands) -> None:
    phone_ = command(
        commands, "phone", change_phone, "change, add or remove a phone; back: the same, reversed"
    )
    head = command(
        commands, "head", change_head, "another person is the head; back: the same, with the former head"
    )
    merge = command(commands, "merge", merge_households, "close a duplicate; back: household reopen")
    close = command(commands, "close", close_household, "close a household; back: household reopen")
    reopen = command(
        commands, "reopen", reopen_household, "open a household again; back: household close or merge"
    )
    unfreeze = command(
        commands,
        "unfreeze",
        unfreeze_household,
        "a NO was looked at: changes and care codes are possible again",
    )
    for parser in (phone_, head, merge, close, reopen, unfreeze):
        parser.add_argument("number", type=member, metavar="NUMBER", help="its member number")
    phone_.add_argument("--new", type=phone, metavar="PHONE", help="the phone that speaks for it from now on")
    gone = phone_.add_mutually_exclusive_group()
    gone.add_argument("--old", type=phone, metavar="PHONE", help="the phone that does no longer")
    gone.add_argument("--also", action="store_true", help="beside the phones that it has")
    head.add_argument(
        "--rank", type=_rank, required=True, help="which person of the household: 2 is the second"
    )
    head.add_argument("--name", type=_name, required=True, help="the first and last name of that person")
    before = head.add_mutually_exclusive_group(required=True)
    before.add_argument("--left", action="store_true", help="the head until now has died or left")
    before.add_argument("--stays", action="store_true", help="the head until now stays in the household")
    merge.add_argument("into", type=member, metavar="INTO", help="the number that is kept")
    close.add_argument("--although-covered", action="store_true", help="also while it is covered")
    for parser in (phone_, head, merge, close, reopen, unfreeze):
        acted(parser)


def _add_phone(commands: Commands) -> None:
    doubt = command(
        commands, "doubt", doubt_phone, "nothing of its household is shown or told to it; back: phone known"
    )
    known = command(commands, "known", trust_phone, "it is the household's again; back: phone doubt")
    for parser in (doubt, known):
        parser.add_argument("phone", type=phone, metavar="PHONE", help="the phone, +22370000000")
    doubt.add_argument("--new-sim", action="store_true", help="its operator tells of a new SIM")
    known.add_argument("number", type=member, metavar="NUMBER", help="the member number of its household")
    network = command(
        commands, "network", set_network, "a number was moved to another network; back: the same, with usual"
    )
    network.add_argument("phone", type=phone, metavar="PHONE", help="the phone, +22370000000")
    network.add_argument(
        "network", metavar="NETWORK", help="its network, such as moov; usual: its prefix is right"
    )
    for parser in (doubt, known, network):
        acted(parser)


def _add_case(commands: Commands) -> None:
    command(commands, "list", list_cases, "print the cases that are open, the oldest first")
    close = command(commands, "close", close_case, "a case is settled; back: case reopen")
    reopen = command(commands, "reopen", reopen_case, "a case is open again; back: case close")
    for parser in (close, reopen):
        parser.add_argument(
            "reference", type=_reference, metavar="REFERENCE", help="the reference of the payment or payout"
        )
        parser.add_argument("--kind", help="only this kind, such as mismatch")
        acted(parser)


def _phone_or_number(value: str) -> str:
    return member(value) if len("".join(value.split())) == LENGTH else phone(value)


def _reference(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{value!r} is not the reference of a payment: `keneya case list` prints them"
        ) from None


def _rank(value: str) -> int:
    if not re.fullmatch("[1-9][0-9]?", value):
        raise argparse.ArgumentTypeError(f"{value!r} is not the number of a person, such as 2")
    return int(value)


def _name(value: str) -> str:
    try:
        return person_name.parse(value)
    except InvalidError:
        raise argparse.ArgumentTypeError(f"{value!r} is not a name of 2 to 26 letters") from None


def by_of(arguments: argparse.Namespace) -> By:
    return By(arguments.actor, arguments.reason, datetime.now(UTC))


@asynccontextmanager
async def acting() -> AsyncIterator[AsyncConnection]:
    """One transaction; a SupportError becomes one line."""
    try:
        async with database() as db:
            yield db
    except SupportError as fault:
        raise CommandError(str(fault)) from None


async def look_up(arguments: argparse.Namespace) -> int:
    """Record who looked and why, then print."""
    about = who.about_household if len(arguments.subject) == LENGTH else who.about_phone
    async with acting() as db:
        lines = await about(db, arguments.subject, by_of(arguments))
    print("\n".join(lines))
    return 0


async def change_phone(arguments: argparse.Namespace) -> int:
    """Change a household's phone; both phones are notified by SMS, the old one loses access."""
    if arguments.new is None and arguments.old is None:
        raise CommandError("say which phone: --new, --old or both", 2)
    async with acting() as db:
        household = await changes.change_phone(
            db, arguments.number, by_of(arguments), new=arguments.new, old=arguments.old, also=arguments.also
        )
        if arguments.new:
            await _expect_mobile(db, household.mutuelle_id, arguments.new)
    print(f"Household {household.shown_number}: done, every phone concerned is told by SMS.")
    return 0


async def doubt_phone(arguments: argparse.Namespace) -> int:
    """Doubt who holds a phone; nobody is told: it may be a stranger's, or a thief's."""
    why = Doubt.NEW_SIM if arguments.new_sim else Doubt.SUPPORT
    async with acting() as db:
        households = await phones.doubt(db, arguments.phone, why, by_of(arguments))
    for household in households:
        print(
            f"Household {household.shown_number} is no longer shown or told to this phone, until it is proven."
        )
    print(
        "It asks for the member number and a year of birth: dial, then 4. Or an officer says that it is theirs."
    )
    return 0


async def trust_phone(arguments: argparse.Namespace) -> int:
    """Show the household to this phone again; it is told by SMS."""
    async with acting() as db:
        household = await phones.trust(db, arguments.number, arguments.phone, by_of(arguments))
    print(f"Household {household.shown_number} is shown to this phone again.")
    return 0


async def set_network(arguments: argparse.Namespace) -> int:
    """Say on which network a phone is: new payments are asked there."""
    async with acting() as db:
        code = await phones.set_network(db, arguments.phone, arguments.network.lower(), by_of(arguments))
    print(f"This phone is asked for money as one of {code}, from the next payment on.")
    return 0


async def _expect_mobile(db: AsyncConnection, mutuelle_id: str, new: str) -> None:
    """CommandError unless the new phone is a mobile one, for SMS."""
    try:
        typed_phone(new, (await get_mutuelle(db, mutuelle_id)).country)
    except InvalidError:
        raise CommandError(f"{new} is not a mobile number", 2) from None


async def change_head(arguments: argparse.Namespace) -> int:
    """Change the head; number, cover and money stay."""
    async with acting() as db:
        household = await changes.change_head(
            db,
            arguments.number,
            by_of(arguments),
            name=arguments.name,
            rank=arguments.rank,
            left=arguments.left,
        )
    stays = "is covered until the end of today" if arguments.left else "stays in the household"
    print(f"Household {household.shown_number}: the head is person {arguments.rank}; the former one {stays}.")
    return 0


async def merge_households(arguments: argparse.Namespace) -> int:
    """Merge two households; people do not move: add the missing ones to the kept household."""
    async with acting() as db:
        moved = await merging.merge_households(db, arguments.number, arguments.into, by_of(arguments))
    print(f"Household {arguments.number} is closed, {moved} of its money is now of {arguments.into}.")
    print(f"Its people were not moved: look whether all of them are in {arguments.into}.")
    return 0


async def close_household(arguments: argparse.Namespace) -> int:
    """Close a household; its history stays, and late money is credited to it."""
    async with acting() as db:
        household = await changes.close_household(
            db, arguments.number, by_of(arguments), although_covered=arguments.although_covered
        )
    print(f"Household {household.shown_number} is closed. Back: keneya household reopen {household.number}")
    return 0


async def reopen_household(arguments: argparse.Namespace) -> int:
    """Reopen a household; also undoes a merge, with its money and phones."""
    async with acting() as db:
        household = await merging.reopen_household(db, arguments.number, by_of(arguments))
    print(f"Household {household.shown_number} is open again.")
    return 0


async def unfreeze_household(arguments: argparse.Namespace) -> int:
    """Let a household go on that said NO to an SMS; its phones are told."""
    async with acting() as db:
        household = await freezes.unfreeze_household(db, arguments.number, by_of(arguments))
    print(f"Household {household.shown_number} goes on, its phones are told by SMS.")
    return 0


async def list_cases(arguments: argparse.Namespace) -> int:
    """Print one line a case."""
    async with acting() as db:
        found = await cases.open_cases(db, MOST_CASES)
        frozen = await freezes.frozen_households(db, MOST_CASES)
    for one in frozen:
        print(f"{one.on} {one.mutuelle_id} {one.number} said NO: {one.about}; back: household unfreeze")
    for case in found:
        print(
            f"{case.opened_at:%Y-%m-%d} {case.mutuelle_id} {case.about} {case.operator} {case.kind}: "
            f"{case.detail}, {case.reference}"
        )
    is_all = max(len(found), len(frozen)) < MOST_CASES
    oldest = f"The oldest {MOST_CASES} of each kind; there may be more."
    print(f"{len(found) + len(frozen)} open." if is_all else oldest)
    return 0


async def close_case(arguments: argparse.Namespace) -> int:
    """Close a case that a person has settled; no money moves."""
    async with acting() as db:
        count = await cases.close_case(db, arguments.reference, arguments.kind, by_of(arguments))
    print(f"Closed: {count}. Back: keneya case reopen {arguments.reference}")
    return 0


async def reopen_case(arguments: argparse.Namespace) -> int:
    """Open a case that was closed too early."""
    async with acting() as db:
        count = await cases.reopen_case(db, arguments.reference, arguments.kind, by_of(arguments))
    print(f"Open again: {count}.")
    return 0
