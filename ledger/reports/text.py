"""A report as aligned text, for a terminal or a printer of 80 to 100 columns.

Rows are written as they come. What is longer than its column goes on below it: nothing is ever cut.
"""

import textwrap
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import zip_longest

from ledger.reports.page import AMOUNT, BALANCE, HEADINGS, Column, Control, Part, Question, R, Report
from ledger.reports.voice import Voice, _

LEAST_AMOUNT = 9
LEAST_SHARE = 12


async def write_text(
    report: Report[R], rows: AsyncIterator[R | Control], question: Question, voice: Voice, whose: str
) -> AsyncIterator[str]:
    """The report, piece by piece; `whose` is the name of the mutuelle."""
    widths = _widths(report.columns, voice)
    yield _title(report, question, voice, whose)
    before = None
    async for row in rows:
        if isinstance(row, Control):
            yield _control(row, voice)
        elif row.part in HEADINGS:
            yield _heading(report, row, voice, widths)
        else:
            is_first_total = row.part is Part.TOTAL and before is not Part.TOTAL
            rule = "-" * _across(widths) + "\n" if is_first_total else ""
            yield rule + _line(report.columns, [c.cell(row, voice) for c in report.columns], widths)
        before = row.part
    if before is None:
        yield _sentences(voice.word("Nothing to show."), voice)
    yield _sentences(f"{_legend(report.columns, voice)} {report.note(question, voice)}", voice)


def _widths(columns: Sequence[Column[R]], voice: Voice) -> list[int]:
    amount = max(voice.amount_width, LEAST_AMOUNT)
    known = {AMOUNT: amount, BALANCE: amount + 2}
    fixed = [known.get(column.width, max(column.width, 0)) for column in columns]
    shares = [-column.width if BALANCE < column.width < 0 else 0 for column in columns]
    fixed = [max(width, _head(c, voice)) for c, width in zip(columns, fixed, strict=True)]
    left = voice.width - sum(fixed) - (len(columns) - 1)
    each = max(left // max(sum(shares), 1), 1)
    return [width or max(share * each, LEAST_SHARE) for width, share in zip(fixed, shares, strict=True)]


def _head(column: Column[R], voice: Voice) -> int:
    return len(voice.word(column.name)) if not _is_text(column) else 0


def _across(widths: Sequence[int]) -> int:
    return sum(widths) + len(widths) - 1


def _title(report: Report[R], question: Question, voice: Voice, whose: str) -> str:
    period = _("From {first} to {last}") if report.has_period else _("As of {last}")
    days = voice.word(period, first=question.first, last=question.last)
    chart = voice.word("Chart {frame} of {version}.", frame=voice.chart.frame, version=voice.chart.version)
    return f"{voice.word(report.title)}, {whose}\n{days}. {chart}\n"


def _heading(report: Report[R], row: R, voice: Voice, widths: Sequence[int]) -> str:
    said = _sentences(report.heading(row, voice), voice)
    if row.part is Part.ACCOUNT:
        return said
    names = _line(report.columns, [voice.word(column.name) for column in report.columns], widths)
    return said + names + "-" * _across(widths) + "\n"


def _line(columns: Sequence[Column[R]], cells: Sequence[str], widths: Sequence[int]) -> str:
    """One row, as many lines high as its highest cell."""
    high = []
    for column, cell, width in _with_room(columns, cells, widths):
        if not _is_text(column):
            high.append([cell.rjust(width)])
        else:
            high.append([line.ljust(width) for line in _wrapped(cell, width)])
    wide = [len(lines[0]) for lines in high]
    rows = zip_longest(*high)
    filled = (" ".join(cell or " " * width for cell, width in zip(row, wide, strict=True)) for row in rows)
    return "".join(line.rstrip() + "\n" for line in filled)


def _with_room(
    columns: Sequence[Column[R]], cells: Sequence[str], widths: Sequence[int]
) -> Iterator[tuple[Column[R], str, int]]:
    """A text that is longer than its column goes on into empty columns of text beside it."""
    nth = 0
    while nth < len(columns):
        column, cell, width = columns[nth], cells[nth], widths[nth]
        nth += 1
        while len(cell) > width and nth < len(columns) and not cells[nth] and _is_text(columns[nth]):
            width += 1 + widths[nth]
            nth += 1
        yield column, cell, width


def _is_text(column: Column[R]) -> bool:
    return column.width not in (AMOUNT, BALANCE)


def _wrapped(cell: str, width: int) -> list[str]:
    """The lines of a cell; an account's code breaks behind a colon rather than within its parts."""
    if len(cell) <= width:
        return [cell]
    if " " not in cell:
        cell = cell.replace(":", ": ")
        return [line.replace(": ", ":") for line in textwrap.wrap(cell, width, break_on_hyphens=False)]
    return textwrap.wrap(cell, width)


def _control(control: Control, voice: Voice) -> str:
    def amount(minor: int) -> str:
        return f"{voice.amount(minor, control.currency)} {control.currency}"

    debits, credits = amount(control.debits), amount(control.credits)
    if control.has_sides:
        said = voice.words(
            "Control: {n} line, debits {debits}, credits {credits}.",
            "Control: {n} lines, debits {debits}, credits {credits}.",
            control.lines,
            debits=debits,
            credits=credits,
        )
    else:
        said = voice.words(
            "Control: {n} line, total {total}.",
            "Control: {n} lines, total {total}.",
            control.lines,
            total=debits,
        )
    if control.holds:
        return _sentences(said + " " + voice.word("Agrees with the trial balance."), voice)
    off = voice.word(
        "DOES NOT AGREE with the trial balance: off by {debits} and {credits}.",
        debits=amount(control.debits - control.expected_debits),
        credits=amount(control.credits - control.expected_credits),
    )
    return _sentences(f"{said} {off}", voice)


def _sentences(said: str, voice: Voice) -> str:
    """A paragraph of its own; thin spaces within an amount and before a colon do not break."""
    return "\n" + textwrap.fill(said, voice.width) + "\n"


def _legend(columns: Sequence[Column[R]], voice: Voice) -> str:
    said = voice.word("~: a number that an accountant has yet to confirm. In letters: no number is known.")
    if any(column.width == BALANCE for column in columns):
        said += " " + voice.word("D: in debit. C: in credit.")
    return said
