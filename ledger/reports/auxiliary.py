"""Journaux auxiliaires: cash, banks, operators, contributions and other operations apart, each by the order of days.

Every movement stands in one of them, the first that names a kind of its two accounts, so that together they are the
general journal. The entries of each are numbered from the first day of the report on.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import KINDS, parse
from ledger.reports.columns import ACCOUNT_FIELDS, LEG_FIELDS, wording
from ledger.reports.legs import Leg, legs_by_day
from ledger.reports.page import AMOUNT, Column, Control, Field, Part, Question, Report, plain_amount
from ledger.reports.sums import sums
from ledger.reports.totals import Totals
from ledger.reports.voice import Voice, _

BOOKS = {
    _("Cash journal"): frozenset({"cash"}),
    _("Bank journal"): frozenset({"bank"}),
    _("Operators' journal"): frozenset({"float", "disbursement", "suspense", "transit"}),
    _("Contributions' journal"): frozenset({"member"}),
    _("Other operations"): frozenset(KINDS),
}


@dataclass(frozen=True)
class AuxiliaryRow:
    """One side of a movement in the auxiliary journal `book`, its heading (FUND) or its sum; minor units."""

    part: Part
    book: str
    account: str
    currency: str
    on: date
    nth: int = 0
    debit: int = 0
    credit: int = 0
    leg: Leg | None = None


async def auxiliary_journals(
    db: AsyncConnection, question: Question, voice: Voice
) -> AsyncIterator[AuxiliaryRow | Control]:
    """One auxiliary journal after the other; none that is empty."""
    printed, expected = Totals(), Totals()
    for book in BOOKS:
        of_book, last, nth = Totals(), None, 0
        async for leg in legs_by_day(db, question, voice.chart):
            if not leg.account or book_of(leg) != book:
                continue
            if last is None:
                yield AuxiliaryRow(Part.FUND, book, "", "", question.first)
            if leg.journal_id != last:
                last, nth = leg.journal_id, nth + 1
            for totals in (printed, of_book):
                totals.add(leg.fund, leg.currency, leg.debit, leg.credit)
            facts = (leg.account, leg.currency, leg.on, nth, leg.debit, leg.credit, leg)
            yield AuxiliaryRow(Part.LINE, book, *facts)
        for (fund, currency), tally in of_book.tallies.items():
            sides = (tally.debits, tally.credits)
            yield AuxiliaryRow(Part.TOTAL, book, fund, currency, question.last, 0, *sides)
    async for known in sums(db, question, voice.chart, each_person=question.is_of_one):
        expected.add(known.fund, known.currency, known.debits, known.credits)
    for control in printed.controls(expected):
        yield control


def book_of(leg: Leg) -> str:
    """The auxiliary journal of a movement."""
    kinds = {parse(leg.account).kind.name, parse(leg.against).kind.name}
    return next(book for book, of_book in BOOKS.items() if kinds & of_book)


def _account(row: AuxiliaryRow, voice: Voice) -> str:
    if row.part is Part.TOTAL:
        return voice.fund_total(row.account, row.currency)
    return voice.number(row.account)


def _wording(row: AuxiliaryRow, voice: Voice) -> str:
    return f"{wording(row.leg, voice)}. {voice.title(row.leg.reason)}" if row.leg else ""


AUXILIARY = Report(
    title="Auxiliary journals",
    rows=auxiliary_journals,
    heading=lambda row, voice: voice.word(row.book),
    columns=(
        Column("Date", lambda row, voice: voice.day(row.on) if row.leg else "", 10),
        Column("Number", lambda row, _: str(row.nth or ""), 6),
        Column("Account", _account, -2),
        Column("Wording", _wording, -3),
        Column("Debit", lambda row, voice: voice.some(row.debit, row.currency), AMOUNT),
        Column("Credit", lambda row, voice: voice.some(row.credit, row.currency), AMOUNT),
    ),
    fields=(
        Field("Auxiliary journal", lambda row, voice: voice.word(row.book)),
        Field("Number", lambda row, _: row.nth or ""),
        Field("Date", lambda row, _: row.on),
        *ACCOUNT_FIELDS,
        *LEG_FIELDS,
        Field("Debit", lambda row, _: plain_amount(row.debit or None, row.currency)),
        Field("Credit", lambda row, _: plain_amount(row.credit or None, row.currency)),
        Field("Currency", lambda row, _: row.currency),
    ),
)
