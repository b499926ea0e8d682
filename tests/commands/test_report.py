"""`keneya report` as typed: names in two languages, what is refused, and the exit code of a book that disagrees."""

import asyncio
import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from commands.report import ALSO, OF_A_MEETING, TAKEN_BY_A_BOOK, TAKES
from engines.embedded import Engines
from ledger import accounts as a
from ledger.reports import REPORTS, Question
from tests.conftest import Database
from tests.support.ledger_year import YEAR, booked, day, live
from tests.support.town import found_town
from tests.test_cli import typed_into

Keneya = Callable[..., tuple[int, str, str]]
YEAR_2026 = ("--from", "2026-01-01", "--to", "2026-12-31")


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    """Type `keneya report …` about a mutuelle of the usual town, with a year in its book."""
    monkeypatch.setenv("DATABASE_URL", database.url)
    asyncio.run(_year(database.url))

    def type_(name: str, *typed: str) -> tuple[int, str, str]:
        days = YEAR_2026 if "first" in TAKES.get(ALSO.get(name, name), TAKEN_BY_A_BOOK) else ()
        return typed_into(capsys, "report", name, "--mutuelle", "BEN", *days, *typed)

    return type_


async def _year(url: str) -> None:
    pool = create_async_engine(url, poolclass=NullPool)
    await found_town(pool)
    await live(pool, [replace(journal, mutuelle="BEN") for journal in YEAR if journal.reverses is None])
    await pool.dispose()


async def _as_owner(url: str, statement: str) -> None:
    pool = create_async_engine(url, poolclass=NullPool)
    async with pool.begin() as db:
        await db.execute(text(statement))
    await pool.dispose()


def test_every_report_has_a_name_in_each_language(keneya: Keneya) -> None:
    assert sorted(ALSO.values()) == sorted([*REPORTS, *OF_A_MEETING])
    for french, ours in ALSO.items():
        code, output, complaints = keneya(french)
        assert (code, complaints) == (0, "")
        assert output == keneya(ours)[1]
        assert ours in OF_A_MEETING or "Concorde avec la balance." in output


def test_language_chart_and_csv_are_chosen(keneya: Keneya) -> None:
    assert "Grand livre" in keneya("grand-livre")[1]
    english = keneya("grand-livre", "--language", "en", "--chart", "pcms")[1]
    assert "General ledger" in english
    assert "Chart PCMS of 2009-06-26." in english
    _, table, _ = keneya("balance", "--csv", "--detail", "--language", "en")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert sum(row["Own code"].startswith("health:member:") for row in rows) == 2


def test_a_report_is_narrowed_to_a_fund_or_an_account(keneya: Keneya) -> None:
    _, output, _ = keneya("grand-livre", "--fund", "transport")
    assert "Transport et hébergement" in output
    assert "Santé" not in output
    _, output, _ = keneya("livre-de-caisse", "--account", "health:cash:office")
    assert "~571:office" in output
    assert "~571:bus" not in output
    _, output, _ = keneya("grand-livre", "--account", "health:member")
    assert output.count("Adhérents") == 2


