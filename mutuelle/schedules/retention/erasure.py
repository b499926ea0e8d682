"""The erasure of a household that left: names and phones go, its number and all that hangs on it stay.

The database refuses it before its term, or while money or a claim is open (`migrations/schema/personal_data.sql`). The
change is noted and recorded as any other, so that the sealed record agrees with what is left.
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.acts import By
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.households import Household, find_household, lock_household
from mutuelle.households.support_acts import ERASE, NewSupportAct, SupportError, write_act

FAULTS = {
    "open": "household {number} is a member: it leaves first, or `keneya household close {number}`",
    "erased": "household {number} is erased already",
    "money": "household {number} has credit or a debt: give it back, or waive it, first",
    "payment": "a payment of household {number} is under way: wait until it is settled",
    "payout": "a payout to household {number} or one of its phones is under way: wait until it has ended",
    "case": "something is not settled for household {number} or one of its phones: a case, a dispute or a proposal",
    "undecided": "its mutuelle has not decided how long data is kept after a household has left: two treasurers set the"
    " limit `years_kept` by phone (home 7, 7) once they know what the law asks",
    "term": "the term of household {number} is not over: its mutuelle keeps data for `years_kept` years",
}
_FAULT = text("select erasure_fault(:mutuelle, :number, :at)")
_ERASE = text("select erase_household(:mutuelle, :number, :at)")
_DUE = text(
    """select h.number from household h
        where h.mutuelle_id = :mutuelle and h.closed_at is not null and h.erased_at is null
          and h.closed_at < cast(:at as timestamptz) - make_interval(years => (
              select nullif(l.value, 0) from mutuelle_limit l
               where l.mutuelle_id = h.mutuelle_id and l.name = 'years_kept' and l.since <= cast(:at as date)
               order by l.since desc, l.version desc limit 1)::int)
          and erasure_fault(h.mutuelle_id, h.number, :at) is null
        order by h.closed_at, h.number limit :most"""
)


async def erase_household(db: AsyncConnection, number: str, by: By) -> Household:
    """Erase names and phones of a closed household; SupportError says why it is not the time. It cannot be undone."""
    await lock_household(db, number)
    household = await find_household(db, number, closed=True)
    if household is None:
        raise SupportError(f"no household has the number {number}")
    facts = {"mutuelle": household.mutuelle_id, "number": number, "at": by.at}
    fault = await db.scalar(_FAULT, facts)
    if fault is not None:
        raise SupportError(FAULTS[fault].format(number=number))
    await db.execute(_ERASE, facts)
    await note_change(db, household, Change.ERASED, detail="", by=by)
    await write_act(db, NewSupportAct(ERASE, number, household), by)
    return household


async def due_for_erasure(db: AsyncConnection, mutuelle_id: str, at: datetime, most: int) -> list[str]:
    """The numbers of at most so many households whose term is over, the first that left first."""
    return list(await db.scalars(_DUE, {"mutuelle": mutuelle_id, "at": at, "most": most}))
