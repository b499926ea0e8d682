"""What a mutuelle holds, and what its members paid since a mark, read by one statement: one snapshot of the book.

A mark is that snapshot, not a time: a journal committed late is counted in the next position, and none is counted
twice.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import HEALTH, KINDS, Root

STATE = ("etat", "state")  # how the name of a receivable from the State begins: etat, etat-mali
NOT_PAID = ("waivers", "shortage", "provisions")  # kinds of expenses that nobody was paid for


@dataclass(frozen=True)
class Mark:
    """A snapshot of the book, written in ticks, and the database's time just after it."""

    snapshot: str
    at: datetime


@dataclass(frozen=True)
class Position:
    """Balances of `fund` in minor units; mobile money with what waits there to be paid out.

    `received_minor` is what members' accounts received since the mark before. Reversals since are subtracted. `payers`
    counts the accounts that received more than was reversed. `boxes` is the cash, account by account.
    """

    boxes: dict[str, int]
    mobile_minor: int
    bank_minor: int
    received_minor: int
    payers: int
    mark: Mark

    @property
    def cash_minor(self) -> int:
        """All the cash, whoever holds it."""
        return sum(self.boxes.values())


@dataclass(frozen=True)
class DayEnd:
    """Balances of the health fund at the end of a day, in minor units; `boxes` is the cash, account by account."""

    boxes: dict[str, int]
    mobile_minor: int
    bank_minor: int


@dataclass(frozen=True)
class Debts:
    """What the health fund owes and is owed, and what it has spent this year, in minor units.

    `state_minor` is owed by the State, `others_minor` by other third parties. `waits` is the money whose owner is not
    known yet: each part with its day, the oldest first; the first that came is the first whose owner was found.
    """

    payable_minor: int
    state_minor: int
    others_minor: int
    spent_minor: int
    waits: tuple[tuple[date, int], ...]


async def mark_now(db: AsyncConnection) -> Mark:
    """The snapshot of this statement (of this transaction, if that is REPEATABLE READ)."""
    row = (await db.execute(text("select ledger.snapshot(), clock_timestamp()"))).one()
    return Mark(row[0], row[1])


async def position(db: AsyncConnection, mutuelle: str, currency: str, *, since: Mark) -> Position:
    """What `mutuelle` holds of its health fund in `currency`, and what its members paid since a mark."""
    facts = {"mutuelle": mutuelle, "currency": currency, "fund": HEALTH, "since": since.snapshot}
    row = (await db.execute(text(_POSITION), facts)).one()
    figures = (int(row.mobile), int(row.bank), int(row.received), int(row.payers))
    return Position(_boxes(row), *figures, Mark(row.snapshot, row.at))


async def held_on(db: AsyncConnection, mutuelle: str, currency: str, day: date) -> DayEnd:
    """What `mutuelle` held of its health fund in `currency` at the end of `day`."""
    facts = {"mutuelle": mutuelle, "currency": currency, "fund": HEALTH, "day": day}
    row = (await db.execute(text(_HELD.replace("AS_OF", "cast(:day as date)")), facts)).one()
    return DayEnd(_boxes(row), int(row.mobile), int(row.bank))


async def received_between(
    db: AsyncConnection, mutuelle: str, currency: str, first: date, last: date
) -> tuple[int, int]:
    """What members' accounts received on these days less what was taken back on them, and of how many accounts."""
    facts = {"mutuelle": mutuelle, "currency": currency, "fund": HEALTH, "first": first, "last": last}
    row = (await db.execute(text(_RECEIVED), facts)).one()
    return int(row.received), int(row.payers)


async def debts_on(db: AsyncConnection, mutuelle: str, currency: str, day: date) -> Debts:
    """The debts of `mutuelle` in `currency` at the end of `day`, and its expenses since 1 January."""
    facts = {"mutuelle": mutuelle, "currency": currency, "fund": HEALTH, "day": day}
    spending = [
        kind.name for kind in KINDS.values() if kind.root is Root.EXPENSES and kind.name not in NOT_PAID
    ]
    year = {"before": date(day.year - 1, 12, 31), "spending": spending, "state": list(STATE)}
    row = (await db.execute(text(_DEBTS), facts | year)).one()
    waits = (await db.execute(text(_WAITS), facts)).all()
    figures = (int(row.payable), int(row.state), int(row.others), int(row.spent))
    return Debts(*figures, tuple((on, int(left)) for on, left in waits))


def _boxes(row: Row[Any]) -> dict[str, int]:
    return dict(zip(row.boxes or (), row.cash or (), strict=True))


async def floats(db: AsyncConnection, mutuelle: str, currency: str) -> list[tuple[str, int]]:
    """The balance of each mobile money account of `mutuelle` that was ever used, in minor units of `currency`."""
    rows = await db.execute(text(_FLOATS), {"mutuelle": mutuelle, "currency": currency})
    return [(row.code, int(row.held)) for row in rows]


