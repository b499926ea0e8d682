"""Livre de caisse: what came in and went out of the money that a fund holds, account by account, with what is left.

Money is cash, accounts at operators and at banks, and what is on its way between them: class 5 of every chart. It is
the grand livre of these accounts in plain words, for the person who counts the box.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.reports.general_ledger import LedgerRow, by_account, general_ledger
from ledger.reports.page import AMOUNT, Column, Control, Question
from ledger.reports.voice import Voice

MEANS = ("float", "disbursement", "cash", "bank", "transit")


def cash_book(db: AsyncConnection, question: Question, voice: Voice) -> AsyncIterator[LedgerRow | Control]:
    """Each account of money in scope; the balance of a TOTAL is all the money of the fund."""
    return general_ledger(db, replace(question, kinds=MEANS), voice)


def _left(row: LedgerRow, voice: Voice) -> str:
    return voice.amount(row.balance or 0, row.currency)


CASH_BOOK = replace(
    by_account("Cash book", cash_book, "In", "Out", Column("Left", _left, AMOUNT)), kinds=MEANS
)
