"""Possible duplicates of a new household: the same phone, or nearly the same head in the same place.

The registering officer sees them and decides: two cousins may share a name, two households a phone. Only the
mutuelle's own households are looked at.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import permutations
from typing import Any

from rapidfuzz import fuzz
from sqlalchemy import ColumnElement, Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.dates import local_date
from mutuelle.households.member_numbers import shown_number
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.tables import household as household_table
from mutuelle.tables import household_phone, place
from talk.questions import initials

NEAR = 75  # of 100: one letter of four in a word
MISSING = 5  # for each word that one of two names has not
WORDS = 4  # of a name
SHORT_FORM = 4  # letters that may stand for a longer name
SHOWN = 3  # the nearest
SPELLINGS = (("OU", "U"), ("W", "U"), ("PH", "F"), ("QU", "K"), ("C", "K"), ("Q", "K"), ("Y", "I"), ("H", ""))

Head = Row[*tuple[Any, ...]]  # of `open_heads`


@dataclass(frozen=True)
class Near:
    """A household that may be the same: `near` is 100 for the same phone or name, `on` the day it was written."""

    number: str
    head_name: str
    place_name: str
    on: date
    near: int

    @property
    def shown_number(self) -> str:
        return shown_number(self.number)


@lru_cache(maxsize=65_536)  # the names of the largest mutuelles: a search hears all of them
def sounded(name: str) -> tuple[str, ...]:
    """The words of a name by their sound: Coulibaly and Koulibali, Ouattara and Watara are the same."""
    heard = initials(re.sub("['’]", "", name))
    for written, sound in SPELLINGS:
        heard = heard.replace(written, sound)
    return tuple(re.sub(r"(.)\1+", r"\1", heard).split()[:WORDS])


def likeness(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How near two names are, from 0 to 100, in any order of words: as near as their worst pair of words.

    By whole names Moussa and Issa Traoré would be nearer than two spellings of one. Each word that only one of them has
    costs a little.
    """
    few, many = sorted((one, other), key=lambda words: (len(words), words))
    if not few or any(max(_alike(word, each) for each in many) < NEAR for word in few):
        return 0  # a word without a near one: no order can be near
    best = max(min(map(_alike, few, order)) for order in permutations(many, len(few)))
    return max(best - MISSING * (len(many) - len(few)), 0)


def _alike(one: str, other: str) -> int:
    if min(len(one), len(other)) >= SHORT_FORM and (one.startswith(other) or other.startswith(one)):
        return 100 if one == other else 90  # Fatou for Fatoumata
    return round(fuzz.ratio(one, other))


async def near_households(
    db: AsyncConnection, mutuelle: Mutuelle, place_id: str, head_name: str, phone: str | None
) -> list[Near]:
    """The open households that may be the same as `head_name` of this place with this phone, the nearest first."""
    by_phone = await _with_phone(db, mutuelle, phone) if phone is not None else []
    of_place = await open_heads(db, mutuelle.id, household_table.c.place_id == place_id)
    by_name = [_near(row, mutuelle, near) for row, near in await called_nearly(of_place, head_name)]
    known = {near.number for near in by_phone}
    return [*by_phone, *(near for near in by_name if near.number not in known)][:SHOWN]


async def called_nearly(rows: Sequence[Head], name: str) -> list[tuple[Head, int]]:
    """The rows of heads whose names sound like `name`, with how near they are (100: the same), the nearest first."""
    return await asyncio.to_thread(_called_nearly, rows, name)  # a town has thousands of names


def _called_nearly(rows: Sequence[Head], name: str) -> list[tuple[Head, int]]:
    heard = sounded(name)
    near = {called: likeness(sounded(called), heard) for called in {row.head_name for row in rows}}
    best = [(row, near[row.head_name]) for row in rows if near[row.head_name] >= NEAR]
    return sorted(best, key=lambda found: (-found[1], found[0].head_name, found[0].number))


async def households_with_phone(db: AsyncConnection, mutuelle: Mutuelle, phone: str) -> list[Near]:
    """The open households of the mutuelle that have this phone."""
    return (await _with_phone(db, mutuelle, phone))[:SHOWN]


async def _with_phone(db: AsyncConnection, mutuelle: Mutuelle, phone: str) -> list[Near]:
    theirs = select(household_phone.c.number).where(
        household_phone.c.mutuelle_id == mutuelle.id, household_phone.c.phone == phone
    )
    rows = await open_heads(db, mutuelle.id, household_table.c.number.in_(theirs))
    return [_near(row, mutuelle, 100) for row in rows]


async def open_heads(db: AsyncConnection, mutuelle_id: str, which: ColumnElement[bool]) -> Sequence[Head]:
    """The open households of a mutuelle, the oldest first, each with its head and the name of its place."""
    rows = await db.execute(
        select(
            household_table.c.number,
            household_table.c.head_name,
            household_table.c.head_rank,
            household_table.c.enrolled_at,
            place.c.name,
        )
        .join(
            place,
            (place.c.mutuelle_id == household_table.c.mutuelle_id)
            & (place.c.id == household_table.c.place_id),
        )
        .where(household_table.c.mutuelle_id == mutuelle_id, household_table.c.closed_at.is_(None), which)
        .order_by(household_table.c.enrolled_at, household_table.c.number)
    )
    return rows.all()


def _near(row: Head, mutuelle: Mutuelle, near: int) -> Near:
    return Near(row.number, row.head_name, row.name, local_date(row.enrolled_at, mutuelle.timezone), near)
