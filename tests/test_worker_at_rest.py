"""A worker with nothing to do asks one statement at a time, and whoever is due is called by its answer alone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

import settings
import worker
from service import clock
from service.database import open_pool
from tests.support.running_service import SECRET, House, WirePhone
from tests.support.town import AWA
from tests.test_walk import JOIN, RECEIPT

WATCHED_S = 3.0
UNDER_WAY = text(
    """
    select (select count(*) from sms_outbox where state <> 'DELIVERED')
        + (select count(*) from sms_report where applied_at is null)
    """
)
A_ROUND_AT_REST = 32  # statements of all loops together, every REST_S: one or two of them for each operator


def listened(pool: AsyncEngine, heard: list[str]) -> AsyncEngine:
    """The same pool; every statement that goes through it is written down."""

    def hear(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        heard.append(statement)

    event.listen(pool.sync_engine, "before_cursor_execute", hear)
    return pool


@asynccontextmanager
async def at_work(house: House) -> AsyncIterator[None]:
    """The worker's loops, as its process runs them."""
    stop = asyncio.Event()
    working = asyncio.create_task(worker.work(settings.read(house.environ), stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(working, timeout=20)


@pytest.fixture
def _only_when_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """No loop looks for itself: what is not asked for is never found."""
    monkeypatch.setattr(worker, "REST_S", 3600.0)


async def soon(find: Callable[[], Awaitable[Any]], within_s: float = 15.0) -> Any:
    """What `find` gives, once it gives something."""
    async with asyncio.timeout(within_s):
        while True:
            if found := await find():
                return found
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("_only_when_called")
async def test_at_rest_it_asks_one_statement_every_pause(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(worker, "open_pool", lambda url: listened(open_pool(url), heard))

    async def at_rest() -> bool:
        """Whether the SMS of the first round, which begins schedules, are delivered, and nobody was called since."""
        async with house.pool.connect() as db:
            under_way = await db.scalar(UNDER_WAY)
        return not under_way and len(heard) > 8 and len(set(heard[-8:])) == 1

    async with at_work(house):
        await soon(at_rest)
        heard.clear()
        await asyncio.sleep(WATCHED_S)
        asked = [statement for statement in heard if statement != str(clock.NOW)]
    assert len(set(asked)) == 1, set(asked)
    assert "sms_inbox" in asked[0]
    assert 1 < len(asked) <= WATCHED_S / worker.PAUSE_S + 1


async def test_a_round_of_all_loops_that_find_nothing_is_few_statements(house: House) -> None:
    while await house.work():
        pass
    heard: list[str] = []
    listened(house.pool, heard)
    assert await house.work() == 0
    assert len(heard) <= A_ROUND_AT_REST


@pytest.mark.usefixtures("_only_when_called")
async def test_a_payment_is_asked_for_settled_and_receipted_by_calls_alone(house: House) -> None:
    phone = WirePhone(house)
    async with at_work(house):
        await asyncio.sleep(1)  # the first round of each loop is over: from here on only calls count
        await phone.dial()
        await phone.type(*JOIN)
        (prompt,) = await soon(house.prompts)
        await house.answer(prompt, "approve")

        async def receipted() -> bool:
            return any(RECEIPT in message for message in await house.messages())

        assert await soon(receipted)


@pytest.mark.usefixtures("_only_when_called")
async def test_an_sms_is_answered_and_its_report_applied_by_calls_alone(
    house: House,
) -> None:
    async with at_work(house):
        await asyncio.sleep(1)
        form = {"id": "in_1", "from": AWA, "to": "38457", "text": "AIDE"}
        assert (await house.http.post(f"/at/{SECRET}/sms", data=form)).status_code == 200
        await soon(house.messages)

        async def delivered() -> bool:
            async with house.pool.connect() as db:
                rows = await db.exec_driver_sql("select state from sms_outbox where is_reply")
                return [state for (state,) in rows] == ["DELIVERED"]

        assert await soon(delivered)
