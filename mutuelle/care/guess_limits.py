"""Limits on guessing: failed checks are counted, and lock a household for a while or a facility for the day.

Nothing that was counted is deleted; a person may forgive it (docs/operations.md). Every check locks its facility before
the household, so that simultaneous checks are counted one by one.

Tries by SMS and by call are counted apart: anybody can forge the sender of an SMS, and a forger must not lock out the
doctor's own calls.
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

from mutuelle.benefits.rules import FacilityAgreement, agreed_level
from mutuelle.benefits.tables import agreement
from mutuelle.care.tables import failed_check
from mutuelle.locks import Lock, lock
from mutuelle.rows import rows_of
from mutuelle.scheme.limits import Limits, changes_of, read_changes
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.tables import doctor, facility, mutuelle
from prepared import Prepared
from talk.keywords import BY_MESSAGE
from talk.words import Caller

log = logging.getLogger("keneya.mutuelle")

WRONG_A_HOUSEHOLD = 3  # within LOCK_WINDOW: then no check of it is answered for LOCK
LOCK_WINDOW = LOCK = timedelta(minutes=15)
HALF_A_DAY = timedelta(hours=12)  # so long a doctor is where he last checked
# A used code is no guess, nor is the card of a household that said NO ("frozen"): it is the right one, and the year of
# birth must stay open. A check while locked reveals nothing. "card": a code of a card that is not in hand.
GUESSES = ("number", "code", "expired", "card", "year")


@dataclass(frozen=True)
class DoctorAtFacility:
    """A doctor who checks, his facility under contract with `mutuelle`, and his channel: SMS or call.

    `level`: that of the facility's agreement today; None where it has none.
    """

    mutuelle: Mutuelle
    doctor_phone: str
    facility_id: str
    level: str | None
    by_message: bool
    limits: Limits

    def midnight(self, at: datetime) -> datetime:
        """The start of the day of `at` in the mutuelle's time zone."""
        there = at.astimezone(ZoneInfo(self.mutuelle.timezone))
        return there.replace(hour=0, minute=0, second=0, microsecond=0)


async def facility_for(
    db: AsyncConnection, caller: Caller, mutuelles: Sequence[str], number: str, facility_id: str = ""
) -> DoctorAtFacility:
    """The contract of a calling doctor of `mutuelles` for a member number, by the number's prefix.

    Never by whether a household has the number: the limit that is met must not reveal it. The facility is locked:
    until the transaction ends, nobody else checks from it. Of a doctor with several facilities it is `facility_id`,
    else the one from which he last checked within HALF_A_DAY, else his own.
    """
    asked = {"mutuelles": mutuelles, "phone": caller.phone, "facility": facility_id}
    rows = await _CONTRACTS.rows(db, asked | {"since": caller.at - HALF_A_DAY})
    found = {row[0]: (Mutuelle(*row[:-4]), *row[-4:]) for row in rows}
    named = [owner.id for owner, *_more in found.values() if owner.prefix == int(number[:3])]
    owner, at_facility, own_level, agreed, changes = found[named[0] if named else mutuelles[0]]
    await lock(db, Lock.CHECKS, owner.id, at_facility)
    today = owner.today(caller.at)
    level = agreed_level([FacilityAgreement(*one) for one in agreed], own_level, today)
    limits = read_changes(changes).on(today)
    return DoctorAtFacility(owner, caller.phone, at_facility, level, caller.gateway == BY_MESSAGE, limits)


_WORKS_AT = """coalesce(
    (select x.facility_id from doctor_facility x
      where x.mutuelle_id = doctor.mutuelle_id and x.phone = doctor.phone and x.facility_id = cast(:facility as text)
        and (x.until is null or x.until >= cast(cast(:since as timestamptz) as date))),
    (select c.facility_id from eligibility_check c
      where cast(:facility as text) = '' and c.mutuelle_id = doctor.mutuelle_id and c.doctor_phone = doctor.phone
        and c.asked_at > cast(:since as timestamptz)
      order by c.asked_at desc limit 1),
    doctor.facility_id)"""
