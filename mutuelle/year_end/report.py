"""The report to the assembly: what a year was, with the year before beside it, as sections of lines.

Every figure comes from the book, the households and the checks of covers. An indicator stands with its formula.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import KINDS, Root
from ledger.charts import Chart
from ledger.positions import received_between
from ledger.reports.years import year_before
from locales import Money, Sentence, _
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.treasury.payer_lists import received_of_payers
from mutuelle.year_end.closing import find_closed_year
from mutuelle.year_end.membership import Membership, insured_on, membership
from mutuelle.year_end.results import FundYear, fund_years

Figure = (
    int | Money | Fraction | None
)  # a count, an amount, a share; None where there is nothing to divide by
RUNNING = ("purchases", "travel", "services", "fees", "taxes", "staff", "costs")
MONEY = ("cash", "float", "disbursement", "bank", "transit")


@dataclass(frozen=True)
class Line:
    """One line: its words (an account's with its number before them), this year's figure, and the year before's."""

    label: Sentence | str
    now: Figure
    before: Figure
    is_sum: bool = False
    fund: str = ""  # whose line it is, where it is not of all funds


@dataclass(frozen=True)
class Section:
    title: Sentence
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class AssemblyReport:
    """Two pages: what the members want to know, and the accounts by number."""

    mutuelle: Mutuelle
    year: int
    last: date
    pages: tuple[tuple[Section, ...], tuple[Section, ...]]


@dataclass(frozen=True)
class YearFacts:
    """All that the report is made of, of one year up to `last`."""

    last: date
    currency: str
    members: Membership
    funds: tuple[FundYear, ...]
    received_minor: int
    checks: int
    covered_checks: int
    members_owe_minor: int
    members_ahead_minor: int
    doubtful_minor: int
    next_year_minor: int
    payers_paid_minor: int = 0

    def of(self, *kinds: str) -> int:
        """The sum of these kinds over all funds, debits less credits."""
        return sum(fund.held(*kinds) for fund in self.funds)

    def money(self, minor: int) -> Money:
        return Money(minor, self.currency)

    @property
    def called_minor(self) -> int:
        return -self.of("contributions", "registration", "assembly")

    @property
    def result_minor(self) -> int:
        return sum(fund.result_minor for fund in self.funds)


async def assembly_report(
    db: AsyncConnection, mutuelle: Mutuelle, year: int, today: date, chart: Chart
) -> AssemblyReport:
    """The report of a year, of one that is not over up to `today`; the same days of the year before stand beside it."""
    last = min(date(year, 12, 31), today)
    now = await _facts_of(db, mutuelle, last)
    before = await _facts_of(db, mutuelle, year_before(last))
    first_page = (
        _members(now, before),
        _contributions(now, before),
        _care(now, before),
        _money(now, before),
        _funds(now, before),
        _indicators(now, before),
    )
    second_page = (
        _income(now, before, chart),
        *_balance_sheet(now, before, chart),
        _commitments(now, before),
    )
    return AssemblyReport(mutuelle, year, last, (first_page, second_page))


async def _facts_of(db: AsyncConnection, mutuelle: Mutuelle, last: date) -> YearFacts:
    closed = (
        await find_closed_year(db, mutuelle.id, last.year) if (last.month, last.day) == (12, 31) else None
    )
    first = last.replace(month=1, day=1)
    received, _payers = await received_between(db, mutuelle.id, mutuelle.currency, first, last)
    asked = {"mutuelle": mutuelle.id, "zone": mutuelle.timezone, "first": first, "last": last}
    checks, covered = (await db.execute(_CHECKS, asked)).one()
    owe, ahead = (await db.execute(_MEMBERS, {"mutuelle": mutuelle.id, "last": last})).one()
    insured = await insured_on(db, mutuelle, last)
    return YearFacts(
        last=last,
        currency=mutuelle.currency,
        members=closed.members if closed else await membership(db, mutuelle, last, insured),
        funds=tuple(f for f in await fund_years(db, mutuelle.id, last) if f.currency == mutuelle.currency),
        received_minor=received,
        checks=checks,
        covered_checks=covered,
        members_owe_minor=int(owe),
        members_ahead_minor=int(ahead),
        doubtful_minor=sum(one.doubtful_minor for one in insured),
        next_year_minor=sum(one.next_year_minor(last) for one in insured),
        payers_paid_minor=sum((await received_of_payers(db, mutuelle.id, first, last)).values()),
    )


_CHECKS = sa.text("""
select count(*), count(*) filter (where covered) from eligibility_check
 where mutuelle_id = :mutuelle and (asked_at at time zone :zone)::date between :first and :last
""")
# What households owe and what they paid ahead do not cancel out: 411 and 419 are two lines.
_MEMBERS = sa.text("""
select coalesce(sum(net) filter (where net > 0), 0), coalesce(-sum(net) filter (where net < 0), 0)
  from (select sum(e.debit) - sum(e.credit) as net from ledger.entry e
          join ledger.account a on a.mutuelle_id = e.mutuelle_id and a.code = e.account and a.kind = 'member'
         where e.mutuelle_id = :mutuelle and e.effective_on <= :last group by e.account) each_member
""")

Read = Callable[[YearFacts], Figure]


def _section(
    title: Sentence, now: YearFacts, before: YearFacts, *rows: tuple[Sentence | str, Read]
) -> Section:
    return Section(title, tuple(Line(label, read(now), read(before)) for label, read in rows))


def _members(now: YearFacts, before: YearFacts) -> Section:
    return _section(
        _("Members"),
        now,
        before,
        (_("Households at the end"), lambda x: x.members.households),
        (_("People at the end"), lambda x: x.members.people),
        (_("Households covered at the end"), lambda x: x.members.covered),
        (_("Households that joined"), lambda x: x.members.joined),
        (_("Households that left"), lambda x: x.members.left_it),
    )


def _contributions(now: YearFacts, before: YearFacts) -> Section:
    """With what payers paid and owe, where there is any: it is no member's debt and no money yet."""
    payers: tuple[tuple[Sentence, Read], ...] = (
        (_("Received from payers"), lambda x: x.money(x.payers_paid_minor)),
        (_("Owed by the State and others at the end"), lambda x: x.money(x.of("receivable"))),
    )
    return _section(
        _("Contributions"),
        now,
        before,
        (_("Called"), lambda x: x.money(x.called_minor)),
        (_("Received from members"), lambda x: x.money(x.received_minor)),
        *(row for row in payers if row[1](now) != now.money(0) or row[1](before) != now.money(0)),
        (_("Owed by members at the end"), lambda x: x.money(x.members_owe_minor)),
        (_("Paid ahead by members"), lambda x: x.money(x.members_ahead_minor)),
        (_("Waived"), lambda x: x.money(x.of("waivers"))),
    )


def _care(now: YearFacts, before: YearFacts) -> Section:
    return _section(
        _("Care"),
        now,
        before,
        (_("Care paid for, or owed to facilities"), lambda x: x.money(x.of("benefits"))),
        (_("Owed to facilities at the end"), lambda x: x.money(-x.of("payable"))),
        (_("Covers checked by doctors"), lambda x: x.checks),
        (_("of them covered"), lambda x: x.covered_checks),
    )


def _money(now: YearFacts, before: YearFacts) -> Section:
    return _section(
        _("Money at the end"),
        now,
        before,
        (_("In cash"), lambda x: x.money(x.of("cash"))),
        (_("Mobile money"), lambda x: x.money(x.of("float", "disbursement"))),
        (_("In banks"), lambda x: x.money(x.of("bank"))),
        (_("On its way"), lambda x: x.money(x.of("transit"))),
        (_("All of it"), lambda x: x.money(x.of(*MONEY))),
    )


def _funds(now: YearFacts, before: YearFacts) -> Section:
    """What each fund left over and keeps: funds are apart. A line without a figure is left out."""
    lines = [
        Line(
            label,
            now.money(read(_of(now, fund.fund))),
            now.money(read(_of(before, fund.fund))),
            fund=fund.fund,
        )
        for fund in now.funds
        for label, read in _OF_A_FUND
    ]
    nothing = now.money(0)
    return Section(_("Funds"), tuple(one for one in lines if not one.now == one.before == nothing))


def _of(year: YearFacts, fund: str) -> FundYear:
    return next((one for one in year.funds if one.fund == fund), FundYear(fund, year.currency, {}))


_OF_A_FUND: tuple[tuple[Sentence, Callable[[FundYear], int]], ...] = (
    (_("left over, or lost"), lambda x: x.result_minor),
    (_("carried from the years before"), lambda x: x.carried_minor),
    (_("reserve"), lambda x: x.reserve_minor),
)


def _indicators(now: YearFacts, before: YearFacts) -> Section:
    return _section(
        _("Indicators"),
        now,
        before,
        (_("Growth: joined less left / households a year ago"), _growth),
        (_("Kept: still there / there when the year began"), _kept),
        (
            _("Collected: received / called"),
            lambda x: _share(x.received_minor + x.payers_paid_minor, x.called_minor),
        ),
        (_("Care: care / called"), lambda x: _share(x.of("benefits"), x.called_minor)),
        (_("Management: running costs / called"), lambda x: _share(x.of(*RUNNING), x.called_minor)),
        (_("Liquidity: money / owed to facilities"), lambda x: _share(x.of(*MONEY), -x.of("payable"))),
        (
            _("Reserve: of a year's care and costs"),
            lambda x: _share(-x.of("reserve"), x.of("benefits", *RUNNING)),
        ),
    )


def _at_its_beginning(x: YearFacts) -> int:
    return x.members.households - x.members.joined + x.members.left_it


def _growth(x: YearFacts) -> Figure:
    return _share(x.members.joined - x.members.left_it, _at_its_beginning(x))


def _kept(x: YearFacts) -> Figure:
    return _share(x.members.kept, _at_its_beginning(x))


def _share(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole > 0 else None


def _income(now: YearFacts, before: YearFacts, chart: Chart) -> Section:
    """Compte de résultat: every kind of income and expense that has a figure, then the result."""
    lines = [
        *_kinds(now, before, chart, Root.INCOME, -1),
        _sum(_("Total income"), now, before, lambda x: sum(f.income_minor for f in x.funds)),
        *_kinds(now, before, chart, Root.EXPENSES, 1),
        _sum(_("Total expenses"), now, before, lambda x: sum(f.expenses_minor for f in x.funds)),
        _sum(_("Result of the year"), now, before, lambda x: x.result_minor),
    ]
    return Section(_("Income statement"), tuple(lines))


def _kinds(now: YearFacts, before: YearFacts, chart: Chart, root: Root, sign: int) -> list[Line]:
    kinds = [kind.name for kind in KINDS.values() if kind.root is root]
    return [
        Line(_label(chart, kind), now.money(sign * now.of(kind)), now.money(sign * before.of(kind)))
        for kind in kinds
        if now.of(kind) or before.of(kind)
    ]


def _label(chart: Chart, kind: str) -> str:
    line = chart.lines[kind]
    return f"{line.number} {line.label}".strip()


def _sum(label: Sentence, now: YearFacts, before: YearFacts, read: Callable[[YearFacts], int]) -> Line:
    return Line(label, now.money(read(now)), now.money(read(before)), is_sum=True)


def _balance_sheet(now: YearFacts, before: YearFacts, chart: Chart) -> tuple[Section, Section]:
    """Bilan: what there is and is owed to us; what is owed by us and is our own. Both come to the same sum."""
    assets = [
        kind.name
        for kind in KINDS.values()
        if kind.root is Root.ASSETS and kind.name not in ("member", "interfund")
    ]
    debts = [kind.name for kind in KINDS.values() if kind.root is Root.LIABILITIES]
    own = [kind.name for kind in KINDS.values() if kind.root is Root.EQUITY]
    ahead = _("419 Paid ahead by members") if chart.lines["member"].code else _("Paid ahead by members")

    def lines(kinds: list[str], sign: int) -> list[Line]:
        return [
            Line(_label(chart, kind), now.money(sign * now.of(kind)), now.money(sign * before.of(kind)))
            for kind in kinds
            if now.of(kind) or before.of(kind)
        ]

    def total(kinds: list[str], sign: int, more: Callable[[YearFacts], int]) -> Callable[[YearFacts], int]:
        return lambda x: sign * x.of(*kinds) + more(x)

    has = Section(
        _("Balance sheet: what we have"),
        (
            *lines(assets, 1),
            Line(
                _label(chart, "member"), now.money(now.members_owe_minor), now.money(before.members_owe_minor)
            ),
            _sum(_("Total"), now, before, total(assets, 1, lambda x: x.members_owe_minor)),
        ),
    )
    owes = Section(
        _("Balance sheet: what we owe and own"),
        (
            *lines(debts, -1),
            Line(ahead, now.money(now.members_ahead_minor), now.money(before.members_ahead_minor)),
            *lines(own, -1),
            Line(_("Result of the year"), now.money(now.result_minor), now.money(before.result_minor)),
            _sum(
                _("Total"),
                now,
                before,
                total([*debts, *own], -1, lambda x: x.members_ahead_minor + x.result_minor),
            ),
        ),
    )
    return has, owes


def _commitments(now: YearFacts, before: YearFacts) -> Section:
    """What is in no account, and an assembly should know: what may be lost, and what is for the next year."""
    return _section(
        _("To know, in no account"),
        now,
        before,
        (
            _("Owed for covers that have ended: may be lost (416, 491)"),
            lambda x: x.money(x.doubtful_minor + x.of("allowance")),
        ),
        (
            _("Called for days of the next year, by days (477)"),
            lambda x: x.money(x.next_year_minor + x.of("deferred")),
        ),
    )
