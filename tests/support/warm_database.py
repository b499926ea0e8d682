"""One database for many tests, with connections that stay open; emptied after each, thrown away if its schema changed.

A new connection to a new database reads the catalogue, compiles functions and plans statements again: most of what a
short test waited for. A test that asks for `database` has a fresh copy of its own, for tests of the schema itself.
"""

import asyncio
from dataclasses import dataclass

import asyncpg
import asyncpg.exceptions
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from engines.cluster import OWNER_ROLE
from engines.embedded import Engines

LOCK_PATIENCE = "2s"  # a test that left a transaction open has its database thrown away

# DDL is counted by a sequence: a transaction that is rolled back counts too. What `emptied.empty` does itself is not
# counted: event triggers do not fire in a session that plays a replica.
_PREPARED = """
create schema emptied;
create sequence emptied.ddl;
create function emptied.note() returns event_trigger language plpgsql security definer as
    $$ begin perform nextval('emptied.ddl'); end $$;
do $$
declare one record; deletes text := ''; seeds text := ''; filled boolean; columns text;
begin
    for one in select c.oid::regclass as name, c.oid,
                      string_agg('disable trigger ' || quote_ident(tgname), ', ') as off,
                      string_agg('enable always trigger ' || quote_ident(tgname), ', ') as again
                 from pg_class c join pg_namespace n on n.oid = c.relnamespace
                 left join pg_trigger on tgrelid = c.oid and tgenabled = 'A'
                where c.relkind = 'r' and n.nspname in ('public', 'ledger') group by c.oid loop
        execute format('select exists (select from %s)', one.name) into filled;
        deletes := deletes || case when one.off is null then format('delete from %s;', one.name) else
            format('if exists (select from %1$s) then alter table %1$s %2$s; delete from %1$s; alter table %1$s %3$s;'
                   ' end if;', one.name, one.off, one.again) end;
        if filled then
            select string_agg(format('%I', attname), ', ') into columns from pg_attribute
             where attrelid = one.oid and attnum > 0 and not attisdropped and attgenerated = '';
            execute format('create table emptied.seed_%s as select %s from %s', one.oid, columns, one.name);
            seeds := seeds || format('insert into %s (%s) overriding system value select * from emptied.seed_%s;',
                                     one.name, columns, one.oid);
        end if;
    end loop;
    execute format($made$
        create function emptied.empty() returns boolean language plpgsql
            set session_replication_role = replica set lock_timeout = '%s' as $body$
        begin
            if (select is_called from emptied.ddl) then
                return false;
            end if;
            %s
            %s
            perform setval(seqrelid::regclass, seqstart, false) from pg_sequence;
            return true;
        end $body$
    $made$, '{patience}', deletes, seeds);
end $$;
grant usage on schema emptied to public;
create event trigger note on ddl_command_end execute function emptied.note();
create event trigger note_drop on sql_drop execute function emptied.note();
"""


async def end_tasks(among: set[asyncio.Task[object]]) -> None:
    """End the tasks that a test left behind; `among`: those that ran before it and run on."""
    left = asyncio.all_tasks() - among - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


@dataclass
class WarmDatabase:
    """Open connections as the service's role and as the owner, and the superuser's, who empties the tables."""

    service: AsyncEngine
    owner: AsyncEngine
    superuser: asyncpg.Connection
    engines: Engines

    async def empty(self) -> bool:
        """Back to the template's rows; False where it cannot be: somebody has a connection, or the schema changed."""
        if any(engine.pool.checkedout() for engine in (self.service, self.owner)):  # type: ignore[attr-defined]
            return False
        try:
            return bool(await self.superuser.fetchval("select emptied.empty()"))
        except asyncpg.exceptions.PostgresError:
            return False

    async def drop(self) -> None:
        await self.service.dispose()
        await self.owner.dispose()
        await self.superuser.close()
        await _as_superuser(self.engines, f"drop database {self.service.url.database} with (force)")


async def _as_superuser(engines: Engines, statement: str) -> None:
    db = await _connect(engines, "postgres")
    await db.execute(statement)
    await db.close()


async def _connect(engines: Engines, name: str) -> asyncpg.Connection:
    url = make_url(engines.superuser_url).set(drivername="postgresql", database=name)
    connection: asyncpg.Connection = await asyncpg.connect(url.render_as_string(hide_password=False))
    return connection


async def open_warm(engines: Engines, template: str, name: str) -> WarmDatabase:
    """Make a copy of the template and connect to it."""
    await _as_superuser(
        engines, f"create database {name} template {template} owner {OWNER_ROLE} strategy file_copy"
    )
    superuser = await _connect(engines, name)
    await superuser.execute(_PREPARED.replace("{patience}", LOCK_PATIENCE))
    return WarmDatabase(
        create_async_engine(engines.url("service", name), pool_size=15, max_overflow=0, pool_use_lifo=True),
        create_async_engine(engines.url("owner", name), pool_use_lifo=True),
        superuser,
        engines,
    )
