"""Statements: the entries of an account by accounting date, whole or page by page.

Every page of a history of millions costs the same: it is found by its key in the index, without an offset.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.balances import Balance, balance_before

MAX_PAGE = 1000


@dataclass(frozen=True)
class Entry:
    """One line of a statement, in minor units; `debit` or `credit` is 0. `reversed`: a later journal reverses it.

    `effective_on` is the day it is booked on; `occurred_on`, the day it is for, is earlier if that day was closed.
    """

    journal_id: UUID
    kind: str
    effective_on: date
    occurred_on: date
    recorded_at: datetime
    debit: int
    credit: int
    counter_account: str
    reverses_id: UUID | None
    reversed: bool


@dataclass(frozen=True)
class Cursor:
    """The last entry of a page and the account's sums up to it; the next page begins after it."""

    effective_on: date
    xid: int
    recorded_at: datetime
    journal_id: UUID
    position: int
    balance: Balance


@dataclass(frozen=True)
class DayRange:
    """Accounting days, the first and the last included."""

    first_on: date = date.min
    last_on: date = date.max


@dataclass(frozen=True)
class Page:
    """Entries in order; `opening` is the balance before the first. `next` is None on the last page."""

    opening: Balance
    entries: tuple[Entry, ...]
    next: Cursor | None


async def entries_of(db: AsyncConnection, accounts: Sequence[tuple[str, str]]) -> list[list[Entry]]:
    """The entries of each (mutuelle, account), in the order given, each list oldest first by accounting date."""
    columns = {
        "mutuelles": [mutuelle for mutuelle, _code in accounts],
        "codes": [code for _m, code in accounts],
    }
    found: list[list[Entry]] = [[] for _account in accounts]
    for nth, *facts in (await db.execute(_ENTRIES, columns)).all():
        found[nth - 1].append(Entry(*facts))
    return found


async def statements(db: AsyncConnection, mutuelle: str, accounts: Sequence[str]) -> dict[str, list[Entry]]:
    """The entries of each account of a mutuelle; an account without entries has an empty list."""
    found = await entries_of(db, [(mutuelle, account) for account in accounts])
    return dict(zip(accounts, found, strict=True))


async def statement(db: AsyncConnection, mutuelle: str, account: str) -> list[Entry]:
    """The entries of one account, oldest first by accounting date."""
    return (await statements(db, mutuelle, [account]))[account]


async def statement_page(
    db: AsyncConnection,
    mutuelle: str,
    account: str,
    days: DayRange = DayRange(),
    *,
    after: Cursor | None = None,
    size: int = 100,
) -> Page:
    """Up to `size` entries booked on `days`, after the page that ended with `after`. ValueError: not 1 to MAX_PAGE."""
    if not 1 <= size <= MAX_PAGE:
        raise ValueError(f"a page of {size} entries: from 1 to {MAX_PAGE}")
    opening = after.balance if after else await balance_before(db, mutuelle, account, days.first_on)
    since = after or Cursor(days.first_on, 0, datetime.min.replace(tzinfo=UTC), UUID(int=0), 0, opening)
    facts = {
        "mutuelle": mutuelle,
        "account": account,
        "on": since.effective_on,
        "xid": since.xid,
        "at": since.recorded_at,
        "journal": since.journal_id,
        "position": since.position,
        "last_on": days.last_on,
        "size": size + 1,
    }
    rows = (await db.execute(text(_BOTH), facts)).all()
    shown, more = rows[:size], len(rows) > size
    entries = tuple(_entry(row) for row in shown)
    closing = Balance(
        opening.debits + sum(e.debit for e in entries), opening.credits + sum(e.credit for e in entries)
    )
    if not more:
        return Page(opening, entries, None)
    last = shown[-1]
    at = (last.effective_on, last.xid, last.recorded_at, last.journal_id, last.position)
    return Page(opening, entries, Cursor(*at, closing))


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    return Entry(
        row.journal_id,
        row.kind,
        row.effective_on,
        row.occurred_on,
        row.recorded_at,
        row.debit,
        row.credit,
        row.counter_account,
        row.reverses_id,
        row.reversed,
    )


