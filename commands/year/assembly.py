"""`keneya report assembly`: two pages for the general assembly, as text or as PDF."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from babel import Locale
from babel.numbers import format_decimal, format_percent

from commands.command import CommandError, database
from commands.year.paper import paper
from currencies import MINOR_DIGITS
from ledger.charts import charts
from ledger.export import snapshot
from ledger.reports.voice import Voice
from ledger.reports.years import year_before
from locales import Money, _, catalogue, counts, locale_of, render
from locales.formats import written_day
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.year_end.report import AssemblyReport, Figure, Line, Section, assembly_report

TIMES_FROM = 10  # a share of more than 1000 % is read as so many times
LABEL, COLUMN = 56, 17  # letters: a page has 90 of them


@dataclass(frozen=True)
class WrittenSection:
    """A section as it is printed: its title, and the three cells of each line; `sums` are the lines that add up."""

    title: str
    rows: tuple[tuple[str, str, str], ...]
    sums: frozenset[int]


@dataclass(frozen=True)
class WrittenReport:
    """The report in one language: `heads` stand above the two columns, `note` at the end."""

    title: str
    days: str
    heads: tuple[str, str]
    pages: tuple[tuple[WrittenSection, ...], ...]
    note: str
    language: str


async def write_assembly(
    mutuelle_id: str, *, year: int | None, frame: str, language: str, pdf: Path | None
) -> int:
    """Print the report of `year` (else of the last one that is over), or write it into `pdf`."""
    async with database() as db:
        await snapshot(db)
        mutuelle = await get_mutuelle(db, mutuelle_id)
        today = mutuelle.today(datetime.now(UTC))
        if year is not None and year > today.year:
            raise CommandError(f"the year {year} has not begun yet", 2)
        known = catalogue(language)
        chart = charts()[frame].translated(known)
        report = await assembly_report(db, mutuelle, year or today.year - 1, today, chart)
    said = spoken(report, Voice(chart, known, locale_of(language)), language)
    if pdf is None:
        print(written(said), end="")
    else:
        printed_on = render(_("Printed on {day}", day=today), language)
        _write(pdf, paper(replace(said, days=f"{said.days}. {printed_on}")))
    return 0


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as fault:
        raise CommandError(f"{file}: {fault.strerror}") from fault
    print(file)


def spoken(report: AssemblyReport, voice: Voice, language: str) -> WrittenReport:
    """The report in the words, amounts and days of a language."""
    facts = {"mutuelle": report.mutuelle.name, "year": str(report.year)}
    period = _("From {first} to {last}", first=report.last.replace(month=1, day=1), last=report.last)
    return WrittenReport(
        title=render(_("{mutuelle}: report to the general assembly, {year}", **facts), language),
        days=f"{render(period, language)} ({report.mutuelle.currency})",
        heads=(written_day(report.last, language), written_day(year_before(report.last), language)),
        pages=tuple(tuple(_section(one, voice, language) for one in page) for page in report.pages),
        note=render(
            _(
                "In {currency}. Chart {frame}. ~: a number that an accountant has yet to confirm.",
                currency=report.mutuelle.currency,
                frame=voice.chart.frame,
            ),
            language,
        ),
        language=language,
    )


def _section(section: Section, voice: Voice, language: str) -> WrittenSection:
    rows = tuple(
        (
            _label(line, voice, language),
            _figure(line.now, voice.locale, language),
            _figure(line.before, voice.locale, language),
        )
        for line in section.lines
    )
    sums = frozenset(nth for nth, line in enumerate(section.lines) if line.is_sum)
    return WrittenSection(render(section.title, language), rows, sums)


def _label(line: Line, voice: Voice, language: str) -> str:
    said = render(line.label, language)
    return f"{voice.fund(line.fund)}, {said}" if line.fund else said


def _figure(figure: Figure, locale: Locale, language: str) -> str:
    if figure is None:
        return "–"
    if isinstance(figure, Fraction):
        if figure >= TIMES_FROM:
            return render(counts.times(round(figure)), language)
        return format_percent(float(figure), "0.0 %", locale)
    if isinstance(figure, Money):
        whole = Decimal(figure.amount_minor).scaleb(-MINOR_DIGITS[figure.currency])
        return format_decimal(whole, "#,##0.##", locale)
    return format_decimal(figure, "#,##0", locale)


def written(said: WrittenReport) -> str:
    """The two pages as text."""
    lines = [said.title, said.days]
    for section in (section for page in said.pages for section in page):
        head = [cell.rjust(COLUMN) for cell in said.heads]
        lines += ["", section.title.ljust(LABEL) + "".join(head), "-" * (LABEL + 2 * COLUMN)]
        for label, *figures in section.rows:
            cut = label if len(label) <= LABEL else f"{label}\n{'':{LABEL}}"
            lines.append(cut.ljust(LABEL) + "".join(figure.rjust(COLUMN) for figure in figures))
    return "\n".join([*lines, "", said.note]) + "\n"
