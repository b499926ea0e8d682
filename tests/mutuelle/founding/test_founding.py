"""Founding: what is written stands, twice is once, and what is wrong is told before anything is written."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Table, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from mutuelle import tables
from mutuelle.founding.founding import (
    FoundingError,
    appoint_officers,
    contract_doctors,
    found_mutuelle,
    list_facilities,
    open_routes,
    sell_products,
    serve_places,
)
from mutuelle.founding.rules import Doctor, Facility, Route, Sale
from mutuelle.scheme.mutuelles import Officer, Place, get_mutuelle, treasurers
from mutuelle.scheme.products import products_on_sale
from torture import town
from torture.town import DAN

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
JIGI = replace(
    DAN,
    id="JIGI",
    prefix=456,
    name="Mutuelle Jigi",
    town="Ségou",
    complaints_phone="+22379946990",
    benefits="Consultation 75 %",
)
PLACES = [Place("JIGI", "segou", "Ségou"), Place("JIGI", "markala", "Markala")]
FAMILY = Sale(
    replace(
        town.FAMILY, mutuelle_id="JIGI", max_members=15, registration_fee_minor=1000, waiting_period_months=2
    ),
    sold_from=date(2026, 1, 1),
)
TREASURER = Officer("treasurer", "+22379946991", "Sitan Diarra")
CENTRE = Facility(
    "cscom-jigi",
    "CSCom Jigi",
    "centre",
    "segou",
    "+22379946992",
    "lun-sam 8h-17h",
    ("general medicine", "vaccination"),
)
DOCTOR = Doctor("+22379946993", "Dr Yaya Koné", "cscom-jigi", ("bm", "fr"))
ROUTE = Route("ML", "simulated")


async def found_everything(db: AsyncConnection) -> None:
    await found_mutuelle(db, JIGI, at=NOW)
    await serve_places(db, JIGI, PLACES)
    await sell_products(db, JIGI, [FAMILY])
    await appoint_officers(db, JIGI, [TREASURER], since=TODAY, at=NOW)
    await list_facilities(db, JIGI, [CENTRE])
    await contract_doctors(db, JIGI, [DOCTOR], on=TODAY, at=NOW)
    await open_routes(db, JIGI, [ROUTE])


async def counts(db: AsyncConnection) -> dict[str, int]:
    found = {
        table.name: await db.scalar(select(func.count()).select_from(table))
        for table in vars(tables).values()
        if isinstance(table, Table)
    }
    found["account"] = await db.scalar(text("select count(*) from ledger.account"))
    return {name: rows for name, rows in found.items() if rows}


async def test_a_mutuelle_is_read_back_as_it_was_founded(db: AsyncConnection) -> None:
    await found_everything(db)
    assert await get_mutuelle(db, "JIGI") == JIGI
    assert await products_on_sale(db, "JIGI", TODAY) == [FAMILY.product]
    assert await treasurers(db, "JIGI", TODAY) == [TREASURER]
    languages = await db.scalar(select(tables.doctor.c.languages))
    services = await db.scalar(select(tables.facility.c.services))
    assert (languages, services) == (["bm", "fr"], ["general medicine", "vaccination"])


async def test_it_begins_with_the_accounts_that_its_first_payment_needs(db: AsyncConnection) -> None:
    await found_everything(db)
    codes = await db.scalars(text("select code from ledger.account where currency = 'XOF' order by code"))
    assert list(codes) == [
        "health:contributions",
        "health:disbursement:simulated-ML",
        "health:float:simulated-ML",
        "health:registration",
        "health:suspense:simulated-ML",
    ]


async def test_founding_twice_is_founding_once(db: AsyncConnection) -> None:
    await found_everything(db)
    once = await counts(db)
    await found_everything(db)
    assert await counts(db) == once


async def test_who_is_in_office_stays_there_since_the_first_day(db: AsyncConnection) -> None:
    await found_everything(db)
    await appoint_officers(db, JIGI, [TREASURER], since=date(2026, 12, 1), at=NOW)
    assert await db.scalar(select(tables.officer.c.since)) == TODAY


async def test_a_version_that_is_sold_never_changes(db: AsyncConnection) -> None:
    await found_everything(db)
    dearer = replace(FAMILY, product=replace(FAMILY.product, lump_sum_minor=13000, max_members=12))
    with pytest.raises(
        FoundingError, match="product JIGI FAM 1: is there already with another lump_sum_minor, max_members"
    ):
        await sell_products(db, JIGI, [dearer])


async def test_the_same_key_twice_with_another_content_is_refused(db: AsyncConnection) -> None:
    await found_mutuelle(db, JIGI, at=NOW)
    with pytest.raises(FoundingError, match="place JIGI segou: is there already with another name"):
        await serve_places(db, JIGI, [*PLACES, Place("JIGI", "segou", "Ségou Koro")])


async def test_two_mutuelles_never_share_a_prefix(db: AsyncConnection) -> None:
    await found_mutuelle(db, JIGI, at=NOW)
    with pytest.raises(FoundingError, match="mutuelle HERE: another one has its prefix"):
        await found_mutuelle(db, replace(JIGI, id="HERE"), at=NOW)


async def test_all_faults_of_a_mutuelle_are_told_together(db: AsyncConnection) -> None:
    broken = replace(JIGI, prefix=99, currency="EUR", timezone="Bamako", benefits="x" * 91)
    with pytest.raises(FoundingError) as fault:
        await found_mutuelle(db, broken, at=NOW)
    assert str(fault.value).splitlines() == [
        "mutuelle JIGI: its prefix must be 100 to 999",
        "mutuelle JIGI: its currency must be one of XOF, XAF, GNF, CDF, RWF",
        "mutuelle JIGI: its time zone must be one such as Africa/Bamako",
        "mutuelle JIGI: its benefits must have 2 to 90 letters",
    ]
    assert await counts(db) == {}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"waiting_period_months": 25}, "waiting_period_months must be 0 to 24"),
        ({"waiting_period_months": 12}, "the wait must be shorter than the period"),
        ({"waiting_period_months": 4, "grace_period_payment_months": 4}, "the delay to pay must be longer"),
        ({"partial_cover_threshold_percent": 0}, "partial_cover_threshold_percent must be 1 to 100"),
        ({"lump_sum_minor": 0, "premium_adult_minor": 0}, "an adult alone must cost something"),
        ({"threshold": 0}, "a lump sum must be for one person or more"),
        ({"currency": "XAF"}, "its currency must be XOF"),
        ({"mutuelle_id": "SIK"}, "it must be of JIGI"),
        ({"name": "Une très grande famille"}, "its name must have 2 to 12 letters"),
        (
            {"premium_adult_minor": 200_000, "max_members": 12},
            "the dearest household must pay 999999 at most",
        ),
    ],
)
async def test_no_product_is_sold_that_could_not_be_bought(
    db: AsyncConnection, change: dict[str, Any], fault: str
) -> None:
    await found_mutuelle(db, JIGI, at=NOW)
    broken = replace(FAMILY, product=replace(FAMILY.product, **change))
    with pytest.raises(FoundingError, match=fault):
        await sell_products(db, JIGI, [broken])


async def test_a_doctor_works_at_a_facility_and_a_facility_lies_at_a_place(db: AsyncConnection) -> None:
    await found_mutuelle(db, JIGI, at=NOW)
    with pytest.raises(FoundingError, match="facility cscom-jigi: its place 'segou' is unknown"):
        await list_facilities(db, JIGI, [CENTRE])
    with pytest.raises(FoundingError, match="doctor 'Dr Yaya Koné': the facility 'cscom-jigi' is unknown"):
        await contract_doctors(db, JIGI, [DOCTOR], on=TODAY, at=NOW)


@pytest.mark.parametrize(
    "phone", ["79946991", "+22320210000", "+2237994", "+223 79 94 69 91", "+22379946991\n"]
)
async def test_officers_and_doctors_are_reached_on_mobile_phones(db: AsyncConnection, phone: str) -> None:
    await found_mutuelle(db, JIGI, at=NOW)
    with pytest.raises(FoundingError, match="the phone must be a mobile number"):
        await appoint_officers(db, JIGI, [replace(TREASURER, phone=phone)], since=TODAY, at=NOW)
    with pytest.raises(FoundingError, match="the phone must be a mobile number"):
        await contract_doctors(db, JIGI, [replace(DOCTOR, phone=phone)], on=TODAY, at=NOW)


async def test_what_is_refused_leaves_nothing(pool: AsyncEngine) -> None:
    async def found_with_a_pigeon() -> None:
        async with pool.begin() as db:
            await found_mutuelle(db, JIGI, at=NOW)
            await open_routes(db, JIGI, [ROUTE, Route("TG", "simulated", "carrier pigeon")])

    with pytest.raises(FoundingError, match="the account must be small letters"):
        await found_with_a_pigeon()
    async with pool.connect() as db:
        assert await counts(db) == {}
