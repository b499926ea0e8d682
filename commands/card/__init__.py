"""`keneya card`: prints cards of ten codes for care, for households without a phone in reach, as A4 sheets to cut.

The codes go from memory into this one file, which only its owner can read; the database keeps digests. A card works
once an officer has noted that she handed it over.
"""

import argparse
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from commands.card.paper import sheets
from commands.command import (
    CommandError,
    Commands,
    command,
    database,
    expect_mutuelle,
    keyring,
    login,
    member,
    of_mutuelle,
)
from commands.progress import Progress
from locales import DEFAULT_LANGUAGE, languages
from mutuelle.acts import By
from mutuelle.care.cards import PrintedCard, card_of, households_to_print, print_card
from mutuelle.households.households import Household, household_by_number
from mutuelle.scheme.mutuelles import get_mutuelle, places_named, places_of
from talk.keyring import Keyring

MOST = 1_000  # cards in a file
OWNER_ONLY = 0o600


def add(commands: Commands) -> None:
    parser = command(commands, "card", card, "print cards of ten codes for care, as a PDF to cut")
    parser.add_argument(
        "number",
        type=member,
        nargs="?",
        metavar="NUMBER",
        help="one household; its card before this one ends",
    )
    of_mutuelle(parser, meaning="instead of NUMBER: its households that have no card with a code left")
    parser.add_argument("--place", metavar="NAME", help="of the mutuelle: those of this place")
    parser.add_argument(
        "--without-phone", action="store_true", help="of the mutuelle: those that have no phone"
    )
    parser.add_argument("--yes", action="store_true", help="also where it ends a card in hand")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the PDF to write")
    parser.add_argument("--language", choices=languages(), default=DEFAULT_LANGUAGE, help="of the cards")


async def card(arguments: argparse.Namespace) -> int:
    """Write the cards and their PDF, or nothing of both."""
    if bool(arguments.number) == bool(arguments.mutuelle):
        raise CommandError("name a household by its NUMBER, or --mutuelle CODE", 2)
    if bool(arguments.mutuelle) != bool(arguments.place or arguments.without_phone):
        raise CommandError("--mutuelle CODE goes with --place NAME, --without-phone or both", 2)
    keys = keyring()
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        households = await _wanted(db, arguments)
        if arguments.number and not arguments.yes:
            await _expect_none_in_hand(db, households[0])
        printed = await _print(db, keys, households)
        mutuelle = await get_mutuelle(db, households[0].mutuelle_id)
        pdf = sheets(printed, mutuelle, arguments.language)
        # The file first: a card that is on no paper would end the one before.
        _write(arguments.out, pdf)
    cards = "1 card" if len(printed) == 1 else f"{len(printed)} cards"
    print(f"{cards}: {arguments.out}. A card works once an officer has handed it over.")
    return 0


async def _expect_none_in_hand(db: AsyncConnection, household: Household) -> None:
    """Refused where the new card would end one that serves: she would be without a card until the new one is there."""
    if (now := await card_of(db, household)) and now.handed_at and now.left:
        raise CommandError(
            f"{household.shown_number} has card {now.card} in hand, with {now.left} codes left: printing another ends "
            "it at once. Say --yes if it is lost or worn out."
        )


async def _wanted(db: AsyncConnection, arguments: argparse.Namespace) -> Sequence[Household]:
    if arguments.number:
        return [await household_by_number(db, arguments.number)]
    mutuelle = await get_mutuelle(db, arguments.mutuelle)
    place_id = None
    if arguments.place:
        places = await places_of(db, [mutuelle.id])
        found = places_named(places, arguments.place)
        if len(found) != 1:
            known = ", ".join(one.name for one in found or places)
            raise CommandError(f"{arguments.place!r} is no one place of {mutuelle.id}: {known}", 2)
        place_id = found[0].id
    households = await households_to_print(
        db, mutuelle, place_id, without_phone=arguments.without_phone, most=MOST + 1
    )
    if not households:
        raise CommandError("no household needs a card there: those that have one are left out")
    if len(households) > MOST:
        raise CommandError(f"more than {MOST} households need a card, and a file has {MOST} at most")
    return households


async def _print(db: AsyncConnection, keys: Keyring, households: Sequence[Household]) -> list[PrintedCard]:
    by, printed = By(login(), "cards printed", datetime.now(UTC)), []
    with Progress(len(households)) as progress:
        for household in households:
            printed.append(await print_card(db, keys, household.number, by))
            progress.advance()
    return sorted(printed, key=lambda card: card.household.head_name)


def _write(path: Path, pdf: bytes) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY)
        with os.fdopen(file, "wb") as out:
            os.fchmod(file, OWNER_ONLY)  # also of one that was there
            out.write(pdf)
    except OSError as fault:
        raise CommandError(f"{path}: {fault.strerror}") from fault
