"""What a report is made of: a question, rows of several parts, and columns that say how a row is written.

A report ends with a control for each currency: what was printed against what the trial balance says.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from currencies import MINOR_DIGITS
from ledger.accounts import KINDS
from ledger.reports.voice import Voice

AMOUNT = 0  # the width of a column that is as wide as the widest amount, and on the right
BALANCE = -100  # the same, with the letter of its side


class Part(StrEnum):
    """What a row is: a heading of two ranks, a line of the book, or one of the sums around it."""

    FUND = "fund"
    ACCOUNT = "account"
    OPENING = "opening"
    LINE = "line"
    SUBTOTAL = "subtotal"
    RESULT = "result"
    CLOSING = "closing"
    TOTAL = "total"
    CONTROL = "control"


HEADINGS = frozenset({Part.FUND, Part.ACCOUNT})


class ReportRow(Protocol):
    """What all rows have."""

    @property
    def part(self) -> Part: ...
    @property
    def currency(self) -> str: ...


R = TypeVar("R", bound=ReportRow)
Shown = TypeVar("Shown", bound=ReportRow, contravariant=True)


@dataclass(frozen=True)
class Question:
    """What is asked of a book: days from `first` to `last`, both included, of a fund or of some accounts.

    `account` is a code, or the head `fund:kind` of all accounts of a kind; `kinds`, if any, are all that count.
    `detail`: each person's account on a line of its own, where a report would add them up.
    """

    mutuelle: str
    first: date
    last: date
    fund: str | None = None
    account: str | None = None
    detail: bool = False
    kinds: tuple[str, ...] = ()

    @property
    def scope(self) -> str:
        """What all codes asked for begin with, "" for the whole book."""
        return self.account or self.fund or ""

    @property
    def is_of_one(self) -> bool:
        """Whether it is about one account of a kind that is split: `health:member:101482937`."""
        return self.scope.count(":") == 2


@dataclass(frozen=True)
class Control:
    """The last row of a currency: what was printed, and what it should be, in minor units.

    `has_sides` is False where there is one sum: it stands in `debits`.
    """

    currency: str
    lines: int
    debits: int
    credits: int
    expected_debits: int
    expected_credits: int
    has_sides: bool = True
    part: Part = Part.CONTROL

    @property
    def holds(self) -> bool:
        return (self.debits, self.credits) == (self.expected_debits, self.expected_credits)


@dataclass(frozen=True)
class Column(Generic[Shown]):
    """A column of the text: `width` letters, or AMOUNT, or BALANCE; below zero, so many shares of what is left."""

    name: str
    cell: Callable[[Shown, Voice], str]
    width: int


@dataclass(frozen=True)
class Field(Generic[Shown]):
    """A column of the CSV: texts, days and amounts, written as the sheet's readers do; "" where there is none."""

    name: str
    value: Callable[[Shown, Voice], object]


@dataclass(frozen=True)
class Report(Generic[R]):
    """One report: how its rows are found, and how each is written.

    `heading` is what stands above the rows that follow a FUND or an ACCOUNT row. `has_period` is False where only the
    last day counts. `kinds`: those of the accounts that it can be narrowed to. `note` is said below the text.
    """

    title: str
    rows: Callable[[AsyncConnection, Question, Voice], AsyncIterator[R | Control]]
    columns: Sequence[Column[R]]
    fields: Sequence[Field[R]]
    heading: Callable[[R, Voice], str]
    has_period: bool = True
    kinds: Sequence[str] = tuple(KINDS)
    note: Callable[[Question, Voice], str] = lambda question, voice: ""


def plain_amount(minor: int | None, currency: str) -> Decimal | str:
    """An amount as a CSV has it: `1234`, `12.50`; nothing where there is none."""
    return "" if minor is None else Decimal(minor).scaleb(-MINOR_DIGITS[currency])
