"""`keneya benefits`: each rule with who decided it, agreements and prices, as an operator reads them."""

from collections.abc import Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.commands.test_limits import in_town
from tests.conftest import Database
from tests.support.benefits import opens_benefits, rule
from tests.support.town import found_town
from tests.test_cli import typed_into

Keneya = Callable[..., tuple[int, str, str]]


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    monkeypatch.setenv("DATABASE_URL", database.url)
    return lambda *typed: typed_into(capsys, *typed)


async def says_what_it_pays(pool: AsyncEngine) -> None:
    await found_town(pool)
    async with pool.begin() as db:
        delivery = rule("ACC", "hospital", act_ceiling_minor=60_000, waiting_months=9, needs_referral=True)
        await opens_benefits(db, delivery, rule("VAC", is_paid=False), prices={"ACC": 5_000})


def test_it_prints_rules_and_prices(keneya: Keneya, database: Database) -> None:
    in_town(database.url, says_what_it_pays)
    code, printed, _said = keneya("benefits", "--mutuelle", "BEN")
    assert code == 0
    assert [" ".join(line.split()) for line in printed.splitlines()] == [
        "P1 ACC Delivery, hospital: patient pays 20 %, paid at most for an act 60 000 F, months to wait 9,"
        " with a referral since 2024-01-01, by import",
        "P1 VAC Vaccination, centre: patient pays all since 2024-01-01, by import",
        "price cscom, ACC: 5 000 F since 2024-01-01",
    ]


def test_a_mutuelle_that_has_said_nothing(keneya: Keneya, database: Database) -> None:
    in_town(database.url, found_town)
    assert "no rule of benefits" in keneya("benefits", "--mutuelle", "BEN")[1]
