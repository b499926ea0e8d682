"""Financial years in a book that nobody closes: income and expenses begin each one at zero.

What a year left over, or lost, is carried into `fund:result` (report à nouveau) on the first day of the next. No
journal books that: a report computes it from the sums at the ends of the years. A financial year is a calendar year.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import KINDS, Root, result
from ledger.reports.page import Question

YEARLY = tuple(kind.name for kind in KINDS.values() if kind.root in (Root.INCOME, Root.EXPENSES))


@dataclass(frozen=True)
class Carry:
    """What the first day of a year adds to an account: debits less credits, in minor units."""

    on: date
    net: int


Carries = dict[tuple[str, str], list[Carry]]  # by account and currency, oldest first


def is_yearly(account: str) -> bool:
    """Whether it begins each year at zero: income and expenses."""
    return account.split(":")[1] in YEARLY


def year_start(on: date) -> date:
    """The first day of the financial year of `on`."""
    return on.replace(month=1, day=1)


def year_before(on: date) -> date:
    """The same day of the year before; 28 February for the 29th."""
    return on.replace(year=on.year - 1, day=28 if (on.month, on.day) == (2, 29) else on.day)


# Accounts of income and expenses have day rows: this costs the same whatever the history.
_AT_ENDS = """
select s.account, a.currency, e.day, s.debits - s.credits
  from unnest(cast(:ends as date[])) e (day)
 cross join lateral ledger.sums(:mutuelle, e.day) s
  join ledger.account a on a.mutuelle_id = :mutuelle and a.code = s.account
 where a.kind = any(cast(:yearly as text[]))
 order by s.account, a.currency, e.day
"""


async def carries(db: AsyncConnection, question: Question) -> Carries:
    """What each year that begins before the period or in it carries over; the oldest stands for all years before."""
    if question.kinds:  # of money and debts: they know no years
        return {}
    starts = [date(year, 1, 1) for year in range(question.first.year, question.last.year + 1)]
    ends = [start - timedelta(days=1) for start in starts]
    asked = {"mutuelle": question.mutuelle, "ends": ends, "yearly": list(YEARLY)}
    rows = [(row[0], row[1], row[2], int(row[3])) for row in await db.execute(text(_AT_ENDS), asked)]
    return _carried(rows)


def _carried(rows: Iterable[tuple[str, str, date, int]]) -> Carries:
    """Each account gives away what it gained since the end before; `fund:result` gets it."""
    given, known = Carries(), dict[tuple[str, str], int]()
    gained: dict[tuple[str, str], dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for account, currency, end, net in rows:
        gain, start = net - known.get((account, currency), 0), end + timedelta(days=1)
        known[account, currency] = net
        given.setdefault((account, currency), []).append(Carry(start, -gain))
        gained[result(account.partition(":")[0]), currency][start] += gain
    return given | {into: [Carry(*each) for each in sorted(by.items())] for into, by in gained.items()}
