"""The first sheet of an XLSX file as lines of text, as a CSV file of it would be; a formula stays one, to be refused.

What a spreadsheet shows for a number of more than fifteen figures is not what was written: it comes out as 1.2E+17.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from python_calamine import CalamineError, CalamineWorkbook

from locales import _
from mutuelle.sheets.lines import CsvLine, UnreadFileError, column_letters

SIGNATURE = b"PK\x03\x04"
OLDER = b"\xd0\xcf\x11\xe0"  # XLS
MOST_UNPACKED = 512 * 1024 * 1024
EXACT = 10**15  # a spreadsheet keeps no more figures of a number
Value = int | float | str | bool | time | date | datetime | timedelta


def workbook_lines(raw: bytes) -> Iterator[CsvLine]:
    """Each line that is not empty, with the number that a spreadsheet shows beside it."""
    if raw.startswith(OLDER):
        raise UnreadFileError(0, _("please save this sheet as XLSX or CSV"))
    try:
        formulas = _formulas(raw)
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(raw)).get_sheet_by_index(0)
    except (zipfile.BadZipFile, CalamineError, KeyError):
        raise UnreadFileError(0, _("this is no XLSX file that can be read")) from None
    first = (sheet.start or (0, 0))[0] + 1
    for line, values in enumerate(sheet.to_python(skip_empty_area=True), start=first):
        cells = [_text(value) for value in values]
        for place in range(len(cells)):
            if f"{column_letters(place)}{line}" in formulas:
                cells[place] = f"={cells[place]}"
        if any(cells):
            yield CsvLine(line, cells, runs_on=False)


def _text(value: Value) -> str:
    """A cell as its sheet shows it."""
    if isinstance(value, float):
        if abs(value) >= EXACT:
            return f"{value:E}"
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _formulas(raw: bytes) -> set[str]:
    """The cells of any sheet that hold a formula, such as D5."""
    found = set()
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > MOST_UNPACKED:
            raise UnreadFileError(
                0, _("the file is too large: {most} MB at most", most=MOST_UNPACKED // 1024**2)
            )
        for name in packed.namelist():
            if name.startswith("xl/worksheets/"):
                found |= _formulas_in(packed.read(name))
    return found


def _formulas_in(sheet: bytes) -> set[str]:
    found = set()
    for formula in re.finditer(rb"<f[ >/]", sheet):
        start = sheet.rfind(b"<c ", 0, formula.start())
        if cell := re.search(rb'\br="([A-Z]+\d+)"', sheet[start : formula.start()]):
            found.add(cell[1].decode())
    return found
