"""Rights and rules of the schema: what the service and an auditor cannot do, what even the owner does not by a slip.

Tables, triggers and functions are found in the catalogue: one that somebody adds is tried too.
"""

import re
from collections.abc import AsyncIterator
from typing import Literal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

import migrations
from engines import cluster
from engines.embedded import Engines
from migrations.grants import AUDITOR_ROLE, rights
from tests.conftest import Database
from tests.support.ledger_scene import paid, posted

pytestmark = pytest.mark.usefixtures("database")  # nothing in it but the schema

WRITES = {
    "insert": "insert into ledger.{table} default values",
    "update": "update ledger.{table} set {column} = {column}",
    "delete": "delete from ledger.{table}",
    "truncate": "truncate ledger.{table} cascade",
    "lock rows": "select from ledger.{table} for key share",
    "disable triggers": "alter table ledger.{table} disable trigger all",
    "add a trigger": "create trigger mine before insert on ledger.{table} execute function ledger.refuse_change()",
    "add a rule": "create rule mine as on insert to ledger.{table} do instead nothing",
    "alter": "alter table ledger.{table} add column mine int",
    "index": "create index on ledger.{table} ({column})",
    "own": "alter table ledger.{table} owner to current_user",
    "drop": "drop table ledger.{table} cascade",
}
ELSEWHERE = (
    "set session_replication_role = replica",
    "create table ledger.mine (a int)",
    "create function ledger.mine() returns int language sql return 1",
    "create or replace function ledger.post(journals jsonb) returns int language sql return 1",
    "alter function ledger.post(jsonb) security invoker",
    "alter schema ledger rename to mine",
    "alter view ledger.entry rename to mine",
    "alter default privileges for role keneya_owner in schema ledger grant all on tables to public",
    "set role keneya_owner",
    "set session authorization keneya_owner",
    "create schema mine",
)
DENIED = "permission denied|must be owner|must be able to SET ROLE|must be member of role"
KEPT = {"account", "journal", "movement", "request", "period_act", "period_total", "seal"}
COMPUTED = {"balance", "account_day", "fold", "book", "kind", "clock"}  # from what is kept, or the program
# Functions of the service alone that act as whoever calls them.
AS_THE_CALLER = {
    "ledger.tick()",
    "nobody(text, text[], text)",
    "erasure_fault(text, text, timestamptz)",
    "spoke_for(text, text)",
}
WITHOUT_A_MUTUELLE = {"ledger.kind", "ledger.clock"}


@pytest.fixture(params=["service", "auditor"])
async def outsider(
    request: pytest.FixtureRequest, engines: Engines, database: Database
) -> AsyncIterator[AsyncEngine]:
    """Connections as a role that must not write: the service's, and an auditor's."""
    engine = create_async_engine(engines.url(request.param, database.name))
    yield engine
    await engine.dispose()


