"""What stands against guessing: failed checks are counted, and close a household for a while or a facility for the day.

Nothing that was counted is deleted; a person may forgive it (docs/operations.md). Every check takes its facility's lock
before the household's, so that checks made at once are counted one by one.

Tries by SMS and by call are counted apart: anybody can forge the sender of an SMS, and a forger must not close the
calls of the doctor himself.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.care.tables import eligibility_check, failed_check
from mutuelle.locks import Lock, lock
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.tables import doctor, mutuelle
from talk.keywords import BY_MESSAGE
from talk.words import Caller

log = logging.getLogger("keneya.mutuelle")

WRONG_A_HOUSEHOLD = 3  # within LOCK_WINDOW: then no check of it is answered for LOCK
LOCK_WINDOW = LOCK = timedelta(minutes=15)
WRONG_A_FACILITY = 30  # a day: then its doctors go on tomorrow
CHECKS_A_DOCTOR = 300  # a day, answered ones
GUESSES = ("number", "code", "expired")  # a code shown twice was no guess; a try while locked learnt nothing


@dataclass(frozen=True)
class DoctorAtFacility:
    """Where a doctor asks from: his facility under contract with `mutuelle`, by SMS or by a call."""

    mutuelle: Mutuelle
    doctor_phone: str
    facility_id: str
    by_message: bool

    @property
    def same_way(self) -> sa.ColumnElement[bool]:
        """The failed checks that came as this one does."""
        return (failed_check.c.channel == BY_MESSAGE) == self.by_message

    def midnight(self, at: datetime) -> datetime:
        """When the day of `at` began where the mutuelle is."""
        there = at.astimezone(ZoneInfo(self.mutuelle.timezone))
        return there.replace(hour=0, minute=0, second=0, microsecond=0)


async def desk_for(
    db: AsyncConnection, caller: Caller, mutuelles: Sequence[str], number: str
) -> DoctorAtFacility:
    """The desk of a calling doctor of `mutuelles` for a member number: by the number's own first digits.

    Never by whether a household has it: which facility's limits are met must not tell.
    """
    named = await db.scalar(
        select(mutuelle.c.id).where(mutuelle.c.id.in_(mutuelles), mutuelle.c.prefix == int(number[:3]))
    )
    return await open_desk(db, caller, named or mutuelles[0])


async def open_desk(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> DoctorAtFacility:
    """The desk of a doctor in office. Until the transaction ends, nobody else checks from this facility."""
    mine = (doctor.c.mutuelle_id == mutuelle_id) & (doctor.c.phone == caller.phone)
    facility_id = (await db.scalars(select(doctor.c.facility_id).where(mine))).one()
    await lock(db, Lock.CHECKS, mutuelle_id, facility_id)
    by_message = caller.gateway == BY_MESSAGE
    return DoctorAtFacility(await get_mutuelle(db, mutuelle_id), caller.phone, facility_id, by_message)


async def is_stopped(db: AsyncConnection, desk: DoctorAtFacility, at: datetime) -> bool:
    """Whether the facility has had its day's wrong ones; those that met a locked household count too."""
    counted = failed_check.c.reason.in_((*GUESSES, "locked")) & failed_check.c.forgiven_at.is_(None)
    wrong = await db.scalar(
        select(sa.func.count())
        .select_from(failed_check)
        .where(
            failed_check.c.mutuelle_id == desk.mutuelle.id,
            failed_check.c.facility_id == desk.facility_id,
            failed_check.c.tried_at >= desk.midnight(at),
            desk.same_way,
            counted,
        )
    )
    return (wrong or 0) >= WRONG_A_FACILITY


async def is_used_up(db: AsyncConnection, desk: DoctorAtFacility, at: datetime) -> bool:
    """Whether the doctor has had his day's answers."""
    answered = await db.scalar(
        select(sa.func.count())
        .select_from(eligibility_check)
        .where(
            eligibility_check.c.mutuelle_id == desk.mutuelle.id,
            eligibility_check.c.doctor_phone == desk.doctor_phone,
            eligibility_check.c.asked_at >= desk.midnight(at),
        )
    )
    return (answered or 0) >= CHECKS_A_DOCTOR


async def is_locked(db: AsyncConnection, desk: DoctorAtFacility, number: str, at: datetime) -> bool:
    """Whether checks of this member number wait. Tries meanwhile do not count: they cannot prolong it."""
    wrong = await db.scalars(
        select(failed_check.c.tried_at)
        .where(
            failed_check.c.mutuelle_id == desk.mutuelle.id,
            failed_check.c.number == number,
            failed_check.c.tried_at > at - LOCK_WINDOW - LOCK,
            desk.same_way,
            failed_check.c.reason.in_(GUESSES),
            failed_check.c.forgiven_at.is_(None),
        )
        .order_by(failed_check.c.tried_at)
    )
    return locked(wrong.all(), at)


def locked(wrong: Sequence[datetime], at: datetime) -> bool:
    """Whether three of `wrong` (oldest first) lie within the window, the last of them less than LOCK ago."""
    thirds = zip(wrong, islice(wrong, WRONG_A_HOUSEHOLD - 1, None), strict=False)
    return any(third - first <= LOCK_WINDOW and at < third + LOCK for first, third in thirds)


async def count_failure(
    db: AsyncConnection, caller: Caller, desk: DoctorAtFacility, number: str, reason: str
) -> None:
    """Keep a check that was not answered. The one that uses up its facility's day is an event for a person."""
    row = {
        "mutuelle_id": desk.mutuelle.id,
        "number": number,
        "doctor_phone": desk.doctor_phone,
        "facility_id": desk.facility_id,
        "channel": caller.gateway,
        "reason": reason,
        "tried_at": caller.at,
    }
    await db.execute(insert(failed_check), row)
    if await is_stopped(db, desk, caller.at):
        facts = {"mutuelle": desk.mutuelle.id, "facility": desk.facility_id, "channel": caller.gateway}
        log.warning("check.facility_stopped", extra=facts)
