"""Jobs by the clock, and the schedules that every treasurer and mutuelle has from the first day.

A new treasurer gets a digest every Monday morning until she chooses otherwise, and is notified of it: nobody reads a
summary that must be asked for.
"""

from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.positions import mark_now
from ledger.seals import seal_block
from locales import Sentence, _, render
from mutuelle.contributions.operator_balances import END_OF_DAY, wish_balances
from mutuelle.dates import FIRST_HOUR, LAST_HOUR, day_hours_from, local_date
from mutuelle.enrolment.paid_for import renew_paid_for
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.schedules.digest.digest import DIGEST, send_digest, weekly
from mutuelle.schedules.reminders.run import REMINDERS, send_reminders
from mutuelle.schedules.retention.run import EVERY_DAY, RETENTION, keep_retention
from mutuelle.schedules.schedules import BALANCES, NewSchedule, Schedule, add_schedule, plan_new, run_due
from mutuelle.schedules.tables import schedule
from mutuelle.scheme.limits import limits_of
from mutuelle.tables import mutuelle, officer
from sms.outbox import Message, enqueue
from talk.answers import Kind
from talk.figures import groups
from talk.preferences import language_of
from talk.trouble import InvalidError
from talk.words import Caller
from timing import Clock


async def every_morning(db: AsyncConnection, due: Schedule, now: datetime) -> int:
    """Renew what payers owe whole, then remind the others: nobody is asked for what another pays."""
    renewed = await renew_paid_for(db, due.mutuelle_id, now)
    return renewed + await send_reminders(db, due, now)


async def every_night(db: AsyncConnection, due: Schedule, now: datetime) -> int:
    """Wish for what operators say that the mutuelle's accounts hold, at the end of its day; nobody is written to."""
    await wish_balances(db, due.mutuelle_id, END_OF_DAY, now)
    return 0


FIRES = {
    DIGEST: send_digest,
    REMINDERS: every_morning,
    RETENTION: keep_retention,
    BALANCES: every_night,
}
END_OF_THE_DAY = "50 23 * * *"
EVERY_MORNING = "0 9 * * *"  # when phones are charged and markets open
OF_A_MUTUELLE = {REMINDERS: EVERY_MORNING, RETENTION: EVERY_DAY, BALANCES: END_OF_THE_DAY}
OF_MUTUELLE = "*"  # the subject of jobs for a whole mutuelle


def _hour(typed: str) -> int:
    figures = [int(group) for group in groups(typed)]
    if len(figures) not in (1, 2) or any(figures[1:]) or not FIRST_HOUR <= figures[0] < LAST_HOUR:
        raise InvalidError(_("From 7 to 19, please."))
    return figures[0]


day_hour = Kind("hour", _hour, good=("à 7 h 00",), bad=("", "6", "20", "midi"))


async def run_schedules(pool: AsyncEngine, clock: Clock) -> int:
    """Run all schedules that are due; returns how many were."""
    return await run_due(pool, FIRES, begin_schedules, clock)


async def begin_schedules(db: AsyncConnection, clock: Clock) -> None:
    """Begin a schedule for every treasurer and mutuelle without one, and seal the books whose digests are due.

    Sealed before the digest is made, because its snapshot must include the seal.
    """
    now = clock()
    for mutuelle_id, name, timezone, phone in (await db.execute(_treasurers_without(now))).all():
        hour = (await limits_of(db, mutuelle_id, local_date(now, timezone))).digest_hour
        new = NewSchedule(mutuelle_id, DIGEST, phone, weekly(hour), timezone)
        if await add_schedule(db, new, clock, mark=await mark_now(db)):
            await _announce(db, new, digest_begins(name, hour), clock)
    await plan_new(db, clock)
    for mutuelle_id, timezone, kind in (await db.execute(_MUTUELLES_WITHOUT)).all():
        await add_schedule(
            db, NewSchedule(mutuelle_id, kind, OF_MUTUELLE, OF_A_MUTUELLE[kind], timezone), clock
        )
    for mutuelle_id in (await db.scalars(_digests_due(now))).all():
        await seal_block(db, mutuelle_id)


