"""The watch of operators on real tables: what is written, judged, told to treasurers, and asked to see who is back."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from mobilemoney import OperatorAnswer, Outcome, PaymentRequest
from mutuelle import tables
from mutuelle.contributions.collection import Round, collect
from mutuelle.contributions.operator_health import MINUTE, HealthState
from mutuelle.contributions.operator_watch import OperatorWatch, accounts_watched
from tests.support.officer_acts import templates
from tests.support.officers import FANTA, ISSA, set_limit
from tests.support.operators import connected_to
from tests.support.town import AWA, MARIAM, NOON, OUMAR, Clock, found_town, join

SILENT, THERE = OperatorAnswer(Outcome.UNKNOWN), OperatorAnswer(Outcome.PENDING)
REFUSES = OperatorAnswer(Outcome.FAILED, reason="APPROVAL_REJECTED")


@dataclass
class SilentOperator:
    """What it says to everything; how often its status was asked."""

    says: OperatorAnswer = SILENT
    asked: list[PaymentRequest] = field(default_factory=list)

    async def prepare(self, ask: PaymentRequest) -> OperatorAnswer:
        return self.says

    async def request(self, ask: PaymentRequest) -> OperatorAnswer:
        return self.says

    async def status(self, ask: PaymentRequest) -> OperatorAnswer:
        self.asked.append(ask)
        return self.says


@pytest.fixture
def operator() -> SilentOperator:
    return SilentOperator()


@pytest.fixture
async def watch(pool: AsyncEngine, operator: SilentOperator, clock: Clock) -> OperatorWatch:
    await found_town(pool)
    clock.now = NOON
    house = Round(pool, ["simulated"], connected_to(operator), "http://127.0.0.1", timing.Clock(clock))
    return OperatorWatch(house)


async def minutes(watch: OperatorWatch, clock: Clock, count: int, *, step: timedelta = MINUTE / 4) -> None:
    """The worker works so many minutes, coming round every quarter of one."""
    end = clock.now + count * MINUTE
    while clock.now < end:
        clock.now += step
        await collect(watch.house)
        await watch.turn()


async def health(pool: AsyncEngine) -> HealthState:
    async with pool.connect() as db:
        (one,) = await accounts_watched(db)
    return one.health.state


async def test_who_is_silent_is_down_and_comes_back_without_a_payment(
    pool: AsyncEngine, watch: OperatorWatch, operator: SilentOperator, clock: Clock
) -> None:
    for phone in (AWA, MARIAM, OUMAR):
        await join(pool, phone, at=NOON, name="Awa Koné")
    await minutes(watch, clock, 5)
    assert await health(pool) is HealthState.DOWN
    await minutes(watch, clock, 20)
    operator.says, asked = THERE, len(operator.asked)
    await minutes(watch, clock, 3)
    assert await health(pool) is HealthState.UP
    await minutes(watch, clock, 1)
    async with pool.connect() as db:
        states = set(await db.scalars(select(tables.payment.c.state)))
    assert states == {"PENDING"}, "what waited for a later question was asked at once"
    assert len(operator.asked) > asked


async def test_an_account_that_nobody_uses_is_probed_once_a_minute_while_it_is_down(
    pool: AsyncEngine, watch: OperatorWatch, operator: SilentOperator, clock: Clock
) -> None:
    for phone in (AWA, MARIAM, OUMAR):
        await join(pool, phone, at=NOON, name="Awa Koné")
    await minutes(watch, clock, 5)
    async with pool.begin() as db:  # they wait for tomorrow
        await db.execute(tables.payment.update().values(due_at=NOON + timedelta(days=1)))
    operator.asked.clear()
    await minutes(watch, clock, 10)
    assert 8 <= len(operator.asked) <= 10
    operator.says = THERE
    await minutes(watch, clock, 4)
    assert await health(pool) is HealthState.UP
    operator.asked.clear()
    async with pool.begin() as db:
        await db.execute(tables.payment.update().values(due_at=NOON + timedelta(days=1)))
    await minutes(watch, clock, 5)
    assert operator.asked == [], "who is up is not probed"


async def test_refusals_of_members_do_not_make_it_down(
    pool: AsyncEngine, watch: OperatorWatch, operator: SilentOperator, clock: Clock
) -> None:
    operator.says = REFUSES
    for phone in (AWA, MARIAM, OUMAR, *(f"+2237600015{nth}" for nth in range(5))):
        await join(pool, phone, at=NOON, name="Awa Koné")
    await minutes(watch, clock, 5)
    assert await health(pool) is HealthState.UP
    async with pool.connect() as db:
        assert await db.scalar(text("select sum(refusals) from operator_minute")) == 8


async def test_treasurers_are_told_once_that_it_is_down_for_long_and_once_that_it_is_back(
    pool: AsyncEngine, watch: OperatorWatch, operator: SilentOperator, clock: Clock
) -> None:
    await set_limit(pool, "operator_silent_minutes", 30)
    for phone in (AWA, MARIAM, OUMAR):
        await join(pool, phone, at=NOON, name="Awa Koné")
    await minutes(watch, clock, 25, step=MINUTE / 2)
    assert await templates(pool, FANTA) == []
    await minutes(watch, clock, 20, step=MINUTE / 2)
    assert await templates(pool, FANTA) == await templates(pool, ISSA) == ["operator down"]
    operator.says = THERE
    await minutes(watch, clock, 5)
    assert await templates(pool, FANTA) == ["operator down", "operator back"]
    operator.says = SILENT
    async with pool.begin() as db:  # as after three new ones
        await db.execute(tables.payment.update().values(due_at=clock.now, polls=0))
    await minutes(watch, clock, 50)
    assert await health(pool) is HealthState.DOWN
    assert await templates(pool, FANTA) == ["operator down", "operator back"], "once in half a day"


async def test_treasurers_sleep_at_night(
    pool: AsyncEngine, watch: OperatorWatch, operator: SilentOperator, clock: Clock
) -> None:
    clock.now = night = NOON.replace(hour=22)
    for phone in (AWA, MARIAM, OUMAR):
        await join(pool, phone, at=night, name="Awa Koné")
    await minutes(watch, clock, 100, step=MINUTE)
    assert await health(pool) is HealthState.DOWN
    assert await templates(pool, FANTA) == []
    clock.now = night + timedelta(hours=9, minutes=5)
    await watch.turn()
    assert await templates(pool, FANTA) == ["operator down"]