@pytest.fixture
async def auditor(engines: Engines, database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(engines.url("auditor", database.name))
    yield engine
    await engine.dispose()


async def attempt(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as db:
        await db.execute(text(statement))


async def expect_denied(engine: AsyncEngine, statement: str) -> None:
    said = "let through"
    try:
        await attempt(engine, statement)
    except DBAPIError as fault:
        said = str(fault.orig)
    assert re.search(DENIED, said), f"{said}: {statement}"


async def listed(engine: AsyncEngine, query: str) -> list[str]:
    async with engine.begin() as db:
        return [" ".join(map(str, row)) for row in await db.execute(text(query))]


async def tables(engine: AsyncEngine) -> dict[str, str]:
    """Every table of the ledger, with its first column."""
    found = await listed(engine, FIRST_COLUMNS)
    return dict(line.split() for line in found)


FIRST_COLUMNS = """
    select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum = 1
     where c.relnamespace = to_regnamespace('ledger') and c.relkind in ('r', 'p')"""
TRIGGERS = """
    select t.tgname, t.tgrelid::regclass from pg_trigger t join pg_class c on c.oid = t.tgrelid
     where c.relnamespace = to_regnamespace('ledger') and not t.tgisinternal"""
# Tables, views and columns alike; `maintain` and the like need no more: whoever owns nothing has none of these.
WRITABLE = """
    select c.relname from pg_class c
     where c.relnamespace = to_regnamespace('ledger') and c.relkind <> 'i'
       and (has_table_privilege(c.oid, 'insert, update, delete, truncate, references, trigger')
            or has_any_column_privilege(c.oid, 'insert, update, references'))"""
CALLABLE = """
    select oid::regprocedure from pg_proc
     where pronamespace in ('ledger'::regnamespace, 'public'::regnamespace) and prorettype <> 'trigger'::regtype
       and has_function_privilege(oid, 'execute')"""
CALLS = """
    select oid::regproc, coalesce((select string_agg('null::' || format_type(t, null), ', ' order by n)
                                     from unnest(proargtypes) with ordinality as a (t, n)), '')
      from pg_proc where pronamespace = to_regnamespace('ledger') and not has_function_privilege(oid, 'execute')
       and prorettype <> 'trigger'::regtype"""
READABLE = """
    select c.relname from pg_class c
     where c.relnamespace = to_regnamespace('public') and c.relkind in ('r', 'p', 'v', 'm', 'S')
       and has_any_column_privilege(c.oid, 'select, insert, update')"""
ACTING_AS_OWNER = """
    select p.oid::regprocedure, array_to_string(p.proconfig, ' ') as config, p.prosrc,
           pg_get_userbyid(p.proowner) as owner, has_function_privilege('public', p.oid, 'execute') as everybodys
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where p.prosecdef and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'"""


def test_the_auditors_role_has_one_name() -> None:
    assert cluster.AUDITOR_ROLE == AUDITOR_ROLE


async def test_no_table_can_be_written(book: AsyncEngine, outsider: AsyncEngine) -> None:
    await posted(book, paid("k"))
    known = await tables(outsider)
    assert known.keys() == KEPT | COMPUTED
    for table, column in known.items():
        for write in WRITES.values():
            await expect_denied(outsider, write.format(table=table, column=column))


async def test_no_trigger_can_be_dropped_or_switched_off(outsider: AsyncEngine) -> None:
    triggers = [line.split() for line in await listed(outsider, TRIGGERS)]
    assert len(triggers) >= 5
    for name, table in triggers:
        await expect_denied(outsider, f"drop trigger {name} on {table}")
        await expect_denied(outsider, f"alter table {table} disable trigger {name}")


async def test_no_guard_can_be_gone_around(outsider: AsyncEngine) -> None:
    for statement in ELSEWHERE:
        await expect_denied(outsider, statement)


async def test_no_right_to_write_is_left_anywhere(outsider: AsyncEngine) -> None:
    assert await listed(outsider, WRITABLE) == []


def functions(who: Literal["service", "auditor"]) -> set[str]:
    """What a role may call, as the schema's files have it."""
    return {right.partition("on function ")[2] for right in rights(who) if " on function " in right}


@pytest.mark.parametrize("who", ["service", "auditor"])
async def test_only_what_is_listed_can_be_called(
    engines: Engines, database: Database, who: Literal["service", "auditor"]
) -> None:
    engine = create_async_engine(engines.url(who, database.name))
    wanted = [await listed(engine, f"select '{function}'::regprocedure") for function in functions(who)]
    assert sorted(await listed(engine, CALLABLE)) == sorted(name for [name] in wanted)
    inner = await listed(engine, CALLS)
    assert len(inner) > 5
    for call in inner:
        name, _, arguments = call.partition(" ")
        await expect_denied(engine, f"select from {name}({arguments})")
    await engine.dispose()


async def test_an_auditor_reads_the_whole_ledger_and_nothing_of_people(
    book: AsyncEngine, auditor: AsyncEngine
) -> None:
    await posted(book, paid("k"))
    for table in await tables(auditor):
        await attempt(auditor, f"select * from ledger.{table}")
    assert await listed(auditor, "select key from ledger.request") == ["k"]
    assert sorted(await listed(auditor, READABLE)) == ["alembic_version", "benefit", "mutuelle"]
    for table in ("household", "household_phone", "sms_outbox", "eligibility_check", "officer"):
        await expect_denied(auditor, f"select * from {table}")
    await expect_denied(auditor, "update mutuelle set name = name")


async def test_what_is_added_is_closed_until_it_is_listed(
    database: Database, owner: AsyncEngine, outsider: AsyncEngine
) -> None:
    """A later step that forgets to take a function from everybody, or leaves a right of an older list."""
    await attempt(owner, "create function ledger.added() returns int language sql return 1")
    await attempt(owner, f"grant insert on ledger.journal to {cluster.SERVICE_ROLE}, {AUDITOR_ROLE}")
    await migrations.migrate(database.owner_url, cluster.SERVICE_ROLE)
    await expect_denied(outsider, "select ledger.added()")
    await expect_denied(outsider, "insert into ledger.journal default values")


async def test_a_schema_on_the_callers_path_changes_nothing(book: AsyncEngine) -> None:
    async with book.begin() as db:
        await db.execute(text("create temporary table pg_class (a int)"))
        await db.execute(text("set local search_path = pg_temp, public"))
        rows = await db.execute(text("select * from ledger.post('[]')"))
        assert rows.all() == []


async def test_a_function_that_acts_as_the_owner_is_pinned_and_not_everybodys(owner: AsyncEngine) -> None:
    async with owner.begin() as db:
        rows = (await db.execute(text(ACTING_AS_OWNER))).all()
    found = {str(row.oid).partition("(")[0] for row in rows}
    acts = functions("service") - functions("auditor") - AS_THE_CALLER
    assert found == {name.partition("(")[0] for name in acts}
    for row in rows:
        own = "pg_catalog, pg_temp" if row.oid.startswith("ledger.") else "pg_catalog, public, pg_temp"
        assert f"search_path={own}" in row.config
        assert (row.owner, row.everybodys) == (cluster.OWNER_ROLE, False)
        assert "notify" not in row.prosrc.lower()


@pytest.mark.parametrize("write", ["update", "delete", "truncate"])
async def test_the_owner_does_not_rewrite_by_a_slip(
    book: AsyncEngine, owner: AsyncEngine, write: str
) -> None:
    await posted(book, paid("k"))
    for table in KEPT:
        statement = WRITES[write].format(table=table, column="mutuelle_id")
        with pytest.raises(DBAPIError, match=r"append-only|only by being closed"):
            await attempt(owner, statement.replace("= mutuelle_id", "= 'ATA'"))


async def test_an_account_changes_only_by_being_closed_once(book: AsyncEngine, owner: AsyncEngine) -> None:
    await attempt(owner, "update ledger.account set closed_on = '2026-12-31' where kind = 'member'")
    for change in ("closed_on = null", "closed_on = '2027-01-01'", "currency = 'XAF'"):
        with pytest.raises(DBAPIError, match="only by being closed"):
            await attempt(owner, f"update ledger.account set {change} where kind = 'member'")


async def test_every_key_begins_with_the_mutuelle(owner: AsyncEngine) -> None:
    query = """
        select c.conname as name, c.conrelid::regclass::text as of_table,
               (select attname from pg_attribute where attrelid = c.conrelid and attnum = c.conkey[1]) as first
          from pg_constraint c where c.connamespace = to_regnamespace('ledger') and c.contype in ('p', 'u', 'f')
        union all
        select i.indexrelid::regclass::text, t.oid::regclass::text, a.attname from pg_index i
          join pg_class t on t.oid = i.indrelid and t.relnamespace = to_regnamespace('ledger')
          join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]"""
    async with owner.begin() as db:
        rows = (await db.execute(text(query))).all()
    assert len(rows) > 10
    others = {
        row.name for row in rows if row.first != "mutuelle_id" and row.of_table not in WITHOUT_A_MUTUELLE
    }
    assert others == {"account_folded_by_fkey"}  # the mutuelle again, null where nothing is folded


async def test_no_row_points_at_a_hot_one_and_nothing_is_deferred(owner: AsyncEngine) -> None:
    query = """select conrelid::regclass || ' -> ' || confrelid::regclass, condeferrable from pg_constraint
                where connamespace = to_regnamespace('ledger') and contype = 'f'"""
    async with owner.begin() as db:
        rows = (await db.execute(text(query))).all()
    found = {row[0].replace("ledger.", "") for row in rows if not row[1]}
    assert len(found) == len(rows)
    assert found == {
        "journal -> journal",
        "movement -> journal",
        "period_act -> journal",
        "period_total -> period_act",
        "account -> fold",  # at its opening only
    }
