"""The limit of settling: the very rows that a settled payment leaves, written set by set by PostgreSQL itself.

The same tables with all their indexes, keys and checks, 256 payments a transaction; nothing is asked, judged, compared
or worded, and one statement does it all. Which rows those are is compared with what settling wrote, table by table.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select, table, text

from bench import pgbench
from bench.databases import as_owner, transaction
from bench.place import Place

# pgbench takes a word after a colon for a variable, in quotes too.
_SCRIPT = """
with turn as materialized (
    select nextval('bench_batch') as nth
), due as materialized (
    select w.* from turn, bench_due w where w.nth >= turn.nth * BATCH and w.nth < (turn.nth + 1) * BATCH
), paid as (
    update payment p
       set state = 'PAID', operator_reference = 'T' || due.reference, completed_at = clock_timestamp()
      from due where p.mutuelle_id = due.mutuelle_id and p.reference = due.reference
), moved as (
    insert into payment_move (mutuelle_id, reference, position, from_state, to_state, actor, reason, moved_at)
    select mutuelle_id, reference, 3, 'SENT', 'PAID', 'simulated', 'status answer', clock_timestamp() from due
), event as materialized (
    select due.*, gen_random_uuid() as id, event.*
      from due, lateral (values
        ('policy', due.number || '-1', 'contribution called', 'first franc of the policy',
         jsonb_build_object('policy', '1'), due.account, due.income),
        ('payment', due.reference::text, 'contribution received', 'paid by mobile money',
         jsonb_build_object('payment', due.reference), due.collections, due.account))
        event (source, key, kind, reason, memo, debit, credit)
), spent as (
    insert into ledger.request (mutuelle_id, source, key, content_hash, verdict, journal_id)
    select mutuelle_id, source, key, sha256(key::bytea), 'created', id from event
), booked as (
    insert into ledger.journal (mutuelle_id, id, kind, effective_on, actor, reason, memo)
    select mutuelle_id, id, kind, current_date, 'simulated', reason, memo from event
), posted as (
    insert into ledger.movement (mutuelle_id, journal_id, position, debit_account, credit_account, amount, currency,
                                 phase, effective_on)
    select mutuelle_id, id, 1, debit, credit, amount, currency, 'single', current_date from event
), told as (
    insert into sms_outbox (mutuelle_id, key, phone, template, body, receipt_code, segments, due_at, created_at)
    select mutuelle_id, 'receipt ' || reference || ' 1', phone, 'receipt', 'BODY', code, 1, clock_timestamp(),
           clock_timestamp() from due
)
select count(*) from due;
"""
_BODY = "Recu ABCDEF, 12 000 F pour Awa Kone, numero 187 123 456. Couverture du 22/12/2026 au 21/11/2027. Reste 0 F."
_SCHEMA = (
    "create sequence bench_batch minvalue 0 start 0",
    """create table bench_due (nth int primary key, mutuelle_id text collate "C", reference uuid, number text,
                               account text, collections text, income text, phone text, code text, amount bigint,
                               currency text)""",
)
_DUE = """
insert into bench_due
select due.nth - 1, p.mutuelle_id, p.reference, p.number, 'health:member:' || p.number, 'health:float:simulated-ML',
       'health:contributions', p.payer_phone, p.receipt_code, p.amount_minor, p.currency
  from unnest(cast(:references as uuid[])) with ordinality due (reference, nth) join payment p using (reference)
"""


async def make(place: Place, references: Sequence[UUID], batch: int) -> Path:
    """The script of one batch; `references` are the payments that it settles, in this order."""
    script = place.home / "rows.sql"
    words = _SCRIPT.replace("BATCH", str(batch)).replace("BODY", _BODY)
    await asyncio.to_thread(script.write_text, words, encoding="utf-8")
    await as_owner(place, *_SCHEMA)
    async with transaction(place.owner_url) as db:
        await db.execute(text(_DUE), {"references": list(references)})
    await as_owner(place, "analyze bench_due")
    return script


async def rate(place: Place, script: Path, batch: int, batches: int, clients: int) -> float:
    """Payments a second, `batches` transactions of `batch` each by `clients` together."""
    ran = await pgbench.run(place, script, clients, each=batches // clients)
    return ran.per_s * batch


async def is_sound(place: Place, batch: int) -> bool:
    """Whether every batch had its payments, and each of them was paid."""
    async with transaction(place.owner_url) as db:
        batches = int(await db.scalar(text("select last_value + 1 from bench_batch")) or 0)
        paid = int(await db.scalar(text(_PAID)) or 0)
    return 0 < paid == batches * batch


@dataclass(frozen=True)
class Count:
    """How many payments are paid, and the rows of every table."""

    paid: int
    rows: Mapping[str, int]


async def count(place: Place) -> Count:
    """Count them all."""
    async with transaction(place.owner_url) as db:
        paid = await db.scalar(text("select count(*) from payment where state = 'PAID'"))
        found = {}
        for schema, name in (await db.execute(text(_TABLES))).all():
            counted = select(func.count()).select_from(table(name, schema=schema))
            found[f"{schema}.{name}"] = int(await db.scalar(counted) or 0)
    return Count(int(paid or 0), found)


async def left_by_each(place: Place, start: Count) -> dict[str, float]:
    """The rows that each payment paid since `start` has left, by table; tables without any are left out."""
    now = await count(place)
    grown = {name: rows - start.rows.get(name, 0) for name, rows in now.rows.items()}
    return {name: more / (now.paid - start.paid) for name, more in grown.items() if more}


_PAID = "select count(*) from bench_due join payment using (reference) where state = 'PAID'"
_TABLES = """
select schemaname, tablename from pg_tables
 where schemaname in ('public', 'ledger') and tablename not like 'bench%'
"""
