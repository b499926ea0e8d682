"""What treasurers have booked on an account themselves, a deposit for instance: the statement shows it too.

A line and a movement are one if they have the same amount, the same direction and nearly the same day. Which of two
equal ones a line shows makes no difference to any sum.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.treasury.statements.accounts import StatedAccount
from values import value

NEAR = timedelta(days=5)  # a cheque, a week-end: between what a treasurer wrote and what the bank did
L = TypeVar("L")


@value
class OwnMove:
    """A movement on the account that no payment, payout or statement has booked; above zero where money came in.

    `within`: between the accounts of one name for what is collected and for payouts: perhaps one wallet.
    """

    journal_id: UUID
    on: date
    amount_minor: int
    kind: str
    recorded_at: datetime
    within: bool = False


async def own_moves(db: AsyncConnection, account: StatedAccount, first: date, last: date) -> list[OwnMove]:
    """Those of these days that no line is kept for as `own`; what was taken back, and its reversal, are left out."""
    facts = {"mutuelle": account.mutuelle_id, "account": account.code, "first": first, "last": last}
    return [OwnMove(*row) for row in await db.execute(_OWN, facts)]


def paired(
    lines: Sequence[tuple[L, date, int]], moves: Iterable[OwnMove]
) -> tuple[list[tuple[L, OwnMove]], list[OwnMove]]:
    """The lines (with day and amount) that show one of the moves, each with it; and the moves that no line shows."""
    left: dict[int, list[OwnMove]] = defaultdict(list)
    for move in sorted(moves, key=lambda move: move.on):
        left[move.amount_minor].append(move)
    found = []
    for line, on, amount_minor in sorted(lines, key=lambda one: one[1]):
        near = [move for move in left[amount_minor] if abs(move.on - on) <= NEAR]
        if near:
            nearest = min(near, key=lambda move: abs(move.on - on))
            left[amount_minor].remove(nearest)
            found.append((line, nearest))
    return found, [move for moves_left in left.values() for move in moves_left]


_OWN = text(
    """
    select j.id, coalesce(j.occurred_on, j.effective_on), m.amount, j.kind, j.recorded_at,
           exists (select from voucher v
                     left join voucher sent on sent.mutuelle_id = v.mutuelle_id and sent.reference = v.completes
                    where q.source = 'voucher' and v.mutuelle_id = :mutuelle and v.reference::text = q.key
                      and split_part(coalesce(v.toward, sent.credit), ':', 3) = split_part(:account, ':', 3))
      from (select journal_id, amount, credit_account as counter from ledger.movement
             where mutuelle_id = :mutuelle and debit_account = :account and effective_on >= :first
               and phase in ('single', 'post')
            union all
            select journal_id, -amount, debit_account from ledger.movement
             where mutuelle_id = :mutuelle and credit_account = :account and effective_on >= :first
               and phase in ('single', 'post')) m
      join ledger.journal j on j.mutuelle_id = :mutuelle and j.id = m.journal_id
      left join ledger.request q on q.mutuelle_id = :mutuelle and q.journal_id = m.journal_id
     where coalesce(j.occurred_on, j.effective_on) between :first and :last
       and coalesce(q.source, '') not in ('payment', 'suspense', 'statement', 'statement fee')
       and split_part(m.counter, ':', 2) <> 'opening'
       and not exists (select from payout o where q.source = 'voucher' and o.mutuelle_id = :mutuelle
             and o.reference::text = q.key)
       -- Found money that is given back; matched money that its operator took back.
       and (split_part(m.counter, ':', 2) <> 'suspense' or q.source in ('voucher', 'decision'))
       -- What two moved from one household to another never left the account; what an operator took back did.
       and (q.source is distinct from 'decision' or exists (select from money_decision d
             where d.mutuelle_id = :mutuelle and q.key in (d.act || ' back', d.act || ' gone')
               and d.outcome = 'taken back'))
       and not exists (select from statement_line s where s.mutuelle_id = :mutuelle and s.own_journal = j.id)
       and not exists (select from ledger.journal back where back.mutuelle_id = :mutuelle and back.reverses_id = j.id)
       and not exists (select from ledger.request undone where undone.mutuelle_id = :mutuelle
             and undone.journal_id = j.reverses_id and undone.source not in ('payment', 'suspense', 'statement'))
     order by 2, 5
    """
)
