"""Where care is given: places with a doctor or a facility, and who can be seen there. Open to strangers.

The phone that is shown is the facility's. A doctor's own phone identifies him in a check: it is never shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import _
from mutuelle.benefits.tables import tariff
from mutuelle.scheme.mutuelles import Place, PlaceNear, get_mutuelle, places_named, told_apart
from mutuelle.tables import doctor, doctor_facility, facility, mutuelle, place
from talk.answers import Kind
from talk.phones import shown_phone
from talk.questions import initials
from talk.trouble import InvalidError
from talk.words import Caller

SHORTEST_WORD = 5  # letters of a name that is found among other words


@dataclass(frozen=True)
class Practice:
    """A doctor at a facility, or a facility without one (`doctor_phone` and `doctor` are empty).

    `languages` are ISO 639 codes, `services` some of `founding.rules.SERVICES`, `hours` the facility's own words.
    `has_prices`: whether it has told what it takes for care.
    """

    mutuelle_id: str
    facility_id: str
    doctor_phone: str
    doctor: str
    facility: str
    hours: str
    facility_phone: str
    languages: tuple[str, ...]
    services: tuple[str, ...]
    has_prices: bool

    @property
    def key(self) -> str:
        return f"{self.mutuelle_id} {self.doctor_phone or self.facility_id}"

    @property
    def label(self) -> str:
        return self.doctor or self.facility

    @property
    def phone(self) -> str:
        """The number to call, in national form."""
        return shown_phone(self.facility_phone)


def in_office(today: date | ColumnElement[date]) -> ColumnElement[bool]:
    """The condition: a doctor is under contract on that day."""
    return (doctor.c.contracted_on <= today) & or_(doctor.c.until.is_(None), doctor.c.until >= today)


AT_FACILITY = (facility.c.mutuelle_id == doctor.c.mutuelle_id) & (facility.c.id == doctor.c.facility_id)


def _also_at(today: date) -> ColumnElement[bool]:
    """The condition: the doctor sees patients at the facility, though it is not his own."""
    other = doctor_facility.c
    return (
        exists()
        .where(
            other.mutuelle_id == doctor.c.mutuelle_id,
            other.phone == doctor.c.phone,
            other.mutuelle_id == facility.c.mutuelle_id,
            other.facility_id == facility.c.id,
            other.since <= today,
            or_(other.until.is_(None), other.until >= today),
        )
        .correlate(doctor, facility)
    )


_PRICED = (
    exists()
    .where(tariff.c.mutuelle_id == facility.c.mutuelle_id, tariff.c.facility_id == facility.c.id)
    .correlate(facility)
)


async def places_of_care(db: AsyncConnection, mutuelles: Sequence[str]) -> list[PlaceNear]:
    """The places of these mutuelles that have a facility, by name, and by mutuelle where names are equal."""
    rows = await db.execute(
        select(place.c.mutuelle_id, place.c.id, place.c.name, mutuelle.c.name)
        .join(mutuelle, mutuelle.c.id == place.c.mutuelle_id)
        .join(facility, (facility.c.mutuelle_id == place.c.mutuelle_id) & (facility.c.place_id == place.c.id))
        .where(place.c.mutuelle_id.in_(mutuelles))
        .distinct()
        .order_by(place.c.name, place.c.mutuelle_id)
    )
    return told_apart(rows.all())


def _place(typed: str) -> str:
    letters = initials(typed)
    if sum(c.isalpha() for c in letters) < 2:
        raise InvalidError(_("Please type the name of the place in letters."))
    return letters


place_in_words = Kind(
    "place", _place, good=("sikasso", "Niéna-Sud", "je suis à sikasso"), bad=("", "7"), takes_rest=True
)


def places_called(places: Sequence[PlaceNear], typed: str) -> list[PlaceNear]:
    """The places of care that are called so, or nearly so, or stand among other words."""
    return places_named(places, typed) or [place for place in places if _is_among(place, typed.split())]


def _is_among(place: Place, words: Sequence[str]) -> bool:
    """Whether the place's name, its first word, or nearly so, is among the words that were typed."""
    name = initials(place.name)
    if f" {name} " in f" {' '.join(words)} ":
        return True
    long = [word for word in words if len(word) >= SHORTEST_WORD]
    return name.split()[0] in long or any(places_named([place], word) for word in long if word[0] == name[0])


async def practices_at(db: AsyncConnection, at: Place, today: date) -> list[Practice]:
    """The doctors in office at a place by name, then its facilities that have none."""
    rows = await db.execute(
        select(
            facility.c.mutuelle_id,
            facility.c.id,
            doctor.c.phone,
            doctor.c.name,
            facility.c.name,
            facility.c.hours,
            facility.c.phone,
            doctor.c.languages,
            facility.c.services,
            _PRICED,
        )
        .outerjoin_from(facility, doctor, or_(AT_FACILITY, _also_at(today)) & in_office(today))
        .where(facility.c.mutuelle_id == at.mutuelle_id, facility.c.place_id == at.id)
        .order_by(doctor.c.name.nulls_last(), facility.c.name, doctor.c.phone)
    )
    return [
        Practice(
            row[0],
            row[1],
            doctor_phone=row[2] or "",
            doctor=row[3] or "",
            facility=row[4],
            hours=row[5],
            facility_phone=row[6],
            languages=tuple(row[7] or ()),
            services=tuple(row[8]),
            has_prices=row[9],
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Workplace:
    """A facility where a doctor sees patients."""

    key: str
    label: str


async def workplaces_of(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> list[Workplace]:
    """Where the calling doctor sees patients of a mutuelle: his own facility first, then the others."""
    today = (await get_mutuelle(db, mutuelle_id)).today(caller.at)
    rows = await db.execute(
        select(facility.c.id, facility.c.name)
        .join_from(facility, doctor, or_(AT_FACILITY, _also_at(today)) & in_office(today))
        .where(doctor.c.mutuelle_id == mutuelle_id, doctor.c.phone == caller.phone)
        .order_by(facility.c.id != doctor.c.facility_id, facility.c.name)
    )
    return [Workplace(*row) for row in rows]
