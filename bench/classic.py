"""The classic design: one transaction a posting, with a journal row, two entries and both running balances updated.

Nothing else is done there: no key is kept, no limit, no fund, no receipt. The hot row is updated last, so that its
lock is held for as short a time as this design allows.
"""

import asyncio
from pathlib import Path

from sqlalchemy import text

from bench import pgbench
from bench.databases import as_owner, transaction
from bench.place import Place

CLIENTS = (8, 64)
MEMBERS = 10_000
FLOAT = 1  # the account that every posting touches; members follow

_SCHEMA = """
create table balance (account bigint primary key, debits bigint not null, credits bigint not null)
    with (fillfactor = 60);
create table journal (
    id uuid primary key, kind text not null, effective_on date not null, actor text not null, reason text not null,
    recorded_at timestamptz not null default clock_timestamp());
create table entry (
    journal_id uuid not null references journal, position smallint not null, account bigint not null,
    debit bigint not null, credit bigint not null, effective_on date not null, primary key (journal_id, position));
create index entry_of_account on entry (account, effective_on);
insert into balance select nth, 0, 0 from generate_series(1, MEMBERS + 1) nth;
"""
_POSTING = r"""
\set member random(2, MEMBERS + 1)
begin;
with written as (
    insert into journal (id, kind, effective_on, actor, reason)
    values (gen_random_uuid(), 'contribution received', current_date, 'simulated', 'paid by mobile money')
    returning id)
insert into entry select id, leg.position, leg.account, leg.debit, leg.credit, current_date
  from written, (values (1, FLOAT, 12000, 0), (2, :member, 0, 12000)) leg (position, account, debit, credit);
update balance set credits = credits + 12000 where account = :member;
update balance set debits = debits + 12000 where account = FLOAT;
commit;
"""


async def make(place: Place) -> Path:
    """Its tables; the script of one posting."""
    script = place.home / "classic.sql"
    words = _POSTING.replace("MEMBERS", str(MEMBERS)).replace("FLOAT", str(FLOAT))
    await asyncio.to_thread(script.write_text, words, encoding="utf-8")
    await as_owner(place, *(_SCHEMA.replace("MEMBERS", str(MEMBERS)).strip().rstrip(";").split(";\n")))
    await as_owner(place, "analyze")
    return script


async def rate(place: Place, script: Path, clients: int, seconds: float) -> float:
    """Postings a second by all clients."""
    return (await pgbench.run(place, script, clients, seconds=seconds)).per_s


async def is_sound(place: Place) -> bool:
    """Whether every journal has its two entries and the balances are their sums."""
    async with transaction(place.owner_url) as db:
        return bool(await db.scalar(text(_SOUND)))


_SOUND = """
select (select count(*) from journal) * 2 = (select count(*) from entry)
   and (select count(*) from entry) > 0
   and not exists (
       select from balance b
         left join (select account, sum(debit) as debits, sum(credit) as credits from entry group by account) e
               using (account)
        where (b.debits, b.credits) is distinct from (coalesce(e.debits, 0), coalesce(e.credits, 0)))
"""
