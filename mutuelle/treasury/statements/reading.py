"""Reads a statement: CSV or XLSX, whatever encoding, separator and order of columns, under the preset that fits it.

A line that cannot be read is a fault with its file, row and reason; the lines around it are read on.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from locales import Sentence, _
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.sheets.faults import Fault, UnreadError
from mutuelle.sheets.letters import decoded, folded
from mutuelle.sheets.lines import MOST_ABOVE, SEPARATORS, CsvLine, UnreadFileError, column_letters, csv_lines
from mutuelle.sheets.workbook import OLDER, SIGNATURE, workbook_lines
from mutuelle.treasury.statements.figures import amount, moment, payer_phone
from mutuelle.treasury.statements.lines import StatementLine
from mutuelle.treasury.statements.numbers import numbers_in
from mutuelle.treasury.statements.presets import Preset, fitting, preset_named
from talk.trouble import InvalidError

MOST_BYTES = 128 * 1024 * 1024
MOST_LINES = 500_000
TOLD_EVERY = 1000  # lines
LONGEST_CELL, LONGEST_ID = 400, 120
PDF = b"%PDF"  # begins such a file
FIRST_DAY = date(2000, 1, 1)  # no book has an earlier one
BETWEEN = "; "  # the cells of a note: nobody writes one number across two of them
LOCAL_CURRENCY = {"fcfa", "cfa", "f cfa", "f"}
FEE_WORDS = re.compile(r"\b(?:frais|fees?|commissions?|charges?|agios?|tarif)\b")
_ROUNDED = re.compile(r"\d[.,]\d+[Ee]\+\d+")
# A sign before a number is none, and so is a dash before words; + and - before what a spreadsheet would work out are.
_FORMULA = re.compile(r"[=@\t\r]|[+−-](?![\d\s.,'’()-]*[A-Za-z. ]{0,8}$).*[(|!=*&^+]", re.DOTALL)


Advance = Callable[[int], None]


@dataclass
class ReadStatement:
    """What a file holds: its lines, its faults, and how many lines tell of no money (`skipped`)."""

    name: str
    preset: Preset
    lines: list[StatementLine] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    skipped: int = 0

    @property
    def count(self) -> int:
        """All lines below the headers; a line with several faults counts once."""
        return len(self.lines) + self.skipped + len(self.faulty)

    @property
    def faulty(self) -> set[int]:
        return {fault.line for fault in self.faults}


def unseen(_count: int) -> None:
    """The progress of what nobody waits for."""


def read_statement(
    name: str,
    raw: bytes,
    preset: str | None,
    mutuelle: Mutuelle,
    today: date,
    advance: Advance = unseen,
) -> ReadStatement:
    """Read a statement of an account of `mutuelle`; PresetError or UnreadFileError if it cannot be read at all."""
    chosen = preset_named(preset) if preset else None
    if len(raw) > MOST_BYTES:
        raise UnreadFileError(0, _("the file is too large: {most} MB at most", most=MOST_BYTES // 1024**2))
    rows, chosen, header = _rows(raw, chosen)
    reader = _LineReader(ReadStatement(name, chosen), header, mutuelle, today)
    for nth, row in enumerate(rows, start=1):
        if row.runs_on:
            raise UnreadFileError(row.line, _("a cell runs on to the next line: is a quote not closed?"))
        if nth > MOST_LINES:
            raise UnreadFileError(row.line, _("this file may have {most} lines at most", most=MOST_LINES))
        reader.take(row)
        if nth % TOLD_EVERY == 0:
            advance(TOLD_EVERY)
    if not reader.read.count:
        raise UnreadFileError(0, _("the file is empty"))
    return reader.read


def _rows(raw: bytes, preset: Preset | None) -> tuple[Iterator[CsvLine], Preset, CsvLine]:
    """The lines below the headers, the preset that fits, and the headers."""
    if raw.startswith(PDF):
        raise UnreadFileError(0, _("this is a PDF: please ask the operator or bank for CSV or XLSX"))
    if raw.startswith((SIGNATURE, OLDER)):
        rows = list(workbook_lines(raw))
        chosen = fitting([[row.cells for row in rows[:MOST_ABOVE]]], preset)[0]
        return _below(iter(rows), chosen)
    try:
        text, _encoding = decoded(raw)
    except UnreadError as unread:
        raise UnreadFileError(0, unread.sentence, unread.said, unread.letter) from None
    lines = [line for line in text.splitlines()[: 2 * MOST_ABOVE] if line.strip()][:MOST_ABOVE]
    if not lines:
        raise UnreadFileError(0, _("the file is empty"))
    separators = list(SEPARATORS)
    chosen, nth = fitting([[_cells(line, one) for line in lines] for one in separators], preset)
    return _below(csv_lines(text, separators[nth]), chosen)


def _cells(line: str, separator: str) -> list[str]:
    """The cells of a line by itself; none where its quotes cannot be read so."""
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error:
        return []


def _below(rows: Iterator[CsvLine], preset: Preset) -> tuple[Iterator[CsvLine], Preset, CsvLine]:
    header = next((row for row in rows if preset.places(row.cells) is not None), None)
    if header is None:  # a quote above it is not closed
        raise UnreadFileError(0, _("the quotes of this line cannot be read"))
    return rows, preset, header


class _LineReader:
    """Reads one line after the other of one file."""

    def __init__(self, read: ReadStatement, header: CsvLine, mutuelle: Mutuelle, today: date) -> None:
        self.read, self.mutuelle, self.today = read, mutuelle, today
        self.places = read.preset.places(header.cells) or {}
        self.headers = _named(header.cells)
        self.without_id: Counter[str] = Counter()
        self.sound = 0  # how many faults there were before this row

    def take(self, row: CsvLine) -> None:
        """Read one line: into the lines, the faults, or as one that tells of no money."""
        cells = {
            name: [" ".join(row.cells[place].split()) for place in places if place < len(row.cells)]
            for name, places in self.places.items()
        }
        self.sound = len(self.read.faults)
        self._expect_harmless(row)
        moved = self._moved(row, cells)
        if moved is False:
            self.read.skipped += 1
            return
        line = self._line(row, cells)
        if line is not None and len(self.read.faults) == self.sound:
            self.read.lines.append(line)

    def _fault(self, row: CsvLine, name: str, reason: Sentence, said: str = "") -> None:
        """One fault a cell: a formula is not told as no amount too."""
        place = self.places[name][0] if name in self.places else None
        shown, letters = ("", "") if place is None else (self.headers[place], column_letters(place))
        if letters and any(one.letters == letters for one in self.read.faults[self.sound :]):
            return
        self.read.faults.append(Fault(self.read.name, row.line, shown, reason, letters, said))

    def _expect_harmless(self, row: CsvLine) -> None:
        for place, cell in enumerate(row.cells):
            letters = column_letters(place)
            shown = self.headers[place] if place < len(self.headers) else letters
            if cell and _FORMULA.match(cell):
                reason = _("a cell cannot begin with {letter}", letter=repr(cell[0]))
            elif len(cell) > LONGEST_CELL:
                reason = _("this cell is too long")
            elif not cell.isprintable() and not " ".join(cell.split()).isprintable():
                reason = _("this cell holds a letter that cannot be shown")
            else:
                continue
            said = "".join(letter if letter.isprintable() else "\ufffd" for letter in cell)
            self.read.faults.append(Fault(self.read.name, row.line, shown, reason, letters, said))

    def _moved(self, row: CsvLine, cells: Mapping[str, list[str]]) -> bool | None:
        """Whether the line says that money moved: by its status and its type, where the preset has them."""
        preset = self.read.preset
        if preset.statuses:
            status = _first(cells, "status")
            if folded(status) not in preset.statuses:
                self._fault(row, "status", _("this word is not known here"), status)
            elif not preset.statuses[folded(status)]:
                return False
        if preset.types:
            kind = _first(cells, "type")
            if folded(kind) not in preset.types:
                self._fault(row, "type", _("this word is not known here"), kind)
            elif preset.types[folded(kind)] == "none":
                return False
        return None

    def _line(self, row: CsvLine, cells: Mapping[str, list[str]]) -> StatementLine | None:
        on, at = self._moment(row, cells)
        self._expect_currency(row, _first(cells, "currency"))
        note = BETWEEN.join(filter(None, [*cells.get("note", ()), *cells.get("reference", ())]))
        payer = payer_phone(_first(cells, "payer"), self.mutuelle.country) if _first(cells, "payer") else None
        money, is_fee = self._money(row, cells, note)
        fee = self._amount(row, cells, "fee") or 0
        line_id = self._id(row, cells, on, money)
        if on is None or money is None or not line_id:
            return None
        return StatementLine(
            position=row.line,
            line_id=line_id,
            said={header: cell for header, cell in zip(self.headers, row.cells, strict=False) if cell},
            on=on,
            at=at,
            payer=payer,
            amount_minor=money,
            fee_minor=abs(fee),
            currency=self.mutuelle.currency,
            note=note,
            is_fee=is_fee,
        )

    def _moment(self, row: CsvLine, cells: Mapping[str, list[str]]) -> tuple[date | None, datetime | None]:
        said = " ".join(filter(None, (_first(cells, "date"), _first(cells, "time"))))
        try:
            on, at = moment(said, self.mutuelle.timezone)
        except InvalidError as wrong:
            self._fault(row, "date", wrong.sentence, said)
            return None, None
        if on > self.today:
            self._fault(row, "date", _("{cell} has not come yet.", cell=said), said)
        if on < FIRST_DAY:
            self._fault(row, "date", _("{cell} is before every book", cell=said), said)
        return on, at

    def _expect_currency(self, row: CsvLine, said: str) -> None:
        own = self.mutuelle.currency
        if said and said.upper() != own and folded(said) not in LOCAL_CURRENCY:
            reason = _("this account is kept in {currency}", currency=own)
            self._fault(row, "currency", reason, said)

    def _amount(self, row: CsvLine, cells: Mapping[str, list[str]], name: str) -> int | None:
        """The amount in that column; None for an empty cell, or a fault."""
        said = _first(cells, name)
        if not said.strip("-–— "):
            return None
        try:
            return amount(said, self.mutuelle.currency, self.read.preset.decimal)
        except InvalidError as wrong:
            self._fault(row, name, wrong.sentence, said)
            return None

    def _money(self, row: CsvLine, cells: Mapping[str, list[str]], note: str) -> tuple[int | None, bool]:
        """The amount with its sign, and whether it is a fee. Money that went out has no payer and no member number."""
        if "amount" not in self.places:
            return self._of_two_columns(row, cells, note)
        faults, money = len(self.read.faults), self._amount(row, cells, "amount")
        if not money:
            reason = _("a line of 0 moves no money") if money == 0 else _("This is not an amount.")
            if len(self.read.faults) == faults:
                self._fault(row, "amount", reason, _first(cells, "amount") or "-")
            return None, False
        way = self.read.preset.types.get(folded(_first(cells, "type"))) if self.read.preset.types else None
        is_fee = way == "fee" or (way in (None, "debit") and money < 0 and _says_fee(note))
        if money < 0 and (way == "credit" or (way is None and not is_fee and self._is_paid(cells, note))):
            self._fault(row, "amount", _("money that came in is above zero"), _first(cells, "amount"))
            return None, False
        return (-abs(money) if way in ("debit", "fee") else money), is_fee

    def _is_paid(self, cells: Mapping[str, list[str]], note: str) -> bool:
        """Whether somebody paid this: there is a payer, or a member number."""
        return bool(_first(cells, "payer") or numbers_in(note, self.mutuelle.prefix))

    def _of_two_columns(
        self, row: CsvLine, cells: Mapping[str, list[str]], note: str
    ) -> tuple[int | None, bool]:
        """The same where money that came in and money that went out have a column each."""
        came, went = self._amount(row, cells, "credit"), self._amount(row, cells, "debit")
        if came is not None and came < 0:
            self._fault(row, "credit", _("money that came in is above zero"), _first(cells, "credit"))
        elif bool(came) == bool(went) and len(self.read.faults) == self.sound:
            self._fault(row, "", _("a line has a credit or a debit"))
        if len(self.read.faults) > self.sound:
            return None, False
        return (came, False) if came else (-abs(went or 0), _says_fee(note))

    def _id(self, row: CsvLine, cells: Mapping[str, list[str]], on: date | None, money: int | None) -> str:
        """The operator's id of the line; of a form without one, its day, amount and balance together."""
        said = _first(cells, "id")
        if said:
            if len(said) > LONGEST_ID:
                self._fault(row, "id", _("this cell is too long"), said)
            if _ROUNDED.fullmatch(said):
                self._fault(
                    row, "id", _("a spreadsheet has rounded this id: please take the portal's own file"), said
                )
            return said[:LONGEST_ID]
        if (
            "balance" in self.read.preset.columns
            and (balance := self._amount(row, cells, "balance")) is not None
        ):
            known = f"{on} {money} {balance}"
            self.without_id[known] += 1  # paid, taken back, paid again: the balance is twice the same
            return known if self.without_id[known] == 1 else f"{known} {self.without_id[known]}"
        self._fault(row, "id" if "id" in self.places else "", _("this line has no id"))
        return ""


def _first(cells: Mapping[str, list[str]], name: str) -> str:
    found = cells.get(name)
    return found[0] if found else ""


def _says_fee(note: str) -> bool:
    return bool(FEE_WORDS.search(folded(note)))


def _named(header: Sequence[str]) -> list[str]:
    """A name for each column: its header, or its letters where it has none or another column's."""
    names: list[str] = []
    for place, cell in enumerate(header):
        name = " ".join(cell.split())
        names.append(name if name and name not in names else column_letters(place))
    return names
