"""Rights and rules of the schema: what the service cannot do, and what even the owner does not do by a slip."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.ledger.scene import paid, posted

TABLES = ("account", "journal", "movement", "request")
WRITES = {
    "insert": "insert into ledger.{table} select * from ledger.{table} limit 0",
    "update": "update ledger.{table} set mutuelle_id = mutuelle_id",
    "delete": "delete from ledger.{table}",
    "truncate": "truncate ledger.{table} cascade",
    "disable trigger": "alter table ledger.{table} disable trigger append_only",
    "drop": "drop table ledger.{table} cascade",
}
DENIED = "permission denied|must be owner"
INNER = (
    "ledger.post_run('[]', 1)",
    "ledger.reversal_fault('SIK', null, '[]')",
    "ledger.resolution_fault('SIK', '[]')",
)


async def attempt(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as db:
        await db.execute(text(statement))


@pytest.mark.parametrize("write", WRITES)
async def test_the_service_cannot_write_a_table(book: AsyncEngine, write: str) -> None:
    await posted(book, paid("k"))
    for table in TABLES:
        with pytest.raises(DBAPIError, match=DENIED):
            await attempt(book, WRITES[write].format(table=table))


async def test_the_service_cannot_reach_behind_the_door(book: AsyncEngine) -> None:
    for call in INNER:
        with pytest.raises(DBAPIError, match=DENIED):
            await attempt(book, f"select {call}")
    for statement in ("set session_replication_role = replica", "create table ledger.mine (a int)"):
        with pytest.raises(DBAPIError, match="permission denied"):
            await attempt(book, statement)


async def test_a_schema_on_the_callers_path_changes_nothing(book: AsyncEngine) -> None:
    async with book.begin() as db:
        await db.execute(text("create temporary table pg_class (a int)"))
        await db.execute(text("set local search_path = pg_temp, public"))
        rows = await db.execute(text("select * from ledger.post('[]')"))
        assert rows.all() == []


@pytest.mark.parametrize("write", ["update", "delete", "truncate"])
async def test_the_owner_does_not_rewrite_by_a_slip(
    book: AsyncEngine, owner: AsyncEngine, write: str
) -> None:
    await posted(book, paid("k"))
    for table in TABLES:
        statement = (
            WRITES[write].format(table=table).replace("mutuelle_id = mutuelle_id", "mutuelle_id = 'ATA'")
        )
        with pytest.raises(DBAPIError, match=r"append-only|only by being closed"):
            await attempt(owner, statement)


async def test_an_account_changes_only_by_being_closed_once(book: AsyncEngine, owner: AsyncEngine) -> None:
    await attempt(owner, "update ledger.account set closed_on = '2026-12-31' where kind = 'member'")
    for change in ("closed_on = null", "closed_on = '2027-01-01'", "currency = 'XAF'"):
        with pytest.raises(DBAPIError, match="only by being closed"):
            await attempt(owner, f"update ledger.account set {change} where kind = 'member'")


async def test_every_key_begins_with_the_mutuelle(owner: AsyncEngine) -> None:
    query = """
        select c.conname as name, (select attname from pg_attribute
                                    where attrelid = c.conrelid and attnum = c.conkey[1]) as first
          from pg_constraint c where c.connamespace = to_regnamespace('ledger') and c.contype in ('p', 'u', 'f')
        union all
        select i.indexrelid::regclass::text, a.attname from pg_index i
          join pg_class t on t.oid = i.indrelid and t.relnamespace = to_regnamespace('ledger')
          join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]"""
    async with owner.begin() as db:
        rows = (await db.execute(text(query))).all()
    assert len(rows) > 10
    assert {row.name for row in rows if row.first != "mutuelle_id"} == set()


async def test_no_row_points_at_a_hot_one_and_nothing_is_deferred(owner: AsyncEngine) -> None:
    query = """select conrelid::regclass || ' -> ' || confrelid::regclass, condeferrable from pg_constraint
                where connamespace = to_regnamespace('ledger') and contype = 'f'"""
    async with owner.begin() as db:
        rows = (await db.execute(text(query))).all()
    found = {(row[0], row[1]) for row in rows}
    assert found == {
        ("ledger.journal -> ledger.journal", False),
        ("ledger.movement -> ledger.journal", False),
    }


async def test_a_function_that_acts_as_the_owner_has_a_fixed_path(owner: AsyncEngine) -> None:
    query = """select proname, array_to_string(proconfig, ' ') as config, prosrc from pg_proc
                where pronamespace = to_regnamespace('ledger') and prosecdef"""
    async with owner.begin() as db:
        rows = (await db.execute(text(query))).all()
    assert {row.proname for row in rows} == {"post", "open_accounts"}
    for row in rows:
        assert "search_path=pg_catalog, pg_temp" in row.config
        assert "notify" not in row.prosrc.lower()
