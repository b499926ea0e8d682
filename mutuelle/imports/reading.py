"""Reads a folder of CSV files as spreadsheets write them: encodings, separators and headers are detected and reported.

Nothing in a cell is run or guessed: a formula is a fault, and so are letters that no file should hold.
"""

import csv
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from locales import Sentence, _
from mutuelle.imports.columns import BY_NAME, FORMS, CsvColumn, Form
from mutuelle.imports.phones import WORDS
from mutuelle.sheets.faults import Fault, UnreadError
from mutuelle.sheets.letters import HIDDEN, decoded, folded, suspicious
from mutuelle.sheets.lines import (
    HARD_BLANKS,
    MOST_ABOVE,
    SEPARATORS,
    CsvLine,
    UnreadFileError,
    column_letters,
    csv_lines,
)

MOST_BYTES = 64 * 1024 * 1024
LONGEST_CELL = 400
SPREADSHEETS = {".xlsx", ".xls", ".ods", ".numbers"}
NOTHING = {"", "neant", "aucun", "aucune", "rien", "n a", "na", "none"}  # what an empty cell may say
SAYS_NOTHING = "-"  # any of these, where it removes what was said before
_FORMULA = re.compile(r"[=@+\-\t\r]")
_WRITTEN_PHONE = re.compile(r"\+[\d\s().,/;|&+-]+")


class BadFolderError(Exception):
    """The folder has nothing to read."""


@dataclass(frozen=True)
class CsvRow:
    """One line of a file: `cells` holds what is not empty, by column key; `barred` are those that must not be read."""

    line: int
    cells: Mapping[str, str]
    barred: frozenset[str] = frozenset()


@dataclass(frozen=True)
class CsvFile:
    """A file that was read; `shown` is each column's header in this file by its key, `places` where it stands."""

    form: Form
    file: str
    encoding: str = ""
    separator: str = ""
    header: int = 1
    shown: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)
    rows: tuple[CsvRow, ...] = ()

    def fault(self, line: int, key: str, reason: Sentence, said: str = "", letter: str = "") -> Fault:
        """A fault in this file; `key` is a column's, or "" for the whole line."""
        shown = self.shown.get(key) or (self.form.column(key).shown if key else "")
        letters = column_letters(self.places[key]) if key in self.places else ""
        return Fault(self.file, line, shown, reason, letters, said, letter)


def read_folder(folder: Path) -> tuple[dict[str, CsvFile], list[Fault]]:
    """The files of a register in the folder, by their form's key, and all their faults."""
    if not folder.is_dir():
        raise BadFolderError(f"{folder} is not a folder")
    files, faults = _named(folder)
    if not files and not faults:
        raise BadFolderError(f"{folder} holds none of {', '.join(form.file for form in FORMS)}")
    sheets = {}
    for key, path in files.items():
        sheet, found = read_sheet(next(form for form in FORMS if form.key == key), path)
        faults += found
        if sheet is not None:
            sheets[key] = sheet
    return sheets, faults


def read_sheet(form: Form, path: Path) -> tuple[CsvFile | None, list[Fault]]:
    """One file of this form, None where it cannot be read at all, and its faults."""
    if path.suffix.lower() in SPREADSHEETS:
        return None, [Fault(path.name, 0, "", _("please save this sheet as a CSV file"))]
    try:
        return _sheet(form, path)
    except UnreadFileError as stopped:
        said, letter = stopped.said, stopped.letter
        return None, [Fault(path.name, stopped.line, "", stopped.reason, said=said, letter=letter)]


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


def _sheet(form: Form, path: Path) -> tuple[CsvFile, list[Fault]]:
    text, encoding = _decoded(path)
    lines = text.splitlines()[: 2 * MOST_ABOVE]
    separator = max(
        SEPARATORS,
        key=lambda one: max(
            _hits(form, next(csv.reader([line], delimiter=one), [])) for line in lines or [""]
        ),
    )
    rows = csv_lines(text, separator)
    above = list(itertools.islice(rows, MOST_ABOVE))
    if not above:
        raise UnreadFileError(0, _("the file is empty"))
    head = max(range(len(above)), key=lambda nth: (_hits(form, above[nth].cells), -nth))
    top = above[head]
    columns, faults = _columns(form, path.name, top.line, top.cells)
    places = {column.key: place for place, column in columns.items()}
    shown = {key: " ".join(top.cells[place].split()) for key, place in places.items()}
    sheet = CsvFile(form, path.name, encoding, SEPARATORS[separator], top.line, shown, places)
    read: list[CsvRow] = []
    for line in itertools.chain(above[head + 1 :], rows):
        if line.runs_on:
            raise UnreadFileError(line.line, _("a cell runs on to the next line: is a quote not closed?"))
        if len(read) == form.most_rows:
            raise UnreadFileError(
                line.line, _("this file may have {most} lines at most", most=form.most_rows)
            )
        row, found = _row(sheet, line, columns, top.cells)
        read.append(row)
        faults += found
    return replace(sheet, rows=tuple(read)), faults


