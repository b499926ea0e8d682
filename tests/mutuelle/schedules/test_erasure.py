"""A household that left is erased after its term: names and phones are nowhere, numbers stay, everything agrees."""

import logging
import os
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from commands.backup.programs import find
from invariants import examine
from ledger.invariants.book import INVARIANTS as LEDGER
from locales import Money
from mutuelle.acts import By
from mutuelle.contributions.standing import standing
from mutuelle.households.households import Household, phones_of
from mutuelle.households.support_acts import SupportError
from mutuelle.invariants import INVARIANTS
from mutuelle.officers.roles import Role
from mutuelle.personal_data.leaving import leave
from mutuelle.schedules.retention.erasure import due_for_erasure, erase_household
from mutuelle.schedules.retention.run import keep_terms
from mutuelle.scheme import sealed_records
from mutuelle.support.merging import reopen_household
from mutuelle.treasury.cash_disputes import close_dispute, dispute_cash
from sms.invariants import INVARIANTS as SMS
from talk.invariants import INVARIANTS as TALK
from talk.preferences import choose_language, language_of
from tests.conftest import Database
from tests.support.erased_household import COVERED, NEW, OWN, SON, calling, lived
from tests.support.joined_households import joined
from tests.support.officer_acts import receives
from tests.support.officers import OUMOU, appoint, set_limit
from tests.support.town import AWA, MARIAM, NOON, Clock, found_town
from tests.support.town_fixtures import deps_of

ROOT = Path(__file__).parents[3]
LEFT = COVERED + timedelta(days=10)
OVER = LEFT.replace(year=LEFT.year + 10) + timedelta(days=1)
NONE = Money(0, "XOF")
SOUGHT = ("Zoumanigui", "ZOUMANIGUI", "zoumanigui", OWN[4:], NEW[4:], "70 11 22 33", "70 44 55 66")


def by(at: datetime) -> By:
    return By("Kadia", "asked in writing", at)


@pytest.fixture
async def former(pool: AsyncEngine, redis_url: str, clock: Clock) -> Household:
    """The household, which has left."""
    async with deps_of(pool, redis_url, clock) as deps:
        household = await lived(pool, deps, clock)
    async with pool.begin() as db:  # no provider is there to take them
        await db.execute(
            text("update sms_outbox set state = 'WITHHELD', final_at = created_at where state = 'DUE'")
        )
        await leave(db, calling(NEW, LEFT), number=household.number, due=NONE, credit=NONE)
    return household


async def broken(db: AsyncConnection) -> list[str]:
    found = await examine(db, (*LEDGER, *INVARIANTS, *SMS, *TALK))
    return [f"{one.invariant.name} {one.offenders}" for one in found if not one.holds]


async def places(owner: AsyncEngine) -> dict[str, set[str]]:
    """Each table of the database in which one of SOUGHT stands, as text or in bytes; with what was found."""
    found: dict[str, set[str]] = {}
    tables = "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('public', 'ledger')"
    async with owner.connect() as db:
        for table in list(await db.scalars(text(tables))):
            for words in SOUGHT:
                like = {"words": f"%{words}%", "bytes": f"%{words.encode().hex()}%"}
                rows = text(
                    f"select count(*) from {table} t where t::text like :words or t::text like :bytes"
                )
                if await db.scalar(rows, like):
                    found.setdefault(table, set()).add(words)
    return found


