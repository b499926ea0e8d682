"""Emplois et ressources: what each fund had, earned, spent, owes or is owed since, gave to other funds, and has now.

Everything comes from two trial balances; the parts add up to the money that is there at the end, to the franc.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import KINDS, Root
from ledger.reports.cash_book import MEANS
from ledger.reports.columns import ACCOUNT_FIELDS
from ledger.reports.page import AMOUNT, Column, Control, Field, Part, Question, Report, plain_amount
from ledger.reports.sums import Sums, by_fund, sums
from ledger.reports.voice import Voice, _

INCOME, USE, BETWEEN = _("Income"), _("Use"), _("Between funds")
CHANGES = _("Owed, lent and own funds (+ brings money, - holds it back)")
BEGINNING, END, WHERE = _("Means at the beginning"), _("Means at the end"), _("Where the money is")
RECEIVED, GIVEN = _("Received from another fund"), _("Given to another fund")
TOTALS = {
    INCOME: _("Total income"),
    USE: _("Total use"),
    CHANGES: _("Total of these changes"),
    BETWEEN: _("Total between funds"),
}


@dataclass(frozen=True)
class FlowRow:
    """One line of a section; `amount` is what it adds to the fund's money (below zero: takes from it), minor units.

    `word` is a word of ours, "" where the account's label says it. `account` of a sum is the fund.
    """

    part: Part
    account: str
    currency: str
    section: str
    word: str
    amount: int


async def fund_flows(
    db: AsyncConnection, question: Question, voice: Voice
) -> AsyncIterator[FlowRow | Control]:
    """Every fund and currency in scope, one after the other."""
    found = [each async for each in sums(db, question, voice.chart, each_person=False)]
    printed: dict[str, list[FlowRow]] = {}
    for fund, currency, accounts in by_fund(found):
        for row in _fund(fund, currency, accounts):
            printed.setdefault(currency, []).append(row)
            yield row
    for currency, rows in printed.items():
        yield _control(currency, rows, found)


def _fund(fund: str, currency: str, accounts: list[Sums]) -> Iterator[FlowRow]:
    """What was there, the four sections, and what is there now, by kind of money."""
    sections = {
        INCOME: [_row(each, INCOME, -each.net) for each in accounts if _root(each) is Root.INCOME],
        USE: [_row(each, USE, -each.net) for each in accounts if _root(each) is Root.EXPENSES],
        CHANGES: [_row(each, CHANGES, -each.net) for each in accounts if _is_owed_or_own(each)],
        BETWEEN: [row for each in accounts if _kind(each) == "interfund" for row in _between(each)],
    }
    means = [each for each in accounts if _kind(each) in MEANS]
    left = sum(each.opening for each in means)
    yield FlowRow(Part.FUND, fund, currency, "", "", 0)
    yield FlowRow(Part.OPENING, fund, currency, BEGINNING, BEGINNING, left)
    for section, rows in sections.items():
        moved = [row for row in rows if row.amount]
        if moved:
            yield FlowRow(Part.ACCOUNT, fund, currency, section, section, 0)
            yield from moved
            amount = sum(row.amount for row in moved)
            yield FlowRow(Part.SUBTOTAL, fund, currency, section, TOTALS[section], amount)
            left += amount
    yield FlowRow(Part.ACCOUNT, fund, currency, WHERE, WHERE, 0)
    yield from (_row(each, WHERE, each.closing) for each in means if each.closing)
    yield FlowRow(Part.TOTAL, fund, currency, END, END, left)


def _row(of: Sums, section: str, amount: int) -> FlowRow:
    return FlowRow(Part.LINE, of.account, of.currency, section, "", amount)


def _between(of: Sums) -> list[FlowRow]:
    """Gross, both ways: what another fund gave is not hidden by what it got."""
    both = ((RECEIVED, of.credits), (GIVEN, -of.debits))
    return [FlowRow(Part.LINE, of.account, of.currency, BETWEEN, word, amount) for word, amount in both]


def _control(currency: str, rows: Iterable[FlowRow], found: Iterable[Sums]) -> Control:
    """The sections, added up, against the money that the trial balance finds."""
    lines = [row for row in rows if row.part is Part.LINE]
    reached = sum(row.amount for row in rows if row.part is Part.TOTAL)
    there = sum(each.closing for each in found if each.currency == currency and _kind(each) in MEANS)
    return Control(currency, len(lines), reached, 0, there, 0, has_sides=False)


def _kind(of: Sums) -> str:
    return of.account.split(":")[1]


def _root(of: Sums) -> Root:
    return KINDS[_kind(of)].root


def _is_owed_or_own(of: Sums) -> bool:
    return (
        _root(of) in (Root.ASSETS, Root.LIABILITIES, Root.EQUITY)
        and _kind(of) not in MEANS
        and _kind(of) != "interfund"
    )


def _names(row: FlowRow) -> bool:
    """Whether the row is about an account, and no sum."""
    return ":" in row.account


def _label(row: FlowRow, voice: Voice) -> str:
    return voice.word(row.word) if row.word else voice.label(row.account)


def _shown(row: FlowRow, voice: Voice) -> str:
    """Use is spoken of as what it costs, without a minus."""
    return voice.amount(-row.amount if row.section == USE else row.amount, row.currency)


def _heading(row: FlowRow, voice: Voice) -> str:
    return voice.word(row.word) if row.word else voice.fund_heading(row.account, row.currency)


FUND_FLOWS = Report(
    title="Income and use of each fund",
    kinds=(),  # a part of a fund's accounts does not add up to its money
    rows=fund_flows,
    heading=_heading,
    columns=(
        Column(
            "Account", lambda row, voice: voice.number(row.account) if _names(row) else _label(row, voice), 22
        ),
        Column("Label", lambda row, voice: _label(row, voice) if _names(row) else "", 46),
        Column("Amount", _shown, AMOUNT),
    ),
    fields=(
        Field("Section", lambda row, voice: voice.word(row.section)),
        *ACCOUNT_FIELDS,
        Field("Wording", _label),
        Field("Amount", lambda row, _: plain_amount(row.amount, row.currency)),
        Field("Currency", lambda row, _: row.currency),
    ),
)
