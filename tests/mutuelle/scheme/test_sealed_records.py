"""What cover hangs on is recorded in the sealed book whenever the program changes it, and not otherwise."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from invariants import examine
from ledger import export, seals, verify_seals
from mutuelle.acts import By
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.households import Household
from mutuelle.invariants import INVARIANTS
from mutuelle.scheme import sealed_records
from mutuelle.scheme.sealed_records import record_households, record_products
from tests.support.town import AWA, NOON, found_town, join, paid, sell

PAIR = {"form": "1", "sha256": "ab" * 32}


@pytest.fixture
async def home(pool: AsyncEngine) -> Household:
    await found_town(pool)
    return await join(pool, AWA, at=NOON)


async def recorded(db: AsyncConnection) -> list[str]:
    """The keys of all records."""
    keys = text("select key from ledger.request where source = 'record' order by key")
    return list(await db.scalars(keys))


async def broken(db: AsyncConnection) -> list[str]:
    return [found.invariant.name for found in await examine(db, INVARIANTS) if not found.holds]


async def test_a_household_is_recorded_once_for_each_change(pool: AsyncEngine, home: Household) -> None:
    household = f"household {home.number}"
    product = "product P1 1 000001"
    async with pool.begin() as db:
        assert await recorded(db) == [f"{household} 000001", product]
        await record_households(db, [home])
        await record_products(db, home.mutuelle_id)
        assert await recorded(db) == [f"{household} 000001", product], "nothing has changed"
        await db.execute(text("update beneficiary set name = 'Ina' where rank = 2"))
        assert await broken(db) == ["cover_as_recorded"]
        by = By(AWA, "asked", NOON)
        await note_change(db, home, Change.NAMED, detail="Ina", by=by)
        await db.execute(text("update beneficiary set name = null where rank = 2"))
        await note_change(db, home, Change.CORRECTED, detail="Ina", by=by)
        assert await recorded(db) == [*(f"{household} 00000{nth}" for nth in (1, 2, 3)), product]
        assert await broken(db) == []


async def test_a_new_version_is_recorded_beside_the_old_one(pool: AsyncEngine, home: Household) -> None:
    async with pool.begin() as db:
        await sell(db, home.mutuelle_id, version=2)
        assert [key for key in await recorded(db) if key.startswith("product")] == [
            "product P1 1 000001",
            "product P1 2 000001",
        ]


async def test_records_are_sealed_and_the_verifier_that_stands_alone_reads_them(
    pool: AsyncEngine, home: Household, tmp_path: Path
) -> None:
    await paid(pool, home, at=NOON)
    async with pool.begin() as db:
        booked = await db.scalar(text("select count(*) from ledger.journal"))
        assert await seals.seal(db, home.mutuelle_id) == booked
    paths = []
    for name, lines in (("seals.csv", seals.csv), ("book.csv", export.csv)):
        async with pool.connect() as db:
            paths.append(tmp_path / name)
            paths[-1].write_text("".join([line async for line in lines(db)]), encoding="utf-8", newline="")
    chain, book = paths
    assert f"household {home.number}" in book.read_text()
    assert verify_seals.main(str(book), str(chain)) == 0


async def test_what_was_recorded_in_an_older_form_is_compared_in_that_one(
    pool: AsyncEngine, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = {**sealed_records.FORMS[1], "household": (*sealed_records.FORMS[1]["household"], "head_name")}
    monkeypatch.setattr(sealed_records, "FORMS", {**sealed_records.FORMS, 2: newer})
    differs = text(sealed_records.not_as_recorded())
    async with pool.begin() as db:
        await db.execute(text("update household set head_name = 'Awa Keita'"))
        assert (await db.scalars(differs)).all() == []
        await note_change(db, home, Change.CONFIRMED, detail="", by=By(AWA, "yes", NOON))
        assert (await db.scalars(differs)).all() == []
        assert await broken(db) == ["cover_as_recorded"], "this release knows no form 2"
        await db.execute(text("update household set head_name = 'Awa Koné'"))
        assert (await db.scalars(differs)).all() == [f"BEN household {home.number}"]
        await db.rollback()


@pytest.mark.parametrize(
    "change",
    [
        {"mutuelle": "ben"},
        {"mutuelle": None},
        {"subject": " "},
        {"subject": "x" * 61},
        {"memo": {**PAIR, "sha256": "ab"}},
        {"memo": {"sha256": PAIR["sha256"]}},
        {"memo": {**PAIR, "people": 4}},
        {"memo": {**PAIR, "detail": "x" * 1000}},
        {"memo": None},
    ],
)
async def test_a_record_that_says_too_little_or_too_much_is_refused(
    pool: AsyncEngine, change: dict[str, object]
) -> None:
    record = {"mutuelle": "BEN", "subject": "anything", "memo": PAIR}
    write = text("select ledger.record(cast(:records as jsonb))")
    async with pool.connect() as db:
        assert await db.scalar(write, {"records": json.dumps([record])}) == 1
        with pytest.raises(DBAPIError, match="a record without"):
            await db.execute(write, {"records": json.dumps([record | change])})
