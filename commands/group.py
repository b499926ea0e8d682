"""`keneya group`: one payment of an employer or a group for many households, split by its list.

The command writes the list down; two treasurers sign it by phone, and only then it moves money.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from commands.command import (
    CommandError,
    Commands,
    acted,
    command,
    database,
    expect_mutuelle,
    group,
    of_mutuelle,
    words,
)
from commands.imports import language
from locales import Sentence, _, _n, counts, languages, render
from mutuelle.acts import By
from mutuelle.imports.group_lists import NewGroup, TakenGroup, take_list
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.sheets.faults import by_cause, reported
from mutuelle.treasury.unmatched.groups import MOST_PAYER, find_list, parts_of, signed_by

FAULTS_SHOWN = 200


class _UndoneListError(Exception):
    """Rolls the transaction back."""


def add(commands: Commands) -> None:
    groups = group(commands, "group", "one payment for many households")
    pay = command(groups, "pay", take_group, "write down who gets what of one sum; two treasurers sign it")
    pay.add_argument("file", type=Path, metavar="LIST.csv", help="numéro; montant; and nom, if you have it")
    receipt = command(
        groups, "receipt", print_receipt, "print for its payer how a sum was split, and who signed"
    )
    receipt.add_argument("code", type=str.upper, metavar="CODE", help="six letters, as group pay prints them")
    of_mutuelle(pay, receipt, required=True)
    pay.add_argument("--payer", type=words(MOST_PAYER), required=True, help="who paid, as households read it")
    pay.add_argument(
        "--money", default="", metavar="KEY", help="which money without an owner; needed where two are alike"
    )
    pay.add_argument(
        "--although-names-differ", action="store_true", help="somebody has looked at names of nobody there"
    )
    pay.add_argument("--dry-run", action="store_true", help="what each household would get; keep nothing")
    acted(pay)
    for parser in (pay, receipt):
        parser.add_argument("--language", choices=languages(), default=language(), help="fr or en")


async def take_group(arguments: argparse.Namespace) -> int:
    """Report every fault, or write the list down; a trial prints the receipt of each household."""
    await expect_mutuelle(arguments.mutuelle)
    if not arguments.file.is_file():
        raise CommandError(f"{arguments.file} is not a file", 2)
    new = NewGroup(arguments.payer, arguments.money, arguments.although_names_differ, arguments.dry_run)
    taken, by = TakenGroup(), By(arguments.actor, arguments.reason, datetime.now(UTC))
    try:
        async with database() as db:
            mutuelle = await get_mutuelle(db, arguments.mutuelle)
            taken = await take_list(db, mutuelle, arguments.file, new, by)
            if taken.faults or new.dry:
                raise _UndoneListError
    except _UndoneListError:
        pass
    for sentence in result_of(taken):
        print(render(sentence, arguments.language), file=sys.stderr if taken.faults else sys.stdout)
    return 1 if taken.faults else 0


def result_of(taken: TakenGroup) -> list[Sentence]:
    """What a person reads of it."""
    if taken.listed is None:
        said = [sentence for faults in by_cause(taken.faults) for sentence in reported(faults)]
        kept = _n("{n} fault: nothing was written.", "{n} faults: nothing was written.", len(taken.faults))
        return [*said[:FAULTS_SHOWN], kept]
    replaced = []
    if taken.replaced:
        replaced = [
            _(
                "It replaces the list {code} ({what}), which nobody can sign any more.",
                code=taken.replaced.code,
                what=taken.replaced.label,
            )
        ]
    if taken.receipts:
        trial = _("A trial: no fault, and nothing was kept. Without --dry-run it is written.")
        return [*taken.receipts, taken.listed.label, *replaced, trial]
    done = _(
        "List {code} is written down. It moves money when two treasurers have signed it: My work, 8, 7.",
        code=taken.listed.code,
    )
    return [taken.listed.label, *replaced, done]


async def print_receipt(arguments: argparse.Namespace) -> int:
    """Print what was split, when and by whom, with a line for each household; exit 1 while nobody has signed."""
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        lines = await receipt_of(db, await get_mutuelle(db, arguments.mutuelle), arguments.code)
    for line in lines:
        print(render(line, arguments.language) if isinstance(line, Sentence) else line)
    return 0


async def receipt_of(db: AsyncConnection, mutuelle: Mutuelle, code: str) -> list[Sentence | str]:
    """The payer's receipt on paper: of each household number, part and receipt, and no name. CommandError: none yet."""
    listed = await find_list(db, mutuelle.id, code)
    if listed is None:
        raise CommandError(f"no list has the code {code}", 2)
    signed = await signed_by(db, listed)
    if signed is None:
        raise CommandError(f"list {code}: two treasurers have not signed it, no money was moved")
    head = _(
        "{mutuelle}, receipt {code}: {amount} of {day}, paid by {payer} for {households}",
        mutuelle=mutuelle.name,
        code=code,
        amount=listed.amount,
        day=signed.money_of,
        payer=listed.payer,
        households=counts.households(listed.households),
    )
    who = _(
        "List of {actor}, proposed by {proposer}, signed by {answerer} on {day}",
        actor=listed.actor,
        proposer=signed.proposer,
        answerer=signed.answerer,
        day=mutuelle.today(signed.at),
    )
    return [
        head,
        who,
        *(f"{one.number} {one.amount} {one.receipt_code}" for one in await parts_of(db, listed)),
    ]
