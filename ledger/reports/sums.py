"""What every account of a book adds up to, before a period and at its end: the one source of every total.

Accounts with day rows cost the same after ten years as after one. One account a person is summed from its movements,
unless its head (`health:member`, all members together) is enough.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import FUNDS, KINDS
from ledger.charts import Chart
from ledger.reports.page import Question
from ledger.reports.years import YEARLY, Carry, carries


@dataclass(frozen=True)
class Sums:
    """Posted sums of an account, or of a head, up to the day before a period and in it; minor units.

    `carried`: what years that begin in the period carry over; it is counted in `debits` and `credits`.
    """

    account: str
    currency: str
    opening_debits: int
    opening_credits: int
    debits: int
    credits: int
    carried: tuple[Carry, ...] = ()

    @property
    def fund(self) -> str:
        return self.account.partition(":")[0]

    @property
    def opening(self) -> int:
        """Debits less credits before the period."""
        return self.opening_debits - self.opening_credits

    @property
    def net(self) -> int:
        """Debits less credits of the period."""
        return self.debits - self.credits

    @property
    def closing(self) -> int:
        """Debits less credits up to the period's end."""
        return self.opening + self.net

    @property
    def stands(self) -> bool:
        """Whether there is anything to print: a balance before, or a movement."""
        return bool(self.opening or self.debits or self.credits)


# `within`: the scope is the account, or a head of it. A head has no row in `account`: its currency is that of any
# account that it stands for.
_GENERAL = """
    select s.account, a.currency, coalesce(b.debits, 0) as opening_debits, coalesce(b.credits, 0) as opening_credits,
           s.debits - coalesce(b.debits, 0) as debits, s.credits - coalesce(b.credits, 0) as credits
      from ledger.sums(:mutuelle, :last) s
      left join ledger.sums(:mutuelle, :before) b on b.account = s.account
"""
_HEADS_TOO = """
      join lateral (select q.currency from ledger.account q
                     where q.mutuelle_id = :mutuelle and (q.code = s.account or q.code like s.account || ':%')
                     limit 1) a on true
"""
_WHOLE_CODES = "join ledger.account a on a.mutuelle_id = :mutuelle and a.code = s.account"
_PERSONS = """
    union all
    select a.code, a.currency,
           coalesce(sum(e.debit) filter (where e.effective_on <= :before), 0),
           coalesce(sum(e.credit) filter (where e.effective_on <= :before), 0),
           coalesce(sum(e.debit) filter (where e.effective_on > :before), 0),
           coalesce(sum(e.credit) filter (where e.effective_on > :before), 0)
      from ledger.account a
      left join ledger.entry e on e.mutuelle_id = a.mutuelle_id and e.account = a.code and e.effective_on <= :last
     where a.mutuelle_id = :mutuelle and a.keeping = 'summed'
     group by a.code, a.currency
"""
# Where a year's result is carried to, also in a book that never opened it.
_RESULTS = """
    union all
    select distinct concat_ws(':', a.fund, 'result'), a.currency, 0, 0, 0, 0
      from ledger.account a
     where a.mutuelle_id = :mutuelle and a.kind = any(cast(:yearly as text[]))
       and not exists (select from ledger.account r where r.mutuelle_id = a.mutuelle_id
                          and r.code = concat_ws(':', a.fund, 'result') and r.currency = a.currency)
"""
# Which accounts, and in which order; `{0}` is the column with the code, `{1}` the one with its currency.
WITHIN = (
    "(cast(:scope as text) = '' or {0} = :scope or starts_with({0}, :scope || ':'))"
    " and split_part({0}, ':', 2) = any(cast(:only as text[]))"
)
IN_ORDER = (
    "array_position(cast(:funds as text[]), split_part({0}, ':', 1)), split_part({0}, ':', 1) collate \"C\","
    " {1}, array_position(cast(:kinds as text[]), split_part({0}, ':', 2)), {0} collate \"C\""
)
_SUMS = """
select * from (ROWS) sums
 where WITHIN and (KEPT) order by ORDER
"""
_MOVED = "opening_debits <> opening_credits or (debits, credits) <> (0, 0) or account = :scope"
_YEARLY_TOO = f"{_MOVED} or split_part(account, ':', 2) = any(cast(:yearly as text[]) || array['result'])"


