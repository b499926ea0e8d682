"""How accounts, journals, balances and cells are written for beancount, hledger and spreadsheets.

Two accounts never share a name; every text is quoted, marked, or stripped of what its reader would take for syntax.
"""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from currencies import MINOR_DIGITS
from ledger.accounts import parse
from ledger.charts import Chart

BEFORE_ALL = date(2000, 1, 1)  # no journal is older: every account is open from here on
# Reports begin each year with income and expenses at zero; an export does not, and says so.
RAW = "The book as it was booked: no year is closed, income and expenses run on from year to year."
FORMULA_HEADS = ("=", "+", "-", "@", "\t", "\r", "'")  # the last one, so that the mark can be taken off again


class JournalLine(NamedTuple):
    """One movement with the journal it belongs to; the fields are the columns of the CSV, in its order.

    `occurred_on` is None unless the journal was booked on another day than the one it is for.
    """

    mutuelle: str
    journal: UUID
    kind: str
    effective_on: date
    recorded_at: datetime
    actor: str
    reason: str
    source: str | None
    key: str | None
    reverses: UUID | None
    memo: dict[str, str]
    position: int
    phase: str
    debit_account: str
    credit_account: str
    amount_minor: int
    currency: str
    resolves_journal: UUID | None
    resolves_position: int | None
    xid: int
    occurred_on: date | None
    expires_at: datetime | None


class Closing(NamedTuple):
    """The balance of an account at the end of the day `on`, in minor units."""

    mutuelle: str
    on: date
    account: str
    currency: str
    net_minor: int


@dataclass(frozen=True)
class Format:
    """The four functions that write an export; each returns whole lines."""

    head: Callable[[Sequence[str]], str]
    account: Callable[[str, str, str, Chart | None], str]
    journal: Callable[[Sequence[JournalLine]], str]
    closing: Callable[[Closing], str]


def cell(value: object) -> object:
    """`value` as a cell of a CSV: a text that a spreadsheet would run as a formula gets a `'` in front.

    A text that begins with `'` gets one more, so removing one gives the original. Numbers stay numbers.
    """
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False) if value else ""
    if isinstance(value, str) and value.startswith(FORMULA_HEADS):
        return "'" + value
    return value


def french_cell(value: object) -> object:
    """`value` as a French spreadsheet reads it: days as 22/11/2026, moments in UTC, a comma before decimals."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%d/%m/%Y %H:%M:%S")
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    return str(value).replace(".", ",") if isinstance(value, Decimal) else cell(value)


@dataclass(frozen=True)
class Sheet:
    """How a CSV is written; `head` comes before its first line."""

    head: str
    delimiter: str
    line_end: str
    cell: Callable[[object], object]


PLAIN = Sheet("", ",", "\n", cell)
FRENCH = Sheet(
    "\ufeff", ";", "\r\n", french_cell
)  # without the byte order mark Excel reads UTF-8 as Windows-1252


def csv_line(values: Sequence[object], sheet: Sheet = PLAIN) -> str:
    """One line of a CSV, each value as a cell of the sheet."""
    line = io.StringIO()
    writer = csv.writer(line, delimiter=sheet.delimiter, lineterminator=sheet.line_end)
    writer.writerow([sheet.cell(value) for value in values])
    return line.getvalue()


def _component(name: str) -> str:
    """Beancount requires a capital or a digit first. No part of a code begins with a capital, so names stay unique."""
    return name[0].upper() + name[1:]


def beancount_account(mutuelle: str, code: str) -> str:
    """`health:member:1` of SIK is `Assets:SIK:Health:Member:1`."""
    parts = parse(code)
    names = (parts.fund, parts.kind.name, parts.sub)
    return ":".join([parts.kind.root, mutuelle, *(_component(name) for name in names if name)])


def hledger_account(mutuelle: str, code: str) -> str:
    """`health:member:1` of SIK is `assets:SIK:health:member:1`."""
    return f"{parse(code).kind.root.lower()}:{mutuelle}:{code}"


def _amount(amount_minor: int, currency: str) -> str:
    return f"{Decimal(amount_minor).scaleb(-MINOR_DIGITS[currency]):f} {currency}"


def _number_in(code: str, chart: Chart | None) -> dict[str, str]:
    """The account's number and label in `chart`, if given; `status` says whether the number is verified."""
    if chart is None:
        return {}
    line = chart.line(code)
    return {"chart": chart.frame, "number": line.number, "label": line.label, "status": line.status}


