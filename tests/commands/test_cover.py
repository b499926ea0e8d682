"""`keneya cover`: answers and dates that the mended rules give otherwise are listed, and change only in the list."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from mutuelle.households.households import Household
from tests.conftest import Database
from tests.support.doctor_desk import check, covered_household, make
from tests.support.town import AWA
from tests.test_cli import typed_into

Keneya = Callable[..., tuple[int, str, str]]
BECAUSE = ("--actor", "Kadidia", "--reason", "read with the treasurers")


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    monkeypatch.setenv("DATABASE_URL", database.url)
    return lambda *typed: typed_into(capsys, *typed)


async def _answered(url: str) -> Household:
    pool = create_async_engine(url, poolclass=NullPool)
    household = await covered_household(pool)
    await check(pool, household.number, await make(pool, household))
    await pool.dispose()
    return household


async def _write(url: str, statement: str) -> None:
    pool = create_async_engine(url, poolclass=NullPool)
    async with pool.begin() as db:
        await db.execute(text(statement))
    await pool.dispose()


def test_nothing_is_listed_where_the_rules_say_what_was_said(keneya: Keneya, database: Database) -> None:
    asyncio.run(_answered(database.url))
    assert keneya("cover", "review") == (0, "Nothing to look at: no answer is otherwise.\n", "")


def test_an_answer_by_former_rules_is_listed_until_a_person_has_looked_at_it(
    keneya: Keneya, database: Database
) -> None:
    """As the former rules said it: the answer is kept, named by `check`, listed with what the rules say, accepted."""
    household = asyncio.run(_answered(database.url))
    asyncio.run(
        _write(
            database.owner_url,
            "update eligibility_check set state = 'expired', covered = false, until_on = '2026-01-31'",
        )
    )
    code, output, _complaints = keneya("cover", "review", "--mutuelle", "BEN")
    assert code == 0
    assert f"BEN {household.shown_number}: answer " in output
    assert "said expired until 2026-01-31, the rules say covered until 2027-09-22" in output
    assert "BROKEN check_answer_stands" in keneya("check")[1]
    assert "Answers looked at: 1." in keneya("cover", "accept", *BECAUSE)[1]
    assert keneya("cover", "review") == (0, "Nothing to look at: no answer is otherwise.\n", "")
    assert "check_answer_stands" not in keneya("check")[1]
    asyncio.run(_write(database.owner_url, "update eligibility_check set until_on = '2026-02-28'"))
    assert "BROKEN check_answer_stands" in keneya("check")[1], "changed after a person had looked"


def test_a_mutuelle_that_is_not_there_is_one_line(keneya: Keneya) -> None:
    code, output, complaints = keneya("cover", "review", "--mutuelle", "NON")
    assert (code, output) == (2, "")
    assert complaints.count("\n") == 1
    assert AWA not in complaints
