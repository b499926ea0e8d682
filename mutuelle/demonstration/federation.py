"""The mutuelles of the demonstration, read from `federation.toml` and founded like any other."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from anyascii import anyascii
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.dates import add_months
from mutuelle.founding.founding import (
    appoint_officers,
    contract_doctors,
    found_mutuelle,
    list_facilities,
    open_routes,
    sell_products,
    serve_places,
)
from mutuelle.founding.rules import Doctor, Facility, Route, Sale
from mutuelle.scheme.mutuelles import Mutuelle, Officer, Place
from mutuelle.scheme.products import Product

FEDERATION = Path(__file__).with_name("federation.toml")
OPERATOR = "simulated"
MOST_HOUSEHOLDS = 900  # of one mutuelle: its invented phones from 900 on are its officers' and doctors'


@dataclass(frozen=True)
class Land:
    """A mutuelle with all that it is founded with, and the names for the stories of its households."""

    mutuelle: Mutuelle
    places: Sequence[Place]
    sales: Sequence[Sale]
    officers: Sequence[Officer]
    facilities: Sequence[Facility]
    doctors: Sequence[Doctor]
    routes: Sequence[Route]
    women: Sequence[str]
    men: Sequence[str]
    families: Sequence[str]
    invented_phones: str

    def phone(self, nth: int) -> str:
        """The phone of its `nth` invented household, from 0; ValueError past the last."""
        if not 0 <= nth < MOST_HOUSEHOLDS:
            raise ValueError(f"{self.mutuelle.id} has phones for {MOST_HOUSEHOLDS} invented households")
        return f"{self.invented_phones}{nth:03}"


def read_lands(now: datetime) -> list[Land]:
    """The federation as it is on the day of `now`."""
    written = tomllib.loads(FEDERATION.read_text(encoding="utf-8"))
    return [_land(facts, now) for facts in written["mutuelle"]]


def _land(facts: Mapping[str, Any], now: datetime) -> Land:
    mutuelle = Mutuelle(**{name: facts[name] for name in Mutuelle.__dataclass_fields__ if name in facts})
    return Land(
        mutuelle=mutuelle,
        places=[Place(mutuelle.id, _slug(name), name) for name in facts["places"]],
        sales=list(_sales(mutuelle, facts["product"], mutuelle.today(now))),
        officers=[Officer(**officer) for officer in facts["officer"]],
        facilities=[Facility(**_tuples(facility)) for facility in facts["facility"]],
        doctors=[Doctor(**_tuples(doctor)) for doctor in facts["doctor"]],
        routes=[Route(country, OPERATOR) for country in facts["payers"]],
        **{name: facts[name] for name in ("women", "men", "families", "invented_phones")},
    )


async def found(db: AsyncConnection, land: Land, now: datetime) -> None:
    """Found the mutuelle; its officers and doctors are in office since its first product was sold."""
    opened_on = min(sale.sold_from for sale in land.sales)
    await found_mutuelle(db, land.mutuelle, at=now)
    await serve_places(db, land.mutuelle, land.places)
    await sell_products(db, land.mutuelle, land.sales)
    await appoint_officers(db, land.mutuelle, land.officers, since=opened_on, at=now)
    await list_facilities(db, land.mutuelle, land.facilities)
    await contract_doctors(db, land.mutuelle, land.doctors, on=opened_on, at=now)
    await open_routes(db, land.mutuelle, land.routes)


def _sales(mutuelle: Mutuelle, products: Sequence[Mapping[str, Any]], today: date) -> Iterator[Sale]:
    for written in products:
        terms = {name: fact for name, fact in written.items() if name != "sold_months_ago"}
        product = Product(mutuelle_id=mutuelle.id, currency=mutuelle.currency, **terms)
        first, *last = (add_months(today, -months) for months in written["sold_months_ago"])
        yield Sale(product, first, last[0] - timedelta(days=1) if last else None)


def _tuples(written: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(fact) if isinstance(fact, list) else fact for name, fact in written.items()}


def _slug(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in anyascii(name).lower()).split())
