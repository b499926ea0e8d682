"""What the code reads of the schema's files is what the database is."""

import pytest
from sqlalchemy import MetaData, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

import schema_tables
from ledger.tables import entry

THERE = """
select a.attname as name, format_type(a.atttypid, a.atttypmod) as kind, k.nth, d.adbin is not null as has_default
  from pg_attribute a
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum and a.attgenerated = ''
  left join pg_constraint c on c.conrelid = a.attrelid and c.contype = 'p'
  left join lateral unnest(c.conkey) with ordinality as k (attnum, nth) on k.attnum = a.attnum
 where a.attrelid = cast(:name as regclass) and a.attnum > 0 and not a.attisdropped
 order by a.attnum
"""
TABLES = """
select case when schemaname = 'public' then tablename else schemaname || '.' || tablename end
  from pg_tables where schemaname in ('public', 'ledger') and tablename <> 'alembic_version'
"""


async def expect_as_it_is(db: AsyncConnection, table: Table) -> None:
    rows = (await db.execute(text(THERE), {"name": str(table)})).all()
    kinds = [str(column.type.compile(dialect=db.dialect)).lower() for column in table.columns]
    there = [(row.name, "bigint" if row.kind == "xid8" else row.kind) for row in rows]
    assert list(zip(table.columns.keys(), kinds, strict=True)) == there, table.name
    key = [row.name for row in sorted((row for row in rows if row.nth), key=lambda row: int(row.nth))]
    assert [column.name for column in table.primary_key] == key, table.name
    made = {column.name for column in table.columns if column.server_default is not None}
    assert made == {row.name for row in rows if row.has_default}, table.name


async def test_every_table_is_read_as_the_database_has_it(
    db: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema_tables, "_metadata", MetaData())
    names = set(await db.scalars(text(TABLES)))
    assert set(schema_tables._bodies()) == names
    assert len(names) > 50
    for name in sorted(names):
        await expect_as_it_is(db, schema_tables.table(name))


async def test_a_view_is_described_as_the_database_has_it(db: AsyncConnection) -> None:
    await expect_as_it_is(db, entry)


def test_a_table_that_no_file_makes_is_refused() -> None:
    with pytest.raises(KeyError):
        schema_tables.table("no_such_table")