_CONTRACTS = Prepared(
    select(
        *(mutuelle.c[name] for name in Mutuelle.__dataclass_fields__),
        facility.c.id,
        facility.c.level,
        rows_of(
            select(*(agreement.c[name] for name in FacilityAgreement.__dataclass_fields__)).where(
                agreement.c.mutuelle_id == facility.c.mutuelle_id, agreement.c.facility_id == facility.c.id
            )
        ),
        sa.literal_column(changes_of("mutuelle.id"), sa.Text),
    )
    .join(doctor, doctor.c.mutuelle_id == mutuelle.c.id)
    .join(
        facility,
        (facility.c.mutuelle_id == doctor.c.mutuelle_id) & sa.text(f"facility.id = {_WORKS_AT}"),
    )
    .where(
        mutuelle.c.id == sa.any_(sa.bindparam("mutuelles", type_=sa.ARRAY(sa.Text))),
        doctor.c.phone == sa.bindparam("phone"),
    )
)


@dataclass(frozen=True)
class MadeToday:
    """The day's checks: `wrong` of the facility, those of a locked household too; `answered` to the doctor; of these
    those `without_code`, and those at the facility (`without_code_here`), on the same channel.
    """

    wrong: int
    answered: int
    without_code: int
    without_code_here: int


async def made_today(db: AsyncConnection, asker: DoctorAtFacility, at: datetime) -> MadeToday:
    """What the doctor and the facility have asked since midnight."""
    who = {"mutuelle": asker.mutuelle.id, "facility": asker.facility_id, "doctor": asker.doctor_phone}
    asked = {"since": asker.midnight(at), "by_message": asker.by_message, "reasons": [*GUESSES, "locked"]}
    return MadeToday(*await _MADE.row(db, who | asked))


# Checks on the same channel, and those of them that failed.
_SAME_CHANNEL = f"(channel = '{BY_MESSAGE}') = :by_message"
_SAME_WAY = f"{_SAME_CHANNEL} and reason = any(:reasons) and forgiven_at is null"
_MADE = Prepared(
    sa.text(
        """
    select (select count(*) from failed_check
             where mutuelle_id = :mutuelle and facility_id = :facility and tried_at >= :since and SAME_WAY),
           mine.answered, mine.without_code,
           (select count(*) from eligibility_check
             where mutuelle_id = :mutuelle and facility_id = :facility and asked_at >= :since
               and code_position is null and SAME_CHANNEL)
      from (select count(*) as answered, count(*) filter (where code_position is null and SAME_CHANNEL) as without_code
              from eligibility_check
             where mutuelle_id = :mutuelle and doctor_phone = :doctor and asked_at >= :since) mine
    """.replace("SAME_WAY", _SAME_WAY).replace("SAME_CHANNEL", _SAME_CHANNEL)
    )
)


async def is_locked(db: AsyncConnection, asker: DoctorAtFacility, number: str, at: datetime) -> bool:
    """Whether checks of this member number are locked. Checks meanwhile do not count: they cannot prolong the lock."""
    asked = {"mutuelle": asker.mutuelle.id, "number": number, "since": at - LOCK_WINDOW - LOCK}
    wrong = await _WRONG.rows(db, asked | {"by_message": asker.by_message, "reasons": list(GUESSES)})
    return locked([row[0] for row in wrong], at)


_WRONG = Prepared(
    sa.text(
        """
    select tried_at from failed_check
     where mutuelle_id = :mutuelle and number = :number and tried_at > :since and SAME_WAY order by tried_at
    """.replace("SAME_WAY", _SAME_WAY)
    )
)


def locked(wrong: Sequence[datetime], at: datetime) -> bool:
    """Whether three of `wrong` (oldest first) lie within the window, the last of them less than LOCK ago."""
    thirds = zip(wrong, islice(wrong, WRONG_A_HOUSEHOLD - 1, None), strict=False)
    return any(third - first <= LOCK_WINDOW and at < third + LOCK for first, third in thirds)


async def count_failure(
    db: AsyncConnection, caller: Caller, asker: DoctorAtFacility, number: str, reason: str
) -> None:
    """Record a failed check. The one that reaches its facility's daily limit is logged for a person."""
    row = {
        "mutuelle_id": asker.mutuelle.id,
        "number": number,
        "doctor_phone": asker.doctor_phone,
        "facility_id": asker.facility_id,
        "channel": caller.gateway,
        "reason": reason,
        "tried_at": caller.at,
    }
    await db.execute(insert(failed_check), row)
    made = await made_today(db, asker, caller.at)
    if made.wrong >= asker.limits.guesses_a_day:
        facts = {"mutuelle": asker.mutuelle.id, "facility": asker.facility_id, "channel": caller.gateway}
        log.warning("check.facility_stopped", extra=facts)
