"""Trial balance, read from day rows where an account has them: it costs the same after ten years as after one."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.charts import DEFAULT, charts
from ledger.reports.columns import ACCOUNT_FIELDS, begun_at_zero
from ledger.reports.page import AMOUNT, BALANCE, Column, Control, Field, Part, Question, Report, plain_amount
from ledger.reports.sums import Sums, by_fund, year_sums
from ledger.reports.totals import Totals
from ledger.reports.voice import Voice
from ledger.reports.years import is_yearly, year_before, year_start


@dataclass(frozen=True)
class TrialLine:
    """One account of a trial balance: the sums of its posted movements, in minor units."""

    mutuelle: str
    fund: str
    account: str
    currency: str
    debit: int
    credit: int


# Accounts with day rows from them, one account a person from its movements.
_LINES = """
select b.mutuelle_id, a.fund, a.code, a.currency, s.debits, s.credits
  from ledger.book b
 cross join lateral ledger.sums(b.mutuelle_id, :as_of) s
  join ledger.account a on a.mutuelle_id = b.mutuelle_id and a.code = s.account
 where (cast(:mutuelle as text) is null or b.mutuelle_id = :mutuelle) and (s.debits, s.credits) <> (0, 0)
 union all
select e.mutuelle_id, a.fund, e.account, e.currency, sum(e.debit), sum(e.credit)
  from ledger.entry e
  join ledger.account a on a.mutuelle_id = e.mutuelle_id and a.code = e.account and a.keeping = 'summed'
 where (cast(:mutuelle as text) is null or e.mutuelle_id = :mutuelle) and e.effective_on <= :as_of
 group by e.mutuelle_id, a.fund, e.account, e.currency
 order by 1, 3, 4
"""


async def trial_balance(
    db: AsyncConnection, mutuelle: str | None = None, as_of: date | None = None
) -> list[TrialLine]:
    """Every account that moved up to and including `as_of`, by mutuelle, fund and code, as the book has it.

    Within one mutuelle, fund and currency the debits are the credits. Income and expenses are those of all years:
    exports and witnesses read the book so, people read `year_balance`.
    """
    rows = await db.execute(text(_LINES), {"mutuelle": mutuelle, "as_of": as_of or date.max})
    return [TrialLine(row[0], row[1], row[2], row[3], int(row[4]), int(row[5])) for row in rows]


async def year_balance(db: AsyncConnection, mutuelle: str, as_of: date) -> list[TrialLine]:
    """The same of one mutuelle, income and expenses since the year began, the years before it as `fund:result`."""
    year = Question(mutuelle, year_start(as_of), as_of)
    found = [each async for each in year_sums(db, year, charts()[DEFAULT], each_person=True, every=True)]
    lines = [
        TrialLine(
            mutuelle,
            x.fund,
            x.account,
            x.currency,
            x.opening_debits + x.debits,
            x.opening_credits + x.credits,
        )
        for x in found
    ]
    return sorted((x for x in lines if x.debit or x.credit), key=lambda x: (x.fund, x.currency, x.account))


@dataclass(frozen=True)
class TrialRow:
    """Balances before and after a period, its movements, and the balance a year before its end; minor units.

    Of an account, a class, a fund, or of its income and expenses (RESULT). A sum of several accounts keeps those in
    debit and those in credit apart; its `account` is the fund. `class_` is 0 where there is none.
    """

    part: Part
    account: str
    currency: str
    class_: int
    opening_debit: int = 0
    opening_credit: int = 0
    debits: int = 0
    credits: int = 0
    closing_debit: int = 0
    closing_credit: int = 0
    before_debit: int = 0
    before_credit: int = 0


FIGURES = (
    "opening_debit",
    "opening_credit",
    "debits",
    "credits",
    "closing_debit",
    "closing_credit",
    "before_debit",
    "before_credit",
)


async def general_balance(
    db: AsyncConnection, question: Question, voice: Voice
) -> AsyncIterator[TrialRow | Control]:
    """Balance générale: accounts (all persons of a kind as one, unless each is asked for), classes, result, funds."""
    before = await _year_before(db, question, voice)
    printed, mirrored = Totals(), Totals()
    for fund, currency, accounts in by_fund(await _sums(db, question, voice)):
        rows = [_line(each, before.get((each.account, currency), 0), voice) for each in accounts]
        rows = [row for row in rows if any(_figures(row)) or row.account == question.account]
        if not rows:
            continue
        yield TrialRow(Part.FUND, fund, currency, 0)
        for class_, of_class in groupby(rows, lambda row: row.class_):
            lines = list(of_class)
            for row in lines:
                printed.add(fund, currency, row.debits, row.credits)
                mirrored.add(fund, currency, row.credits, row.debits)
                yield row
            yield _total(Part.SUBTOTAL, fund, class_, lines)
        yearly = [row for row in rows if is_yearly(row.account)]
        if yearly and not question.account:
            yield _total(Part.RESULT, fund, 0, yearly)
        yield _total(Part.TOTAL, fund, 0, rows)
    # A whole fund balances alone: its debits are its credits. Of some accounts nothing of the kind is known.
    for control in printed.controls(printed if question.account else mirrored):
        yield control


async def _sums(db: AsyncConnection, question: Question, voice: Voice) -> list[Sums]:
    """Every account: what does not stand any more may have stood a year before."""
    each_person = question.detail or question.is_of_one
    return [x async for x in year_sums(db, question, voice.chart, each_person=each_person, every=True)]


async def _year_before(db: AsyncConnection, question: Question, voice: Voice) -> dict[tuple[str, str], int]:
    """What each account held a year before the period's end, as that year's own report has it."""
    last = year_before(question.last)
    found = await _sums(db, replace(question, first=last, last=last), voice)
    return {(each.account, each.currency): each.closing for each in found}


def _line(of: Sums, before: int, voice: Voice) -> TrialRow:
    opening, closing = of.opening, of.closing
    return TrialRow(
        Part.LINE,
        of.account,
        of.currency,
        voice.chart.line(of.account).class_,
        opening_debit=max(opening, 0),
        opening_credit=max(-opening, 0),
        debits=of.debits,
        credits=of.credits,
        closing_debit=max(closing, 0),
        closing_credit=max(-closing, 0),
        before_debit=max(before, 0),
        before_credit=max(-before, 0),
    )


def _figures(row: TrialRow) -> list[int]:
    return [getattr(row, name) for name in FIGURES]


def _total(part: Part, fund: str, class_: int, rows: Sequence[TrialRow]) -> TrialRow:
    sums = {name: sum(getattr(row, name) for row in rows) for name in FIGURES}
    return TrialRow(part, fund, rows[0].currency, class_, **sums)


def _account(row: TrialRow, voice: Voice) -> str:
    """The account's number and label; a sum says what it is the sum of."""
    if row.part is Part.TOTAL:
        return voice.fund_total(row.account, row.currency)
    if row.part is Part.SUBTOTAL:
        return voice.word("Total of class {class}", **{"class": voice.class_(row.class_)})
    if row.part is Part.RESULT:
        return voice.word("Result of the year (income less expenses)")
    return f"{voice.number(row.account)} {voice.label(row.account)}"


