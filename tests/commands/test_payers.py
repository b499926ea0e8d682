"""`keneya payers` and `keneya report payers`: who pays for whom, and the list that is sent to each payer."""

import asyncio
import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from mutuelle.households.support_acts import PAYER_LIST
from mutuelle.households.tables import support_act
from tests.conftest import Database
from tests.support.joined_households import unpaid
from tests.support.payers import puts_under, receives_of_payer, town_with_payers
from tests.support.town import AWA, MARIAM, OUMAR
from tests.test_cli import typed_into

Keneya = Callable[..., tuple[int, str, str]]
NOW = datetime.now(UTC)
EARLIER, LATER = NOW - timedelta(days=100), NOW - timedelta(days=40)


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    """The commune pays for two households, called at two times, and has paid one and a half of them."""
    monkeypatch.setenv("DATABASE_URL", database.url)
    asyncio.run(_town(database.url))
    return lambda *typed: typed_into(capsys, *typed, "--mutuelle", "BEN")


async def _town(url: str) -> None:
    pool = create_async_engine(url, poolclass=NullPool)
    await town_with_payers(pool)
    for phone, name, at, code in (
        (AWA, "Awa Koné", EARLIER, "indigents"),
        (MARIAM, "Mariam Diarra", LATER, "indigents"),
        (OUMAR, "Oumar Sow", LATER, "aide"),
    ):
        household = await unpaid(pool, phone, name=name, at=at)
        await puts_under(pool, household, code, at=at)
    await receives_of_payer(pool, 18_000, at=NOW)
    await pool.dispose()


def test_each_payer_with_its_regimes(keneya: Keneya) -> None:
    code, out, _err = keneya("payers")
    assert code == 0
    assert out.splitlines() == [
        "Commune de Sikasso (commune-de-sikasso, commune): owes 6 000 F",
        "  Indigents        100 % since 2024-01-01, households today: 2",
        "État (etat-mali, state): owes 0 F",
        "  Aide              50 % since 2024-01-01, households today: 1",
    ]


def test_the_oldest_call_is_settled_first(keneya: Keneya) -> None:
    code, out, _err = keneya("report", "payeurs", "--csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["Chef de ménage"], row["Dû"], row["Reçu"], row["Reste à payer"]) for row in rows] == [
        ("Awa Koné", "12000", "12000", "0"),
        ("Mariam Diarra", "12000", "6000", "6000"),
    ]
    assert [row["Depuis (jours)"] for row in rows] == ["", "40"]


def test_the_list_is_read_by_people_too(keneya: Keneya) -> None:
    _code, out, _err = keneya("report", "payers")
    assert "Mutuelle Benso : ce que Commune de Sikasso" in out
    assert "2 lignes : dû 24 000 F, reçu 18 000 F, reste 6 000 F" in out
    since = (NOW - timedelta(days=30)).date().isoformat()
    _code, later, _err = keneya("report", "payers", "--from", since)
    assert "Awa Koné" not in later, "called before, and paid"
    assert "Mariam Diarra" in later


def test_that_it_was_made_is_written_down(keneya: Keneya, database: Database) -> None:
    keneya("report", "payers")

    async def acts() -> list[str]:
        pool = create_async_engine(database.url, poolclass=NullPool)
        async with pool.connect() as db:
            found = list(await db.scalars(select(support_act.c.act)))
        await pool.dispose()
        return found

    assert asyncio.run(acts()) == [PAYER_LIST]
