"""The schema, applied by the owner's role. `schema/` says what it is now: an empty database is made from it at once.

`versions/` has the steps for databases that an earlier release made. The service's role gets only the rights that stand
beside the tables. `migrate` may be run any number of times; it is what `keneya migrate` and every test run.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from ledger.accounts import KINDS, AccountKind
from migrations.grants import AUDITOR_ROLE, auditor_statements, grant_statements, shared_statements

# A kind that is there stays as it is: its accounts are kept that way. `keneya check` names one that differs.
_ADD_KINDS = (
    "insert into ledger.kind (kind, keeping, side, is_split) values (:kind, :keeping, :side, :is_split)"
    " on conflict do nothing"
)
# Snapshots are written in ticks, which go on beyond them; the ledger's own functions know no table above it.
_MOVE_CLOCK = text("""
select ledger.move_clock(greatest(:above, max(pg_snapshot_xmax(counted_to::pg_snapshot)::text::bigint) - 1))
  from (select counted_to from digest union all select counted_to from schedule) written""")
_IS_ROLE = text("select exists (select from pg_roles where rolname = :role)")
_VERSION = text("select version_num from alembic_version")
_IS_UNGUARDED = text("""
select rolconnlimit < 0 or has_function_privilege(oid, 'pg_advisory_lock(bigint)', 'execute')
  from pg_roles where rolname = :role""")
STEPS = Path(__file__).parent
BASELINE = "0001"  # the step that makes an empty database whatever `schema/` says now
LOCK_TIMEOUT = "3s"
LOCK_KEY = (
    7_305_011  # any constant: of one number, so that no lock of `mutuelle/locks.py` (two numbers) is it
)


class UnknownRoleError(Exception):
    """The role that was to get rights is not there; the message is one line for a person."""


class OldSchemaError(Exception):
    """The database lacks a step of this program; the message is one line for a person."""


class UnknownSchemaError(Exception):
    """The database has a step that this program lacks; the message is one line for a person."""


def _steps() -> ScriptDirectory:
    return ScriptDirectory(str(STEPS))


def revisions() -> frozenset[str]:
    """The schema's versions that this program knows."""
    return frozenset(step.revision for step in _steps().walk_revisions())


def newest() -> str:
    """The version that `migrate` brings the schema to."""
    return str(_steps().get_current_head())


async def refuse_old_schema(service_url: str) -> None:
    """OldSchema unless the database is at this program's version; during a release it may be ahead, at a later one."""
    engine = create_async_engine(service_url, poolclass=NullPool)
    try:
        async with engine.connect() as db:
            version = await db.scalar(_VERSION)
    except ProgrammingError:  # never migrated
        version = None
    finally:
        await engine.dispose()
    if version is None or (version != newest() and version in revisions()):
        at = version or "none"
        raise OldSchemaError(
            f"the schema's version is {at}, this program needs {newest()}: run `keneya migrate` first"
        )


def _kind_row(kind: AccountKind) -> dict[str, object]:
    return {
        "kind": kind.name,
        "keeping": kind.keeping,
        "side": kind.normal,
        "is_split": bool(kind.split_by),
    }


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(STEPS))
    config.attributes["connection"] = connection
    try:
        if MigrationContext.configure(connection).get_current_revision() is None:
            command.upgrade(config, BASELINE)
            command.stamp(config, "head")
        else:
            command.upgrade(config, "head")
    except CommandError as fault:
        raise UnknownSchemaError(
            f"the schema is another program's ({fault}): run the program that made it"
        ) from None


async def keep_schema(db: AsyncConnection) -> None:
    """Wait for a migration that is under way; until the session ends none begins."""
    await db.execute(text("select pg_advisory_lock_shared(:key)"), {"key": LOCK_KEY})


async def migrate(
    owner_url: str, service_role: str, *, above: int = 0, auditor_role: str | None = None
) -> str | None:
    """Bring the database at `owner_url` (`postgresql+asyncpg://…`) to the newest version, all or nothing.

    `service_role` is the role that web and worker connect as; it owns nothing, and gets its rights last. `above`: a
    restore's newest transaction number, which the ledger's clock goes on from. `auditor_role`: a role that exists and
    may read the ledger from now on (UnknownRole: it does not); without one it is AUDITOR_ROLE, if the server has it.
    UnknownSchemaError: a newer program was here.
    The answer is the name of an auditor's role that could still hold others up: a superuser must run `server.sql`.
    Postings wait behind a step that waits for a reader: no step waits longer than LOCK_TIMEOUT.
    """
    engine, auditor = create_async_engine(owner_url), auditor_role or AUDITOR_ROLE
    try:
        async with engine.begin() as db:
            await db.execute(
                text("select pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY}
            )  # of two, one waits
            await db.execute(text(f"set local lock_timeout = '{LOCK_TIMEOUT}'"))
            await db.run_sync(_upgrade)
            await db.execute(_MOVE_CLOCK, {"above": above})
            await db.execute(text(_ADD_KINDS), [_kind_row(kind) for kind in KINDS.values()])
            database = str(await db.scalar(text("select current_database()")))
            for statement in (*grant_statements(service_role), *shared_statements(service_role, database)):
                await db.execute(text(statement))
            known = await db.scalar(_IS_ROLE, {"role": auditor})
            if auditor_role and not known:
                raise UnknownRoleError(f"the server has no role {auditor_role!r}: create it first")
            for statement in auditor_statements(auditor) if known else ():
                await db.execute(text(statement))
            return auditor if await db.scalar(_IS_UNGUARDED, {"role": auditor}) else None
    finally:
        await engine.dispose()
