"""Officers look up members of their own mutuelle, by name or by place: each look-up is one row, and limited a day.

What was read of which household is written down apart, for the household to read: who, when, of which kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import _
from mutuelle.dates import local_date
from mutuelle.households.households import Household
from mutuelle.households.tables import officer_lookup
from talk.limits import DAY, Limited, alarm_once, begun, is_noted, note_use, uses_since
from talk.trouble import RefusedError
from talk.words import Caller

LOOKUPS_A_DAY = 80  # of one officer: more than a collector visits
FOUND, WHO_OWES = "found", "who owes"  # by its number, phone or name; in a list of a place


async def note_lookup(db: AsyncConnection, caller: Caller, what: str) -> None:
    """Write down that the calling officer looks up `what` today (UTC), once; RefusedError past the day's limit.

    What was written down today is never refused: a call looks it up again before each confirmation.
    """
    today = begun(caller.at, DAY)
    mine = (Limited.MEMBER_LOOKED_UP, caller.phone, f"{today:%Y-%m-%d} {what}")
    used = await uses_since(db, Limited.MEMBER_LOOKED_UP, today, subject=caller.phone)
    if used >= LOOKUPS_A_DAY and not await is_noted(db, *mine):
        raise RefusedError(_("You have looked up many households today. Please go on tomorrow."))
    if await note_use(db, *mine, caller.at):
        alarm_once("members_looked_up_by_one", used + 1, LOOKUPS_A_DAY, phone=caller.phone)


async def note_read(
    db: AsyncConnection, caller: Caller, mutuelle_id: str, kind: str, subjects: Sequence[str]
) -> None:
    """Write down that the calling officer reads of these households (or, WHO_OWES, of these places); once a day."""
    rows = [
        {
            "mutuelle_id": mutuelle_id,
            "subject": subject,
            "looked_by": caller.phone,
            "kind": kind,
            "looked_on": begun(caller.at, DAY).date(),
            "looked_at": caller.at,
        }
        for subject in subjects
    ]
    if rows:
        await db.execute(insert(officer_lookup).values(rows).on_conflict_do_nothing())


@dataclass(frozen=True)
class HouseholdRead:
    """On which day somebody of the mutuelle read of a household: an officer by `role`, or support (no role)."""

    on: date
    role: str | None
    in_list: bool


async def reads_of(db: AsyncConnection, household: Household, limit: int) -> list[HouseholdRead]:
    """The last `limit` times that somebody read of a household, the newest first."""
    facts = {"mutuelle": household.mutuelle_id, "number": household.number, "limit": limit}
    rows = await db.execute(_READS, facts)
    return [HouseholdRead(local_date(at, zone), role, in_list) for at, role, in_list, zone in rows]


_READS = text(
    """
    select at, role, in_list, m.timezone from (
        select l.looked_at as at, l.kind = 'who owes' as in_list, coalesce((
               select min(o.role) from officer o where o.mutuelle_id = l.mutuelle_id and o.phone = l.looked_by
                  and l.looked_on between o.since and coalesce(o.until, 'infinity')), 'treasurer') as role
          from officer_lookup l join household h on h.mutuelle_id = l.mutuelle_id and h.number = :number
           and l.subject = case l.kind when 'who owes' then h.place_id else h.number end
           and l.looked_at >= h.enrolled_at
         where l.mutuelle_id = :mutuelle
        union all
        select s.done_at, false, null from support_act s
         where s.mutuelle_id = :mutuelle and s.number = :number and s.act in ('who', 'extract')) reads,
        mutuelle m where m.id = :mutuelle
     order by at desc limit :limit
    """
)