async def test_names_and_phones_are_nowhere_and_numbers_stay(
    pool: AsyncEngine,
    owner: AsyncEngine,
    database: Database,
    former: Household,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    before = await places(owner)
    assert len(before) >= 20, sorted(before)
    assert not {table for table in before if table.startswith("ledger.")}
    async with pool.begin() as db:
        assert await broken(db) == []
        book = (await db.execute(text("select count(*), sum(amount) from ledger.movement"))).one()
    await set_limit(pool, "years_kept", 10)
    async with pool.begin() as db:
        await keep_terms(db, OVER)
        assert await due_for_erasure(db, "BEN", OVER, 9) == [former.number]
        await erase_household(db, former.number, by(OVER))
    assert await places(owner) == {}
    async with pool.begin() as db:
        assert await broken(db) == []
        assert (await db.execute(text("select count(*), sum(amount) from ledger.movement"))).one() == book
        kept = "select count(*) from payment where number = :number"
        assert await db.scalar(text(kept), {"number": former.number}) == 2
        assert (
            await db.scalar(text("select count(*) from payment where payer_phone = :son"), {"son": SON}) == 0
        )
        assert await due_for_erasure(db, "BEN", OVER, 9) == []
    said = caplog.text + backup_of(database, tmp_path / "since.backup")
    assert not [words for words in SOUGHT if words in said]


def backup_of(database: Database, file: Path) -> str:
    """A backup that is made now, as SQL."""
    environ = os.environ | {"DATABASE_URL": database.url, "MIGRATE_DATABASE_URL": database.owner_url}
    subprocess.run([sys.executable, "-m", "cli", "backup", file], cwd=ROOT, env=environ, check=True)
    with zipfile.ZipFile(file) as archive:
        dump = archive.read("database.dump")
    restore, _version = find("pg_restore", server=18, oldest=15)
    said = subprocess.run([restore, "-f", "-"], input=dump, capture_output=True, check=True).stdout
    assert b"Mutuelle Benso" in said
    return said.decode()


async def refusal(pool: AsyncEngine, number: str, at: datetime = OVER) -> str:
    async with pool.connect() as db:
        with pytest.raises(SupportError) as refused:
            await erase_household(db, number, by(at))
        await db.rollback()
    return str(refused.value)


async def test_nothing_is_erased_before_its_time(pool: AsyncEngine) -> None:
    await found_town(pool)
    household = await joined(pool, AWA)
    assert "is a member" in await refusal(pool, household.number)
    assert "no household" in await refusal(pool, "199999999")
    async with pool.begin() as db:
        await leave(db, calling(AWA, LEFT), number=household.number, due=NONE, credit=NONE)
    assert "has not decided" in await refusal(pool, household.number)
    await set_limit(pool, "years_kept", 10)
    assert "is not over" in await refusal(pool, household.number, OVER - timedelta(days=2))
    async with pool.connect() as db:
        assert await due_for_erasure(db, "BEN", OVER - timedelta(days=2), 9) == []
        assert await due_for_erasure(db, "BEN", OVER, 9) == [household.number]


async def test_nothing_is_erased_while_money_or_a_claim_is_open(pool: AsyncEngine) -> None:
    """Money that comes late begins the term anew, and is given back first."""
    await found_town(pool)
    await set_limit(pool, "years_kept", 10)
    await appoint(pool, OUMOU, Role.COLLECTOR)
    part = await joined(pool, AWA, pay_minor=9_000)
    await receives(pool, part, 3_000)
    async with pool.begin() as db:
        code = str(await db.scalar(text("select receipt_code from cash_receipt")))
        await dispute_cash(db, calling(AWA), code=code)
        await leave(db, calling(AWA, LEFT), number=part.number, due=NONE, credit=NONE)
    assert "not settled" in await refusal(pool, part.number)
    async with pool.begin() as db:
        await close_dispute(db, "BEN", code, by=by(LEFT))
    other = await joined(pool, MARIAM, pay_minor=15_000)
    async with pool.begin() as db:
        stands = await standing(db, other, LEFT)
        await leave(db, calling(MARIAM, LEFT), number=other.number, due=stands.due, credit=stands.credit)
    assert "credit or a debt" in await refusal(pool, other.number)
    async with pool.connect() as db:
        assert await due_for_erasure(db, "BEN", OVER, 9) == [part.number]


async def test_who_is_erased_stays_so(pool: AsyncEngine) -> None:
    await found_town(pool)
    await set_limit(pool, "years_kept", 1)
    household = await joined(pool, AWA)
    async with pool.begin() as db:
        await leave(db, calling(AWA, LEFT), number=household.number, due=NONE, credit=NONE)
        await erase_household(db, household.number, by(OVER))
        with pytest.raises(SupportError, match="was erased"):
            await reopen_household(db, household.number, by(OVER))
    assert "erased already" in await refusal(pool, household.number)


async def test_a_phone_that_is_somebody_elses_too_keeps_what_is_its_own(pool: AsyncEngine) -> None:
    await found_town(pool)
    await set_limit(pool, "years_kept", 1)
    former, other = await joined(pool, AWA), await joined(pool, MARIAM, name="Mariam Sangaré")
    async with pool.begin() as db:
        await db.execute(
            text("insert into household_phone values ('BEN', :number, :phone, :at)"),
            {"number": other.number, "phone": AWA, "at": NOON},
        )
        await choose_language(db, calling(AWA), language="en")
        await leave(db, calling(AWA, LEFT), number=former.number, due=NONE, credit=NONE)
        await erase_household(db, former.number, by(OVER))
    async with pool.connect() as db:
        assert await language_of(db, AWA) == "en"
        assert set(await phones_of(db, other)) == {MARIAM, AWA}
        assert await db.scalar(text("select count(*) from sms_outbox where phone = :phone"), {"phone": AWA})
        assert not await db.scalar(text("select count(*) from payment where payer_phone = :p"), {"p": AWA})


async def test_an_old_record_does_not_say_whose_it_was(pool: AsyncEngine, owner: AsyncEngine) -> None:
    """Who guesses name, births and phone right finds no record that fits: the salt is gone."""
    await found_town(pool)
    await set_limit(pool, "years_kept", 1)
    household = await joined(pool, AWA)
    memos = text("select memo ->> 'sha256' from ledger.journal where memo ->> 'subject' like 'household %'")
    stands = text(f"select sha256 from ({sealed_records.households(max(sealed_records.FORMS))}) s")
    async with pool.begin() as db:
        assert set(await db.scalars(stands)) == set(await db.scalars(memos))
        await leave(db, calling(AWA, LEFT), number=household.number, due=NONE, credit=NONE)
    kept = "household", "household_phone", "beneficiary"
    async with owner.begin() as db:
        for table in kept:
            await db.execute(text(f"create table guessed_{table} as select * from {table}"))
    async with pool.begin() as db:
        await erase_household(db, household.number, by(OVER))
        recorded = set(await db.scalars(memos))
    async with owner.begin() as db:
        await db.execute(text("insert into household_phone select * from guessed_household_phone"))
        await db.execute(
            text(
                "update beneficiary b set name = g.name, birth_year = g.birth_year from guessed_beneficiary g"
                " where (g.number, g.rank) = (b.number, b.rank)"
            )
        )
        await db.execute(text("update household h set head_name = g.head_name from guessed_household g"))
        assert not set(await db.scalars(stands)) & recorded
        await db.execute(
            text("update household h set salt = g.salt, erased_at = null from guessed_household g")
        )
        assert set(await db.scalars(stands)) & recorded, "with the salt it would have been found"


async def test_the_service_may_erase_only_by_the_function(pool: AsyncEngine) -> None:
    await found_town(pool)
    household = await joined(pool, AWA)
    forbidden = (
        "update beneficiary set added_on = added_on",
        "delete from household",
        "update sms_outbox set body = '-'",
        "delete from sms_inbox",
        "update action set consent = '-'",
        "delete from officer_lookup",
        f"select erase_household('BEN', '{household.number}', now())",
    )
    for statement in forbidden:
        async with pool.connect() as db:
            with pytest.raises(DBAPIError):
                await db.execute(text(statement))
