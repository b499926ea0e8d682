"""Reads a folder of CSV files as spreadsheets write them: letters, separators and headers are found out, and told.

Nothing in a cell is ever run or guessed: a formula is a fault, and so are letters that no file should hold.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from locales import Sentence, _
from mutuelle.registers.cells import folded
from mutuelle.registers.columns import BY_NAME, FORMS, Column, Form
from mutuelle.registers.faults import Fault

MOST_BYTES = 64 * 1024 * 1024
LONGEST_CELL = 400
SEPARATORS = {";": ";", ",": ",", "\t": "tab"}
SPREADSHEETS = {".xlsx", ".xls", ".ods", ".numbers"}
SEPARATOR_LINE = "sep="  # some spreadsheets write their separator above the headers
EMPTY = {"", "-", "–", "—"}
_FORMULA = re.compile(r"[=@+\-\t\r]")
_WRITTEN_PHONE = re.compile(r"\+[\d\s().,/;+-]+")


class BadFolder(Exception):
    """There is nothing to read there."""


@dataclass(frozen=True)
class Row:
    """One line of a file: `cells` holds what is not empty, by column key; `barred` are those that may not be read."""

    line: int
    cells: Mapping[str, str]
    barred: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sheet:
    """One file as it was read; `shown` is each column's header in this file, by its key."""

    form: Form
    file: str
    encoding: str = ""
    separator: str = ""
    shown: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()

    def fault(self, line: int, key: str, reason: Sentence) -> Fault:
        """A fault in this file; `key` is a column's, or "" for the whole line."""
        shown = self.shown.get(key) or (self.form.column(key).shown if key else "")
        return Fault(self.file, line, shown, reason)


class _Unreadable(Exception):
    def __init__(self, line: int, reason: Sentence) -> None:
        super().__init__(reason.msgid)
        self.line, self.reason = line, reason


def read_folder(folder: Path) -> tuple[dict[str, Sheet], list[Fault]]:
    """Every file of the folder that a register has, by its form's key, and all that is wrong with them."""
    if not folder.is_dir():
        raise BadFolder(f"{folder} is not a folder")
    files, faults = _named(folder)
    if not files and not faults:
        raise BadFolder(f"{folder} holds none of {', '.join(form.file for form in FORMS)}")
    sheets = {}
    for key, path in files.items():
        try:
            sheets[key], found = _sheet(next(form for form in FORMS if form.key == key), path)
        except _Unreadable as stopped:
            found = [Fault(path.name, stopped.line, "", stopped.reason)]
        faults += found
    return sheets, faults


def _named(folder: Path) -> tuple[dict[str, Path], list[Fault]]:
    files: dict[str, Path] = {}
    faults = []
    for path in sorted(path for path in folder.iterdir() if not path.name.startswith((".", "~"))):
        form = BY_NAME.get(folded(path.stem))
        ending = path.suffix.lower()
        if form and ending in SPREADSHEETS and not path.with_suffix(".csv").exists():
            faults.append(Fault(path.name, 0, "", _("please save this sheet as a CSV file")))
        elif ending == ".csv" and form is None:
            known = ", ".join(form.file for form in FORMS)
            faults.append(
                Fault(path.name, 0, "", _("this file is not known; the files are: {known}", known=known))
            )
        elif ending == ".csv" and form and form.key in files:
            reason = _("the same file is there as {other}", other=files[form.key].name)
            faults.append(Fault(path.name, 0, "", reason))
        elif ending == ".csv" and form:
            files[form.key] = path
    return files, faults


def _sheet(form: Form, path: Path) -> tuple[Sheet, list[Fault]]:
    text, encoding = _decoded(path)
    separator = _separator(form, text)
    lines = _lines(text, separator)
    try:
        top, header = next(lines)
    except StopIteration:
        raise _Unreadable(0, _("the file is empty")) from None
    columns, faults = _columns(form, path.name, top, header)
    shown = {column.key: header[place].strip() for place, column in columns.items()}
    rows: list[Row] = []
    for line, cells in lines:
        if len(rows) == form.most_rows:
            raise _Unreadable(line, _("this file may have {most} lines at most", most=form.most_rows))
        row, found = _row(path.name, line, cells, columns, len(header))
        rows.append(row)
        faults += found
    return Sheet(form, path.name, encoding, SEPARATORS[separator], shown, tuple(rows)), faults


