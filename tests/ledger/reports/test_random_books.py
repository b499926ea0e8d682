"""Random books of three years: every report agrees with sums made in plain Python, whatever was posted or refused."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger import accounts as a
from ledger.accounts import KINDS, Root
from ledger.book import Account, Journal, Movement, open_accounts, post
from ledger.reports import Control, trial_balance, year_balance
from ledger.reports.ages import OWED_BY_US, OWED_TO_US, AgeRow
from ledger.reports.cash_book import MEANS
from ledger.reports.fund_flows import FlowRow
from ledger.reports.general_ledger import LedgerRow
from ledger.reports.journal import JournalRow
from ledger.reports.page import Part
from ledger.reports.trial import FIGURES, TrialRow
from tests.support.ledger_scene import SIK
from tests.support.ledger_year import asking, rows_of

DAYS_OF_BOOK = (date(2024, 10, 1), date(2026, 11, 20))
# The first and the last day of a year, of a leap year's February, and the days beside them.
EDGES = [
    date(2024, 12, 31),
    date(2025, 1, 1),
    date(2025, 12, 31),
    date(2026, 1, 1),
    date(2026, 3, 1),
    date(2026, 8, 31),
]
PERIODS = [
    (date(2026, 3, 1), date(2026, 8, 31)),
    (date(2026, 1, 1), date(2026, 11, 29)),
    (date(2025, 12, 31), date(2026, 1, 1)),
    (date(2024, 11, 15), date(2026, 8, 31)),
]
NAMES = ("general-ledger", "trial-balance", "journal", "auxiliary-journals", "cash-book", "ages", "funds")
Leg = tuple[date, str, int, int]


def chart_of(fund: str) -> list[str]:
    kinds = [kind for kind in KINDS.values() if kind.name != "interfund"]
    return [
        f"{fund}:{kind.name}:{sub}" if kind.split_by else f"{fund}:{kind.name}"
        for kind in kinds
        for sub in ("x1", "x2")
        if kind.split_by or sub == "x1"
    ]


def invented(chance: random.Random, known: list[Journal], number: int) -> Journal:
    """A journal of one fund, or a transfer between two, or a reversal of one that stands."""
    on = chance.choice(EDGES) if chance.random() < 0.3 else some_day(chance)
    amount = chance.randrange(1, 5_000)
    if known and chance.random() < 0.15:
        old = known.pop(chance.randrange(len(known)))
        movements = [Movement(m.credit, m.debit, m.amount_minor, "XOF") for m in old.movements]
        return Journal(SIK, "r", str(number), "reversal", on, "worker", "random", movements, old.id)
    if chance.random() < 0.2:
        giver, taker = chance.sample(a.FUNDS, 2)
        pair = (
            Movement(a.interfund(taker, giver), a.bank("x1", giver), amount, "XOF"),
            Movement(a.bank("x1", taker), a.interfund(giver, taker), amount, "XOF"),
        )
        return Journal(SIK, "r", str(number), "transfer", on, "worker", "random", pair)
    codes = chart_of(chance.choice(a.FUNDS))
    sides = [chance.sample(codes, 2) for _ in range(chance.randrange(1, 4))]
    movements = [Movement(debit, credit, amount + nth, "XOF") for nth, (debit, credit) in enumerate(sides)]
    return Journal(SIK, "r", str(number), "receipt", on, "worker", "random", movements)


def some_day(chance: random.Random) -> date:
    first, last = DAYS_OF_BOOK
    return first + timedelta(days=chance.randrange((last - first).days + 1))


async def fill(db: AsyncConnection, seed: int, count: int) -> list[Leg]:
    """Post `count` journals one by one, fold now and then, and keep what was booked in a list."""
    chance, legs, known = random.Random(seed), list[Leg](), list[Journal]()
    codes = [code for fund in a.FUNDS for code in chart_of(fund)]
    codes += [a.interfund(other, fund) for fund in a.FUNDS for other in a.FUNDS if other != fund]
    await open_accounts(db, [Account(SIK, code, "XOF") for code in codes])
    for number in range(count):
        journal = invented(chance, known, number)
        [posted] = await post(db, [journal])
        if posted.stands:
            for m in journal.movements:
                legs += [(journal.effective_on, m.debit, m.amount_minor, 0)]
                legs += [(journal.effective_on, m.credit, 0, m.amount_minor)]
            if journal.reverses is None:
                known.append(journal)
    return legs


def nets(legs: list[Leg], last: date, first: date = date.min) -> Counter[str]:
    found: Counter[str] = Counter()
    for on, account, debit, credit in legs:
        if first <= on <= last:
            found[account] += debit - credit
    return found


def standing(legs: list[Leg], upto: date, year: int) -> Counter[str]:
    """What each account holds at the end of a day, if income and expenses began that year at zero."""
    found: Counter[str] = Counter()
    for on, account, debit, credit in legs:
        if on <= upto:
            past = is_yearly(account) and on.year < year
            found[a.result(account.split(":")[0]) if past else account] += debit - credit
    return found


def is_yearly(account: str) -> bool:
    return KINDS[of_kind(account)].root in (Root.INCOME, Root.EXPENSES)


def of_kind(account: str) -> str:
    return account.split(":")[1]


def expect_ages(rows: Sequence[object], closing: Mapping[str, int]) -> None:
    """Who owes and whom we owe, on their sides, and each by its ages."""
    aged = [row for row in rows if isinstance(row, AgeRow) and row.part is Part.LINE]
    stands = {x: net for x, net in closing.items() if of_kind(x) in OWED_TO_US + OWED_BY_US and net}
    assert {
        r.account: (r.owed - r.ahead) * (1 if of_kind(r.account) in OWED_TO_US else -1) for r in aged
    } == stands
    assert all(sum(r.by_age) == r.owed for r in aged)


def expect_flows(rows: Sequence[object], closing: Mapping[str, int], earned: Mapping[str, int]) -> None:
    """What each fund holds at the end, and what it earned meanwhile."""
    flows = [row for row in rows if isinstance(row, FlowRow)]
    for fund in a.FUNDS:
        own = {row.part: row.amount for row in flows if row.account == fund}
        assert own[Part.TOTAL] == sum(
            net for x, net in closing.items() if x.startswith(f"{fund}:") and of_kind(x) in MEANS
        )
        income = sum(
            r.amount
            for r in flows
            if r.section == "Income" and r.part is Part.LINE and r.account.startswith(f"{fund}:")
        )
        assert income == -sum(
            n for x, n in earned.items() if x.startswith(f"{fund}:") and KINDS[of_kind(x)].root is Root.INCOME
        )


def expect_trial(rows: Sequence[object], legs: list[Leg], first: date, last: date) -> None:
    """Each account at the beginning, at the end and a year before; what past years left over, and what this one did."""
    found = [row for row in rows if isinstance(row, TrialRow)]
    lines = {row.account: row for row in found if row.part is Part.LINE}
    opening = standing(legs, first - timedelta(days=1), first.year)
    closing = standing(legs, last, last.year)
    before = standing(legs, last.replace(year=last.year - 1), last.year - 1)
    for account in {*opening, *closing, *before, *lines}:
        row = lines.get(account, TrialRow(Part.LINE, account, "XOF", 0))
        assert row.opening_debit - row.opening_credit == opening[account], account
        assert row.closing_debit - row.closing_credit == closing[account], account
        assert row.before_debit - row.before_credit == before[account], account
        assert opening[account] + row.debits - row.credits == closing[account], account
    assert {account for on, account, _, _ in legs if first <= on <= last} <= set(lines)
    assert all(any(getattr(row, name) for name in FIGURES) for row in lines.values())
    booked = nets(legs, last)
    for fund in a.FUNDS:
        result = sum(
            r.closing_debit - r.closing_credit for r in found if r.part is Part.RESULT and r.account == fund
        )
        carried = closing[a.result(fund)] - booked[a.result(fund)]
        assert result + carried == sum(
            net for x, net in booked.items() if is_yearly(x) and x.split(":")[0] == fund
        )


def expect_ledger(reports: Mapping[str, Sequence[object]], legs: list[Leg], first: date, last: date) -> None:
    """The lines in grand livre, journal and cash book, and the balance that each account ends with."""
    closing = standing(legs, last, last.year)
    inside = [leg for leg in legs if first <= leg[0] <= last]
    ledger = [row for row in reports["general-ledger"] if isinstance(row, LedgerRow)]
    ends = {r.account: r.balance for r in ledger if r.part is Part.CLOSING}
    assert {x: net for x, net in ends.items() if net} == {x: net for x, net in closing.items() if net}
    assert {x for _, x, _, _ in inside} <= set(ends)
    lines = [row for row in ledger if row.part is Part.LINE]
    booked = Counter((r.on, r.account, r.debit or 0, r.credit or 0) for r in lines if r.leg is not None)
    journal = [row for row in reports["journal"] if isinstance(row, JournalRow) and row.part is Part.LINE]
    assert booked == Counter((r.on, r.account, r.debit, r.credit) for r in journal) == Counter(inside)
    carried = [row for row in lines if row.leg is None]
    assert {row.on for row in carried} <= {date(year, 1, 1) for year in range(first.year + 1, last.year + 1)}
    assert all(row.balance == 0 for row in carried if is_yearly(row.account))
    assert all(is_yearly(row.account) or of_kind(row.account) == "result" for row in carried)

    box = [row for row in reports["cash-book"] if isinstance(row, LedgerRow)]
    assert {r.account: r.balance for r in box if r.part is Part.CLOSING} == {
        x: net for x, net in ends.items() if of_kind(x) in MEANS
    }


async def expect_balanced(db: AsyncConnection, legs: list[Leg], day: date) -> None:
    """All that stands on a day is nothing, in each fund, and what it should be on each account."""
    lines = await year_balance(db, SIK, day)
    expected = standing(legs, day, day.year)
    assert {x.account: x.debit - x.credit for x in lines if x.debit != x.credit} == {
        account: net for account, net in expected.items() if net
    }
    for fund in a.FUNDS:
        assert sum(x.debit - x.credit for x in lines if x.fund == fund) == 0
    raw = {x.account: x.debit - x.credit for x in await trial_balance(db, SIK, day)}
    assert {x: net for x, net in raw.items() if net} == {x: net for x, net in nets(legs, day).items() if net}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_report_agrees_with_plain_sums(pool: AsyncEngine, seed: int) -> None:
    legs: list[Leg] = []
    async with pool.begin() as db:
        legs = await fill(db, seed, 200)
    async with pool.begin() as db:  # a part of the book is in day rows, a part is not
        await db.execute(
            text("select ledger.fold(:mutuelle, :most)"), {"mutuelle": SIK, "most": 50 * (seed - 1)}
        )
    async with pool.connect() as db:
        for first, last in PERIODS:
            question = asking(first, last, detail=True)
            reports = {name: await rows_of(db, name, question) for name in NAMES}
            for name, rows in reports.items():
                controls = [row for row in rows if isinstance(row, Control)]
                assert [control.holds for control in controls] == [True], name
            expect_trial(reports["trial-balance"], legs, first, last)
            expect_ledger(reports, legs, first, last)
            expect_ages(reports["ages"], nets(legs, last))
            expect_flows(reports["funds"], nets(legs, last), nets(legs, last, first))
        chance = random.Random(seed)
        for day in [*EDGES, *(some_day(chance) for _ in range(6))]:
            await expect_balanced(db, legs, day)


@pytest.mark.parametrize("seed", [4, 5])
async def test_a_year_begins_with_income_and_expenses_at_zero(pool: AsyncEngine, seed: int) -> None:
    async with pool.begin() as db:
        legs = await fill(db, seed, 120)
    assert {year for (on, x, _, _) in legs if is_yearly(x) for year in [on.year]} == {2024, 2025, 2026}
    async with pool.connect() as db:
        for first in (date(2025, 1, 1), date(2026, 1, 1)):
            last = first.replace(month=8, day=31)
            trial = [
                row
                for row in await rows_of(db, "trial-balance", asking(first, last))
                if isinstance(row, TrialRow)
            ]
            yearly = [row for row in trial if row.part is Part.LINE and is_yearly(row.account)]
            assert {(row.opening_debit, row.opening_credit) for row in yearly} == {(0, 0)}
            ledger = await rows_of(db, "general-ledger", asking(first, last))
            opened = [row for row in ledger if isinstance(row, LedgerRow) and row.part is Part.OPENING]
            assert {row.balance for row in opened if is_yearly(row.account)} == {0}


@pytest.mark.parametrize("seed", [6])
async def test_the_year_before_is_what_its_own_report_said(pool: AsyncEngine, seed: int) -> None:
    async with pool.begin() as db:
        await fill(db, seed, 160)
    async with pool.connect() as db:
        for last in (date(2025, 12, 31), date(2026, 1, 1), date(2026, 8, 31)):
            own = last.replace(year=last.year - 1)
            told = await rows_of(db, "trial-balance", asking(last.replace(month=1, day=1), last))
            known = await rows_of(db, "trial-balance", asking(own.replace(month=1, day=1), own))
            assert _sides(told, "before") == _sides(known, "closing") != {}


def _sides(rows: Sequence[object], which: str) -> dict[tuple[str, str, int], tuple[int, int]]:
    """What stands in a column of a trial balance, by row, where anything does."""
    found = [row for row in rows if isinstance(row, TrialRow) and row.part is not Part.FUND]
    sides = {
        (row.part, row.account, row.class_): (getattr(row, f"{which}_debit"), getattr(row, f"{which}_credit"))
        for row in found
    }
    return {key: both for key, both in sides.items() if any(both)}
