"""A federation of so many households that have paid, and the officers of the first mutuelle: collectors and doctors.

It fills the founded mutuelle of the proofs, then others in another country: who joins here is offered two villages,
however large the federation is.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from string import ascii_uppercase
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import insert, text

from bench.databases import as_owner
from bench.engine import transaction
from bench.fill import FOLDED_AT_ONCE
from bench.homes import SETTLED_AGO_DAYS, Joined, settle
from bench.limit_calls import STATEMENTS
from bench.place import BenchPlace
from ledger.folding import fold
from mutuelle.acts import By
from mutuelle.care.codes import ALIVE
from mutuelle.care.codes import PURPOSE as CODE_PURPOSE
from mutuelle.care.tables import care_code
from mutuelle.founding.founding import (
    contract_doctors,
    found_mutuelle,
    list_facilities,
    open_routes,
    sell_products,
    serve_places,
)
from mutuelle.founding.rules import Doctor, Facility, Route, Sale
from mutuelle.officers.appointments import give_role
from mutuelle.officers.pins import PURPOSE, note_pin_change
from mutuelle.officers.roles import Appointment, NewOfficer, Role
from mutuelle.officers.tables import officer_pin
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.treasury.cash_in_hand import cash_in_hand_of, holder_of
from talk.keyring import Keyring
from torture.town import DAN, FAMILY, PLACES

PIN = "40713"
MOST_HERE = 1_000  # households of the first mutuelle; those who act join it
MOST_THERE = 90_000  # of every other: there are 100 000 member numbers
COLLECTORS = [f"+22379871{nth:03}" for nth in range(48)]
DOCTORS = [f"+22379872{nth:03}" for nth in range(48)]
CENTRE = Facility(
    "centre", "Centre de Kola", "centre", PLACES[0].id, "+22379870010", "8h-17h", ("vaccination",)
)
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


async def found_federation(place: BenchPlace, households: int, seals: Keyring) -> list[Joined]:
    """Write it all; some of its households, the first mutuelle's first, for calls. A million take some minutes."""
    here = min(households, MOST_HERE)
    homes = await settle(place, DAN, range(here))
    done, nth = here, 0
    while done < households:
        nth, many = nth + 1, min(MOST_THERE, households - done)
        print(f"calls: households {done:,} to {done + many:,} are written …", flush=True)
        there = await settle(place, await _found_neighbour(place, nth), range(done, done + many))
        homes += there[:: max(1, many // MOST_HERE)]
        done += many
    await appoint_collectors(place, COLLECTORS, seals)
    async with transaction(place.owner_url) as db:
        began = datetime.now(UTC) - timedelta(days=SETTLED_AGO_DAYS)
        await list_facilities(db, DAN, [CENTRE])
        doctors = [Doctor(phone, "Dr Keita", CENTRE.id, ("fr",)) for phone in DOCTORS]
        await contract_doctors(db, DAN, doctors, on=began.date(), at=began)
    await as_owner(
        place, *(STATEMENTS[name] for name in ("bench_covered", "bench_household", "bench_office"))
    )
    await as_owner(place, "select ledger.move_clock()")
    await _fold(place)
    await as_owner(place, "vacuum analyze")
    return homes


async def _fold(place: BenchPlace) -> None:
    """Every mutuelle's book at once: a worker would have done it day by day."""
    async with transaction(place.service_url) as db:
        for mutuelle in (await db.scalars(text("select id from mutuelle"))).all():
            await fold(db, mutuelle, FOLDED_AT_ONCE)


async def _found_neighbour(place: BenchPlace, nth: int) -> Mutuelle:
    """The same mutuelle once more, in Senegal, under a name and prefix of its own."""
    there = replace(
        DAN, id=f"N{ascii_uppercase[nth]}", prefix=200 + nth, name=f"Mutuelle {nth}", country="SN"
    )
    opened_on = (datetime.now(UTC) - timedelta(days=2 * SETTLED_AGO_DAYS)).date()
    async with transaction(place.owner_url) as db:
        await found_mutuelle(db, there, at=datetime.now(UTC))
        await serve_places(db, there, [replace(one, mutuelle_id=there.id) for one in PLACES])
        await sell_products(db, there, [Sale(replace(FAMILY, mutuelle_id=there.id), opened_on)])
        await open_routes(db, there, [Route("ML", "simulated")])
    return there


async def appoint_collectors(place: BenchPlace, phones: Sequence[str], seals: Keyring) -> None:
    """Collectors in office, each with a box and a PIN in use, its hash as cheap as argon2 makes it."""
    now = datetime.now(UTC)
    async with transaction(place.service_url) as db:
        for phone in phones:
            collector = NewOfficer(Role.COLLECTOR, phone, "Oumou Keita")
            await give_role(db, DAN.id, collector, by=By("bench", "it collects", now))
            sealed = seals.seal(PURPOSE, _CHEAP.hash(PIN).encode(), phone)
            row = {"phone": phone, "sealed": sealed, "origin": "screen", "issued_at": now, "used_at": now}
            await db.execute(officer_pin.insert(), row)
            await note_pin_change(db, phone, "received", by=By("officer", "a benchmark's", now))
            appointment = Appointment(DAN.id, DAN.name, Role.COLLECTOR, phone, "Oumou Keita")
            await holder_of(db, await cash_in_hand_of(db, appointment), appointment, now)


async def make_codes(
    place: BenchPlace, homes: Sequence[Joined], seals: Keyring, position: int
) -> dict[str, str]:
    """The `position`th code for care of each household, alive for some minutes, by member number."""
    now = datetime.now(UTC)
    codes = {home.number: _code(f"{home.number} {position}") for home in homes}
    rows: list[dict[str, Any]] = [
        {
            "mutuelle_id": DAN.id,
            "number": home.number,
            "position": position,
            "rank": 1,
            "digest": seals.digests(CODE_PURPOSE, f"{home.number} {codes[home.number]}")[0],
            "made_by": home.phone,
            "made_at": now,
            "expires_at": now + ALIVE,
        }
        for home in homes
    ]
    async with transaction(place.owner_url) as db:
        await db.execute(
            text("update care_code set ended_at = now() where ended_at is null and used_at is null")
        )
        await db.execute(insert(care_code), rows)
    return codes


def _code(of: str) -> str:
    return f"{int(sha256(of.encode()).hexdigest(), 16) % 1_000_000:06}"
