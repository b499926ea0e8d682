"""What the book says after an import, by kind of account: two people compare it with the paper and sign."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.scheme.mutuelles import Mutuelle


@dataclass(frozen=True)
class OpeningSum:
    """What all accounts of a kind hold (in debit) or owe (in credit) in a fund, in minor units."""

    fund: str
    kind: str
    is_credit: bool
    amount_minor: int


async def sums_to_sign(db: AsyncConnection, mutuelle: Mutuelle) -> list[OpeningSum]:
    """The book's sums by fund and kind, those in debit and those in credit apart; `keneya balance` has them in full."""
    rows = await db.execute(_SUMS, {"mutuelle": mutuelle.id, "currency": mutuelle.currency})
    return [OpeningSum(fund, kind, is_credit, int(minor)) for fund, kind, is_credit, minor in rows]


_SUMS = text("""
select fund, kind, net < 0, abs(sum(net))
  from (select a.fund, a.kind, sum(e.debit) - sum(e.credit) as net
          from ledger.entry e join ledger.account a on a.mutuelle_id = e.mutuelle_id and a.code = e.account
         where e.mutuelle_id = :mutuelle and a.currency = :currency
         group by a.fund, a.kind, a.code) every
 where net <> 0 group by fund, kind, net < 0 order by fund, kind, net < 0
""")