def _hits(form: Form, cells: list[str]) -> int:
    """How many headers of the form a line has."""
    return sum(folded(cell) in form.headers for cell in cells)


def _decoded(path: Path) -> tuple[str, str]:
    """The text and the name of its encoding."""
    if path.stat().st_size > MOST_BYTES:
        raise UnreadFileError(0, _("the file is too large: {most} MB at most", most=MOST_BYTES // 1024**2))
    try:
        return decoded(path.read_bytes())
    except UnreadError as unread:
        line = len(unread.text.splitlines()) + unread.text.endswith(("\n", "\r")) or 1
        raise UnreadFileError(line, unread.sentence, unread.said, unread.letter) from None


def _columns(form: Form, file: str, line: int, header: list[str]) -> tuple[dict[int, CsvColumn], list[Fault]]:
    """Which column stands where; one whose header begins with # is left out."""
    found: dict[int, CsvColumn] = {}
    faults = []
    for place, cell in enumerate(header):
        words = " ".join(cell.split())
        if not words or words.startswith("#"):
            continue
        column = form.headers.get(folded(words))
        if column is None:
            reason = _("this column is not known: put # before its name if it shall be left out")
            faults.append(Fault(file, line, words[:40], reason, column_letters(place)))
        elif column in found.values():
            reason = _("this column is there twice")
            faults.append(Fault(file, line, words[:40], reason, column_letters(place)))
        else:
            found[place] = column
    faults += [
        Fault(file, line, column.shown, _("this column is missing"))
        for column in form.columns
        if column.needed and column not in found.values()
    ]
    return found, faults


def _row(
    sheet: CsvFile, line: CsvLine, columns: Mapping[int, CsvColumn], header: list[str]
) -> tuple[CsvRow, list[Fault]]:
    faults = []
    if any(cell.strip() for cell in line.cells[len(header) :]):
        faults.append(sheet.fault(line.line, "", _("this line has more cells than there are columns")))
    for place, cell in enumerate(line.cells[: len(header)]):
        if cell.strip() and not header[place].strip():
            reason = _("this column has no name: put # there if it shall be left out")
            faults.append(Fault(sheet.file, line.line, "?", reason, column_letters(place), cell.strip()))
    kept, barred = {}, set()
    for place, column in columns.items():
        cell = _without_hidden(line.cells[place] if place < len(line.cells) else "", column)
        if not cell.strip("-–— .") or folded(cell) in NOTHING:
            if cell.strip() and column.removed is not None:
                kept[column.key] = SAYS_NOTHING
            continue
        if danger := _danger(cell, column):
            faults.append(sheet.fault(line.line, column.key, danger[0], _said(cell), danger[1]))
            barred.add(column.key)
        else:
            kept[column.key] = " ".join(cell.split())
    return CsvRow(line.line, kept, frozenset(barred)), faults


def _without_hidden(cell: str, column: CsvColumn) -> str:
    """The cell without invisible letters: at its ends, and among the digits of a phone."""
    if cell.isascii():
        return cell.strip(" ")
    cell = HIDDEN.sub("", cell) if column.takes_plus else cell
    return re.sub(rf"^(?:{HIDDEN.pattern}|\s)+|(?:{HIDDEN.pattern}|\s)+$", "", cell)


def _said(cell: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in cell)


def _danger(cell: str, column: CsvColumn) -> tuple[Sentence, str] | None:
    """Why a cell must not be read, if so, and the letter that shows it."""
    if _FORMULA.match(cell) and not (column.takes_plus and _WRITTEN_PHONE.fullmatch(WORDS.sub("/", cell))):
        return _("a cell cannot begin with {letter}", letter=repr(cell[0])), cell[0]
    if found := suspicious(cell):
        return found
    for letter in cell:
        if not letter.isprintable() and letter not in HARD_BLANKS:
            return _("this cell holds a letter that cannot be shown"), letter
    return (_("this cell is too long"), "") if len(cell) > LONGEST_CELL else None
