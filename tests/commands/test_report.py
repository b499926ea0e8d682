"""`keneya report` as typed: names in two languages, what is refused, and the exit code of a book that disagrees."""

import asyncio
import csv
import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from commands.report import ALSO
from embedded import Engines
from ledger.reports import REPORTS, Question
from tests.conftest import Database
from tests.ledger.reports.year import YEAR, live
from tests.test_cli import typed_into
from tests.town import found_town

Keneya = Callable[..., tuple[int, str, str]]
YEAR_2026 = ("--from", "2026-01-01", "--to", "2026-12-31")


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    """Type `keneya report …` about a mutuelle of the usual town, with a year in its book."""
    monkeypatch.setenv("DATABASE_URL", database.url)
    asyncio.run(_year(database.url))
    return lambda name, *typed: typed_into(capsys, "report", name, "--mutuelle", "BEN", *YEAR_2026, *typed)


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
    assert sorted(ALSO.values()) == sorted(REPORTS)
    for french, ours in ALSO.items():
        code, output, complaints = keneya(french)
        assert (code, complaints) == (0, "")
        assert output == keneya(ours)[1]
        assert "Concorde avec la balance." in output


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


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        (["dance"], "invalid choice: 'dance'"),
        (
            ["balance", "--fund", "clinic"],
            "no fund 'clinic' in BEN: its funds are grants, health, loans, tontine, transport",
        ),
        (["balance", "--account", "health:gold"], "unknown kind 'gold'"),
        (["balance", "--account", "health:bank:x"], "no account 'health:bank:x'"),
        (
            ["balance", "--account", "health:cash:office", "--fund", "transport"],
            "is not of the fund transport",
        ),
        (["balance", "--from", "2027-01-01"], "ends on 2026-12-31, before it begins on 2027-01-01"),
        (["balance", "--mutuelle", "NOPE"], "no mutuelle has the code 'NOPE'"),
        (["balance", "--to", "31/12/2026"], "is not a date such as 2026-12-31"),
        (["balance", "--chart", "ifrs"], "invalid choice: 'IFRS'"),
    ],
)
def test_a_bad_question_exits_with_2(keneya: Keneya, typed: list[str], complaint: str) -> None:
    code, output, complaints = keneya(*typed)
    assert (code, output) == (2, "")
    assert complaint in complaints


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
