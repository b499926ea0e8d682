"""Founding a mutuelle: its row, places, products, officers, facilities, doctors and routes, and its first accounts.

Founding is idempotent: writing the same again changes nothing, writing something else under a taken key is refused.
Each function checks all it is given before its first row, and reports all faults together.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import Table, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Account, open_accounts
from mobilemoney import adapters
from mutuelle import tables
from mutuelle.founding.rules import (
    Doctor,
    Facility,
    Route,
    Sale,
    faults_of_doctor,
    faults_of_facility,
    faults_of_mutuelle,
    faults_of_officer,
    faults_of_place,
    faults_of_route,
    faults_of_sale,
)
from mutuelle.officers.appointments import note_founders
from mutuelle.scheme.mutuelles import WAYS_TO_PAY, Mutuelle, Officer, Place
from mutuelle.scheme.regimes import Payer, Regime
from mutuelle.scheme.sealed_records import record_products


class FoundingError(Exception):
    """What cannot be founded, one line a fault; the caller rolls back."""


async def found_mutuelle(db: AsyncConnection, mutuelle: Mutuelle, *, at: datetime) -> None:
    """Write the mutuelle and open the accounts of its contributions, registration fees and merchant code.

    How it is paid in cash and by merchant code may be said, or said otherwise, later: nobody has agreed to it. None
    leaves it as it is; an empty code and a sum of 0 remove it.
    """
    _refuse(faults_of_mutuelle(mutuelle))
    row = asdict(mutuelle)
    ways = {name: fact or None for name in WAYS_TO_PAY if (fact := row.pop(name)) is not None}
    await _write(db, tables.mutuelle, [row], created_at=at)
    if ways:
        await db.execute(update(tables.mutuelle).where(tables.mutuelle.c.id == mutuelle.id).values(ways))
    codes = [accounts.contributions(), accounts.registration()]
    if mutuelle.merchant_code:
        name = f"merchant-{mutuelle.id}"
        codes += [accounts.collections(name), accounts.suspense(name)]
    await open_accounts(db, [Account(mutuelle.id, code, mutuelle.currency) for code in codes])


async def serve_places(db: AsyncConnection, mutuelle: Mutuelle, places: Sequence[Place]) -> None:
    """Write the places that the mutuelle serves."""
    _refuse(fault for place in places for fault in faults_of_place(mutuelle, place))
    await _write(db, tables.place, [asdict(place) for place in places])


async def sell_products(db: AsyncConnection, mutuelle: Mutuelle, sales: Sequence[Sale]) -> None:
    """Write versions of products; a version that was written never changes its terms."""
    _refuse(fault for sale in sales for fault in faults_of_sale(mutuelle, sale))
    rows = [
        {**asdict(sale.product), "sold_from": sale.sold_from, "sold_until": sale.sold_until} for sale in sales
    ]
    for row in rows:
        row.pop("currency")  # it is the mutuelle's
    await _write(db, tables.product, rows)
    await record_products(db, mutuelle.id)


async def list_payers(
    db: AsyncConnection, mutuelle: Mutuelle, payers: Sequence[Payer], regimes: Sequence[Regime]
) -> None:
    """Write who pays for others and under which regimes, and open the account of what each payer owes."""
    await _write(db, tables.payer, [{"mutuelle_id": mutuelle.id, **asdict(payer)} for payer in payers])
    rows = [asdict(regime) for regime in regimes]
    for row in rows:
        row.pop("payer_name")  # it is the payer's
    await _write(db, tables.regime, [{"mutuelle_id": mutuelle.id, **row} for row in rows])
    codes = [accounts.receivable(payer.code) for payer in payers]
    await open_accounts(db, [Account(mutuelle.id, code, mutuelle.currency) for code in codes])


async def appoint_officers(
    db: AsyncConnection, mutuelle: Mutuelle, officers: Sequence[Officer], *, since: date, at: datetime
) -> None:
    """Write the officers, noted at `at`; an officer who is in office already keeps her first day."""
    _refuse(fault for officer in officers for fault in faults_of_officer(officer))
    rows = [{"mutuelle_id": mutuelle.id, **asdict(officer)} for officer in officers]
    await _write(db, tables.officer, rows, since=since)
    await note_founders(db, mutuelle.id, at)


async def list_facilities(db: AsyncConnection, mutuelle: Mutuelle, facilities: Sequence[Facility]) -> None:
    """Write the mutuelle's facilities, each at a place that it serves."""
    existing = set(
        await db.scalars(select(tables.place.c.id).where(tables.place.c.mutuelle_id == mutuelle.id))
    )
    _refuse(fault for facility in facilities for fault in faults_of_facility(facility, existing))
    rows = [{"mutuelle_id": mutuelle.id, **_row(facility)} for facility in facilities]
    await _write(db, tables.facility, rows)


