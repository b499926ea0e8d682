"""`keneya extract`, `erase` and `retention`: the copy of a household's data, its erasure, how long what is kept."""

import argparse
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from reportlab.platypus.flowables import Flowable, Spacer
from sqlalchemy import select

from commands.command import CommandError, Commands, acted, command, database, member
from commands.guide.pdf import pdf, printed
from commands.report.paper import EDGES
from commands.support import acting, by_of
from commands.year.paper import BODY, HEAD, SMALL, TITLE, page_number
from locales import DEFAULT_LANGUAGE, Sentence, _, counts, languages, render
from mutuelle.personal_data.copies import copies_asked
from mutuelle.personal_data.extract import Extract, extract_of
from mutuelle.schedules.retention.erasure import due_for_erasure, erase_household
from mutuelle.schedules.retention.kinds import KINDS, THEN, DataKind, Then
from mutuelle.schedules.retention.run import keep_terms
from mutuelle.tables import mutuelle

GAP = 6  # points between two parts
MOST_LISTED = 200


def add(commands: Commands) -> None:
    extract = command(commands, "extract", write_extract, "the copy of all that is kept of a household")
    extract.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file, .pdf or .txt")
    erase = command(commands, "erase", erase_number, "names and phones of a household that left; no way back")
    for parser in (extract, erase):
        parser.add_argument("number", type=member, metavar="NUMBER", help="its member number")
        acted(parser)
    retention = command(
        commands, "retention", print_terms, "what is kept how long, and what waits for a person"
    )
    for parser in (extract, retention):
        parser.add_argument(
            "--language", choices=languages(), default=DEFAULT_LANGUAGE, help="fr if not said"
        )


async def write_extract(arguments: argparse.Namespace) -> int:
    """Write the copy into a file that only its owner can read; without the file nothing is noted."""
    _expect_new(arguments.out)
    async with acting() as db:
        copy = await extract_of(db, arguments.number, by_of(arguments), arguments.language)
        _write(arguments.out, copy, arguments.language)
    print(f"{arguments.out}: print it, give it to the head of the household only, and delete the file.")
    return 0


def _expect_new(out: Path) -> None:
    if out.suffix not in (".pdf", ".txt"):
        raise CommandError("--out is a file .pdf or .txt", 2)
    if out.exists() or out.is_symlink():
        raise CommandError(f"{out} exists already: nothing is overwritten", 2)


def _write(out: Path, copy: Extract, language: str) -> None:
    content = paper(copy, language) if out.suffix == ".pdf" else as_text(copy, language).encode()
    try:
        with open(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except OSError as fault:
        raise CommandError(f"{out}: {fault.strerror}") from fault


def as_text(copy: Extract, language: str) -> str:
    parts = [
        "\n".join([render(part.title, language), *(f"- {line}" for line in part.lines)])
        for part in copy.parts
    ]
    return "\n\n".join([copy.title, *parts, copy.note, ""])


def paper(copy: Extract, language: str) -> bytes:
    """The copy as a PDF of A4 pages."""
    story: list[Flowable] = [printed(copy.title, TITLE)]
    for part in copy.parts:
        story += [Spacer(0, GAP), printed(render(part.title, language), HEAD)]
        story += [printed(line, BODY) for line in part.lines]
    story += [Spacer(0, GAP), printed(copy.note, SMALL)]
    return pdf(story, EDGES, copy.title, language, foot=page_number)


async def erase_number(arguments: argparse.Namespace) -> int:
    """Erase a household whose term is over; the words of old messages that name it go first."""
    by = by_of(arguments)
    async with acting() as db:
        await keep_terms(db, by.at)
        household = await erase_household(db, arguments.number, by)
    print(
        f"Household {household.shown_number} is erased: its number and its money stay, nobody's name or phone."
    )
    print("A backup made before today still has them: delete it when its time has come.")
    return 0


async def print_terms(arguments: argparse.Namespace) -> int:
    """The table of terms; below it the copies that are asked for, and how many households are due to be erased."""
    now = datetime.now(UTC)
    print("\n".join(terms(arguments.language)))
    async with database() as db:
        waiting = await copies_asked(db)
        codes = list(await db.scalars(select(mutuelle.c.id).order_by(mutuelle.c.id)))
        due = {code: await due_for_erasure(db, code, now, MOST_LISTED) for code in codes}
    for copy in waiting:
        days = (now - copy.asked_at).days
        print(f"copy asked: {copy.mutuelle_id} {copy.number}, {days} days ago: keneya extract {copy.number}")
    for code, numbers in due.items():
        if numbers:
            print(f"to be erased by the clock: {code} {len(numbers)}")
    if not waiting:
        print("copies asked: none")
    if not any(due.values()):
        print("to be erased by the clock: none")
    return 0


def terms(language: str) -> Iterator[str]:
    """The table of terms as lines of Markdown, as `docs/personal-data.md` has it."""
    heads = (_("what"), _("tables"), _("term"), _("then"), _("why"))
    yield "| " + " | ".join(render(head, language) for head in heads) + " |"
    yield "|---" * len(heads) + "|"
    for kind in KINDS:
        cells = (
            kind.what,
            ", ".join(f"`{table}`" for table in kind.tables),
            _term(kind),
            THEN[kind.then],
            kind.why,
        )
        yield "| " + " | ".join(render(cell, language) for cell in cells) + " |"


def _term(kind: DataKind) -> Sentence | str:
    if kind.days is not None:
        return counts.days(kind.days)
    return "-" if kind.then is Then.KEPT else _("years after leaving (`years_kept`)")
