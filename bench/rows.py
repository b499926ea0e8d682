"""The rows of every table: what an action leaves, in ours, the limit and the peer."""

from collections.abc import Mapping

from sqlalchemy import func, select, table, text

from bench.engine import transaction
from bench.place import BenchPlace

Rows = Mapping[str, int]


async def count(place: BenchPlace) -> Rows:
    """How many rows each table has."""
    async with transaction(place.owner_url) as db:
        found = {}
        for schema, name in (await db.execute(text(_TABLES))).all():
            counted = select(func.count()).select_from(table(name, schema=schema))
            found[f"{schema}.{name}"] = int(await db.scalar(counted) or 0)
    return found


async def grown(place: BenchPlace, start: Rows) -> dict[str, int]:
    """The rows that have come since `start`, by table; tables without any are left out."""
    now = await count(place)
    return {name: more for name, rows in now.items() if (more := rows - start.get(name, 0))}


_TABLES = "select schemaname, tablename from pg_tables where schemaname in ('public', 'ledger')"
