"""Whose money a line is, by the member number in its note: the household's, or its heir's where it was merged."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.household_key import HouseholdKey
from mutuelle.households.households import lock_households
from mutuelle.households.support_acts import CLOSE, MERGE
from mutuelle.treasury.statements.files import AT_ONCE

LONGEST_WAY = 20  # merges one after the other: a household's heir may have one


class MeanwhileError(Exception):
    """What was read has changed before it was locked: nothing is done, and the same again will do."""


async def owners_of(db: AsyncConnection, mutuelle_id: str, numbers: Iterable[str]) -> dict[str, str]:
    """The household that has the money of each of these numbers; a number that no household has is left out."""
    asked = sorted(set(numbers))
    found: dict[str, tuple[bool, str | None]] = {}
    for start in range(0, len(asked), AT_ONCE):
        found |= await _found(db, mutuelle_id, asked[start : start + AT_ONCE])
    for _step in range(LONGEST_WAY):
        heirs = {heir for closed, heir in found.values() if closed and heir} - found.keys()
        if not heirs:
            break
        found |= await _found(db, mutuelle_id, sorted(heirs))
    return {number: _heir(number, found) for number in asked if number in found}


async def lock_owners(
    db: AsyncConnection, mutuelle_id: str, owners: dict[str, str], others: Iterable[str]
) -> None:
    """Lock the owners and `others`, all in one order; MeanwhileError where an owner has an heir by now."""
    numbers = {*owners.values(), *others}
    await lock_households(db, {HouseholdKey(mutuelle_id, number) for number in numbers})
    if await owners_of(db, mutuelle_id, owners) != owners:
        raise MeanwhileError("a household was merged or reopened at this moment: nothing was done, try again")


def _heir(number: str, found: dict[str, tuple[bool, str | None]]) -> str:
    for _step in range(LONGEST_WAY):
        closed, heir = found[number]
        if not closed or heir is None or heir not in found:
            break
        number = heir
    return number


async def _found(
    db: AsyncConnection, mutuelle_id: str, numbers: list[str]
) -> dict[str, tuple[bool, str | None]]:
    facts = {"mutuelle": mutuelle_id, "numbers": numbers, "merge": MERGE, "close": CLOSE}
    return {number: (closed, heir) for number, closed, heir in await db.execute(_FOUND, facts)}


# Of a household that is closed: into which it was merged, if that is how it was closed last.
_FOUND = text(
    """
    select h.number, h.closed_at is not null,
           case when h.closed_at is not null then
               (select case a.act when :merge then a.facts ->> 'into' end from support_act a
                 where a.mutuelle_id = h.mutuelle_id and a.number = h.number and a.act in (:merge, :close)
                 order by a.nth desc limit 1) end
      from unnest(cast(:numbers as text[])) as asked (number)
     cross join lateral (select * from household found
                          where found.mutuelle_id = :mutuelle and found.number = asked.number offset 0) h
    """
)
