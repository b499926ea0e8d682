"""What a year earned and spent, fund by fund, and what the years before it left over: read from the book.

Income and expenses begin each year at zero without a journal (`ledger/reports/years.py`): what they left over is in
`fund:result` (report à nouveau) from the first day of the next year.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import FUNDS, KINDS, Root

YEARLY = (Root.INCOME, Root.EXPENSES)


@dataclass(frozen=True)
class FundYear:
    """A fund at the end of some days of one year, in minor units; `by_kind` are debits less credits of each kind.

    Of income and expenses they are those since the year began, of every other kind the balance.
    """

    fund: str
    currency: str
    by_kind: dict[str, int]

    @property
    def income_minor(self) -> int:
        return -self._sum_of(Root.INCOME)

    @property
    def expenses_minor(self) -> int:
        return self._sum_of(Root.EXPENSES)

    @property
    def result_minor(self) -> int:
        """Income less expenses: below zero a loss."""
        return self.income_minor - self.expenses_minor

    @property
    def carried_minor(self) -> int:
        """What the years before left over and no assembly has used: below zero a loss not made good."""
        return -self.by_kind.get("result", 0)

    @property
    def reserve_minor(self) -> int:
        return -self.by_kind.get("reserve", 0)

    def held(self, *kinds: str) -> int:
        """The balance of these kinds together, debits less credits."""
        return sum(self.by_kind.get(kind, 0) for kind in kinds)

    def _sum_of(self, root: Root) -> int:
        return self.held(*(kind.name for kind in KINDS.values() if kind.root is root))


async def fund_years(db: AsyncConnection, mutuelle_id: str, last: date) -> list[FundYear]:
    """Every fund from 1 January of the year of `last` to that day, as the trial balance has it."""
    before = last.replace(month=1, day=1) - timedelta(days=1)
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in await db.execute(_SUMS, {"mutuelle": mutuelle_id, "before": before, "last": last}):
        of_fund = found.setdefault((row.fund, row.currency), {"result": 0})
        if KINDS[row.kind].root in YEARLY:
            of_fund[row.kind] = int(row.closing - row.opening)
            of_fund["result"] += int(row.opening)
        else:
            of_fund[row.kind] = of_fund.get(row.kind, 0) + int(row.closing)
    in_order = sorted(found.items(), key=lambda of: (FUNDS.index(of[0][0]), of[0][1]))
    return [FundYear(fund, currency, by_kind) for (fund, currency), by_kind in in_order]


# A kind whose accounts are summed (members) comes as one head, whose currency is that of any account below it.
_SUMS = text("""
select split_part(s.account, ':', 1) as fund, split_part(s.account, ':', 2) as kind, a.currency,
       sum(s.debits - s.credits) as closing, sum(coalesce(b.debits - b.credits, 0)) as opening
  from ledger.sums(:mutuelle, :last) s
  left join ledger.sums(:mutuelle, :before) b on b.account = s.account
  join lateral (select q.currency from ledger.account q
                 where q.mutuelle_id = :mutuelle and (q.code = s.account or q.code like s.account || ':%')
                 limit 1) a on true
 group by 1, 2, 3
""")
