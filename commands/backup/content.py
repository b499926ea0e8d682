"""Figures of a database that must be the same after a restore: rows, balances, seals.

A backup computes them in the snapshot that it dumps; a restore computes them again and compares. Read only.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import func, literal, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from commands.command import CommandError, spoken
from ledger.export import snapshot
from locales import _n
from migrations import keep_schema

# Every relation that is ours or could conflict: all except the system's and those of extensions.
_TABLES = """
select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind::text = any(:kinds) and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
   and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                                             and d.deptype = 'e')
 order by 1
"""

_BALANCES = """
select mutuelle_id, account, currency, sum(debit)::text, sum(credit)::text
  from ledger.entry group by 1, 2, 3 order by 1, 2, 3
"""


@dataclass(frozen=True)
class Book:
    """A mutuelle's book: SHA-256 of its trial balance, sum of its movements in minor units, newest seal or ""."""

    accounts: int
    moved_minor: int
    balances: str
    seal: str = ""

    @property
    def summary(self) -> str:
        """The figures in words."""
        sealed = f"block {self.seal.partition(' ')[0]} sealed" if self.seal else "not sealed"
        accounts = spoken(_n("{n} account", "{n} accounts", self.accounts))
        return f"{accounts}, {self.moved_minor} moved, {sealed}, digest {self.balances[:12]}"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection with one read-only snapshot, without time-outs."""
    engine = create_async_engine(url, poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.connect() as db:
            await db.execute(text("set idle_in_transaction_session_timeout = 0"))
            await db.execute(text("set statement_timeout = 0"))
            await keep_schema(db)  # before the snapshot
            await db.commit()
            await snapshot(db)
            yield db
    finally:
        await engine.dispose()


async def analyze(url: str) -> None:
    """ANALYZE: a restored table has no statistics, and the invariants would be very slow."""
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as db:
            await db.execute(text("analyze"))
    finally:
        await engine.dispose()


async def tables(db: AsyncConnection, kinds: str = "rp") -> list[str]:
    """The quoted names of all tables; `kinds` are letters of `pg_class.relkind`."""
    return list(await db.scalars(text(_TABLES), {"kinds": list(kinds)}))


async def schema(db: AsyncConnection) -> str:
    """The schema's version; CommandError if there is none."""
    if await db.scalar(text("select to_regclass('public.alembic_version')")) is None:
        raise CommandError("the database has no schema of ours: there is nothing to back up")
    return str(await db.scalar(text("select version_num from alembic_version")))


async def server(db: AsyncConnection) -> int:
    """The server's major version."""
    return int(str(await db.scalar(text("show server_version_num")))) // 10_000


async def size_bytes(db: AsyncConnection) -> int:
    """An estimate of the dump: the size of the tables without indexes."""
    sizes = text("select sum(pg_table_size(name::regclass)) from unnest(cast(:tables as text[])) name")
    return int(await db.scalar(sizes, {"tables": await tables(db)}) or 0)


async def exported(db: AsyncConnection) -> str:
    """The name of our snapshot, for other connections while this one is open."""
    return str(await db.scalar(text("select pg_export_snapshot()")))


async def tick(db: AsyncConnection) -> int:
    """A number above that of every transaction that we see, in the ledger's own count."""
    newest = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint + shift from ledger.clock"
    return int(await db.scalar(text(newest)) or 0)


async def expect_empty(db: AsyncConnection) -> None:
    """CommandError if the database has a table, view or sequence, or our schema."""
    found = await tables(db, "rpvmSf")
    if found or await db.scalar(text("select to_regnamespace('ledger')")) is not None:
        raise CommandError(
            f"the database is not empty ({', '.join(found[:3]) or 'ledger'} …): "
            "a backup goes into an empty one, such as `createdb --owner` makes"
        )


async def rows(db: AsyncConnection) -> dict[str, int]:
    """The number of rows of each table. Needs the owner's role."""
    counts = [select(literal(name), func.count()).select_from(text(name)) for name in await tables(db)]
    return {row[0]: row[1] for row in await db.execute(union_all(*counts))}


async def books(db: AsyncConnection) -> dict[str, Book]:
    """Each mutuelle's book, computed from its movements. The service's role is enough."""
    lines: dict[str, list[tuple[str, ...]]] = {}
    for mutuelle, *line in await db.execute(text(_BALANCES)):
        lines.setdefault(mutuelle, []).append(tuple(line))
    seals = await _newest_seals(db)
    return {
        mutuelle: _book(lines.get(mutuelle, []), seals.get(mutuelle, ""))
        for mutuelle in sorted({*lines, *seals})
    }


def _book(lines: list[tuple[str, ...]], seal: str) -> Book:
    said = "\n".join(" ".join(line) for line in lines)
    return Book(len(lines), sum(int(line[2]) for line in lines), sha256(said.encode()).hexdigest(), seal)


async def _newest_seals(db: AsyncConnection) -> dict[str, str]:
    """`block root` of each mutuelle's newest seal."""
    newest = """
        select distinct on (mutuelle_id) mutuelle_id, block || ' ' || encode(root, 'hex')
          from ledger.seal order by mutuelle_id, block desc
    """
    return {row[0]: row[1] for row in await db.execute(text(newest))}