BAD_QUESTIONS = [
    (["dance"], "'dance' is no report; there are grand-livre or general-ledger"),
    (
        ["balance", "--fund", "clinic"],
        "no fund 'clinic' in BEN: its funds are grants, health, loans, tontine, transport",
    ),
    (["balance", "--account", "health:gold"], "no account 'health:gold' in BEN"),
    (["balance", "--account", "health:bank:x"], "no account 'health:bank:x'"),
    (
        ["balance", "--account", "health:cash:office", "--fund", "transport"],
        "is not of the fund transport",
    ),
    (["balance", "--account", "411:999"], "no account '411:999' in BEN"),
    (["balance", "--account", "12.opening"], "may be health:opening, transport:opening: say which"),
    (
        ["livre-de-caisse", "--account", "411:101482937"],
        "cash-book has no account health:member:101482937",
    ),
    (["emplois-ressources", "--account", "411"], "funds shows whole funds: say --fund health"),
    (["balance", "--from", "0001-01-01"], "'0001-01-01' is not a day from 2000-01-01 to 2099-12-31"),
    (["grand-livre", "--to", "9999-12-31"], "'9999-12-31' is not a day from 2000-01-01 to 2099-12-31"),
    (["balance", "--to", "2026-02-29"], "is not a date such as 2026-12-31"),
    (["balance", "--csv", "--csv-french"], "not allowed with argument --csv"),
    (["balance", "--from", "2027-01-01"], "ends on 2026-12-31, before it begins on 2027-01-01"),
    (["balance", "--mutuelle", "NOPE"], "no mutuelle has the code 'NOPE'"),
    (["balance", "--to", "31/12/2026"], "is not a date such as 2026-12-31"),
    (["balance", "--chart", "ifrs"], "invalid choice: 'IFRS'"),
]
PRINTED = [
    (["--account", "~571:office"], "~571:office"),
    (["--account", "571:office"], "~571:office"),
    (["--account", "interfund:transport"], "interfund:transport"),
    (["--account", "411"], "411 Adhérents"),
    (["--account", "12", "--fund", "health"], "~12 Report à nouveau"),
    (["--account", "~571:office", "--chart", "SYSCOHADA"], "\n571:office"),
]
ODD_DAYS = [("2028-02-29", "2028-02-29"), ("2000-01-01", "2099-12-31"), ("2026-12-31", "2027-01-01")]


def test_a_bad_question_exits_with_2(keneya: Keneya) -> None:
    for typed, complaint in BAD_QUESTIONS:
        code, output, complaints = keneya(*typed)
        assert (typed, code, output) == (typed, 2, "")
        assert complaint in complaints


def test_an_account_is_found_by_its_code_and_by_its_printed_number(keneya: Keneya) -> None:
    for typed in ("411:101482945", "411:101 482 945", "member:101482945", a.member("101482945")):
        for name in ("balance", "grand-livre", "journal", "echeances"):
            code, output, complaints = keneya(name, "--account", typed)
            assert (code, complaints) == (0, "")
            assert "411:101482945" in output
            assert "411:101482937" not in output


def test_a_printed_number_is_read_with_and_without_its_mark(keneya: Keneya) -> None:
    for typed, printed in PRINTED:
        code, output, complaints = keneya("balance", *typed)
        assert (code, complaints) == (0, "")
        assert printed in output


def test_a_report_of_any_days_is_answered(keneya: Keneya) -> None:
    for first, last in ODD_DAYS:
        for name in REPORTS:
            code, output, complaints = keneya(name, "--from", first, "--to", last)
            assert (code, complaints) == (0, "")
            assert "NE CONCORDE PAS" not in output


def test_a_french_spreadsheet_keeps_its_columns(keneya: Keneya) -> None:
    plain = list(csv.reader(io.StringIO(keneya("grand-livre", "--csv")[1])))
    code, table, complaints = keneya("grand-livre", "--csv-french")
    assert (code, complaints) == (0, "")
    assert table.startswith("\ufeffLigne;Fonds;Compte;")
    rows = list(csv.reader(io.StringIO(table.removeprefix("\ufeff")), delimiter=";"))
    assert [len(row) for row in rows] == [len(row) for row in plain]
    day, moment = rows[0].index("Date"), rows[0].index("Enregistrée le")
    assert [row[day] for row in rows[1:]] == ["/".join(reversed(row[day].split("-"))) for row in plain[1:]]
    assert re.fullmatch(
        r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d", next(row[moment] for row in rows[1:] if row[moment])
    )
    others = [nth for nth in range(len(rows[0])) if nth not in (day, moment, rows[0].index("Pour le"))]
    assert [[row[nth] for nth in others] for row in rows] == [[row[nth] for nth in others] for row in plain]