def _facts(first: JournalLine) -> dict[str, str]:
    """The facts of a journal besides its date, kind and reason."""
    facts = {
        "journal": str(first.journal),
        "key": f"{first.source}:{first.key}" if first.source else "",
        "actor": first.actor,
        "recorded": first.recorded_at.isoformat(timespec="microseconds"),
        "occurred": str(first.occurred_on) if first.occurred_on else "",
        "reverses": str(first.reverses) if first.reverses else "",
    }
    return {name: value for name, value in facts.items() if value}


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _metadata(facts: dict[str, str]) -> str:
    return "".join(f"  {name}: {_quoted(value)}\n" for name, value in facts.items() if value)


def _beancount_head(currencies: Sequence[str]) -> str:
    options = ['option "title" "Keneya ledger"\n']
    options += [f'option "operating_currency" "{currency}"\n' for currency in currencies]
    return f"; {RAW}\n" + "".join(
        options + [f"{BEFORE_ALL} commodity {currency}\n" for currency in currencies]
    )


def _beancount_open(mutuelle: str, code: str, currency: str, chart: Chart | None) -> str:
    name = beancount_account(mutuelle, code)
    return f"{BEFORE_ALL} open {name} {currency}\n" + _metadata({"code": code} | _number_in(code, chart))


def _beancount_journal(lines: Sequence[JournalLine]) -> str:
    first = lines[0]
    memo = {"memo": json.dumps(first.memo, sort_keys=True)} if first.memo else {}
    written = [f"\n{first.effective_on} * {_quoted(first.kind)} {_quoted(first.reason)}\n"]
    written.append(_metadata(_facts(first) | memo))
    for line in lines:
        debit = beancount_account(line.mutuelle, line.debit_account)
        credit = beancount_account(line.mutuelle, line.credit_account)
        written.append(f"  {debit}  {_amount(line.amount_minor, line.currency)}\n")
        written.append(f"  {credit}  {_amount(-line.amount_minor, line.currency)}\n")
    return "".join(written)


def _beancount_closing(closing: Closing) -> str:
    """Beancount asserts at the start of a day, so this is dated the next day. `~ 0`: without tolerance."""
    number, unit = _amount(closing.net_minor, closing.currency).split()
    name = beancount_account(closing.mutuelle, closing.account)
    return f"{closing.on + timedelta(days=1)} balance {name}  {number} ~ 0 {unit}\n"


_NOT_IN_HLEDGER = str.maketrans({";": ",", "|": "/"})  # they begin a comment and a payee


def _tags(facts: dict[str, str]) -> str:
    """A tag's value ends at a comma."""
    said = {name: value.translate(_NOT_IN_HLEDGER).replace(",", " ") for name, value in facts.items()}
    return ", ".join(f"{name}:{value}" for name, value in said.items() if value)


def _hledger_head(currencies: Sequence[str]) -> str:
    samples = (f"commodity 1000.{'0' * MINOR_DIGITS[currency]} {currency}\n" for currency in currencies)
    return f"; Keneya ledger\n; {RAW}\n" + "".join(samples)


def _hledger_open(mutuelle: str, code: str, _currency: str, chart: Chart | None) -> str:
    tags = _tags(_number_in(code, chart))
    return f"account {hledger_account(mutuelle, code)}{'  ; ' + tags if tags else ''}\n"


def _hledger_journal(lines: Sequence[JournalLine]) -> str:
    first = lines[0]
    title = f"{first.kind} | {first.reason.translate(_NOT_IN_HLEDGER)}"
    written = [f"\n{first.effective_on} * {title}\n    ; {_tags(_facts(first))}\n"]
    for line in lines:
        debit = hledger_account(line.mutuelle, line.debit_account)
        credit = hledger_account(line.mutuelle, line.credit_account)
        written.append(f"    {debit}  {_amount(line.amount_minor, line.currency)}\n")
        written.append(f"    {credit}  {_amount(-line.amount_minor, line.currency)}\n")
    return "".join(written)


def _hledger_closing(closing: Closing) -> str:
    """One transaction each, so that hledger names a broken one in few lines. `==`: no other currency is held."""
    name, balance = (
        hledger_account(closing.mutuelle, closing.account),
        _amount(closing.net_minor, closing.currency),
    )
    return f"\n{closing.on} * balance at the end of the day\n    {name}  0 {closing.currency} == {balance}\n"


BEANCOUNT = Format(_beancount_head, _beancount_open, _beancount_journal, _beancount_closing)
HLEDGER = Format(_hledger_head, _hledger_open, _hledger_journal, _hledger_closing)
