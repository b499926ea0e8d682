"""`keneya balance` as typed: each fund's sums, and a year that begins with income and expenses at zero."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from ledger import accounts as a
from tests.conftest import Database
from tests.support.ledger_year import booked, live
from tests.support.town import found_town
from tests.test_cli import typed_into

Keneya = Callable[..., tuple[int, str, str]]
HOME, BOX, BUS = a.member("101482937"), a.cash("office"), a.cash("bus", a.TRANSPORT)
JOURNALS = (
    booked(date(2025, 12, 31), "contribution called", (HOME, a.contributions(), 6_000)),
    booked(date(2026, 1, 1), "contribution called", (HOME, a.contributions(), 500)),
    booked(date(2026, 1, 2), "contribution received", (BOX, HOME, 2_000)),
    booked(date(2026, 1, 3), "tickets", ("transport:travel", "transport:payable:bus", 40)),
)


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    """Type `keneya balance …` about a mutuelle with two years in its book."""
    monkeypatch.setenv("DATABASE_URL", database.url)

    async def two_years() -> None:
        pool = create_async_engine(database.url, poolclass=NullPool)
        await found_town(pool)
        await live(pool, [replace(journal, mutuelle="BEN") for journal in JOURNALS])
        await pool.dispose()

    asyncio.run(two_years())
    return lambda *typed: typed_into(capsys, "balance", *typed)


def told(output: str) -> list[list[str]]:
    return [line.split() for line in output.splitlines() if line]


def test_a_year_begins_with_income_and_expenses_at_zero(keneya: Keneya) -> None:
    code, output, complaints = keneya("--as-of", "2026-12-31", "--mutuelle", "BEN")
    assert (code, complaints) == (0, "")
    since = ["as", "of", "2026-12-31,", "income", "and", "expenses", "since", "2026-01-01"]
    assert told(output) == [
        ["account", "debit", "credit", "balance"],
        ["BEN", "health", "XOF", *since],
        ["health:cash:office", "2000", "0", "2000"],
        ["health:contributions", "0", "500", "-500"],
        ["health:member:101482937", "6500", "2000", "4500"],
        ["health:result", "0", "6000", "-6000"],
        ["total", "8500", "8500", "0"],
        ["BEN", "transport", "XOF", *since],
        ["transport:payable:bus", "0", "40", "-40"],
        ["transport:travel", "40", "0", "40"],
        ["total", "40", "40", "0"],
    ]


def test_the_last_day_of_a_year_still_has_its_income(keneya: Keneya) -> None:
    assert told(keneya("--as-of", "2025-12-31")[1])[2:] == [
        ["health:contributions", "0", "6000", "-6000"],
        ["health:member:101482937", "6000", "0", "6000"],
        ["total", "6000", "6000", "0"],
    ]
    assert ["health:result", "0", "6500", "-6500"] in told(keneya("--as-of", "2027-01-01")[1])
    assert "contributions" not in keneya("--as-of", "2027-01-01")[1]


def test_without_a_day_it_is_today(keneya: Keneya) -> None:
    days = [datetime.now(UTC).date()]
    output = keneya()[1]
    days.append(datetime.now(UTC).date())
    assert any(
        f"BEN health XOF as of {day}, income and expenses since {day.year}-01-01" in output for day in days
    )