_FLOATS = """
select a.code, s.debits - s.credits as held from ledger.sums(:mutuelle, 'infinity') s
  join ledger.account a on a.mutuelle_id = :mutuelle and a.code = s.account
 where a.kind in ('float', 'disbursement') and a.currency = :currency order by a.kind desc, a.code
"""

_HELD = """
    select array_agg(a.code) filter (where a.kind = 'cash') as boxes,
           array_agg((s.debits - s.credits)::bigint) filter (where a.kind = 'cash') as cash,
           coalesce(sum(s.debits - s.credits) filter (where a.kind in ('float', 'disbursement')), 0) as mobile,
           coalesce(sum(s.debits - s.credits) filter (where a.kind = 'bank'), 0) as bank
      from ledger.sums(:mutuelle, AS_OF) s
      join ledger.account a on a.mutuelle_id = :mutuelle and a.code = s.account
     where a.fund = :fund and a.currency = :currency
"""

_DEBTS = """
with now as (
    select a.code, a.kind, s.debits - s.credits as net,
           split_part(split_part(a.code, ':', 3), '-', 1) = any(cast(:state as text[])) as is_state
      from ledger.sums(:mutuelle, cast(:day as date)) s
      join ledger.account a on a.mutuelle_id = :mutuelle and a.code = s.account
     where a.fund = :fund and a.currency = :currency
), before as (
    select s.account, s.debits - s.credits as net from ledger.sums(:mutuelle, cast(:before as date)) s
)
select coalesce(-sum(n.net) filter (where n.kind = 'payable'), 0) as payable,
       coalesce(sum(n.net) filter (where n.kind = 'receivable' and n.is_state), 0) as state,
       coalesce(sum(n.net) filter (where n.kind = 'receivable' and not n.is_state), 0) as others,
       coalesce(sum(n.net - coalesce(b.net, 0)) filter (where n.kind = any(cast(:spending as text[]))), 0) as spent
  from now n left join before b on b.account = n.code
"""

# Of each account the newest receipts that are together what is left of it.
_WAITS = """
select on_day, sum(least(amount, left_minor - with_newer + amount))::bigint
  from (select m.effective_on as on_day, m.amount, s.credits - s.debits as left_minor,
               sum(m.amount) over (partition by s.account order by m.effective_on desc, m.xid desc, m.journal_id,
                                   m.position) as with_newer
          from ledger.sums(:mutuelle, cast(:day as date)) s
          join ledger.account a on a.mutuelle_id = :mutuelle and a.code = s.account and a.kind = 'suspense'
          join ledger.movement m on m.mutuelle_id = :mutuelle and m.credit_account = s.account
               and m.effective_on <= cast(:day as date) and m.phase in ('single', 'post')
         where a.fund = :fund and a.currency = :currency and s.credits > s.debits) every
 where with_newer - amount < left_minor
 group by on_day order by on_day
"""

# What each member's account got of the `moved` lines, less what was taken back. Money in suspense is a member's when
# its owner is found.
_PAID = """leg as (
    select m.amount, m.debit_account, m.credit_account,
           split_part(m.debit_account, ':', 2) as debit_kind, split_part(m.credit_account, ':', 2) as credit_kind
      from moved m
     where m.currency = :currency and split_part(m.debit_account, ':', 1) = :fund
), paid as (
    select account, sum(amount) as amount from (
        select credit_account as account, amount from leg
         where credit_kind = 'member' and debit_kind in ('cash', 'float', 'bank', 'suspense')
        union all
        select debit_account, -amount from leg
         where debit_kind = 'member' and credit_kind in ('cash', 'float', 'bank', 'suspense')
    ) each_way group by account
)"""

# Neither half reads the whole history: balances come from the day rows, new movements are found by their tick.
_POSITION = """
with held as (HELD), moved as (
    select m.*
      from cast(cast(:since as text) as pg_snapshot) mark
     cross join lateral ledger.moved(:mutuelle, pg_snapshot_xmin(mark), '18446744073709551615') m
     where not pg_visible_in_snapshot(m.xid, mark)
), PAID
select held.*, (select coalesce(sum(amount), 0) from paid) as received,
       (select count(*) from paid where amount > 0) as payers,
       ledger.snapshot() as snapshot, clock_timestamp() as at
  from held
""".replace("HELD", _HELD.replace("AS_OF", "'infinity'")).replace("PAID", _PAID)

_RECEIVED = """
with moved as (
    select m.debit_account, m.credit_account, m.amount, m.currency
      from ledger.journal j
      join ledger.movement m on m.mutuelle_id = j.mutuelle_id and m.journal_id = j.id and m.phase in ('single', 'post')
     where j.mutuelle_id = :mutuelle and j.effective_on between :first and :last
), PAID
select coalesce(sum(amount), 0) as received, count(*) filter (where amount > 0) as payers from paid
""".replace("PAID", _PAID)
