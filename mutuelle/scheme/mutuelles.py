"""The mutuelles on the service and the places each of them serves."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ARRAY, Row, Text, any_, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.dates import local_date
from mutuelle.tables import mutuelle, officer, place
from talk.phones import region_of, shown_phone
from talk.words import Caller


@dataclass(frozen=True)
class Mutuelle:
    """`id` is its short code and leads every key; `benefits` are its own words for what it pays."""

    id: str
    prefix: int
    name: str
    town: str
    country: str
    currency: str
    timezone: str
    complaints_phone: str
    benefits: str

    @property
    def key(self) -> str:
        return self.id

    @property
    def label(self) -> str:
        return self.name

    @property
    def complaints(self) -> str:
        """The number to call with a complaint, in national form."""
        return shown_phone(self.complaints_phone)

    def today(self, at: datetime) -> date:
        """The calendar day at `at` in the mutuelle's zone."""
        return local_date(at, self.timezone)


@dataclass(frozen=True)
class Place:
    """A village or quarter that a mutuelle serves; `name` is the place's own name."""

    mutuelle_id: str
    id: str
    name: str

    @property
    def key(self) -> str:
        return f"{self.mutuelle_id} {self.id}"

    @property
    def label(self) -> str:
        return self.name


@dataclass(frozen=True)
class SharedPlace(Place):
    """A place whose name occurs in several mutuelles: a list shows it with the mutuelle's."""

    mutuelle_name: str

    @property
    def label(self) -> str:
        return f"{self.name}, {self.mutuelle_name}"


@dataclass(frozen=True)
class Officer:
    """Someone who acts for a mutuelle, by role."""

    role: str
    phone: str
    name: str


def _mutuelle(row: Row[tuple[object, ...]]) -> Mutuelle:
    fields = row._mapping
    return Mutuelle(**{name: fields[name] for name in Mutuelle.__dataclass_fields__})


async def get_mutuelle(db: AsyncConnection, mutuelle_id: str) -> Mutuelle:
    """The mutuelle with this code; LookupError if there is none."""
    return (await get_mutuelles(db, [mutuelle_id]))[mutuelle_id]


async def get_mutuelles(db: AsyncConnection, mutuelle_ids: Collection[str]) -> dict[str, Mutuelle]:
    """The mutuelles with these codes, by code; LookupError if there is none for one of them."""
    wanted = select(mutuelle).where(mutuelle.c.id == any_(literal(list(mutuelle_ids), ARRAY(Text))))
    found = {row.id: _mutuelle(row) for row in await db.execute(wanted)}
    if missing := set(mutuelle_ids) - set(found):
        raise LookupError(", ".join(sorted(missing)))
    return found


async def mutuelles(db: AsyncConnection) -> list[Mutuelle]:
    """All mutuelles, by name."""
    return [_mutuelle(row) for row in await db.execute(select(mutuelle).order_by(mutuelle.c.name))]


async def mutuelles_near(db: AsyncConnection, caller: Caller) -> list[Mutuelle]:
    """The mutuelles of the caller's country, or all of them where it has none."""
    everywhere = await mutuelles(db)
    country = region_of(caller.phone)
    return [m for m in everywhere if m.country == country] or everywhere


async def places_near(db: AsyncConnection, caller: Caller) -> list[Place]:
    """The places a caller may live in: those served in the caller's country, by name.

    A name that occurs in several mutuelles is shown with the mutuelle's, so that nobody joins the wrong one.
    """
    near = {m.id: m.name for m in await mutuelles_near(db, caller)}
    places = await places_of(db, list(near))
    serving: dict[str, set[str]] = {}
    for one in places:
        serving.setdefault(one.name, set()).add(one.mutuelle_id)
    return [
        SharedPlace(one.mutuelle_id, one.id, one.name, near[one.mutuelle_id])
        if len(serving[one.name]) > 1
        else one
        for one in places
    ]


async def places_of(db: AsyncConnection, mutuelle_ids: list[str]) -> list[Place]:
    """The places that these mutuelles serve, by name."""
    rows = await db.execute(
        select(place.c.mutuelle_id, place.c.id, place.c.name)
        .where(place.c.mutuelle_id.in_(mutuelle_ids))
        .order_by(place.c.name, place.c.mutuelle_id)
    )
    return [Place(*row) for row in rows]


async def treasurers(db: AsyncConnection, mutuelle_id: str, today: date) -> list[Officer]:
    """The treasurers in office today."""
    rows = await db.execute(
        select(officer.c.role, officer.c.phone, officer.c.name)
        .where(
            officer.c.mutuelle_id == mutuelle_id,
            officer.c.role == "treasurer",
            officer.c.since <= today,
            (officer.c.until.is_(None)) | (officer.c.until >= today),
        )
        .order_by(officer.c.name)
    )
    return [Officer(*row) for row in rows]
