"""The mutuelles of the demonstration, read from `federation.toml` and founded like any other."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from anyascii import anyascii
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.accounts import Side
from ledger.book import Account, Journal, Movement, open_accounts
from mutuelle.acts import By
from mutuelle.benefits.openings import BenefitOpenings, open_benefits
from mutuelle.benefits.rules import Benefit, Tariff
from mutuelle.dates import add_months
from mutuelle.founding.founding import (
    appoint_officers,
    contract_doctors,
    found_mutuelle,
    list_facilities,
    list_payers,
    open_routes,
    sell_products,
    serve_places,
)
from mutuelle.founding.rules import Doctor, Facility, Route, Sale
from mutuelle.officers.pins import note_pin_change
from mutuelle.posting import post_all
from mutuelle.scheme.limits import NewLimit, write_limit
from mutuelle.scheme.mutuelles import Mutuelle, Officer, Place
from mutuelle.scheme.products import Product
from mutuelle.scheme.regimes import Payer, PayerKind, Regime

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
    openings: Mapping[
        str, int
    ]  # balances of the paper books, in minor units, each on its account's normal side
    two_signatures_from_minor: int | None
    payers: Sequence[Payer]
    regimes: Sequence[Regime]
    benefits: Sequence[Mapping[str, Any]] = ()
    tariffs: Sequence[Mapping[str, Any]] = ()

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
    sales = list(_sales(mutuelle, facts["product"], mutuelle.today(now)))
    payers = [(Payer(f["code"], f["name"], PayerKind(f["kind"])), f) for f in facts.get("payer", ())]
    return Land(
        mutuelle=mutuelle,
        places=[Place(mutuelle.id, _slug(name), name) for name in facts["places"]],
        sales=sales,
        officers=[Officer(**officer) for officer in facts["officer"]],
        facilities=[Facility(**_tuples(facility)) for facility in facts["facility"]],
        doctors=[Doctor(**_tuples(doctor)) for doctor in facts["doctor"]],
        routes=[Route(country, OPERATOR) for country in facts["payers"]],
        openings=facts.get("openings", {}),
        two_signatures_from_minor=facts.get("two_signatures_from_minor"),
        payers=[payer for payer, _facts in payers],
        regimes=[_regime(payer, of, _opened_on(sales)) for payer, of in payers],
        benefits=facts.get("benefit", ()),
        tariffs=facts.get("tariff", ()),
        **{name: facts[name] for name in ("women", "men", "families", "invented_phones")},
    )


def _regime(payer: Payer, facts: Mapping[str, Any], since: date) -> Regime:
    name = facts["regime"]
    return Regime(_slug(name), since, name, payer.code, payer.name, facts["percent"])


def _opened_on(sales: Sequence[Sale]) -> date:
    return min(sale.sold_from for sale in sales)


async def found(db: AsyncConnection, land: Land, now: datetime) -> None:
    """Found the mutuelle; its officers and doctors are in office since its first product was sold."""
    opened_on = _opened_on(land.sales)
    await found_mutuelle(db, land.mutuelle, at=now)
    await serve_places(db, land.mutuelle, land.places)
    await sell_products(db, land.mutuelle, land.sales)
    await appoint_officers(db, land.mutuelle, land.officers, since=opened_on, at=now)
    for officer in land.officers:  # who tries it draws a PIN whenever she comes to it
        by = By("demonstration", "to be tried for years", now + timedelta(days=3650))
        await note_pin_change(db, officer.phone, "new one allowed", by=by)
    await list_facilities(db, land.mutuelle, land.facilities)
    await contract_doctors(db, land.mutuelle, land.doctors, on=opened_on, at=now)
    await open_routes(db, land.mutuelle, land.routes)
    await list_payers(db, land.mutuelle, land.payers, land.regimes)
    await open_benefits(
        db, land.mutuelle, _said_of_benefits(land, opened_on), By("import", "first rules", now)
    )
    if land.openings:
        await _open_books(db, land, opened_on)
    if land.two_signatures_from_minor is not None:
        limit = NewLimit("two_signatures_from_minor", land.two_signatures_from_minor, opened_on)
        await write_limit(db, land.mutuelle.id, limit, by=By("assembly", "decided by the assembly", now))


async def _open_books(db: AsyncConnection, land: Land, on: date) -> None:
    """Open the accounts of the paper books with what was in them."""
    currency, against = land.mutuelle.currency, accounts.opening()
    names = [*land.openings, against]
    await open_accounts(db, [Account(land.mutuelle.id, name, currency) for name in names])
    pairs = [
        (code, against) if accounts.parse(code).kind.normal is Side.DEBIT else (against, code)
        for code in land.openings
    ]
    journal = Journal(
        mutuelle=land.mutuelle.id,
        source="opening",
        key="balances-health",
        kind="opening balances",
        effective_on=on,
        actor="import",
        reason="balances of the paper books",
        movements=[
            Movement(*pair, minor, currency)
            for pair, minor in zip(pairs, land.openings.values(), strict=True)
        ],
    )
    await post_all(db, [journal])


def _said_of_benefits(land: Land, on: date) -> BenefitOpenings:
    return BenefitOpenings(
        benefits=[Benefit(since=on, **rule) for rule in land.benefits],
        tariffs=[
            (price["facility_id"], Tariff(price["service"], on, price["price_minor"]))
            for price in land.tariffs
        ],
    )


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
