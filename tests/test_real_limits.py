"""The limits as they are in service. Elsewhere tests put smaller ones in their place to show what they do."""

import asyncio
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

import service.database as connections
import settings
import webhooks
import worker
from menus.home import home
from mutuelle.scheme.limits import Limits
from tests.conftest import Database
from tests.support.running_service import House

LIMITS: dict[str, dict[str, Any]] = {
    "service.database": {
        "POOL_SIZE": 10,
        "CONNECT_TIMEOUT_S": 3,
        "ALIVE_TIMEOUT_S": 3,
        "STATEMENT_TIMEOUT_MS": 10_000,
        "IDLE_IN_TRANSACTION_MS": 15_000,
        "DEADLINE_S": 12,
        "IDLE_S": 1.0,
    },
    "service.forms": {"LARGEST_FORM": 8192, "MOST_FIELDS": 40},
    "service.http_limits": {
        "LARGEST_HEAD": 32 * 1024,
        "MOST_PIPELINED": 8,
        "ARRIVAL_S": 10,
        "MOST_CONNECTIONS": 1000,
        "SPARE_DESCRIPTORS": 100,
        "TICK_S": 1.0,
    },
    "service.metrics": {"SAMPLE_EVERY_S": 15.0, "REST": 50, "PATIENCE_S": 2.0},
    "web": {"KEEP_ALIVE_S": 75, "DRAIN_S": 5},
    "webhooks": {"LARGEST_NOTICE": 64 * 1024, "DRAIN_S": 10},
    "service.simulator_pages": {"LARGEST_BODY": 64 * 1024},
    "worker": {"PAUSE_S": 0.25, "FAULT_PAUSE_S": 2.0},
    "ussd.deps": {"DEADLINE_S": 5.0, "MOST_AT_ONCE": 96, "MOST_FOR_A_DIAL": 64},
    "ussd.africastalking": {"LONGEST_CALL_ID": 100, "LONGEST_TEXT": 1000},
    "talk.pipe": {"TIMEOUT_S": 1.0},
    "talk.session": {"SESSION_TTL_S": 900, "RESUME_TTL_S": 600},
    "sms.leases": {
        "ORDINARY_A_DAY": 30,
        "RECEIPTS_A_DAY": 300,
        "REPLIES_A_DAY": 300,
        "MAX_ATTEMPTS": 12,
        "LEASE": timedelta(seconds=90),
    },
    "sms.inbox": {"LONGEST_TEXT": 1600},
    "sms.africastalking.sending": {"TIMEOUT_S": (3.05, 9.05)},
    "sms.inbox_worker": {"ATTEMPTS": 5},
    "mobilemoney.wire": {"BODY_SIZE": 64 * 1024, "WHOLE_S": 15},
    "mutuelle.contributions.collection": {"LEASE": timedelta(seconds=60), "PLACES": 64},
    "mutuelle.contributions.payments": {"ASKS_A_DAY": 10, "PROMPTS_A_DAY": 3},
    "mutuelle.enrolment.registration": {"A_DAY": 60},
    "mutuelle.enrolment.edits": {"MOST_PEOPLE": 30, "CHANGES_A_MONTH": 4},
    "mutuelle.officers.pins": {
        "PIN_DIGITS": 5,
        "LOCKS": {3: timedelta(minutes=15), 5: timedelta(hours=24)},
        "BLOCKED_AT": 10,
        "NEW_PIN_DAYS": 3,
    },
    "mutuelle.officers.pin_hashing": {"MOST_WAITING": 20},
    "mutuelle.officers.appointments": {"MOST_OFFICERS": 400},
    "mutuelle.officers.joint_acts": {"OPEN_DAYS": 7, "MOST_OPEN": 8},
    "mutuelle.scheme.limits": {
        "USUAL": Limits(
            cash_held_minor=200_000,
            cash_days=5,
            two_signatures_from_minor=0,
            count_difference_minor=0,
            messages_a_day=30,
            codes_a_day=10,
            checks_a_day=300,
            guesses_a_day=30,
            without_code_a_doctor=5,
            without_code_a_facility=10,
            digest_hour=7,
        )
    },
    "mutuelle.care.guess_limits": {
        "WRONG_A_HOUSEHOLD": 3,
        "LOCK_WINDOW": timedelta(minutes=15),
        "LOCK": timedelta(minutes=15),
    },
    "mutuelle.care.codes": {"DIGITS": 6, "ALIVE": timedelta(minutes=15)},
    "mutuelle.imports.reading": {"MOST_BYTES": 64 * 1024 * 1024},
    "mutuelle.imports.household_rows": {"NUMBERS_OF_A_MUTUELLE": 80_000},
}


@pytest.mark.parametrize("module", LIMITS)
def test_the_limits_are_what_they_are_said_to_be(module: str) -> None:
    """Whoever changes one changes it here, and looks at the pages that tell it."""
    found = import_module(module)
    assert {name: getattr(found, name) for name in LIMITS[module]} == LIMITS[module]


def test_a_silent_server_is_given_up_within_15_s() -> None:
    assert connections.DEADLINE_S + connections.ALIVE_TIMEOUT_S <= 15
    assert connections.STATEMENT_TIMEOUT_MS < connections.DEADLINE_S * 1000, "who lives says so first"


async def told(pool: AsyncEngine) -> dict[str, Any]:
    """What PostgreSQL holds a connection of `pool` to."""
    names = ("statement_timeout", "idle_in_transaction_session_timeout", "tcp_keepalives_idle")
    async with pool.connect() as db:
        return {name: await db.scalar(text(f"select current_setting('{name}')")) for name in names}


IN_SERVICE = {
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "15s",
    "tcp_keepalives_idle": "60",
}


async def test_web_and_worker_are_held_to_the_real_ones(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = settings.read(house.environ)
    app = Starlette()
    async with webhooks._lifespan(wanted, home, app):
        assert await told(app.state.pool) == await told(app.state.sampler.pool) == IN_SERVICE
        assert app.state.pool.pool.size() == 10
        assert app.state.pool.pool._max_overflow == 0
    seen: list[dict[str, Any]] = []
    stop = asyncio.Event()

    def rounds(_wanted: object, pool: AsyncEngine, *_rest: object, **_more: object) -> dict[str, worker.Turn]:
        async def look() -> int:
            seen.append(await told(pool))
            stop.set()
            return 0

        return {"look": look}

    monkeypatch.setattr(worker, "rounds", rounds)
    await worker.work(wanted, stop)
    assert seen == [IN_SERVICE]


async def test_the_server_ends_a_statement_and_a_transaction_that_take_too_long(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here in tenths of a second."""
    short = {"statement_timeout": "200", "idle_in_transaction_session_timeout": "300"}
    monkeypatch.setattr(connections, "SERVER_SETTINGS", connections.SERVER_SETTINGS | short)
    pool = connections.open_pool(database.url)
    async with pool.connect() as db:
        with pytest.raises(DBAPIError, match="statement timeout"):
            await db.execute(text("select pg_sleep(3)"))
    async with pool.connect() as db:
        await db.execute(text("select 1"))
        await asyncio.sleep(0.6)
        with pytest.raises(DBAPIError) as ended:
            await db.execute(text("select 1"))
        assert connections.is_away(ended.value)
    await pool.dispose()