def _decoded(path: Path) -> tuple[str, str]:
    """The text and the name of its letters: UTF-8 if it can be that, as Excel's "Unicode text", else Windows-1252."""
    if path.stat().st_size > MOST_BYTES:
        raise _Unreadable(0, _("the file is too large: {most} MB at most", most=MOST_BYTES // 1024**2))
    raw = path.read_bytes()
    tries = [("utf-16", "UTF-16")] if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else []
    for codec, told in [*tries, ("utf-8-sig", "UTF-8"), ("cp1252", "Windows-1252")]:
        try:
            text = raw.decode(codec)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise _Unreadable(text.count("\n", 0, text.index("\0")) + 1, _("this is not a text file"))
        return text, told
    raise _Unreadable(0, _("the letters of this file cannot be read: please save it as UTF-8"))


def _separator(form: Form, text: str) -> str:
    """The one with which the first line has the most columns that we know."""
    lines = (line for line in text.splitlines() if not line.startswith(SEPARATOR_LINE))
    first = next((line for line in lines if line.strip(';,\t "')), "")
    known = {folded(name) for column in form.columns for name in column.names}

    def hits(separator: str) -> int:
        return sum(folded(cell) in known for cell in next(csv.reader([first], delimiter=separator), []))

    return max(SEPARATORS, key=hits)


def _lines(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each line that is not empty, with its number in the file; a quoted cell may not run on to the next line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise _Unreadable(line, _("the quotes of this line cannot be read")) from None
        if reader.line_num > line:
            raise _Unreadable(line, _("a cell runs on to the next line: is a quote not closed?"))
        if any(cell.strip() for cell in cells) and not cells[0].startswith(SEPARATOR_LINE):
            yield line, cells


def _columns(form: Form, file: str, line: int, header: list[str]) -> tuple[dict[int, Column], list[Fault]]:
    """Which column stands where; one whose header begins with # is left out."""
    names = {folded(name): column for column in form.columns for name in column.names}
    found: dict[int, Column] = {}
    faults = []
    for place, cell in enumerate(header):
        words = cell.strip()
        if not words or words.startswith("#"):
            continue
        column = names.get(folded(words))
        if column is None:
            reason = _("this column is not known: put # before its name if it shall be left out")
            faults.append(Fault(file, line, words[:40], reason))
        elif column in found.values():
            faults.append(Fault(file, line, words[:40], _("this column is there twice")))
        else:
            found[place] = column
    faults += [
        Fault(file, line, column.shown, _("this column is missing"))
        for column in form.columns
        if column.needed and column not in found.values()
    ]
    return found, faults


def _row(
    file: str, line: int, cells: list[str], columns: Mapping[int, Column], width: int
) -> tuple[Row, list[Fault]]:
    faults = []
    if any(cell.strip() for cell in cells[width:]):
        faults.append(Fault(file, line, "", _("this line has more cells than there are columns")))
    kept, barred = {}, set()
    for place, column in columns.items():
        cell = cells[place] if place < len(cells) else ""
        if cell.strip() in EMPTY:
            continue
        if danger := _danger(cell.replace("\xa0", " ").replace("\u202f", " ").strip(" "), column):
            faults.append(Fault(file, line, column.shown, danger))
            barred.add(column.key)
        else:
            kept[column.key] = " ".join(cell.split())
    return Row(line, kept, frozenset(barred)), faults


def _danger(cell: str, column: Column) -> Sentence | None:
    """Why a cell may not be read at all, if it may not."""
    if _FORMULA.match(cell) and not (column.takes_plus and _WRITTEN_PHONE.fullmatch(cell)):
        return _("a cell cannot begin with {letter}", letter=repr(cell[0]))
    if not cell.isprintable():
        return _("this cell holds a letter that cannot be shown")
    return _("this cell is too long") if len(cell) > LONGEST_CELL else None
