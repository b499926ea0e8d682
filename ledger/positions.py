"""What a mutuelle holds, and what came in since a mark: figures of one statement, so of one snapshot of the book.

A mark is that snapshot itself, not a time: a journal that was committed late is counted by the next position, and no
journal by two.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import HEALTH


@dataclass(frozen=True)
class Mark:
    """A point in the life of the book: the snapshot written in ticks, and the database's clock just after it."""

    snapshot: str
    at: datetime


@dataclass(frozen=True)
class Position:
    """Balances of `fund` in minor units; `received_minor` is what members' accounts got since the mark before.

    What was taken back since is taken off. `payers` counts the accounts that got more than they lost.
    """

    cash_minor: int
    mobile_minor: int
    bank_minor: int
    received_minor: int
    payers: int
    mark: Mark


async def mark_now(db: AsyncConnection) -> Mark:
    """The book as it stands for this statement (for this transaction, where that is REPEATABLE READ)."""
    row = (await db.execute(text("select ledger.snapshot(), clock_timestamp()"))).one()
    return Mark(row[0], row[1])


async def position(db: AsyncConnection, mutuelle: str, currency: str, *, since: Mark) -> Position:
    """What `mutuelle` holds of its health fund in `currency`, and what its members paid since a mark."""
    facts = {"mutuelle": mutuelle, "currency": currency, "fund": HEALTH, "since": since.snapshot}
    row = (await db.execute(text(_POSITION), facts)).one()
    figures = (int(row.cash), int(row.mobile), int(row.bank), int(row.received), int(row.payers))
    return Position(*figures, Mark(row.snapshot, row.at))


async def floats(db: AsyncConnection, mutuelle: str, currency: str) -> list[tuple[str, int]]:
    """What `mutuelle` holds by mobile money in each account that was ever used, in minor units of `currency`."""
    rows = await db.execute(text(_FLOATS), {"mutuelle": mutuelle, "currency": currency})
    return [(row.code, int(row.held)) for row in rows]


_FLOATS = """
select a.code, s.debits - s.credits as held from ledger.sums(:mutuelle, 'infinity') s
  join ledger.account a on a.mutuelle_id = :mutuelle and a.code = s.account
 where a.kind = 'float' and a.currency = :currency order by a.code
"""

# Neither half reads the whole history: what is held comes from the day rows, what is new is sought by its tick.
_POSITION = """
with held as (
    select coalesce(sum(s.debits - s.credits) filter (where a.kind = 'cash'), 0) as cash,
           coalesce(sum(s.debits - s.credits) filter (where a.kind = 'float'), 0) as mobile,
           coalesce(sum(s.debits - s.credits) filter (where a.kind = 'bank'), 0) as bank
      from ledger.sums(:mutuelle, 'infinity') s
      join ledger.account a on a.mutuelle_id = :mutuelle and a.code = s.account
     where a.fund = :fund and a.currency = :currency
), leg as (
    select m.amount, m.debit_account, m.credit_account,
           split_part(m.debit_account, ':', 2) as debit_kind, split_part(m.credit_account, ':', 2) as credit_kind
      from cast(cast(:since as text) as pg_snapshot) mark
     cross join lateral ledger.moved(:mutuelle, pg_snapshot_xmin(mark), '18446744073709551615') m
     where m.currency = :currency and split_part(m.debit_account, ':', 1) = :fund
       and not pg_visible_in_snapshot(m.xid, mark)
), paid as (
    select account, sum(amount) as amount from (
        select credit_account as account, amount from leg
         where credit_kind = 'member' and debit_kind in ('cash', 'float', 'bank')
        union all
        select debit_account, -amount from leg
         where debit_kind = 'member' and credit_kind in ('cash', 'float', 'bank')
    ) each_way group by account
)
select held.*, (select coalesce(sum(amount), 0) from paid) as received,
       (select count(*) from paid where amount > 0) as payers,
       ledger.snapshot() as snapshot, clock_timestamp() as at
  from held
"""
