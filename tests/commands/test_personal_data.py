"""`keneya extract`, `erase` and `retention`: all that is kept, for one pair of eyes; one line for each fault."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from commands.personal_data import terms
from locales import Money
from mutuelle.households.households import Household
from mutuelle.personal_data.copies import ask_copy, copies_asked
from mutuelle.personal_data.leaving import leave
from tests.conftest import Database
from tests.support.erased_household import CHILD, HEIR, NAME, NEW, OWN, SON, calling, lived
from tests.support.officers import set_limit
from tests.support.town import AWA, Clock, found_town, join, paid
from tests.support.town_fixtures import deps_of
from tests.test_cli import typed_into

Keneya = Callable[..., tuple[int, str, str]]
PAGE = Path(__file__).parents[2] / "docs" / "personal-data.md"
NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=800)
BECAUSE = ("--actor", "Kadia", "--reason", "asked in writing")
NONE = Money(0, "XOF")


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    """Type a command beside the test's database."""
    monkeypatch.setenv("DATABASE_URL", database.url)
    return lambda *typed: typed_into(capsys, *typed)


@pytest.fixture
def household(database: Database, redis_url: str) -> Household:
    """Who lived through all that the service does, and asked for a copy three days ago."""
    return asyncio.run(_lived(database.url, redis_url))


async def _lived(url: str, redis_url: str) -> Household:
    pool, clock = create_async_engine(url), Clock()
    async with deps_of(pool, redis_url, clock) as deps:
        household = await lived(pool, deps, clock)
    async with pool.begin() as db:
        await ask_copy(db, calling(NEW, NOW - timedelta(days=3, hours=1)), number=household.number)
    await pool.dispose()
    return household


def test_a_copy_has_all_that_is_kept_and_nobody_elses(
    keneya: Keneya, household: Household, tmp_path: Path
) -> None:
    assert f"BEN {household.number}, 3 days ago" in keneya("retention")[1]
    out = tmp_path / "copy.txt"
    code, output, complaints = keneya("extract", household.number, "--out", str(out), *BECAUSE)
    assert (code, complaints) == (0, "")
    assert "head of the household only" in output
    assert out.stat().st_mode & 0o777 == 0o600
    said = out.read_text()
    for fact in (
        NAME,
        CHILD,
        HEIR,
        NEW,
        "1981",
        "4 000 F",
        "5 000 F",
        "CSCom Hèrè",
        "à vous : ",
        "Dr Rokia Berthé",
        f"téléphone : {OWN}",
        "assurer",
    ):
        assert fact in said, fact
    for other in (SON, "+22376000041", "+22376000021", "argon2", "sha256"):
        assert other not in said, other
    assert "collecteur" in said, "who looked by phone"
    assert "assistance" in said, "and by the command line"
    assert "copies asked: none" in keneya("retention")[1]


def test_a_copy_as_a_pdf_is_read_out_of_it(keneya: Keneya, household: Household, tmp_path: Path) -> None:
    out = tmp_path / "copy.pdf"
    assert keneya("extract", household.number, "--out", str(out), *BECAUSE)[0] == 0
    read = "\n".join(page.extract_text() for page in PdfReader(out).pages)
    assert NAME in read
    assert "Ces données servent à vous assurer" in " ".join(read.split())


def test_a_copy_overwrites_nothing_and_is_not_noted_then(
    keneya: Keneya, household: Household, tmp_path: Path
) -> None:
    out = tmp_path / "copy.txt"
    out.write_text("precious")
    assert keneya("extract", household.number, "--out", str(out), *BECAUSE)[0] == 2
    assert out.read_text() == "precious"
    assert keneya("extract", household.number, "--out", str(tmp_path / "copy.doc"), *BECAUSE)[0] == 2
    nowhere = tmp_path / "nowhere" / "copy.txt"
    code, _output, complaints = keneya("extract", household.number, "--out", str(nowhere), *BECAUSE)
    assert (code, len(complaints.splitlines())) == (1, 1)
    assert "copy asked" in keneya("retention")[1]


def test_an_unknown_number_is_one_line(keneya: Keneya, household: Household, tmp_path: Path) -> None:
    unknown = "199000010" if household.number != "199000010" else "199000028"
    out = tmp_path / "copy.txt"
    code, _output, complaints = keneya("extract", unknown, "--out", str(out), *BECAUSE)
    assert (code, complaints) == (1, f"keneya: no household has the number {unknown}\n")
    assert not out.exists()


def test_erase_says_why_not_and_what_is_left(keneya: Keneya, database: Database) -> None:
    number = asyncio.run(_left(database.url))
    code, _output, complaints = keneya("erase", number, *BECAUSE)
    assert (code, len(complaints.splitlines())) == (1, 1)
    assert "has not decided" in complaints
    asyncio.run(_decided(database.url))
    assert "to be erased by the clock: BEN 1" in keneya("retention")[1]
    code, output, _complaints = keneya("erase", number, *BECAUSE)
    assert code == 0
    assert "its number and its money stay" in output
    assert "to be erased by the clock: none" in keneya("retention")[1]
    assert asyncio.run(_names(database.url)) == ["--"]


async def _left(url: str) -> str:
    pool = create_async_engine(url, poolclass=NullPool)
    await found_town(pool)
    household = await join(pool, AWA, at=LONG_AGO)
    await paid(pool, household, at=LONG_AGO)
    async with pool.begin() as db:
        await leave(db, calling(AWA, LONG_AGO), number=household.number, due=NONE, credit=NONE)
    await pool.dispose()
    return household.number


async def _decided(url: str) -> None:
    pool = create_async_engine(url, poolclass=NullPool)
    await set_limit(pool, "years_kept", 2, since=LONG_AGO.date())
    await pool.dispose()


async def _names(url: str) -> list[str]:
    pool = create_async_engine(url, poolclass=NullPool)
    async with pool.connect() as db:
        names = list(await db.scalars(text("select head_name from household")))
        assert await copies_asked(db) == []
    await pool.dispose()
    return names


def test_the_page_has_the_table_that_the_command_prints() -> None:
    assert "\n".join(terms("fr")) in PAGE.read_text(encoding="utf-8")
