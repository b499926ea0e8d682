"""`keneya import`: a mutuelle that lives on paper, taken over from CSV files; all of it or nothing.

Faults and words for the next steps are for a federation, so they are told in French where the terminal speaks it.
"""

import argparse
import gc
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from commands.ground import Commands, Fault, command, database, missing_settings
from locales import languages, render
from mutuelle.founding import FoundingFault
from mutuelle.registers.reading import BadFolder, read_folder
from mutuelle.registers.taking import Taken, steps, take_over
from mutuelle.registers.telling import faults_told, files_told, result_told
from progress import Progress

# A register becomes a million objects that all stay: looking for lost ones every 700 is a quarter of the time.
OBJECTS_BETWEEN_LOOKS = 200_000


class _Undone(Exception):
    """Ends the transaction without keeping it."""


def add(commands: Commands) -> None:
    import_ = command(commands, "import", import_register, "take over a mutuelle from CSV files")
    import_.add_argument("folder", type=Path, metavar="DIR", help="the folder with the files (docs/start)")
    import_.add_argument("--dry-run", action="store_true", help="look at everything, keep nothing")
    import_.add_argument(
        "--language", choices=languages(), default=_language(), help="of faults and counts: fr or en"
    )


def _language() -> str:
    """That of the terminal, French where it says none: so are the files."""
    said = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "en" if said.startswith("en") else "fr"


async def import_register(arguments: argparse.Namespace) -> int:
    """Read, tell every fault or write everything, and say what to do next."""
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS)
    try:
        sheets, faults = read_folder(arguments.folder)
    except BadFolder as bad:
        raise Fault(str(bad), 2) from None
    taken = Taken()
    try:
        async with database() as db:
            with Progress(steps(sheets)) as progress:
                taken = await take_over(
                    db,
                    sheets,
                    faults,
                    operators=missing_settings(),
                    at=datetime.now(UTC),
                    advance=progress.advance,
                )
            if taken.faults or arguments.dry_run:
                raise _Undone
    except _Undone:
        pass
    except FoundingFault as fault:  # two imports of one mutuelle at once, or a row written meanwhile
        raise Fault("; ".join(str(fault).splitlines())) from None
    told = files_told(sheets) + ([] if taken.faults else result_told(taken, dry=arguments.dry_run))
    print("\n".join(render(sentence, arguments.language) for sentence in told))
    for sentence in faults_told(taken):
        print(render(sentence, arguments.language), file=sys.stderr)
    return 1 if taken.faults else 0
