"""A household asks for a copy of what is kept of it; an officer prints it (`keneya extract`) and hands it out.

Both are changes noted beside the household: it reads them under `who changed what`.
"""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.acts import By
from mutuelle.dates import local_date
from mutuelle.household_key import of_household, same_household
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.households import Household, lock_household, own_household
from mutuelle.officers.appointments import tell_treasurers
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import household as household_table
from mutuelle.tables import household_change
from mutuelle.tables import mutuelle as mutuelles
from talk.trouble import RefusedError
from talk.words import Caller

MOST_LISTED = 200


@dataclass(frozen=True)
class CopyAsked:
    """A copy that a household waits for, and since which day."""

    mutuelle_id: str
    number: str
    asked_at: datetime
    on: date


_asked, _given = household_change.alias("asked"), household_change.alias("given")
_WAITING = (
    select(_asked.c.mutuelle_id, _asked.c.number, _asked.c.changed_at, mutuelles.c.timezone)
    .join(mutuelles, mutuelles.c.id == _asked.c.mutuelle_id)
    .where(
        _asked.c.what == Change.COPY_ASKED,
        sa.not_(
            sa.exists().where(
                same_household(_given, _asked),
                _given.c.what == Change.COPY_GIVEN,
                _given.c.position > _asked.c.position,
            )
        ),
    )
    .order_by(_asked.c.changed_at, _asked.c.number)
)


async def copy_asked(db: AsyncConnection, household: Household) -> CopyAsked | None:
    """The copy that this household waits for, if any."""
    rows = await _copies(db, _WAITING.where(of_household(_asked, household)))
    return rows[0] if rows else None


async def copies_asked(db: AsyncConnection) -> list[CopyAsked]:
    """The copies that open households wait for, the oldest first."""
    of_open = _WAITING.join(household_table, same_household(household_table, _asked))
    return await _copies(db, of_open.where(household_table.c.closed_at.is_(None)).limit(MOST_LISTED))


async def _copies(db: AsyncConnection, asked: sa.Select[str, str, datetime, str]) -> list[CopyAsked]:
    return [
        CopyAsked(mutuelle_id, number, at, local_date(at, zone))
        for mutuelle_id, number, at, zone in await db.execute(asked)
    ]


async def ask_copy(db: AsyncConnection, caller: Caller, *, number: str) -> None:
    """Write down that the caller asks for a copy, and tell the treasurers; RefusedError while one is waited for."""
    await lock_household(db, number)
    household = await own_household(db, caller, number)
    if await copy_asked(db, household):
        raise RefusedError(_("Your copy is asked for already."))
    position = await note_change(
        db, household, Change.COPY_ASKED, detail="", by=By(caller.phone, "asked by call", caller.at)
    )
    mutuelle, said = await get_mutuelle(db, household.mutuelle_id), copy_wanted(household)
    await tell_treasurers(db, mutuelle, "copy asked", said, caller.at, f"{number} {position}")


def copy_wanted(household: Household) -> Sentence:
    """To the treasurers: what to have printed, and to whom alone it is given."""
    return _(
        "{mutuelle}: household {number} asks for a copy of its data. Have it printed (keneya extract) "
        "and give it to the head of the household only.",
        mutuelle=household.mutuelle_name,
        number=household.shown_number,
    )
