"""The mutuelles on the service and the places each of them serves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from rapidfuzz import fuzz
from sqlalchemy import ARRAY, Row, Text, any_, bindparam, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import _
from mutuelle.dates import local_date
from mutuelle.tables import mutuelle, officer, place
from prepared import Prepared
from talk.phones import region_of, shown_phone
from talk.questions import initials, words_of
from talk.words import Caller

WAYS_TO_PAY = ("merchant_code", "least_cash_minor")  # of a mutuelle: may change, nobody agrees to them
LIKE_ENOUGH = 80  # of 100: one letter wrong, missing or exchanged in a name of five or more
BEFORE_A_PLACE = _("OF THE IN AT FOR")
P = TypeVar("P", bound="Place")


@dataclass(frozen=True)
class Mutuelle:
    """`id` is its short code and leads every key; `benefits` are its own words for what it pays.

    `merchant_code` is an operator's, to which members pay by themselves, if it has one. `least_cash_minor` is the
    smallest part that is taken in cash; without it, what its products say.
    """

    id: str
    prefix: int
    name: str
    town: str
    country: str
    currency: str
    timezone: str
    complaints_phone: str
    benefits: str
    merchant_code: str | None = None
    least_cash_minor: int | None = None

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
class PlaceNear(Place):
    """A place in a list of several mutuelles' places.

    `shared_by` is its mutuelle's name if the place's name occurs in several mutuelles; else empty.
    """

    shared_by: str

    @property
    def label(self) -> str:
        return f"{self.name}, {self.shared_by}" if self.shared_by else self.name


@dataclass(frozen=True)
class Officer:
    """Someone who acts for a mutuelle, by role."""

    role: str
    phone: str
    name: str


def mutuelle_of(row: Row[Any]) -> Mutuelle:
    """The mutuelle in a row that has its columns."""
    fields = row._mapping
    return Mutuelle(**{name: fields[name] for name in Mutuelle.__dataclass_fields__})


async def get_mutuelle(db: AsyncConnection, mutuelle_id: str) -> Mutuelle:
    """The mutuelle with this code; LookupError if there is none."""
    return (await get_mutuelles(db, [mutuelle_id]))[mutuelle_id]


async def get_mutuelles(db: AsyncConnection, mutuelle_ids: Collection[str]) -> dict[str, Mutuelle]:
    """The mutuelles with these codes, by code; LookupError if there is none for one of them."""
    rows = await _BY_ID.rows(db, {"ids": list(mutuelle_ids)})
    found = {row[0]: Mutuelle(*row) for row in rows}
    if missing := set(mutuelle_ids) - set(found):
        raise LookupError(", ".join(sorted(missing)))
    return found


_BY_ID = Prepared(
    select(*(mutuelle.c[name] for name in Mutuelle.__dataclass_fields__)).where(
        mutuelle.c.id == any_(bindparam("ids", type_=ARRAY(Text)))
    )
)


async def mutuelles(db: AsyncConnection) -> list[Mutuelle]:
    """All mutuelles, by name."""
    return [mutuelle_of(row) for row in await db.execute(select(mutuelle).order_by(mutuelle.c.name))]


async def mutuelles_near(db: AsyncConnection, caller: Caller) -> list[Mutuelle]:
    """The mutuelles of the caller's country, or all of them where it has none."""
    everywhere = await mutuelles(db)
    country = region_of(caller.phone)
    return [m for m in everywhere if m.country == country] or everywhere


async def places_near(db: AsyncConnection, caller: Caller) -> list[PlaceNear]:
    """The places a caller may live in: those served in the caller's country, by name.

    A name that occurs in several mutuelles is shown with the mutuelle's, so that nobody joins the wrong one.
    """
    return told_apart(await _PLACES_NEAR.rows(db, {"near": region_of(caller.phone)}))


def told_apart(rows: Sequence[Sequence[str]]) -> list[PlaceNear]:
    """The places of these rows (mutuelle's code, place's code, its name, mutuelle's name), each with its own label."""
    serving: dict[str, set[str]] = {}
    for mutuelle_id, _id, name, _mutuelle in rows:
        serving.setdefault(name, set()).add(mutuelle_id)
    return [
        PlaceNear(owner, key, name, mutuelle_name if len(serving[name]) > 1 else "")
        for owner, key, name, mutuelle_name in rows
    ]


_ANY = mutuelle.alias("any_near")
_NEAR = bindparam("near", type_=Text)
_PLACES_NEAR = Prepared(
    select(place.c.mutuelle_id, place.c.id, place.c.name, mutuelle.c.name.label("mutuelle_name"))
    .join(mutuelle, mutuelle.c.id == place.c.mutuelle_id)
    .where((mutuelle.c.country == _NEAR) | ~exists(select(_ANY.c.id).where(_ANY.c.country == _NEAR)))
    .order_by(place.c.name, place.c.mutuelle_id)
)


async def places_of(db: AsyncConnection, mutuelle_ids: list[str]) -> list[PlaceNear]:
    """The places that these mutuelles serve, by name, and by mutuelle where names are equal."""
    rows = await db.execute(
        select(place.c.mutuelle_id, place.c.id, place.c.name, mutuelle.c.name)
        .join(mutuelle, mutuelle.c.id == place.c.mutuelle_id)
        .where(place.c.mutuelle_id.in_(mutuelle_ids))
        .order_by(place.c.name, place.c.mutuelle_id)
    )
    return told_apart(rows.all())


def places_named(places: Sequence[P], typed: str) -> list[P]:
    """Those whose name, or a word of it, begins as `typed`; else those spelt nearly so. "De" in front is no name."""
    meant = initials(typed).split()
    while meant and (spoken := " ".join(meant)):
        named = [(initials(place.name), place) for place in places]
        found = [place for name, place in named if f" {name}".find(f" {spoken}") >= 0]
        found = found or [place for name, place in named if fuzz.ratio(name, spoken) >= LIKE_ENOUGH]
        if found or meant[0] not in words_of(BEFORE_A_PLACE):
            return found
        del meant[0]
    return []


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
