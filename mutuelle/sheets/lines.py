"""The lines of a CSV file as spreadsheets and portals write them: whatever separates the cells."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from locales import Sentence, _

SEPARATORS = {";": ";", ",": ",", "\t": "tab", "|": "|"}
MOST_ABOVE = 15  # lines that may stand above the headers: a title, a date, a stamp
SEPARATOR_LINE = "sep="  # some spreadsheets write their separator there
HARD_BLANKS = "\xa0\u202f\u2009\u2007"  # between the figures of an amount


class UnreadFileError(Exception):
    """A file that cannot be read on from `line` (0: at all); `said` and `letter` are what stopped the reader."""

    def __init__(self, line: int, reason: Sentence, said: str = "", letter: str = "") -> None:
        super().__init__(reason.msgid)
        self.line, self.reason, self.said, self.letter = line, reason, said, letter


@dataclass(frozen=True)
class CsvLine:
    """A line that is not empty: its number in the file, its cells, and whether one of them runs on to the next line."""

    line: int
    cells: list[str]
    runs_on: bool


def csv_lines(text: str, separator: str) -> Iterator[CsvLine]:
    """Each line that is not empty; UnreadFileError where its quotes cannot be read."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise UnreadFileError(line, _("the quotes of this line cannot be read")) from None
        if any(cell.strip() for cell in cells) and not cells[0].startswith(SEPARATOR_LINE):
            yield CsvLine(line, cells, reader.line_num > line)


def column_letters(place: int) -> str:
    """What spreadsheets call the column at `place`, the first being 0: A, B, … Z, AA."""
    return (column_letters(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)