def _treasurers_without(now: datetime) -> sa.Select[str, str, str, str]:
    today = sa.cast(
        sa.func.timezone(mutuelle.c.timezone, sa.literal(now, sa.DateTime(timezone=True))), sa.Date
    )
    has_one = sa.exists().where(
        schedule.c.mutuelle_id == officer.c.mutuelle_id,
        schedule.c.kind == DIGEST,
        schedule.c.subject == officer.c.phone,
    )
    return (
        select(mutuelle.c.id, mutuelle.c.name, mutuelle.c.timezone, officer.c.phone)
        .join(officer, officer.c.mutuelle_id == mutuelle.c.id)
        .where(
            officer.c.role == Role.TREASURER,
            officer.c.since <= today,
            officer.c.until.is_(None) | (officer.c.until >= today),
            sa.not_(has_one),
        )
        .order_by(mutuelle.c.id, officer.c.phone)
    )


_kinds = sa.values(sa.column("kind", sa.Text), name="kinds").data([(kind,) for kind in OF_A_MUTUELLE])
_MUTUELLES_WITHOUT = (
    select(mutuelle.c.id, mutuelle.c.timezone, _kinds.c.kind)
    .join(_kinds, sa.true())
    .where(
        sa.not_(sa.exists().where(schedule.c.mutuelle_id == mutuelle.c.id, schedule.c.kind == _kinds.c.kind))
    )
    .order_by(mutuelle.c.id, _kinds.c.kind)
)


def _digests_due(now: datetime) -> sa.Select[str]:
    due = (schedule.c.kind == DIGEST) & (schedule.c.next_at <= now) & schedule.c.stopped_at.is_(None)
    return select(schedule.c.mutuelle_id).where(due).distinct().order_by(schedule.c.mutuelle_id)


async def _announce(db: AsyncConnection, new: NewSchedule, words: Sentence, clock: Clock) -> None:
    now = clock()
    # With TIME_SCALE there are no quiet hours.
    due_at = day_hours_from(now, new.timezone) if clock.scale == 1 else now
    body = render(words, await language_of(db, new.subject))
    key = f"digest begins {uuid4()}"
    await enqueue(db, [Message(new.mutuelle_id, key, new.subject, "digest begins", body, due_at=due_at)], now)


def digest_begins(mutuelle_name: str, hour: int) -> Sentence:
    """To a new treasurer: what is sent when, what to answer, where to change it."""
    return _(
        "{mutuelle}: every Monday at {hour} the summary of your accounts comes. Answer OK, or ERR and why. "
        "Another hour, or none: dial, press 9.",
        mutuelle=mutuelle_name,
        hour=hour,
    )


async def choose_hour(
    db: AsyncConnection, caller: Caller, *, mutuelle_id: str, weekday: int | None, hour: int
) -> None:
    """Send the caller's digests at `hour` (7 to 19) every `weekday` (0 is Sunday), or every day without one."""
    if not FIRST_HOUR <= hour < LAST_HOUR:
        raise ValueError(f"a digest at {hour} would come in the night")
    cron = f"0 {hour} * * {'*' if weekday is None else weekday}"
    await _choose(db, caller, mutuelle_id, cron=cron, is_new=True, is_chosen=True, stopped_at=None)


async def stop_digests(db: AsyncConnection, caller: Caller, *, mutuelle_id: str) -> None:
    """Send the caller no digest of this mutuelle any more; BILAN is still answered."""
    await _choose(db, caller, mutuelle_id, stopped_at=caller.at)


async def _choose(db: AsyncConnection, caller: Caller, mutuelle_id: str, **chosen: object) -> None:
    """Change the caller's own schedule, after a firing that may be under way; counting goes on from the same mark."""
    appointment = await appointment_of(db, caller, mutuelle_id, Role.TREASURER)
    timezone = (
        await db.execute(select(mutuelle.c.timezone).where(mutuelle.c.id == appointment.mutuelle_id))
    ).scalar_one()
    # Where the worker has not seen the appointment yet, it will find the schedule begun.
    new = NewSchedule(mutuelle_id, DIGEST, caller.phone, weekly(FIRST_HOUR), timezone)
    await add_schedule(db, new, Clock.at(caller.at), mark=await mark_now(db))
    own = (
        (schedule.c.mutuelle_id == mutuelle_id)
        & (schedule.c.kind == DIGEST)
        & (schedule.c.subject == caller.phone)
    )
    await db.execute(update(schedule).where(own).values(**chosen))
