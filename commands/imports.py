"""`keneya import`: imports a mutuelle's paper register from CSV files, all or nothing.

Faults and next steps are printed for a federation: in French, or in English on an English terminal.
"""

import argparse
import gc
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from commands.command import CommandError, Commands, command, credentials, database, login, operator
from commands.progress import Progress
from locales import languages, render
from mutuelle.acts import By
from mutuelle.founding.founding import FoundingError
from mutuelle.imports.reading import BadFolderError, read_folder
from mutuelle.imports.run import Imported, steps, take_over
from mutuelle.imports.summary import faults_found, files_read, result_of

# A register becomes a million objects that all stay: a garbage collection every 700 would take a quarter of the time.
OBJECTS_BETWEEN_LOOKS = 200_000


class _UndoneError(Exception):
    """Rolls the transaction back."""


def add(commands: Commands) -> None:
    import_ = command(commands, "import", import_register, "take over a mutuelle from CSV files")
    import_.add_argument("folder", type=Path, metavar="DIR", help="the folder with the files (docs/start)")
    import_.add_argument("--dry-run", action="store_true", help="look at everything, keep nothing")
    import_.add_argument(
        "--actor",
        type=operator,
        help="who does this, for what it changes; without it the name of the login",
    )
    import_.add_argument(
        "--language", choices=languages(), default=language(), help="of faults and counts: fr or en"
    )


def language() -> str:
    """English on an English terminal, else French, as the files are."""
    said = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "en" if said.startswith("en") else "fr"


async def import_register(arguments: argparse.Namespace) -> int:
    """Read the files, report every fault or write everything, and print the next steps."""
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS)
    try:
        sheets, faults = read_folder(arguments.folder)
    except BadFolderError as bad:
        raise CommandError(str(bad), 2) from None
    taken = Imported()
    folder = arguments.folder.absolute().name
    by = By(arguments.actor or login(), f"import of {folder}"[:160], datetime.now(UTC))
    try:
        async with database() as db:
            with Progress(steps(sheets)) as progress:
                taken = await take_over(
                    db,
                    sheets,
                    faults,
                    credentials=credentials(),
                    by=by,
                    advance=progress.advance,
                )
            if taken.faults or arguments.dry_run:
                raise _UndoneError
    except _UndoneError:
        pass
    except FoundingError as fault:  # two imports of one mutuelle at once, or a row written meanwhile
        raise CommandError("; ".join(str(fault).splitlines())) from None
    sentences = files_read(sheets) + ([] if taken.faults else result_of(taken, dry=arguments.dry_run))
    print("\n".join(render(sentence, arguments.language) for sentence in sentences))
    for sentence in faults_found(taken):
        print(render(sentence, arguments.language), file=sys.stderr)
    return 1 if taken.faults else 0
