"""Columns that several reports share: which account, and what a line of the book says."""

from collections.abc import Callable
from datetime import date
from typing import Protocol

from ledger.reports.legs import Leg, short
from ledger.reports.page import Column, Field, ReportRow
from ledger.reports.voice import Voice


class AccountRow(ReportRow, Protocol):
    """A row about an account: its code, or the head `fund:kind`, or just the fund, or ""."""

    @property
    def account(self) -> str: ...


class LegRow(ReportRow, Protocol):
    """A row of a day that may be a line of the book."""

    @property
    def on(self) -> date: ...

    @property
    def leg(self) -> Leg | None: ...


DATE: Column[LegRow] = Column("Date", lambda row, voice: voice.day(row.on), 10)
REFERENCE: Column[LegRow] = Column("Journal", lambda row, _: row.leg.reference if row.leg else "", 8)
AGAINST: Column[LegRow] = Column(
    "Against", lambda row, voice: voice.number(row.leg.against) if row.leg else "", -1
)


def begun_at_zero(voice: Voice) -> str:
    """What a reader of reports must know of years (`years.py`)."""
    return voice.word(
        "Income and expenses begin each year at zero; past results are carried forward, and no journal says so."
    )


def wording(leg: Leg, voice: Voice) -> str:
    """What happened, for which day if not that of the line, and what it takes back."""
    said = [voice.title(leg.kind)]
    if leg.for_on is not None:
        said.append(voice.word("for {day}", day=leg.for_on))
    if leg.reverses_id is not None:
        said.append(voice.word("takes back {reference}", reference=short(leg.reverses_id)))
    return ", ".join(said)


def _of_account(name: str, value: Callable[[str, Voice], str]) -> Field[AccountRow]:
    return Field(name, lambda row, voice: value(row.account, voice) if ":" in row.account else "")


def _of_leg(name: str, value: Callable[[Leg, Voice], object]) -> Field[LegRow]:
    return Field(name, lambda row, voice: value(row.leg, voice) if row.leg is not None else "")


ACCOUNT_FIELDS: tuple[Field[AccountRow], ...] = (
    Field("Fund", lambda row, voice: voice.fund(row.account.partition(":")[0])),
    _of_account("Account", lambda account, voice: voice.number(account)),
    _of_account("Label", lambda account, voice: voice.label(account)),
    _of_account("Own code", lambda account, _: account),
)
LEG_FIELDS: tuple[Field[LegRow], ...] = (
    _of_leg("Wording", wording),
    _of_leg("Reason", lambda leg, voice: voice.said(leg.reason)),
    _of_leg("Actor", lambda leg, voice: voice.actor(leg.actor)),
    _of_leg("Against", lambda leg, voice: voice.number(leg.against) if leg.against else ""),
    _of_leg("For", lambda leg, _: leg.for_on or ""),
    _of_leg("Recorded", lambda leg, _: leg.recorded_at),
    _of_leg("Journal", lambda leg, _: str(leg.journal_id)),
    _of_leg("Key", lambda leg, _: leg.key),
    _of_leg("Reverses", lambda leg, _: str(leg.reverses_id or "")),
)
