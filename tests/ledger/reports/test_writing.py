"""How reports are written: within their width with nothing cut, as CSV that no spreadsheet runs, in two languages."""

import csv
import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts as a
from ledger.charts import CLASSES, charts
from ledger.formats import FRENCH, french_cell
from ledger.reports import REPORTS
from ledger.reports.table import write_csv
from ledger.reports.voice import FUNDS
from locales import languages
from tests.support.ledger_year import BOX, YEAR, asking, booked, csv_of, day, live, printed, text_of, voice

FORMULA = '=HYPERLINK("http://x";"y")'
LONG = "health:payable:a-very-long-name-of-a-community-health-centre-in-the-hills"
AWKWARD = (
    booked(day(11, 1), "invoice received", ("health:benefits", LONG, 9_999_999), reason=FORMULA),
    replace(booked(day(11, 2), "gift", (BOX, "health:gifts", 1)), actor="@treasurer", reason="'quoted"),
)


@pytest.mark.parametrize("name", REPORTS)
async def test_a_page_is_as_wide_as_it_may_be_and_loses_nothing(pool: AsyncEngine, name: str) -> None:
    await live(pool, YEAR + AWKWARD)
    async with pool.connect() as db:
        pages = {width: await text_of(db, name, asking(), voice(width=width)) for width in (80, 100, 132)}
    for width, page in pages.items():
        lines = page.splitlines()
        assert max(map(len, lines)) <= width
        assert all(line == line.rstrip() for line in lines)
    # Whatever the width, the same letters come, but in other lines; and no amount is broken.
    amounts = {w: sorted(re.findall(r"\d{1,3}(?:\u202f\d{3})+", page)) for w, page in pages.items()}
    assert amounts[80] == amounts[100] == amounts[132]
    letters = {w: sorted(re.sub(r"[\s-]", "", page)) for w, page in pages.items()}
    assert letters[80] == letters[100] == letters[132]


@pytest.mark.parametrize("language", languages())
async def test_figures_stand_under_one_another_in_every_chart(pool: AsyncEngine, language: str) -> None:
    await live(pool, YEAR + AWKWARD)
    years = asking(date(2025, 6, 1), date(2027, 1, 2))
    async with pool.connect() as db:
        pages = [
            await text_of(db, name, years, voice(language, frame, width))
            for name in ("trial-balance", "general-ledger")
            for frame in charts()
            for width in (80, 100)
        ]
    for page in pages:
        lines = page.splitlines()
        [across] = {len(line) for line in lines if line.startswith("---")}
        ends = {
            len(line) + (2 if line.endswith("0") else 0)
            for line in lines
            if re.search(r"(\d [DC]|  0)$", line)
        }
        assert ends == {across}


async def test_a_column_is_as_wide_as_the_widest_amount(pool: AsyncEngine) -> None:
    await live(pool, [booked(day(1, 1), "gift", (BOX, "health:gifts", 999_999_999_999))])
    async with pool.connect() as db:
        page = printed(await text_of(db, "general-ledger", asking()))
    [opening, line, closing] = [x for x in page.splitlines() if x.endswith((" D", "  0"))][:3]
    assert len(line) == len(closing)
    assert line.endswith("999 999 999 999                 999 999 999 999 D")
    assert opening.endswith("0")


@pytest.mark.parametrize("name", REPORTS)
async def test_a_csv_has_as_many_cells_in_every_line(pool: AsyncEngine, name: str) -> None:
    await live(pool, YEAR + AWKWARD)
    async with pool.connect() as db:
        rows = list(csv.reader(io.StringIO(await csv_of(db, name, asking()))))
    assert {len(row) for row in rows} == {len(REPORTS[name].fields) + 1}
    assert rows[-1][0] == "contrôle: concorde"
    assert not any(cell.startswith(("=", "@", "+")) for row in rows for cell in row)


async def test_a_formula_is_a_text_and_can_be_had_back(pool: AsyncEngine) -> None:
    await live(pool, YEAR + AWKWARD)
    async with pool.connect() as db:
        rows = list(csv.DictReader(io.StringIO(await csv_of(db, "journal", asking(), voice("en")))))
    said = {(row["Reason"], row["Actor"]) for row in rows}
    assert {("'" + FORMULA, "treasurer office"), ("''quoted", "'@treasurer")} <= said


async def test_a_french_sheet_runs_no_formula_and_keeps_its_columns(pool: AsyncEngine) -> None:
    await live(pool, YEAR + AWKWARD)
    async with pool.connect() as db:
        pieces = write_csv(
            REPORTS["journal"], REPORTS["journal"].rows(db, asking(), voice()), voice(), FRENCH
        )
        table = "".join([piece async for piece in pieces])
    rows = list(csv.DictReader(io.StringIO(table.removeprefix("\ufeff"), newline=""), delimiter=";"))
    assert ("'" + FORMULA, "01/11/2026") in {(row["Motif"], row["Date"]) for row in rows}
    assert table.count("\r\n") == table.count("\n") == len(rows) + 1
    assert [french_cell(x) for x in (Decimal("-12.50"), "-1+2", "@x", day(11, 2), 7, "")] == [
        "-12,50",
        "'-1+2",
        "'@x",
        "02/11/2026",
        7,
        "",
    ]


async def test_amounts_in_a_csv_are_plain_numbers(pool: AsyncEngine) -> None:
    await live(pool, YEAR + AWKWARD)
    async with pool.connect() as db:
        rows = list(csv.DictReader(io.StringIO(await csv_of(db, "cash-book", asking(), voice("en")))))
    lines = [row for row in rows if row["Line"] == "line"]
    assert sum(int(row["In"] or 0) for row in lines) == int(rows[-1]["In"]) == 131_951
    assert {date.fromisoformat(row["Date"]).year for row in lines} == {2026}


def test_amounts_and_days_are_written_as_their_readers_write_them() -> None:
    french, english = voice("fr"), voice("en")
    assert french.amount(1_234_567, "XOF") == "1\u202f234\u202f567"
    assert french.amount(-1_234_567, "EUR") == "-12\u202f345,67"
    assert english.amount(1_234_567, "XOF") == "1,234,567"
    assert english.amount(-5, "EUR") == "-0.05"
    assert (french.day(day(11, 2)), english.day(day(11, 2))) == ("02/11/2026", "2026-11-02")
    assert [french.balance(net, "XOF") for net in (2_000, 0, -2_000)] == [
        "2\u202f000 D",
        "0  ",
        "2\u202f000 C",
    ]


def test_what_a_journal_says_is_translated_where_it_is_known() -> None:
    french = voice("fr")
    assert french.said("paid in cash") == "payé en espèces"
    assert french.said("receipt of last week") == "receipt of last week"
    assert french.actor("treasurer c-17") == "le trésorier c-17"
    assert french.actor("command line") == "la ligne de commande"
    assert french.actor("om-ML") == voice("en").actor("om-ML") == "om-ML"
    assert french.title("contribution received") == "Cotisation reçue"
    assert voice("en").said("paid in cash") == "paid in cash"


def test_every_fund_and_every_class_of_a_chart_has_a_name() -> None:
    assert set(FUNDS) == set(a.FUNDS)
    assert {line.class_ for chart in charts().values() for line in chart.lines.values()} <= set(CLASSES)


def test_one_line_is_no_lines() -> None:
    one, many = "Control: {n} line, total {total}.", "Control: {n} lines, total {total}."
    assert [voice("fr").words(one, many, n, total="0") for n in (0, 1, 2)] == [
        f"Contrôle\u00a0: {lines}, total 0." for lines in ("0 ligne", "1 ligne", "2 lignes")
    ]
