"""The tables in the code are the tables of the database."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

import mutuelle.care.tables
import mutuelle.households.tables
import mutuelle.imports.tables
import mutuelle.officers.tables
import mutuelle.schedules.tables
from mutuelle import tables as mutuelle_tables
from sms import tables as sms_tables
from talk import tables as talk_tables

ROOMS = (mutuelle_tables.metadata, sms_tables.metadata, talk_tables.metadata)
KINDS = {"add_column", "remove_column", "add_table", "modify_type", "modify_nullable"}


def _differences(connection: Connection) -> list[str]:
    assert mutuelle.care.tables.care_code.metadata is mutuelle_tables.metadata
    assert mutuelle.imports.tables.register_line.metadata is mutuelle_tables.metadata
    assert mutuelle.schedules.tables.schedule.metadata is mutuelle_tables.metadata
    assert mutuelle.households.tables.support_act.metadata is mutuelle_tables.metadata
    assert mutuelle.officers.tables.role_change.metadata is mutuelle_tables.metadata
    context = MigrationContext.configure(connection)
    found: list[str] = []
    for metadata in ROOMS:
        named = set(metadata.tables)
        for difference in compare_metadata(context, metadata):
            flat = difference if isinstance(difference, list) else [difference]
            for kind, *what in flat:
                table = str(what[1]) if kind.endswith("column") or kind.startswith("modify") else ""
                if "xid" in str(what):
                    continue  # written by the database's default, read by seals only
                if kind in KINDS and (kind == "add_table" or table in named):
                    found.append(f"{kind} {what}")
    return found


@pytest.mark.filterwarnings("ignore:Did not recognize type .xid8.:sqlalchemy.exc.SAWarning")
async def test_every_table_in_the_code_is_in_the_database_as_it_is_described(owner: AsyncEngine) -> None:
    async with owner.connect() as db:
        assert await db.run_sync(_differences) == []
