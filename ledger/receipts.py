"""Receipts on members' accounts that were not reversed, for thousands of accounts at once."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class Received(NamedTuple):
    """One receipt on one account, in minor units, with the day it is for."""

    account: str
    occurred_on: date
    amount_minor: int


# As `mutuelle.contributions.standing` reads a statement: credits, not waived, not reversed, no reversals, in the
# order in which they were written down.
_RECEIVED = """
select m.credit_account, coalesce(j.occurred_on, m.effective_on), m.amount
  from ledger.movement m
  join ledger.journal j on j.mutuelle_id = m.mutuelle_id and j.id = m.journal_id
 where m.mutuelle_id = :mutuelle and m.phase in ('single', 'post') and j.reverses_id is null
   and split_part(m.debit_account, ':', 2) <> 'waivers' and {narrowed}
   and not exists (select from ledger.journal later
                    where later.mutuelle_id = m.mutuelle_id and later.reverses_id = m.journal_id)
 order by m.credit_account, j.recorded_at, m.effective_on, m.xid, j.id, m.position
"""
_OF_FUND = "m.credit_account >= :first and m.credit_account < :beyond"
_OF_THESE = "m.credit_account = any(cast(:accounts as text[]))"


async def received_by_members(
    db: AsyncConnection, mutuelle: str, fund: str, accounts: Sequence[str] | None = None
) -> list[Received]:
    """The receipts of every member's account of `fund`, or of `accounts`: by account, in the order of recording."""
    if accounts is not None:
        rows = await db.execute(
            text(_RECEIVED.format(narrowed=_OF_THESE)), {"mutuelle": mutuelle, "accounts": list(accounts)}
        )
    else:
        # Codes are ordered as bytes, and ";" comes after ":".
        bounds = {"mutuelle": mutuelle, "first": f"{fund}:member:", "beyond": f"{fund}:member;"}
        rows = await db.execute(text(_RECEIVED.format(narrowed=_OF_FUND)), bounds)
    return [Received(*row) for row in rows]
