"""`keneya statement`: takes in a statement of an operator or a bank, every line once, the whole file or nothing."""

import argparse
import gc
import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from commands.command import CommandError, Commands, command, database, expect_mutuelle, of_mutuelle
from commands.imports import OBJECTS_BETWEEN_LOOKS, language
from commands.progress import Progress
from locales import _n, languages, render
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.sheets.faults import Fault
from mutuelle.sheets.lines import UnreadFileError
from mutuelle.treasury.statements.accounts import AccountNameError, account_named
from mutuelle.treasury.statements.files import StatementSource
from mutuelle.treasury.statements.owners import MeanwhileError
from mutuelle.treasury.statements.presets import PresetError
from mutuelle.treasury.statements.reading import read_statement
from mutuelle.treasury.statements.summary import result_of
from mutuelle.treasury.statements.take_in import TakenIn, take_in

FAULTS_SHOWN = 200


class _UndoneStatementError(Exception):
    """Rolls the transaction back."""


def add(commands: Commands) -> None:
    statement = command(commands, "statement", take_statement, "take in a statement of an operator or a bank")
    statement.add_argument("file", type=Path, metavar="FILE", help="the statement, CSV or XLSX")
    statement.add_argument(
        "--account", required=True, metavar="NAME", help="whose it is, such as merchant-SIK"
    )
    of_mutuelle(statement, meaning="the mutuelle, where several have an account of that name")
    statement.add_argument(
        "--preset", metavar="NAME", help="the form of the file; without it the one that fits"
    )
    statement.add_argument("--dry-run", action="store_true", help="say what would be, keep nothing")
    statement.add_argument("--json", action="store_true", help="the counts as JSON, on the last line")
    statement.add_argument(
        "--language", choices=languages(), default=language(), help="of faults and counts: fr or en"
    )


async def take_statement(arguments: argparse.Namespace) -> int:
    """Read the file, report every fault or take every line in."""
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS)
    await expect_mutuelle(arguments.mutuelle)
    raw = _bytes_of(arguments.file)
    taken, name = TakenIn(0), arguments.file.name
    try:
        with Progress(2 * raw.count(b"\n")) as progress:  # each line is read, then posted
            async with database() as db:
                taken = await _take(db, arguments, raw, progress)
                if taken.faults or arguments.dry_run:
                    raise _UndoneStatementError
    except _UndoneStatementError:
        pass
    except (AccountNameError, PresetError) as wrong:
        raise CommandError(str(wrong), 2) from None
    except UnreadFileError as stopped:
        fault = Fault(name, stopped.line, "", stopped.reason, said=stopped.said, letter=stopped.letter)
        taken = TakenIn(0, faults=[fault])
    except MeanwhileError as busy:
        raise CommandError(str(busy)) from None
    _report(taken, arguments)
    return 1 if taken.faults else 0


async def _take(
    db: AsyncConnection, arguments: argparse.Namespace, raw: bytes, progress: Progress
) -> TakenIn:
    account = await account_named(db, arguments.account, arguments.mutuelle)
    mutuelle, now = await get_mutuelle(db, account.mutuelle_id), datetime.now(UTC)
    name, today = arguments.file.name, mutuelle.today(now)
    read = read_statement(name, raw, arguments.preset, mutuelle, today, progress.advance)
    source = StatementSource(account, name, read.preset.name, hashlib.sha256(raw).digest())
    return await take_in(db, mutuelle, source, read, now, progress.advance)


def _bytes_of(file: Path) -> bytes:
    if not file.is_file():
        raise CommandError(f"{file} is not a file", 2)
    return file.read_bytes()


def _report(taken: TakenIn, arguments: argparse.Namespace) -> None:
    for fault in taken.faults[:FAULTS_SHOWN]:
        print(render(fault.sentence, arguments.language), file=sys.stderr)
    if len(taken.faults) > FAULTS_SHOWN:
        print(f"… {len(taken.faults) - FAULTS_SHOWN}", file=sys.stderr)
    if count := len(taken.faults):
        kept = _n("{n} fault: nothing was written.", "{n} faults: nothing was written.", count)
        print(render(kept, arguments.language), file=sys.stderr)
    if not taken.faults:
        for sentence in result_of(taken, arguments.account, dry=arguments.dry_run):
            print(render(sentence, arguments.language))
    if arguments.json:
        print(json.dumps(taken.counts))