def _note(question: Question, voice: Voice) -> str:
    said = voice.word("Year before: as of {day}.", day=year_before(question.last))
    return f"{said} {begun_at_zero(voice)}"


def _balance(debit: int, credit: int, row: TrialRow, voice: Voice) -> str:
    return voice.balance(debit - credit, row.currency)


TRIAL_BALANCE = Report(
    title="Trial balance",
    rows=general_balance,
    heading=lambda row, voice: voice.fund_heading(row.account, row.currency),
    columns=(
        Column("Account", _account, -1),
        Column(
            "At the beginning",
            lambda r, voice: _balance(r.opening_debit, r.opening_credit, r, voice),
            BALANCE,
        ),
        Column("Debit", lambda row, voice: voice.some(row.debits, row.currency), AMOUNT),
        Column("Credit", lambda row, voice: voice.some(row.credits, row.currency), AMOUNT),
        Column("At the end", lambda r, voice: _balance(r.closing_debit, r.closing_credit, r, voice), BALANCE),
        Column("Year before", lambda r, voice: _balance(r.before_debit, r.before_credit, r, voice), BALANCE),
    ),
    fields=(
        *ACCOUNT_FIELDS,
        Field("Class", lambda row, _: row.class_ or ""),
        Field("Status", lambda row, voice: voice.status(row.account) if row.part is Part.LINE else ""),
        Field("Opening debit", lambda row, _: plain_amount(row.opening_debit, row.currency)),
        Field("Opening credit", lambda row, _: plain_amount(row.opening_credit, row.currency)),
        Field("Debit", lambda row, _: plain_amount(row.debits, row.currency)),
        Field("Credit", lambda row, _: plain_amount(row.credits, row.currency)),
        Field("Closing debit", lambda row, _: plain_amount(row.closing_debit, row.currency)),
        Field("Closing credit", lambda row, _: plain_amount(row.closing_credit, row.currency)),
        Field("Year before, debit", lambda row, _: plain_amount(row.before_debit, row.currency)),
        Field("Year before, credit", lambda row, _: plain_amount(row.before_credit, row.currency)),
        Field("Currency", lambda row, _: row.currency),
    ),
    note=_note,
)
