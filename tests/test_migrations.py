"""The schema is made, brought forward with its rows, and left alone by a program that does not know it."""

import re
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import migrations
from engines.cluster import OWNER_ROLE, SERVICE_ROLE
from engines.embedded import Engines
from invariants import examine
from migrations.grants import rights, without_rights
from migrations.shipped import CHECKS
from tests.commands.backup.conftest import as_superuser
from tests.conftest import Database
from tests.support.later_step import LATER, add_step
from tests.support.town import found

SUBJECTS = sorted(path.stem for path in (migrations.STEPS / "schema").glob("*.sql"))

SCHEDULE = """
insert into schedule (mutuelle_id, kind, subject, cron, timezone, fires_for, due_at, next_at, counted_to, counted_at,
                      since)
values ('BEN', 'digest', '+22376000007', '0 8 * * 1', 'Africa/Bamako', now(), now(), now(),
        '3000000000:3000000000:', now(), now())
"""


async def ask(engine: AsyncEngine, query: str) -> list[object]:
    async with engine.connect() as db:
        return list(await db.scalars(text(query)))


async def test_migrating_again_changes_nothing(pool: AsyncEngine, database: Database) -> None:
    await migrations.migrate(database.owner_url, SERVICE_ROLE)
    async with pool.connect() as db:
        assert [finding.offenders for finding in await examine(db, CHECKS)] == [(), ()]


async def test_the_clock_goes_on_beyond_a_snapshot_that_a_schedule_has_written_down(
    pool: AsyncEngine, owner: AsyncEngine, database: Database
) -> None:
    """After a restore by other means than ours, into a server whose transactions are numbered anew."""
    async with pool.begin() as db:
        await found(db)
    async with owner.begin() as db:
        await db.execute(text(SCHEDULE))
    await migrations.migrate(database.owner_url, SERVICE_ROLE)
    async with pool.begin() as db:
        [tick] = await db.scalars(text("select ledger.tick()::text::bigint"))
        assert 3_000_000_000 <= tick < 3_000_001_000


@pytest.mark.parametrize("subject", SUBJECTS)
def test_each_right_stands_in_the_file_of_its_table_or_function(subject: str) -> None:
    script = (migrations.STEPS / "schema" / f"{subject}.sql").read_text(encoding="utf-8")
    left = re.sub("--.*", "", without_rights(subject))
    assert not re.search(r"(?:^|;)\s*grant\b", left, re.MULTILINE), "a right that no role would get"
    made = set(re.findall(r"^create (?:table|view|function|schema) ([\w.]+)", script, re.MULTILINE))
    given = set(re.findall(r"^grant [^;]+ on (?:function |schema )?([\w.]+)[^;]* to ", script, re.MULTILINE))
    assert given <= made
    tables = set(re.findall(r"^create (?:table|view) ([\w.]+)", script, re.MULTILINE))
    assert tables <= given, "a table that the service cannot read"


def test_the_ledgers_files_name_no_table_above_it() -> None:
    scripts = {
        name: (migrations.STEPS / "schema" / f"{name}.sql").read_text(encoding="utf-8") for name in SUBJECTS
    }
    above = set(re.findall(r"^create table (\w+) ", "".join(scripts.values()), re.MULTILINE))
    book = "".join(script for name, script in scripts.items() if name.startswith("ledger_"))
    used = set(re.findall(r"\b(?:from|join|into|update|references|on)\s+(\w+)\b(?!\.)", book))
    assert len(above) > 30
    assert used & above == set()


def test_the_service_and_an_auditor_get_what_is_written_for_them() -> None:
    assert "grant select, insert, update (sold_until) on product" in rights("service")
    assert "grant execute on function ledger.tick()" in set(rights("service")) - set(rights("auditor"))
    assert [right for right in rights("auditor") if "insert" in right or "update" in right] == []


async def test_an_empty_database_is_made_from_the_files_and_runs_no_step(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_step(monkeypatch, tmp_path)
    await as_superuser(engines, f"create database made_at_once owner {OWNER_ROLE}")
    await migrations.migrate(engines.url("owner", "made_at_once"), SERVICE_ROLE)
    owner = create_async_engine(engines.url("owner", "made_at_once"))
    assert await ask(owner, "select version_num from alembic_version") == [LATER]
    assert await ask(owner, "select count(*) from pg_attribute where attname = 'region'") == [0]
    await owner.dispose()
    await as_superuser(engines, "drop database made_at_once with (force)")


async def test_a_later_step_comes_to_a_database_with_rows(
    pool: AsyncEngine, owner: AsyncEngine, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pool.begin() as db:
        await found(db)
    places = await ask(owner, "select count(*) from place")
    with monkeypatch.context() as later:
        add_step(later, tmp_path)
        with pytest.raises(migrations.OldSchemaError, match=f"is 0001, this program needs {LATER}"):
            await migrations.refuse_old_schema(database.url)
        for _again in range(2):
            await migrations.migrate(database.owner_url, SERVICE_ROLE)
        await migrations.refuse_old_schema(database.url)
    assert await ask(pool, "select count(*) from place where region = 'Sikasso'") == places != [0]
    await migrations.refuse_old_schema(database.url)  # during a release a process may be behind its schema
    with pytest.raises(migrations.UnknownSchemaError, match=f"another program's .*{LATER}"):
        await migrations.migrate(database.owner_url, SERVICE_ROLE)
    assert await ask(owner, "select version_num from alembic_version") == [LATER]
