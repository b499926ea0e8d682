"""The records of a file: each cell is read by its column; faults are collected, and reading goes on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from locales import _
from mutuelle.imports.cells import Setting
from mutuelle.imports.reading import SAYS_NOTHING, CsvFile, CsvRow
from mutuelle.sheets.faults import Fault, UnreadError
from talk.trouble import InvalidError


@dataclass(frozen=True)
class Record:
    """One line: `facts` by column key, None for an empty cell. `is_whole`: every cell of it could be read."""

    sheet: CsvFile
    line: int
    facts: Mapping[str, Any]
    is_whole: bool = True

    def __getitem__(self, key: str) -> Any:
        return self.facts.get(key)

    def fault(self, key: str, reason: Any) -> Fault:
        return self.sheet.fault(self.line, key, reason)


def records(
    sheet: CsvFile | None, setting: Setting, faults: list[Fault], advance: Callable[[], None]
) -> list[Record]:
    """Every line of a sheet, those with a fault too: others may refer to them."""
    found: list[Record] = []
    if sheet is None:
        return found
    for row in sheet.rows:
        found.append(_record(sheet, row, setting, faults))
        advance()
    return found


def _record(sheet: CsvFile, row: CsvRow, setting: Setting, faults: list[Fault]) -> Record:
    facts: dict[str, Any] = {}
    before = len(faults)
    for column in sheet.form.columns:
        cell = row.cells.get(column.key)
        if cell is None:
            facts[column.key] = None
            if column.needed and column.key in sheet.shown and column.key not in row.barred:
                faults.append(sheet.fault(row.line, column.key, _("this cell is empty")))
            continue
        if cell == SAYS_NOTHING and column.removed is not None:
            facts[column.key] = column.removed
            continue
        try:
            facts[column.key] = column.read(cell, setting)
        except InvalidError as fault:
            letter = fault.letter if isinstance(fault, UnreadError) else ""
            faults.append(sheet.fault(row.line, column.key, fault.sentence, cell, letter))
    missing = any(column.needed and facts.get(column.key) is None for column in sheet.form.columns)
    return Record(sheet, row.line, facts, is_whole=len(faults) == before and not missing and not row.barred)


def once(found: list[Record], keys: tuple[str, ...], faults: list[Fault], fault_at: str = "") -> list[Record]:
    """The records without repeated keys; `fault_at` is the column of such a fault."""
    first: dict[tuple[Any, ...], Record] = {}
    for record in found:
        key = tuple(record[name] for name in keys)
        if None in key:
            first[(id(record),)] = record
        elif key in first:
            reason = _("the same as line {line}", line=first[key].line)
            faults.append(record.fault(fault_at or keys[0], reason))
        else:
            first[key] = record
    return list(first.values())
