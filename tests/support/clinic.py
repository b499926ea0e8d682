"""Facilities and doctors for the tests' town. Every name is invented."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle import tables
from mutuelle.officers.appointments import note_founders

DR_ROKIA, DR_SOULEYMANE = "+22376000041", "+22376000042"
CONTRACTED_ON = date(2025, 1, 1)


async def open_facility(
    db: AsyncConnection,
    *,
    code: str = "BEN",
    facility: str = "cscom",
    name: str = "CSCom Hèrè",
    place: str = "v1",
    phone: str = "+22376000031",
    hours: str = "lun-sam 8h-17h",
    services: Sequence[str] = ("general medicine", "deliveries"),
) -> None:
    """A facility at one of the mutuelle's places."""
    await db.execute(
        insert(tables.facility),
        {
            "mutuelle_id": code,
            "id": facility,
            "name": name,
            "level": "centre",
            "place_id": place,
            "phone": phone,
            "hours": hours,
            "services": list(services),
        },
    )


async def works_also_at(
    db: AsyncConnection,
    facility: str,
    phone: str = DR_ROKIA,
    *,
    code: str = "BEN",
    since: date = CONTRACTED_ON,
) -> None:
    """The doctor also sees patients at another facility."""
    row = {"mutuelle_id": code, "phone": phone, "facility_id": facility, "since": since}
    await db.execute(insert(tables.doctor_facility), row)


async def contract(
    db: AsyncConnection,
    phone: str = DR_ROKIA,
    name: str = "Dr Rokia Berthé",
    *,
    code: str = "BEN",
    facility: str = "cscom",
    languages: Sequence[str] = ("bm", "fr"),
    on: date = CONTRACTED_ON,
    until: date | None = None,
) -> None:
    """A referent doctor at a facility."""
    await db.execute(
        insert(tables.doctor),
        {
            "mutuelle_id": code,
            "phone": phone,
            "name": name,
            "facility_id": facility,
            "languages": list(languages),
            "contracted_on": on,
            "until": until,
        },
    )
    await note_founders(db, code, datetime.combine(on, time(), UTC))
