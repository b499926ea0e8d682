"""What fires by the clock: once for each hour, whatever is killed, whoever runs beside; late once, or not at all."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

import timing
from mutuelle.schedules.jobs import begin_schedules, run_schedules
from mutuelle.schedules.schedules import (
    RETRY,
    NewSchedule,
    Schedule,
    add_schedule,
    next_hour,
    plan_new,
    run_due,
)
from mutuelle.schedules.tables import digest, firing, schedule
from sms.outbox import Message, enqueue
from sms.tables import outbox
from tests.conftest import Database
from tests.support.running_service import House
from tests.support.town import found_town

MONDAY = datetime(2026, 11, 23, 7, tzinfo=UTC)
SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
SUBJECT = "+22376000007"


async def nothing(db: AsyncConnection, clock: timing.Clock) -> None:
    """No line is begun by itself."""


async def send_one(db: AsyncConnection, due: Schedule, now: datetime) -> int:
    body = f"for {due.fires_for:%d/%m %H:%M}"
    await enqueue(db, [Message(due.mutuelle_id, f"test {due.fires_for} {now}", SUBJECT, "test", body)], now)
    return 1


FIRES = {"digest": send_one}


async def begin(
    pool: AsyncEngine, *, cron: str = "0 7 * * 1", at: datetime = SUNDAY, scale: float = 1.0
) -> None:
    await found_town(pool)
    async with pool.begin() as db:
        assert await add_schedule(
            db, NewSchedule("BEN", "digest", SUBJECT, cron, "Africa/Bamako"), timing.Clock.at(at, scale)
        )


async def sent(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        return list(await db.scalars(select(outbox.c.body).order_by(outbox.c.recorded_at)))


async def outcomes(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        return list(await db.scalars(select(firing.c.outcome).order_by(firing.c.fired_for)))


def times(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    while True:
        after = next_hour(cron, zone, after)
        yield after


async def test_it_fires_at_its_hour_and_once(pool: AsyncEngine) -> None:
    await begin(pool)
    assert await run_due(pool, FIRES, nothing, timing.Clock.at(MONDAY - timedelta(seconds=1))) == 0
    assert await run_due(pool, FIRES, nothing, timing.Clock.at(MONDAY)) == 1
    assert await run_due(pool, FIRES, nothing, timing.Clock.at(MONDAY)) == 0
    assert await run_due(pool, FIRES, nothing, timing.Clock.at(MONDAY + timedelta(days=6))) == 0
    assert await run_due(pool, FIRES, nothing, timing.Clock.at(MONDAY + timedelta(days=7))) == 1
    assert await sent(pool) == ["for 23/11 07:00", "for 30/11 07:00"]


async def test_two_workers_at_once_fire_it_once(database: Database, pool: AsyncEngine) -> None:
    await begin(pool, cron="0 * * * *")
    pools = [create_async_engine(database.url) for _worker in range(4)]
    for hour in range(1, 11):
        now = SUNDAY.replace(hour=7) + timedelta(days=1, hours=hour)
        await asyncio.gather(*(run_due(other, FIRES, nothing, timing.Clock.at(now)) for other in pools))
    for other in pools:
        await other.dispose()
    assert len(await sent(pool)) == len(set(await sent(pool))) == 10
    assert await outcomes(pool) == ["done"] * 10


async def test_what_is_killed_before_its_commit_leaves_nothing_and_is_done_again(pool: AsyncEngine) -> None:
    await begin(pool)
    killed = asyncio.Event()

    async def hangs(db: AsyncConnection, due: Schedule, now: datetime) -> int:
        await send_one(db, due, now)
        killed.set()
        await asyncio.sleep(60)
        return 1

    task = asyncio.create_task(run_due(pool, {"digest": hangs}, nothing, timing.Clock.at(MONDAY)))
    await killed.wait()
    assert await run_due(pool, FIRES, nothing, timing.Clock.at(MONDAY)) == 0, (
        "another worker waits for nobody and takes nothing twice"
    )
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await sent(pool) == []
    assert await run_due(pool, FIRES, nothing, timing.Clock.at(MONDAY)) == 1
    assert await sent(pool) == ["for 23/11 07:00"]


async def test_a_fault_keeps_nothing_is_tried_again_and_holds_nobody_up(
    pool: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    await begin(pool)
    async with pool.begin() as db:
        new = NewSchedule("BEN", "reminders", "*", "5 7 * * 1", "Africa/Bamako")
        await add_schedule(db, new, timing.Clock.at(SUNDAY))

    async def breaks(db: AsyncConnection, due: Schedule, now: datetime) -> int:
        await send_one(db, due, now)
        raise ZeroDivisionError

    kinds = {"digest": breaks, "reminders": send_one}
    assert await run_due(pool, kinds, nothing, timing.Clock.at(MONDAY + timedelta(minutes=5))) == 2
    assert await sent(pool) == ["for 23/11 07:05"]
    assert "schedule.failed" in caplog.messages
    later = MONDAY + timedelta(minutes=5) + RETRY
    assert await run_due(pool, FIRES, nothing, timing.Clock.at(later - timedelta(seconds=1))) == 0
    assert await run_due(pool, FIRES, nothing, timing.Clock.at(later)) == 1
    assert await sent(pool) == ["for 23/11 07:05", "for 23/11 07:00"]


@pytest.mark.parametrize(
    ("late", "made_up"),
    [
        (timedelta(hours=5), True),
        (timedelta(hours=26), True),
        (timedelta(hours=36), True),
        (timedelta(hours=53), False),
        (timedelta(days=20), False),
    ],
)
async def test_a_missed_hour_is_made_up_once_unless_it_is_too_old(
    pool: AsyncEngine, late: timedelta, made_up: bool
) -> None:
    await begin(pool, cron="0 7 * * *")
    now = MONDAY + late
    await run_due(pool, FIRES, nothing, timing.Clock.at(now))
    await run_due(pool, FIRES, nothing, timing.Clock.at(now))
    assert len(await sent(pool)) == made_up
    assert await outcomes(pool) == ["done" if made_up else "too late"]
    async with pool.connect() as db:
        assert await db.scalar(select(schedule.c.next_at)) == next_hour("0 7 * * *", "Africa/Bamako", now)


async def test_in_the_night_it_waits_for_the_morning(pool: AsyncEngine) -> None:
    await begin(pool)
    for late in (13, 15, 23):  # 20 h, 22 h, 6 h
        await run_due(pool, FIRES, nothing, timing.Clock.at(MONDAY + timedelta(hours=late)))
        assert await sent(pool) == []
    assert await run_due(pool, FIRES, nothing, timing.Clock.at(MONDAY + timedelta(hours=24))) == 1
    assert await sent(pool) == ["for 23/11 07:00"]


async def test_what_was_stopped_does_not_fire(pool: AsyncEngine) -> None:
    await begin(pool)
    async with pool.begin() as db:
        await db.execute(schedule.update().values(stopped_at=SUNDAY))
    assert await run_due(pool, FIRES, nothing, timing.Clock.at(MONDAY)) == 0


def test_hours_follow_the_clocks_of_the_place() -> None:
    paris = "Europe/Paris"  # no mutuelle is there: its clocks change, Bamako's do not
    autumn = times("0 7 * * *", paris, datetime(2026, 10, 23, 12, tzinfo=UTC))
    assert [next(autumn).astimezone(UTC).hour for _day in range(4)] == [5, 6, 6, 6]
    spring = times("0 7 * * 0", paris, datetime(2027, 3, 16, tzinfo=UTC))
    assert [next(spring).astimezone(UTC).hour for _week in range(3)] == [6, 5, 5]
    skipped = next(times("30 2 * * *", paris, datetime(2027, 3, 27, 12, tzinfo=UTC)))
    assert skipped.astimezone(UTC) == datetime(2027, 3, 28, 1, 0, tzinfo=UTC)
    repeated = times("30 2 * * *", paris, datetime(2026, 10, 24, 12, tzinfo=UTC))
    assert [next(repeated).astimezone(ZoneInfo(paris)).day for _day in range(2)] == [25, 26]


def test_a_year_of_mondays_has_no_hole() -> None:
    for zone in ("Africa/Bamako", "Africa/Douala", "Africa/Cairo", "Europe/Paris"):
        mondays = times("0 7 * * 1", zone, MONDAY - timedelta(days=2))
        year = [next(mondays).astimezone(ZoneInfo(zone)) for _week in range(53)]
        assert {(day.weekday(), day.hour, day.minute) for day in year} == {(0, 7, 0)}
        assert len({day.date() for day in year}) == 53


async def test_divided_waits_stay_apart(pool: AsyncEngine) -> None:
    """A calendar that runs ahead of the clock does not fire ever faster as an hour of the clock comes near."""
    await begin(pool, scale=604_800.0)  # a week in a second
    now, gaps = SUNDAY, []
    for _firing in range(12):
        async with pool.connect() as db:
            next_at = (await db.execute(select(schedule.c.next_at))).scalar_one()
        gaps.append((next_at - now).total_seconds())
        now = next_at
        assert await run_due(pool, FIRES, nothing, timing.Clock.at(now, 604_800.0)) == 1
    assert gaps[0] < 1
    assert gaps[1:] == pytest.approx([1.0] * 11)
    assert len(set(await sent(pool))) == 12


async def test_another_hour_where_waits_are_divided_is_none_that_has_fired(pool: AsyncEngine) -> None:
    """A calendar that runs ahead of the clock goes on from where it is: an hour that has fired would fail for ever."""
    scale, now = 604_800.0, SUNDAY  # a week in a second
    await begin(pool, scale=scale)
    for firings in range(14):
        if firings == 4:
            async with pool.begin() as db:
                await db.execute(update(schedule).values(cron="0 7 * * *", is_new=True))
                await plan_new(db, timing.Clock.at(now, scale))
        async with pool.connect() as db:
            now = (await db.execute(select(schedule.c.next_at))).scalar_one()
        assert await run_due(pool, FIRES, nothing, timing.Clock.at(now, scale)) == 1
    assert await outcomes(pool) == ["done"] * 14
    assert len(set(await sent(pool))) == 14


async def test_a_treasurer_and_a_mutuelle_have_their_line_from_the_first_round(pool: AsyncEngine) -> None:
    await found_town(pool)
    for _round in range(3):
        await run_schedules(pool, timing.Clock.at(SUNDAY))
    async with pool.connect() as db:
        lines = (await db.execute(select(schedule.c.kind, schedule.c.cron, schedule.c.next_at))).all()
        told = list(await db.scalars(select(outbox.c.phone).order_by(outbox.c.phone)))
    assert sorted(tuple(line) for line in lines) == [
        ("balances", "50 23 * * *", SUNDAY + timedelta(hours=11, minutes=50)),
        ("digest", "0 7 * * 1", MONDAY),
        ("digest", "0 7 * * 1", MONDAY),
        ("reminders", "0 9 * * *", SUNDAY + timedelta(hours=21)),
        ("retention", "30 11 * * *", SUNDAY + timedelta(hours=23, minutes=30)),
    ]
    assert told == ["+22376000007", "+22376000008"]


async def test_the_worker_turns_the_calendar(house: House) -> None:
    await house.message("le bilan de vos comptes", phone=SUBJECT)


async def test_a_new_treasurer_is_not_told_in_the_night(pool: AsyncEngine) -> None:
    await found_town(pool)
    async with pool.begin() as db:
        await begin_schedules(db, timing.Clock.at(SUNDAY.replace(hour=23)))
        assert set(await db.scalars(select(outbox.c.due_at))) == {MONDAY}


async def test_who_left_office_gets_none_and_loses_the_line(pool: AsyncEngine) -> None:
    await found_town(pool)
    await run_schedules(pool, timing.Clock.at(SUNDAY))
    async with pool.begin() as db:
        await db.execute(text("update officer set until = '2026-11-22' where phone = '+22376000007'"))
    await run_schedules(pool, timing.Clock.at(MONDAY))
    async with pool.connect() as db:
        assert list(await db.scalars(select(digest.c.phone))) == ["+22376000008"]
        left = select(func.count()).select_from(schedule).where(schedule.c.subject == "+22376000007")
        assert await db.scalar(left) == 0
