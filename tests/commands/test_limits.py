"""`keneya limits`: each limit as it is today, and every change with the people who decided it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from mutuelle.officers.joint_acts import APPROVED, acts_to_sign, answer_act, propose
from mutuelle.officers.limit_changes import limit_change, limits_now
from talk.answers import Secret
from tests.conftest import Database
from tests.support.officer_acts import AGREED, calling
from tests.support.officers import FANTA, ISSA, PIN, give_pin, set_limit
from tests.support.town import found_town
from tests.test_cli import typed_into

Keneya = Callable[..., tuple[int, str, str]]
NOW = datetime.now(UTC)
TODAY = NOW.date()


@pytest.fixture
def keneya(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keneya:
    monkeypatch.setenv("DATABASE_URL", database.url)
    return lambda *typed: typed_into(capsys, *typed)


def in_town(url: str, work: Callable[[AsyncEngine], Awaitable[None]]) -> None:
    async def play() -> None:
        pool = create_async_engine(url, poolclass=NullPool)
        await work(pool)
        await pool.dispose()

    asyncio.run(play())


async def decides(pool: AsyncEngine) -> None:
    """The files gave one limit, two treasurers change another."""
    await found_town(pool)
    await set_limit(pool, "codes_a_day", 6, since=TODAY - timedelta(days=30))
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone)
    async with pool.begin() as db:
        found = next(
            one for one in await limits_now(db, calling(FANTA, NOW), "BEN") if one.name == "cash_days"
        )
        act = limit_change(found, 9)
        secret = Secret(PIN)
        await propose(db, calling(FANTA, NOW), mutuelle="BEN", proposal=act, pin=secret, agreed=AGREED)
        (waits,) = await acts_to_sign(db, calling(ISSA, NOW), "BEN")
        await answer_act(
            db, calling(ISSA, NOW), mutuelle="BEN", proposal=waits.id, answer=APPROVED, pin=secret
        )


def test_it_says_since_when_and_who(keneya: Keneya, database: Database) -> None:
    in_town(database.url, decides)
    code, printed, _said = keneya("limits", "--mutuelle", "ben")
    lines = printed.splitlines()
    assert code == 0
    assert [" ".join(line.split()) for line in lines[:3]] == [
        "Cash of one collector 200 000 F usual",
        f"Days of cash in hand 9 days since {TODAY}, by Fanta Coulibaly, Issa Dembélé",
        "Two signatures from 0 F usual",
    ]
    assert [" ".join(line.split()) for line in lines[-3:]] == [
        "changes, the newest first:",
        f"Days of cash in hand 9 days since {TODAY}, by Fanta Coulibaly, Issa Dembélé",
        f"Care codes a day 6 since {TODAY - timedelta(days=30)}, by a test",
    ]


def test_an_unknown_mutuelle_is_said(keneya: Keneya) -> None:
    assert keneya("limits", "--mutuelle", "NONE")[0] == 2
