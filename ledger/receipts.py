"""Receipts on members' accounts that were not reversed, for thousands of accounts at once; and what was given back."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class Received(NamedTuple):
    """One receipt on one account, in minor units, with the day it is for; below zero: given back to the member."""

    account: str
    occurred_on: date
    amount_minor: int


GIVERS = ("cash", "bank", "disbursement")  # kinds of accounts from which a member gets money back
# As `mutuelle.contributions.standing` reads a statement: credits, not waived, and what one of GIVERS gave back; not
# reversed, no reversals, in the order in which they were written down.
_RECEIVED = """
select e.account, coalesce(j.occurred_on, e.effective_on), e.amount
  from (select m.mutuelle_id, m.credit_account as account, m.effective_on, m.amount, m.xid, m.journal_id, m.position
          from ledger.movement m
         where m.mutuelle_id = :mutuelle and m.phase in ('single', 'post')
           and split_part(m.debit_account, ':', 2) <> 'waivers' and {credited}
        union all
        select m.mutuelle_id, m.debit_account, m.effective_on, -m.amount, m.xid, m.journal_id, m.position
          from ledger.movement m
         where m.mutuelle_id = :mutuelle and m.phase in ('single', 'post')
           and split_part(m.credit_account, ':', 2) = any(:givers) and {debited}) e
  join ledger.journal j on j.mutuelle_id = e.mutuelle_id and j.id = e.journal_id
 where j.reverses_id is null
   and not exists (select from ledger.journal later
                    where later.mutuelle_id = e.mutuelle_id and later.reverses_id = e.journal_id)
 order by e.account, j.recorded_at, e.effective_on, e.xid, j.id, e.position
"""
_OF_FUND = "m.{side}_account >= :first and m.{side}_account < :beyond"
_OF_THESE = "m.{side}_account = any(cast(:accounts as text[]))"


async def received_by_members(
    db: AsyncConnection, mutuelle: str, fund: str, accounts: Sequence[str] | None = None
) -> list[Received]:
    """The receipts of every member's account of `fund`, or of `accounts`: by account, in the order of recording."""
    asked: dict[str, object] = {"mutuelle": mutuelle, "givers": list(GIVERS)}
    if accounts is None:
        # Codes are ordered as bytes, and ";" comes after ":".
        asked |= {"first": f"{fund}:member:", "beyond": f"{fund}:member;"}
    else:
        asked["accounts"] = list(accounts)
    narrowed = _OF_FUND if accounts is None else _OF_THESE
    sides = {"credited": narrowed.format(side="credit"), "debited": narrowed.format(side="debit")}
    return [Received(*row) for row in await db.execute(text(_RECEIVED.format(**sides)), asked)]
