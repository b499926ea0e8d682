"""The entries of many members' accounts at once, whatever their mutuelles: one question for a batch of payments.

A batch asks for the accounts of its households; a statement of one account for people is `statements`.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.statements import Entry

# As `statements` reads one mutuelle's accounts, in the same order. Each leg and each journal is looked up by itself
# (offset, limit), each side in the order of its own index: whatever the planner believes of a young table, no plan
# reads the whole book.
_ENTRIES = text(
    """
    select a.nth, m.journal_id, j.kind, m.effective_on, coalesce(j.occurred_on, m.effective_on), j.recorded_at,
           m.debit, m.credit, m.counter_account, j.reverses_id,
           (select true from ledger.journal later
             where later.mutuelle_id = a.mutuelle and later.reverses_id = j.id limit 1) is not null
      from unnest(cast(:mutuelles as text[]), cast(:codes as text[])) with ordinality as a (mutuelle, code, nth)
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
)


async def entries_of(db: AsyncConnection, accounts: Sequence[tuple[str, str]]) -> list[list[Entry]]:
    """The entries of each (mutuelle, account), in the order asked for, oldest first by accounting date."""
    columns = {
        "mutuelles": [mutuelle for mutuelle, _code in accounts],
        "codes": [code for _m, code in accounts],
    }
    found: list[list[Entry]] = [[] for _account in accounts]
    for nth, *facts in (await db.execute(_ENTRIES, columns)).all():
        found[nth - 1].append(Entry(*facts))
    return found
