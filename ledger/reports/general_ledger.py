"""Grand livre: every account with its balance before the period, each line that moved it, and its balance at the end.

Lines come from the movements, sums from the trial balance: two ways to one figure, which the control compares.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.reports.columns import (
    ACCOUNT_FIELDS,
    AGAINST,
    DATE,
    LEG_FIELDS,
    REFERENCE,
    begun_at_zero,
    wording,
)
from ledger.reports.legs import Leg, legs_by_account
from ledger.reports.page import (
    AMOUNT,
    BALANCE,
    Column,
    Control,
    Field,
    Part,
    Question,
    Report,
    plain_amount,
)
from ledger.reports.sums import Sums, year_sums
from ledger.reports.totals import Totals
from ledger.reports.voice import Voice, _
from ledger.reports.years import Carry


@dataclass(frozen=True)
class LedgerRow:
    """A line of an account with the balance after it, or a sum; minor units. `account` of a FUND or TOTAL: the fund."""

    part: Part
    account: str
    currency: str
    on: date
    debit: int | None = None
    credit: int | None = None
    balance: int | None = None
    leg: Leg | None = None


Rows = Callable[[AsyncConnection, Question, Voice], AsyncIterator[LedgerRow | Control]]


class _Ahead:
    """The lines of the book, given out account by account; one line is always read ahead."""

    def __init__(self, legs: AsyncIterator[Leg]) -> None:
        self._legs = legs
        self._next: Leg | None = None
        self._begun = False

    async def of(self, account: str) -> AsyncIterator[Leg]:
        if not self._begun:
            self._begun, self._next = True, await anext(self._legs, None)
        while self._next is not None and self._next.account == account:
            yield self._next
            self._next = await anext(self._legs, None)


async def general_ledger(
    db: AsyncConnection, question: Question, voice: Voice
) -> AsyncIterator[LedgerRow | Control]:
    """Every account in scope that has a balance or moved, fund by fund, each person's account too.

    The balance of a TOTAL is that of all accounts of the fund that were printed.
    """
    printed, expected, before = Totals(), Totals(), ("", "")
    closing: Counter[tuple[str, str]] = Counter()
    legs = _Ahead(legs_by_account(db, question, voice.chart))
    async for known in year_sums(db, question, voice.chart, each_person=True):
        fund, currency = known.fund, known.currency
        if (fund, currency) != before:
            yield LedgerRow(Part.FUND, fund, currency, question.first)
        before = (fund, currency)
        expected.add(fund, currency, known.debits, known.credits)
        async for row in _account(known, legs, question):
            if row.part is Part.LINE:
                printed.add(fund, currency, row.debit or 0, row.credit or 0)
            if row.part is Part.CLOSING:
                closing[fund, currency] += row.balance or 0
            yield row
    for (fund, currency), balance in closing.items():
        tally = printed.of(fund, currency)
        yield LedgerRow(Part.TOTAL, fund, currency, question.last, tally.debits, tally.credits, balance)
    for control in printed.controls(expected):
        yield control


async def _account(known: Sums, legs: _Ahead, question: Question) -> AsyncIterator[LedgerRow]:
    account, currency, balance = known.account, known.currency, known.opening
    yield LedgerRow(Part.ACCOUNT, account, currency, question.first)
    yield LedgerRow(Part.OPENING, account, currency, question.first, balance=balance)
    debits = credits = 0
    async for on, debit, credit, leg in _lines(known, legs):
        debits, credits, balance = debits + debit, credits + credit, balance + debit - credit
        yield LedgerRow(Part.LINE, account, currency, on, debit or None, credit or None, balance, leg)
    yield LedgerRow(Part.CLOSING, account, currency, question.last, debits, credits, balance)


async def _lines(known: Sums, legs: _Ahead) -> AsyncIterator[tuple[date, int, int, Leg | None]]:
    """Day, debit and credit of each line of the book, and of each year that begins, before the lines of its day."""
    over = list(known.carried)
    async for leg in legs.of(known.account):
        while over and over[0].on <= leg.on:
            yield _carried(over.pop(0))
        yield leg.on, leg.debit, leg.credit, leg
    for each in over:
        yield _carried(each)


def _carried(over: Carry) -> tuple[date, int, int, None]:
    return over.on, max(over.net, 0), max(-over.net, 0), None


def _heading(row: LedgerRow, voice: Voice) -> str:
    if row.part is Part.FUND:
        return voice.fund_heading(row.account, row.currency)
    return f"{voice.number(row.account)}  {voice.label(row.account)}"


def _said(row: LedgerRow, voice: Voice) -> str:
    if row.leg is not None:
        return wording(row.leg, voice)
    if row.part is Part.TOTAL:
        return voice.fund_total(row.account, row.currency)
    if row.part is Part.LINE:
        return voice.word("Result of {year} carried forward", year=row.on.year - 1)
    return voice.word({Part.OPENING: _("Opening balance"), Part.CLOSING: _("Closing balance")}[row.part])


def by_account(
    title: str, rows: Rows, debit: str, credit: str, balance: Column[LedgerRow]
) -> Report[LedgerRow]:
    """A report whose lines are those of accounts, under these names for what comes, what goes and what is left."""
    return Report(
        title=title,
        rows=rows,
        heading=_heading,
        columns=(
            DATE,
            REFERENCE,
            Column("Wording", _said, -1),
            AGAINST,
            Column(debit, lambda row, voice: voice.some(row.debit or 0, row.currency), AMOUNT),
            Column(credit, lambda row, voice: voice.some(row.credit or 0, row.currency), AMOUNT),
            balance,
        ),
        fields=(
            *ACCOUNT_FIELDS,
            Field("Date", lambda row, _: row.on),
            Field("Wording", _said),
            *LEG_FIELDS[1:],
            Field(debit, lambda row, _: plain_amount(row.debit, row.currency)),
            Field(credit, lambda row, _: plain_amount(row.credit, row.currency)),
            Field(balance.name, lambda row, _: plain_amount(row.balance, row.currency)),
            Field("Currency", lambda row, _: row.currency),
        ),
    )


def _balance(row: LedgerRow, voice: Voice) -> str:
    return voice.balance(row.balance or 0, row.currency)


GENERAL_LEDGER = replace(
    by_account(
        _("General ledger"), general_ledger, _("Debit"), _("Credit"), Column("Balance", _balance, BALANCE)
    ),
    note=lambda _, voice: begun_at_zero(voice),
)