# The entries of some ACCOUNTS: the place of the account among them, from 1, then what an Entry is made of.
#
# `offset 0` and `limit 1` make the planner look up each leg and each journal by its index: without them it may read
# the whole book while the table has no statistics.
_ENTRIES_OF = """
    select a.nth, m.journal_id, j.kind, m.effective_on, coalesce(j.occurred_on, m.effective_on), j.recorded_at,
           m.debit, m.credit, m.counter_account, j.reverses_id,
           (select true from ledger.journal later
             where later.mutuelle_id = a.mutuelle and later.reverses_id = j.id limit 1) is not null
      from ACCOUNTS as a (mutuelle, code, nth)
     cross join lateral (
        (select journal_id, position, effective_on, xid, amount as debit, 0 as credit, credit_account as counter_account
           from ledger.movement
          where mutuelle_id = a.mutuelle and debit_account = a.code and phase in ('single', 'post')
          order by debit_account, effective_on)
         union all
        (select journal_id, position, effective_on, xid, 0, amount, debit_account
           from ledger.movement
          where mutuelle_id = a.mutuelle and credit_account = a.code and phase in ('single', 'post')
          order by credit_account, effective_on)
        offset 0
     ) m
     cross join lateral (select * from ledger.journal found
                          where found.mutuelle_id = a.mutuelle and found.id = m.journal_id limit 1) j
     order by a.nth, m.effective_on, m.xid, j.recorded_at, m.journal_id, m.position
    """
_ENTRIES = text(
    _ENTRIES_OF.replace(
        "ACCOUNTS", "unnest(cast(:mutuelles as text[]), cast(:codes as text[])) with ordinality"
    )
)
# Of the one `:account` of `:mutuelle`, to stand in a question that asks for more at once. Of arrays the server knows no
# length beforehand, and would plan the whole question anew each time, which takes longer than to answer it.
ENTRIES_OF_ONE = _ENTRIES_OF.replace(
    "ACCOUNTS", "(select cast(:mutuelle as text), cast(:account as text), 1)"
)

# Each side is read from its own index from the cursor's day and tick on, hardly more than a page of it. The journals
# of one transaction share a tick, so the time of recording orders them.
_SIDE = """
    (select m.effective_on, m.xid, j.recorded_at, m.journal_id, m.position, DEBIT as debit, CREDIT as credit,
            OTHER as counter_account, j.kind, coalesce(j.occurred_on, m.effective_on) as occurred_on, j.reverses_id
       from ledger.movement m
       join ledger.journal j on j.mutuelle_id = m.mutuelle_id and j.id = m.journal_id
      where m.mutuelle_id = :mutuelle and OWN = :account and m.phase in ('single', 'post')
        and (m.effective_on, m.xid) >= (:on, :xid) and m.effective_on <= :last_on
        and (m.effective_on, m.xid, j.recorded_at, m.journal_id, m.position) > (:on, :xid, :at, :journal, :position)
      order by m.effective_on, m.xid, j.recorded_at, m.journal_id, m.position limit :size)
"""
_PAGE = """
select page.*, exists (select from ledger.journal later
                        where later.mutuelle_id = :mutuelle and later.reverses_id = page.journal_id) as reversed
  from (DEBITED union all CREDITED) page
 order by effective_on, xid, recorded_at, journal_id, position limit :size
"""


def _side(own: str, other: str, debit: str, credit: str) -> str:
    words = {"OWN": own, "OTHER": other, "DEBIT": debit, "CREDIT": credit}
    return re.sub("[A-Z]{3,}", lambda word: words[word[0]], _SIDE)


_DEBITED = _side("m.debit_account", "m.credit_account", "m.amount", "0::bigint")
_CREDITED = _side("m.credit_account", "m.debit_account", "0::bigint", "m.amount")
_BOTH = _PAGE.replace("DEBITED", _DEBITED).replace("CREDITED", _CREDITED)