def facts(question: Question, chart: Chart) -> dict[str, object]:
    """What the queries of all reports are asked with."""
    return {
        "mutuelle": question.mutuelle,
        "before": question.first - timedelta(days=1),
        "last": question.last,
        "scope": question.scope,
        "funds": list(FUNDS),  # a fund that we do not know comes after those that we do
        "kinds": list(in_order(chart)),
        "only": list(question.kinds or KINDS),
    }


def in_order(chart: Chart) -> Sequence[str]:
    """Our kinds as the chart orders them: by class, then number, those without a number after those with one."""
    lines = chart.lines.values()
    return [line.kind for line in sorted(lines, key=lambda x: (x.class_, x.code == "", x.code))]


def _query(kept: str, *, each_person: bool) -> str:
    rows = _GENERAL + (_WHOLE_CODES + _PERSONS if each_person else _HEADS_TOO)
    rows += "" if kept is _MOVED else _RESULTS
    within, order = WITHIN.format("account"), IN_ORDER.format("account", "currency")
    query = _SUMS.replace("ROWS", rows).replace("KEPT", kept)
    return query.replace("WITHIN", within).replace("ORDER", order)


async def _found(db: AsyncConnection, query: str, question: Question, chart: Chart) -> AsyncIterator[Sums]:
    asked = facts(question, chart) | ({"yearly": list(YEARLY)} if ":yearly" in query else {})
    async with db.stream(text(query), asked) as rows:
        async for account, currency, *figures in rows:
            opening_debits, opening_credits, debits, credits = (int(figure) for figure in figures)
            yield Sums(account, currency, opening_debits, opening_credits, debits, credits)


def sums(db: AsyncConnection, question: Question, chart: Chart, *, each_person: bool) -> AsyncIterator[Sums]:
    """Every account that stands or moved, as it was booked, in the chart's order, fund by fund."""
    return _found(db, _query(_MOVED, each_person=each_person), question, chart)


async def year_sums(
    db: AsyncConnection, question: Question, chart: Chart, *, each_person: bool, every: bool = False
) -> AsyncIterator[Sums]:
    """The same where each year begins with income and expenses at zero; `every`: also what neither stands nor moved."""
    over = await carries(db, question)
    query = _query("true" if every else _YEARLY_TOO, each_person=each_person)
    async for each in _found(db, query, question, chart):
        carried = _carried(each, over.get((each.account, each.currency), []), question)
        if every or carried.stands or carried.account == question.account:
            yield carried


def _carried(booked: Sums, over: Sequence[Carry], question: Question) -> Sums:
    """What was carried over by the first day is in the opening balance, the rest is in the period."""
    inside = tuple(each for each in over if each.on > question.first)
    opening = booked.opening + sum(each.net for each in over if each.on <= question.first)
    if not over:
        return booked
    return replace(
        booked,
        opening_debits=max(opening, 0),
        opening_credits=max(-opening, 0),
        debits=booked.debits + sum(max(each.net, 0) for each in inside),
        credits=booked.credits + sum(max(-each.net, 0) for each in inside),
        carried=tuple(each for each in inside if each.net),
    )


def by_fund(found: Iterable[Sums]) -> Iterator[tuple[str, str, list[Sums]]]:
    """Fund, currency and their accounts, in the order in which they came."""
    groups: dict[tuple[str, str], list[Sums]] = {}
    for each in found:
        groups.setdefault((each.fund, each.currency), []).append(each)
    return ((fund, currency, accounts) for (fund, currency), accounts in groups.items())


async def widest(db: AsyncConnection, question: Question) -> int:
    """An amount that no figure of the book is larger than, up to the period's end."""
    query = text("select coalesce(sum(debits), 0) from ledger.sums(:mutuelle, :last)")
    found = await db.scalar(query, {"mutuelle": question.mutuelle, "last": question.last})
    return int(found or 0)