def test_a_cash_box_says_whose_it_is(
    keneya: Keneya, engines: Engines, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(_a_collector(database.url))
    shown = {
        "balance": "~571:66856785 Caisse, collecteur D.B. …05",
        "livre-de-caisse": "~571:66856785  Caisse, collecteur D.B. …05",
        "emplois-ressources": "Caisse, collecteur D.B. …05",
        "journal": "Caisse, collecteur D.B. …05 (Santé)",
    }
    for name, said in shown.items():
        output = keneya(name)[1]
        assert said in (output if name == "livre-de-caisse" else " ".join(output.split()))
        assert "Drissa" not in output
        assert "22370000005" not in output
    assert "Cash, collector D.B. …05" in keneya("cash-book", "--language", "en")[1]
    monkeypatch.setenv("DATABASE_URL", engines.url("auditor", database.name))
    code, output, _ = keneya("livre-de-caisse")
    assert (code, "~571:66856785  Caisse\n" in output) == (0, True)


async def _a_collector(url: str) -> None:
    """Drissa Bengaly holds the cash of an account that is known by a drawn number."""
    pool = create_async_engine(url, poolclass=NullPool)
    async with pool.begin() as db:
        for table, columns, values in _OFFICE:
            await db.execute(text(f"insert into {table} ({columns}) values ({values})"))
    await live(
        pool, [replace(booked(day(3, 3), "gift", (a.cash("66856785"), "health:gifts", 5)), mutuelle="BEN")]
    )
    await pool.dispose()


_OFFICE = [
    (
        "officer",
        "mutuelle_id, role, phone, name, since",
        "'BEN', 'collector', '+22370000005', 'Drissa Bengaly', '2026-01-01'",
    ),
    (
        "cash_holder",
        "mutuelle_id, holder, role, phone, since",
        "'BEN', '66856785', 'collector', '+22370000005', '2026-03-03T10:00:00Z'",
    ),
]


def test_a_book_that_disagrees_exits_with_1(keneya: Keneya, database: Database) -> None:
    asyncio.run(_as_owner(database.owner_url, "select ledger.fold('BEN', 100000)"))
    spoil = (
        "update ledger.account_day set cum_credits = cum_credits + 1 where account = 'health:contributions'"
    )
    asyncio.run(_as_owner(database.owner_url, spoil))
    for name in ("grand-livre", "journal", "balance"):
        code, output, _ = keneya(name)
        assert (code, name) == (1, name)
        assert "NE CONCORDE PAS" in output
    assert keneya("livre-de-caisse")[0] == 0  # this one does not look at contributions


def test_an_auditor_needs_no_more_than_the_auditors_role(
    keneya: Keneya, engines: Engines, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", engines.url("auditor", database.name))
    assert {keneya(name)[0] for name in REPORTS} == {0}


def test_nothing_is_written_while_a_report_is_read(keneya: Keneya, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commands.report.widest", _writing)
    code, _, complaints = keneya("balance")
    assert code == 1
    assert "read-only transaction" in complaints


async def _writing(db: AsyncConnection, question: Question) -> int:
    await db.execute(text("insert into sms_optout default values"))
    return 0


def test_the_report_to_the_assembly_is_written_as_text_and_as_a_pdf(keneya: Keneya, tmp_path: Path) -> None:
    code, output, complaints = keneya("assembly", "--year", "2026")
    assert (code, complaints) == (0, "")
    assert "rapport à l'assemblée générale, 2026" in output
    assert "Bilan : ce que nous avons (actif)" in output
    paper = tmp_path / "assembly.pdf"
    assert keneya("assemblee", "--year", "2026", "--pdf", str(paper)) == (0, f"{paper}\n", "")
    assert len(PdfReader(paper).pages) == 2
    assert "Compte de résultat" in PdfReader(paper).pages[1].extract_text()
    code, _output, complaints = keneya("assembly", "--year", "2026", "--pdf", str(tmp_path / "no" / "a.pdf"))
    assert code == 1
    assert "No such file" in complaints
    assert keneya("balance", "--year", "2026")[0] == 2
    assert keneya("assembly", "--year", "2098")[0] == 2
    for name, option in (
        ("assembly", "--csv-french"),
        ("cash-count", "--place=Benso"),
        ("dons", "--from=2026-01-01"),
    ):
        code, _output, complaints = keneya(name, option)
        assert (code, "has no --" in complaints) == (2, True), "no option is left out without a word"
