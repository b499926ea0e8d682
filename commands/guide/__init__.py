"""`keneya guide`: one-side cards of A5 that explain the service on paper, as HTML and as PDF.

Words and digits are those of the menus and keywords: a card that was printed before one changed must be printed again.
"""

import argparse
import re
from datetime import UTC, datetime
from pathlib import Path

from commands.command import CommandError, Commands, command, database, expect_mutuelle, of_mutuelle
from commands.guide.cards import cards
from commands.guide.html import page
from commands.guide.pdf import paper
from locales import DEFAULT_LANGUAGE, languages
from mutuelle.scheme.limits import USUAL, limits_of
from mutuelle.scheme.mutuelles import get_mutuelle


def add(commands: Commands) -> None:
    parser = command(commands, "guide", guide, "write cards for villager, collector, treasurer and doctor")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="the folder to write them into"
    )
    parser.add_argument("--code", type=_code, required=True, help="what people dial, such as '*384*57#'")
    parser.add_argument("--sms", type=_number, required=True, help="where they send SMS, such as 38457")
    of_mutuelle(parser, meaning="print its name and phone; without it they are left to fill in")
    parser.add_argument("--language", choices=languages(), default=DEFAULT_LANGUAGE, help="of the cards")


def _code(value: str) -> str:
    if not re.fullmatch(r"\*[\d*]*\d#", value):
        raise argparse.ArgumentTypeError(f"{value!r} is not a code such as '*384*57#'")
    return value


def _number(value: str) -> str:
    if not re.fullmatch(r"\+?\d{3,15}", value):
        raise argparse.ArgumentTypeError(f"{value!r} is not a number such as 38457")
    return value


async def guide(arguments: argparse.Namespace) -> int:
    """Write one HTML and one PDF file a card, and print their names."""
    await expect_mutuelle(arguments.mutuelle)
    name, phone, limits = "", "", USUAL
    if arguments.mutuelle:
        async with database() as db:
            mutuelle = await get_mutuelle(db, arguments.mutuelle)
            limits = await limits_of(db, mutuelle.id, mutuelle.today(datetime.now(UTC)))
        name, phone = mutuelle.name, mutuelle.complaints
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
        for card in cards(arguments.code, arguments.sms, name, phone, arguments.language, limits):
            (arguments.out / f"{card.key}.html").write_text(page(card))
            (arguments.out / f"{card.key}.pdf").write_bytes(paper(card))
            print(arguments.out / f"{card.key}.html", arguments.out / f"{card.key}.pdf")
    except OSError as fault:
        raise CommandError(f"{arguments.out}: {fault.strerror}") from fault
    return 0
