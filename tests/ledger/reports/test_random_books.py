"""Random books: every report agrees with sums made in plain Python, whatever was posted, reversed or refused."""

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
from ledger.reports import Control, trial_balance
from ledger.reports.ages import OWED_BY_US, OWED_TO_US, AgeRow
from ledger.reports.cash_book import MEANS
from ledger.reports.fund_flows import FlowRow
from ledger.reports.general_ledger import LedgerRow
from ledger.reports.journal import JournalRow
from ledger.reports.page import Part
from ledger.reports.trial import TrialRow
from tests.ledger.reports.year import asking, rows_of
from tests.ledger.scene import SIK

FIRST, LAST = date(2026, 3, 1), date(2026, 8, 31)
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
    on = chance.choice(
        [FIRST, LAST, *(date(2026, 1, 1) + timedelta(days=chance.randrange(330)) for _ in range(9))]
    )
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


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_report_agrees_with_plain_sums(pool: AsyncEngine, seed: int) -> None:
    legs: list[Leg] = []
    async with pool.begin() as db:
        legs = await fill(db, seed, 160)
    async with pool.begin() as db:  # a part of the book is in day rows, a part is not
        await db.execute(
            text("select ledger.fold(:mutuelle, :most)"), {"mutuelle": SIK, "most": 50 * (seed - 1)}
        )
    before, closing = nets(legs, FIRST - timedelta(days=1)), nets(legs, LAST)
    inside = [leg for leg in legs if FIRST <= leg[0] <= LAST]
    async with pool.connect() as db:
        question = asking(FIRST, LAST, detail=True)
        reports = {
            name: await rows_of(db, name, question)
            for name in ("general-ledger", "trial-balance", "journal", "cash-book", "ages", "funds")
        }
        lines = await trial_balance(db, SIK, LAST)
    for name, rows in reports.items():
        controls = [row for row in rows if isinstance(row, Control)]
        assert [control.holds for control in controls] == [True], name

    assert {x.account: x.debit - x.credit for x in lines if x.debit != x.credit} == {
        k: n for k, n in closing.items() if n
    }
    trial = [row for row in reports["trial-balance"] if isinstance(row, TrialRow)]
    shown = {
        r.account: (r.opening_debit - r.opening_credit, r.closing_debit - r.closing_credit)
        for r in trial
        if r.part is Part.LINE
    }
    moved = {account for _, account, _, _ in inside} | {account for account, net in before.items() if net}
    assert shown == {account: (before[account], closing[account]) for account in moved}

    ledger = [row for row in reports["general-ledger"] if isinstance(row, LedgerRow)]
    assert {r.account: r.balance for r in ledger if r.part is Part.CLOSING} == {x: closing[x] for x in moved}
    booked = Counter((r.on, r.account, r.debit or 0, r.credit or 0) for r in ledger if r.part is Part.LINE)
    journal = [row for row in reports["journal"] if isinstance(row, JournalRow) and row.part is Part.LINE]
    assert booked == Counter((r.on, r.account, r.debit, r.credit) for r in journal) == Counter(inside)

    box = [row for row in reports["cash-book"] if isinstance(row, LedgerRow)]
    assert {r.account: r.balance for r in box if r.part is Part.CLOSING} == {
        x: closing[x] for x in moved if of_kind(x) in MEANS
    }

    expect_ages(reports["ages"], closing)
    expect_flows(reports["funds"], closing, nets(legs, LAST, FIRST))
