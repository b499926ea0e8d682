"""Reads the list of a group (CSV) and writes it down for two treasurers, or says all that is wrong with it.

What it does later is in `mutuelle/treasury/unmatched/group_acts.py`.
"""

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence
from mutuelle.acts import By
from mutuelle.imports.cells import Setting
from mutuelle.imports.columns import GROUP
from mutuelle.imports.reading import CsvFile, read_sheet
from mutuelle.imports.records import once, records
from mutuelle.officers.appointments import tell_treasurers
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.sheets.faults import Fault
from mutuelle.treasury.messages import group_listed
from mutuelle.treasury.unmatched.group_acts import try_list
from mutuelle.treasury.unmatched.groups import (
    GroupList,
    GroupRow,
    faults_of,
    list_for,
    money_of_group,
    write_list,
)


@dataclass(frozen=True)
class NewGroup:
    """What is said beside the file: who paid, which money that is ("": the only sum of that amount).

    `names_differ`: somebody has looked at the names that are not a household's own. `dry`: only try it.
    """

    payer: str
    money: str = ""
    names_differ: bool = False
    dry: bool = False


@dataclass
class TakenGroup:
    """What became of a file. With `faults` nothing was written. `receipts`: what each household would get (a trial).

    `replaced`: the list for the same money that was there before.
    """

    faults: list[Fault] = field(default_factory=list)
    listed: GroupList | None = None
    receipts: list[Sentence] = field(default_factory=list)
    replaced: GroupList | None = None


async def take_list(db: AsyncConnection, mutuelle: Mutuelle, path: Path, new: NewGroup, by: By) -> TakenGroup:
    """Write the list of this file down, in the caller's transaction, and tell the treasurers.

    After a trial, or with faults, the caller rolls back. RefusedError where the money is not found.
    """
    today = mutuelle.today(by.at)
    sheet, rows, faults = _read(path, Setting(mutuelle.country, today, mutuelle.currency))
    if sheet is None or faults:
        return TakenGroup(faults)
    money = await money_of_group(db, mutuelle, new.money, sum(row.amount_minor for row in rows))
    wrong = await faults_of(db, mutuelle, money, rows, today, names=not new.names_differ)
    if wrong:
        return TakenGroup([sheet.fault(one.line, one.column, one.reason) for one in wrong])
    replaced = await list_for(db, money)
    listed = await write_list(db, money, new.payer, rows, by)
    if new.dry:
        return TakenGroup([], listed, await try_list(db, mutuelle, listed, money), replaced)
    sentence = group_listed(mutuelle.name, listed.label, by.actor, replaces=replaced is not None)
    await tell_treasurers(db, mutuelle, "group list", sentence, by.at, listed.code)
    return TakenGroup([], listed, replaced=replaced)


def _read(path: Path, setting: Setting) -> tuple[CsvFile | None, list[GroupRow], list[Fault]]:
    """The rows of the file, each number once, and what cannot be read of it."""
    sheet, faults = read_sheet(GROUP, path)
    found = once(records(sheet, setting, faults, lambda: None), ("number",), faults)
    rows = [
        GroupRow(one.line, one["number"], one["amount_minor"], one["name"] or "")
        for one in found
        if one.is_whole
    ]
    return sheet, rows, faults