async def contract_doctors(
    db: AsyncConnection, mutuelle: Mutuelle, doctors: Sequence[Doctor], *, on: date, at: datetime
) -> None:
    """Write the mutuelle's referent doctors, each at one of its facilities, under contract from `on`."""
    facilities = select(tables.facility.c.id).where(tables.facility.c.mutuelle_id == mutuelle.id)
    existing = set(await db.scalars(facilities))
    _refuse(fault for doctor in doctors for fault in faults_of_doctor(doctor, existing))
    rows = [{"mutuelle_id": mutuelle.id, **_row(doctor)} for doctor in doctors]
    await _write(db, tables.doctor, rows, contracted_on=on)
    await note_founders(db, mutuelle.id, at)


async def add_workplace(
    db: AsyncConnection, mutuelle: Mutuelle, phone: str, facility_id: str, *, since: date
) -> None:
    """Write that a doctor of the mutuelle also sees patients at another facility."""
    row = {"mutuelle_id": mutuelle.id, "phone": phone, "facility_id": facility_id}
    await _write(db, tables.doctor_facility, [row], since=since)


def _pays_out(operator: str) -> bool:
    """Whether this version sends money to phones from an account at this operator."""
    return operator in adapters() and adapters()[operator].CAPABILITIES.pays_out


async def open_routes(db: AsyncConnection, mutuelle: Mutuelle, routes: Sequence[Route]) -> None:
    """Write by which account which network is asked, and open float and suspense of each account, and its account
    for payouts where the operator pays out.
    """
    _refuse(fault for route in routes for fault in faults_of_route(mutuelle, route))
    named = {route.float_name: route for route in routes}
    for name, route in named.items():
        row = {
            "mutuelle_id": mutuelle.id,
            "name": name,
            "operator": route.operator,
            "country": route.country,
            "currency": mutuelle.currency,
        }
        await _write(db, tables.operator_account, [row], notice_token=secrets.token_hex(20))
    rows = [
        {"mutuelle_id": mutuelle.id, "network": route.network, "account": route.float_name}
        for route in routes
    ]
    await _write(db, tables.route, rows)
    codes = [code for name in named for code in (accounts.collections(name), accounts.suspense(name))]
    codes += [accounts.disbursement(name) for name, route in named.items() if _pays_out(route.operator)]
    await open_accounts(db, [Account(mutuelle.id, code, mutuelle.currency) for code in codes])


def _refuse(faults: Iterable[str]) -> None:
    if found := "\n".join(faults):
        raise FoundingError(found)


def _row(value: Facility | Doctor) -> dict[str, Any]:
    """The value as its table keeps it: a list where the code has a tuple."""
    return {name: list(fact) if isinstance(fact, tuple) else fact for name, fact in vars(value).items()}


async def _write(
    db: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]], **noted: object
) -> None:
    """Insert what is not there yet; a row that is there must say the same, `noted` columns apart."""
    if not rows:
        return
    await db.execute(insert(table).on_conflict_do_nothing(), [{**row, **noted} for row in rows])
    keys = [column.name for column in table.primary_key]
    # One mutuelle at a time is founded, so its rows are all that the new ones can meet.
    owner = table.c[keys[0]]
    present = {
        tuple(row[key] for key in keys): row
        for row in (await db.execute(select(table).where(owner == rows[0][owner.name]))).mappings()
    }
    _refuse(_clashes(table.name, keys, rows, present))


def _clashes(
    table: str, keys: list[str], rows: Sequence[Mapping[str, Any]], present: Mapping[tuple[Any, ...], Any]
) -> Iterator[str]:
    for row in rows:
        key = tuple(row[name] for name in keys)
        what = f"{table} {' '.join(str(part) for part in key)}"
        if key not in present:
            yield f"{what}: another one has its prefix"
            continue
        other = [name for name, fact in row.items() if present[key][name] != fact]
        if other:
            yield f"{what}: is there already with another {', '.join(other)}"
