"""A report as CSV, for a spreadsheet: one row a line, sums and controls marked as such in the first column."""

from collections.abc import AsyncIterator

from ledger.formats import PLAIN, Sheet, csv_line
from ledger.reports.page import HEADINGS, Control, R, Report, plain_amount
from ledger.reports.voice import Voice, _


async def write_csv(
    report: Report[R], rows: AsyncIterator[R | Control], voice: Voice, sheet: Sheet = PLAIN
) -> AsyncIterator[str]:
    """The report, line by line; the first names the columns."""
    names = [voice.word("Line"), *(voice.word(field.name) for field in report.fields)]
    yield sheet.head + csv_line(names, sheet)
    async for row in rows:
        if isinstance(row, Control):
            yield csv_line(_control(report, row, voice), sheet)
        elif row.part not in HEADINGS:
            values = [voice.word(row.part), *(field.value(row, voice) for field in report.fields)]
            yield csv_line(values, sheet)


def _control(report: Report[R], control: Control, voice: Voice) -> list[object]:
    """What was printed, under the columns that it adds up."""
    debits, credits = (plain_amount(minor, control.currency) for minor in (control.debits, control.credits))
    known = {"Currency": control.currency, "Debit": debits, "In": debits, "Credit": credits, "Out": credits}
    known |= {"Owed": debits, "Paid ahead": credits, "Amount": debits}
    said = _("agrees") if control.holds else _("does not agree")
    cells = [known.get(field.name, "") for field in report.fields]
    return [f"{voice.word(control.part)}: {voice.word(said)}", *cells]
