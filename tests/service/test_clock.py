"""The time of web and worker is PostgreSQL's, and a machine whose clock is far from it is told so."""

import asyncio
from datetime import datetime, timedelta, tzinfo
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

import settings
import webhooks
import worker
from service import clock
from service.clock import DatabaseClock, WrongClockError
from sms.tables import inbox
from tests.conftest import Database
from tests.support.patience import PATIENCE_S
from tests.support.running_service import SECRET, address, listener, served
from tests.test_cli import Keneya, keneya
from tests.test_starting import environment

__all__ = ["keneya"]


def wrong_by(monkeypatch: pytest.MonkeyPatch, ahead: timedelta) -> None:
    """From now on this machine's own clock is wrong."""

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + ahead

    monkeypatch.setattr(clock, "datetime", Wrong)


async def apart(pool: AsyncEngine, time: datetime) -> timedelta:
    """How far `time`, read just now, is from PostgreSQL's."""
    async with pool.connect() as db:
        server: datetime = (await db.execute(clock.NOW)).scalar_one()
    return abs(time - server)


@pytest.mark.parametrize("ahead", [timedelta(days=3), timedelta(minutes=-20)])
async def test_the_time_is_postgresqls_whatever_the_machine_says(
    pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, ahead: timedelta
) -> None:
    caplog.set_level("INFO", "keneya.clock")
    with monkeypatch.context() as wrong:
        wrong_by(wrong, ahead)
        told = DatabaseClock()
        for _again in range(2):
            await told.look(pool)
        time = told()
    assert await apart(pool, time) < timedelta(seconds=1)
    was_off = told.is_off
    await told.look(pool)
    assert (was_off, told.is_off) == (True, False)
    assert [line.getMessage() for line in caplog.records if line.name == "keneya.clock"] == [
        "clock.off",
        "clock.right",
    ]


async def test_neither_web_nor_worker_starts_on_another_time(
    database: Database, redis_url: str, pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    environ = environment(database.url, redis_url)
    wrong_by(monkeypatch, timedelta(minutes=20))
    with pytest.raises(WrongClockError, match="1200 s ahead of PostgreSQL's"):
        webhooks.create_app(environ)
    wrong_by(monkeypatch, timedelta(seconds=-70))
    with pytest.raises(WrongClockError, match="70 s behind PostgreSQL's"):
        await worker.work(settings.read(environ), asyncio.Event())


def test_no_command_dates_an_act_by_a_wrong_clock(keneya: Keneya, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong_by(monkeypatch, timedelta(hours=-1))
    code, _said, complained = keneya("role", "list", "--mutuelle", "BEN")
    assert (code, "3600 s behind PostgreSQL's" in complained) == (1, True)


async def test_a_clock_that_goes_wrong_later_is_told_and_the_service_goes_on(
    database: Database, redis_url: str, pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "LOOK_EVERY_S", 0.02)
    bound = listener()
    async with (
        served(webhooks.create_app(environment(database.url, redis_url)), bound),
        httpx.AsyncClient(base_url=address(bound), trust_env=False) as http,
    ):
        assert (await http.get("/health/ready")).json()["status"] == "ready"
        wrong_by(monkeypatch, timedelta(minutes=20))
        async with asyncio.timeout(PATIENCE_S):
            while (ready := await http.get("/health/ready")).json().get("clock") != "off":  # noqa: ASYNC110 # another task sees it
                await asyncio.sleep(0.02)
        assert (ready.status_code, ready.json()["status"], ready.json()["clock"]) == (200, "degraded", "off")
        sms = {"id": "ATXid_1", "from": "+22376000001", "text": "AIDE", "to": "38457"}
        assert (await http.post(f"/at/{SECRET}/sms", data=sms)).status_code == 200
    async with pool.connect() as db:
        (received_at,) = await db.scalars(select(inbox.c.received_at))
    assert await apart(pool, received_at) < timedelta(seconds=30), "written with PostgreSQL's time"


async def test_a_database_that_takes_no_write_is_not_ready(
    database: Database, owner: AsyncEngine, redis_url: str
) -> None:
    """Read-only, or without the right to: what a full disk answers to what needs a new page."""
    app = webhooks.create_app(environment(database.url, redis_url))
    for lost, back in (
        ("alter database {name} set default_transaction_read_only = on", "alter database {name} reset all"),
        ("revoke temporary on database {name} from public", "grant temporary on database {name} to public"),
    ):
        bound = listener()
        async with owner.connect() as db:
            await db.execution_options(isolation_level="AUTOCOMMIT")
            await db.execute(text(lost.format(name=database.name)))
        async with (
            served(app, bound),
            httpx.AsyncClient(base_url=address(bound), trust_env=False) as http,
        ):
            ready = await http.get("/health/ready")
            assert (ready.status_code, ready.json()["postgresql"]) == (503, "not writable")
        async with owner.connect() as db:
            await db.execution_options(isolation_level="AUTOCOMMIT")
            await db.execute(text("set default_transaction_read_only = off"))
            await db.execute(text(back.format(name=database.name)))
