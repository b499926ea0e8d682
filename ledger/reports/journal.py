"""Journal général: every journal in the order of its accounting date, with its lines, who booked it and why."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.reports.columns import ACCOUNT_FIELDS, LEG_FIELDS, wording
from ledger.reports.legs import Leg, legs_by_day
from ledger.reports.page import (
    AMOUNT,
    Column,
    Control,
    Field,
    Part,
    Question,
    Report,
    plain_amount,
)
from ledger.reports.sums import sums
from ledger.reports.totals import Totals
from ledger.reports.voice import Voice


@dataclass(frozen=True)
class JournalRow:
    """A journal (ACCOUNT: the heading of its lines), one of its lines, or the sum of a fund; minor units.

    The act of a period has one line, without an account.
    """

    part: Part
    account: str  # of a TOTAL: the fund
    currency: str
    on: date
    debit: int = 0
    credit: int = 0
    leg: Leg | None = None


async def general_journal(
    db: AsyncConnection, question: Question, voice: Voice
) -> AsyncIterator[JournalRow | Control]:
    """Every journal of the period that moved an account in scope, and the acts of periods."""
    printed, expected, last = Totals(), Totals(), None
    yield JournalRow(Part.FUND, "", "", question.first)
    async for leg in legs_by_day(db, question, voice.chart):
        if leg.journal_id != last:
            last = leg.journal_id
            yield JournalRow(Part.ACCOUNT, leg.account, leg.currency, leg.on, leg=leg)
        if leg.account:
            printed.add(leg.fund, leg.currency, leg.debit, leg.credit)
        yield JournalRow(Part.LINE, leg.account, leg.currency, leg.on, leg.debit, leg.credit, leg)
    for (fund, currency), tally in printed.tallies.items():
        yield JournalRow(Part.TOTAL, fund, currency, question.last, tally.debits, tally.credits)
    async for known in sums(db, question, voice.chart, each_person=question.is_of_one):
        expected.add(known.fund, known.currency, known.debits, known.credits)
    for control in printed.controls(expected):
        yield control


def _heading(row: JournalRow, voice: Voice) -> str:
    if row.leg is None:
        return voice.word("All journals")
    leg = row.leg
    by = voice.word("by {actor}", actor=voice.actor(leg.actor))
    return f"{voice.day(leg.on)}  {leg.reference}  {wording(leg, voice)}, {by}. {voice.title(leg.reason)}."


def _account(row: JournalRow, voice: Voice) -> str:
    if row.part is Part.TOTAL:
        return voice.fund_total(row.account, row.currency)
    return voice.number(row.account) if row.account else voice.word("no movement")


def _label(row: JournalRow, voice: Voice) -> str:
    if ":" not in row.account:
        return ""
    return f"{voice.label(row.account)} ({voice.fund(row.account.partition(':')[0])})"


JOURNAL = Report(
    title="General journal",
    rows=general_journal,
    heading=_heading,
    columns=(
        Column("Account", _account, -2),
        Column("Label", _label, -3),
        Column("Debit", lambda row, voice: voice.some(row.debit, row.currency), AMOUNT),
        Column("Credit", lambda row, voice: voice.some(row.credit, row.currency), AMOUNT),
    ),
    fields=(
        Field("Date", lambda row, _: row.on),
        *ACCOUNT_FIELDS,
        *LEG_FIELDS,
        Field("Debit", lambda row, _: plain_amount(row.debit or None, row.currency)),
        Field("Credit", lambda row, _: plain_amount(row.credit or None, row.currency)),
        Field("Currency", lambda row, _: row.currency),
    ),
)
