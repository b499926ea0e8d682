"""Schedules: jobs that repeat at an hour of the mutuelle's own clock, as rows with a next time.

A firing, all that it writes and the next time are one transaction: each hour fires once, also when a process is killed
or several workers run. A missed one is made up once, late, or left out when it is too old to be of use.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from cronsim import CronSim
from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.positions import Mark
from mutuelle.dates import day_hours_from
from mutuelle.schedules.tables import firing, schedule
from timing import Clock

log = logging.getLogger("keneya.schedules")

BATCH = 32
LATEST = timedelta(hours=36)  # a missed firing is made up within a day and a night
RETRY = timedelta(minutes=10)
BALANCES = "balances"
AT_NIGHT = {BALANCES}  # kinds that write to nobody: the quiet hours are not theirs
COLLIDED = "40001"  # serialization failure: another worker has just taken this one


@dataclass(frozen=True)
class NewSchedule:
    """What begins: `kind` for `subject` (a treasurer's phone, or `*` for the mutuelle), at `cron` in `timezone`."""

    mutuelle_id: str
    kind: str
    subject: str
    cron: str
    timezone: str


@dataclass(frozen=True)
class Schedule:
    """A schedule: `cron` in `timezone`, waiting for `fires_for`, due for the worker at `due_at`.

    `counted_to` is where the figures of the last firing ended (`ledger.positions`).
    """

    mutuelle_id: str
    kind: str
    subject: str
    cron: str
    timezone: str
    fires_for: datetime
    due_at: datetime
    counted_to: str | None
    counted_at: datetime | None
    since: datetime
    is_chosen: bool
    stopped_at: datetime | None


# A job: writes what is due in the given transaction; returns how many messages that was.
Fire = Callable[[AsyncConnection, Schedule, datetime], Awaitable[int]]
Prepare = Callable[[AsyncConnection, Clock], Awaitable[None]]


def next_hour(cron: str, timezone: str, after: datetime) -> datetime:
    """The first time of `cron` after `after`, on the clocks of `timezone`.

    An hour that they skip fires just after it, one that they repeat fires once.
    """
    return next(CronSim(cron, after.astimezone(ZoneInfo(timezone))))


def first_due(cron: str, timezone: str, clock: Clock) -> dict[str, datetime]:
    """The columns of a schedule that begins now."""
    now = clock()
    fires_for = next_hour(cron, timezone, now)
    due_at = clock.until(fires_for - now)
    return {"fires_for": fires_for, "due_at": due_at, "next_at": due_at}


def following(found: Schedule, clock: Clock) -> dict[str, datetime]:
    """The columns of the next firing.

    With TIME_SCALE schedules run ahead of the clock: then the next hour is counted from the last one, or the waits
    would shrink to zero near an hour.
    """
    after = clock() if clock.scale == 1 else max(found.fires_for, clock())
    fires_for = next_hour(found.cron, found.timezone, after)
    due_at = clock.until(fires_for - after)
    return {"fires_for": fires_for, "due_at": due_at, "next_at": due_at}


async def add_schedule(
    db: AsyncConnection, new: NewSchedule, clock: Clock, *, mark: Mark | None = None
) -> bool:
    """Begin a schedule, unless there is one of this kind and subject (then False); `mark` is where it counts from."""
    row = asdict(new) | {"since": clock(), **first_due(new.cron, new.timezone, clock)}
    if mark is not None:
        row |= {"counted_to": mark.snapshot, "counted_at": mark.at}
    begun = insert(schedule).values(row).on_conflict_do_nothing().returning(schedule.c.since)
    return await db.scalar(begun) is not None


async def plan_new(db: AsyncConnection, clock: Clock) -> None:
    """Plan the schedules whose owner chose another hour: only the worker knows TIME_SCALE."""
    chosen = select(schedule).where(schedule.c.is_new, schedule.c.stopped_at.is_(None)).with_for_update()
    for row in (await db.execute(chosen)).all():
        found = read_schedule(row)
        await change(db, found, is_new=False, **following(found, clock))


async def run_due(pool: AsyncEngine, kinds: Mapping[str, Fire], prepare: Prepare, clock: Clock) -> int:
    """Fire what is due, one transaction each; returns how many."""
    clock = clock.stopped()
    async with pool.begin() as db:
        await prepare(db, clock)
    done = 0
    while done < BATCH and await _fire_next(pool, kinds, clock):
        done += 1
    return done


async def _fire_next(pool: AsyncEngine, kinds: Mapping[str, Fire], clock: Clock) -> bool:
    """One firing; False when nothing is due.

    1. Claim the oldest one due that no other worker holds. All later reads are of one snapshot.
    2. In quiet hours, put it off to the morning.
    3. Fire, unless it is too late to be of use; write the firing and the next time; commit all together.

    An error rolls back this schedule only: it is retried later, and the others go on.
    """
    found: Schedule | None = None
    try:
        async with pool.connect() as connection:
            db = await connection.execution_options(isolation_level="REPEATABLE READ")
            async with db.begin():
                found = await _claim(db, clock())
                if found is not None:
                    await _fire(db, kinds[found.kind], found, clock)
    except DBAPIError as fault:
        if getattr(fault.orig, "sqlstate", "") == COLLIDED:
            return True
        await _put_off(pool, found, fault, clock)
    except Exception as fault:
        await _put_off(pool, found, fault, clock)
    return found is not None


async def _claim(db: AsyncConnection, now: datetime) -> Schedule | None:
    due = (
        select(schedule)
        .where(schedule.c.next_at <= now, schedule.c.stopped_at.is_(None), sa.not_(schedule.c.is_new))
        .order_by(schedule.c.next_at, schedule.c.mutuelle_id, schedule.c.subject)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await db.execute(due)).one_or_none()
    return read_schedule(row) if row else None


def read_schedule(row: Row[tuple[Any, ...]]) -> Schedule:
    """A row of the table."""
    fields = row._mapping
    return Schedule(**{name: fields[name] for name in Schedule.__dataclass_fields__})


async def _fire(db: AsyncConnection, fire: Fire, found: Schedule, clock: Clock) -> None:
    now = clock()
    morning = day_hours_from(now, found.timezone)
    # With TIME_SCALE there are no quiet hours.
    if morning > now and clock.scale == 1 and found.kind not in AT_NIGHT:
        await change(db, found, next_at=morning)
        return
    too_late = now - found.due_at > clock.scaled(LATEST)
    messages = 0 if too_late else await fire(db, found, now)
    row = {
        "mutuelle_id": found.mutuelle_id,
        "kind": found.kind,
        "subject": found.subject,
        "fired_for": found.fires_for,
        "fired_at": now,
        "outcome": "too late" if too_late else "done",
        "messages": messages,
    }
    await db.execute(insert(firing), row)
    await change(db, found, **following(found, clock))
    log.info(
        "schedule.fired",
        extra={
            "mutuelle": found.mutuelle_id,
            "kind": found.kind,
            "outcome": row["outcome"],
            "messages": messages,
        },
    )


async def _put_off(pool: AsyncEngine, found: Schedule | None, fault: Exception, clock: Clock) -> None:
    if found is None:
        raise fault
    async with pool.begin() as db:  # first: without PostgreSQL the schedule is not at fault
        await change(db, found, next_at=clock.until(RETRY))
    log.error("schedule.failed", exc_info=fault, extra={"mutuelle": found.mutuelle_id, "kind": found.kind})


async def change(db: AsyncConnection, found: Schedule, **values: object) -> None:
    """Update the row of a schedule, if it still waits for the same hour."""
    await db.execute(update(schedule).where(*_of_schedule(found)).values(**values))


def _of_schedule(found: Schedule) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        schedule.c.mutuelle_id == found.mutuelle_id,
        schedule.c.kind == found.kind,
        schedule.c.subject == found.subject,
        schedule.c.fires_for == found.fires_for,
    )


async def end(db: AsyncConnection, found: Schedule) -> None:
    """Delete a schedule whose subject is gone. Its firings stay."""
    await db.execute(delete(schedule).where(*_of_schedule(found)))
