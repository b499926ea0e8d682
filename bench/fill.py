"""Years of history in a book, written by SQL as its owner: no key is spent, nothing is judged, indexes come last.

Only for a database that is thrown away afterwards. What it writes is what posting would have written, row by row, but
for `ledger.request`, which no balance and no statement reads. The day rows are made by the ledger's own fold.
"""

import asyncio
from dataclasses import dataclass
from time import perf_counter

from sqlalchemy import text

from bench.databases import as_owner
from bench.engine import transaction
from bench.place import BenchPlace
from ledger import accounts
from ledger.book import Account, open_accounts
from torture.town import DAN

MEMBERS = 1_000
YEARS = 10
FLOAT = accounts.collections("simulated-ML")
FOLDED_AT_ONCE = 100_000_000  # journals of one transaction: all that there are
AT_ONCE = 128  # payments that the worker settled in one transaction: they share a tick
MEMORY = "512MB"  # for making an index
_TABLES = ("journal", "movement")


@dataclass(frozen=True)
class Filled:
    """What the filling took and how large the book is."""

    movements: int
    took_s: float
    fold_s: float
    bytes: int


async def fill(place: BenchPlace, movements: int) -> Filled:
    """Receipts on the float, so many, over ten years, and the contribution of which each twelve are a part."""
    began = perf_counter()
    await _open_members(place)
    indexes = await _strip(place)
    await asyncio.gather(*(_run(place, statement, movements) for statement in (_JOURNALS, _MOVEMENTS)))
    await _build(place, indexes)
    await as_owner(place, "vacuum analyze", "select ledger.move_clock()")
    filled_s = perf_counter() - began
    await _fold(place)
    await as_owner(place, "vacuum analyze ledger.account_day")
    return Filled(movements, filled_s, perf_counter() - began - filled_s, await _size(place))


async def _open_members(place: BenchPlace) -> None:
    async with transaction(place.service_url) as db:
        codes = [accounts.member(f"bench-{nth}") for nth in range(MEMBERS)]
        await open_accounts(db, [Account(DAN.id, code, DAN.currency) for code in codes])


async def _strip(place: BenchPlace) -> list[str]:
    """Take off all that makes writing dear, for good but for the indexes: how to make those."""
    async with transaction(place.owner_url) as db:
        indexes = [str(row[0]) for row in await db.execute(text(_INDEXES))]
        for statement in (_DROP_CONSTRAINTS, _DROP_INDEXES):
            for drop in (await db.execute(text(statement))).scalars().all():
                await db.execute(text(drop))
        for table in _TABLES:
            await db.execute(text(f"alter table ledger.{table} set unlogged"))
    return indexes


async def _run(place: BenchPlace, statement: str, movements: int) -> None:
    async with transaction(place.owner_url) as db:
        facts = {"mutuelle": DAN.id, "currency": DAN.currency, "movements": movements, "members": MEMBERS}
        days = {"days": YEARS * 365, "at_once": AT_ONCE, "float": FLOAT, "income": accounts.contributions()}
        await db.execute(text(_EVENTS.format(body=statement)), facts | days)


async def _build(place: BenchPlace, indexes: list[str]) -> None:
    """Two indexes at a time."""
    left = indexes.copy()

    async def build_rest() -> None:
        while left:
            await as_owner(place, f"set maintenance_work_mem = '{MEMORY}'", left.pop())

    await asyncio.gather(build_rest(), build_rest())


async def _fold(place: BenchPlace) -> None:
    folded = 1
    while folded:
        async with transaction(place.service_url) as db:
            most = {"mutuelle": DAN.id, "most": FOLDED_AT_ONCE}
            folded = int(await db.scalar(text("select ledger.fold(:mutuelle, :most)"), most) or 0)


async def _size(place: BenchPlace) -> int:
    async with transaction(place.owner_url) as db:
        return int(await db.scalar(text("select pg_database_size(current_database())")) or 0)


_INDEXES = """
select indexdef from pg_indexes where schemaname = 'ledger' and tablename in ('journal', 'movement') order by indexname
"""
_DROP_CONSTRAINTS = """
select format('alter table %s drop constraint %I', conrelid::regclass, conname)
  from pg_constraint
 where contype <> 'n' and conrelid <> 0
   and (conrelid in ('ledger.journal'::regclass, 'ledger.movement'::regclass)
        or confrelid in ('ledger.journal'::regclass, 'ledger.movement'::regclass))
 order by contype = 'f' desc
"""
_DROP_INDEXES = """
select format('drop index ledger.%I', indexname) from pg_indexes
 where schemaname = 'ledger' and tablename in ('journal', 'movement')
"""
# Payment n of so many: whose it is, when it came, and whether the contribution is called with it.
_EVENTS = """
with payment as (
    select n, 'health:member:bench-' || n % :members as member, n / :members % 12 = 0 as is_first,
           (current_date - cast(:days as int)) + cast(n * cast(:days as bigint) / :movements as int) as day,
           (1 + n / :at_once)::text::xid8 as xid
      from generate_series(0, cast(:movements as bigint) - 1) n
)
{body}
"""
_JOURNALS = """
insert into ledger.journal (mutuelle_id, id, kind, effective_on, recorded_at, actor, reason, memo, xid)
select :mutuelle, md5(which || n)::uuid, kind, day, day + interval '1 second' * (n % 86400), 'simulated', reason,
       '{}', xid
  from payment, (values ('call ', 'contribution called', 'first franc of the policy'),
                        ('receipt ', 'contribution received', 'paid by mobile money')) each (which, kind, reason)
 where is_first or which = 'receipt '
"""
_MOVEMENTS = """
insert into ledger.movement (mutuelle_id, journal_id, position, debit_account, credit_account, amount, currency, phase,
                             effective_on, xid)
select :mutuelle, md5(which || n)::uuid, 1, case when which = 'call ' then member else :float end,
       case when which = 'call ' then :income else member end, case when which = 'call ' then 12000 else 1000 end,
       :currency, 'single', day, xid
  from payment, (values ('call '), ('receipt ')) each (which)
 where is_first or which = 'receipt '
"""
