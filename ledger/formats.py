"""How an account, a journal and a closing balance are written for beancount and for hledger.

Two accounts never share a name, and every text is quoted or stripped of what the format would read as syntax.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from ledger.accounts import MINOR_DIGITS, parse

BEFORE_ALL = date(2000, 1, 1)  # no journal is older: every account is open from here on


@dataclass(frozen=True)
class JournalLine:
    """One movement with the journal it belongs to; the fields are the columns of the CSV, in its order."""

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


@dataclass(frozen=True)
class Format:
    """The four things an export is made of; each gives whole lines."""

    head: Callable[[Sequence[str]], str]
    account: Callable[[str, str, str], str]
    journal: Callable[[Sequence[JournalLine]], str]
    closing: Callable[[date, str, str, int, str], str]


def _component(name: str) -> str:
    """Beancount wants a capital or a digit first. No part of a code begins with a capital: none collide."""
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


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _beancount_head(currencies: Sequence[str]) -> str:
    options = ['option "title" "Keneya ledger"\n']
    options += [f'option "operating_currency" "{currency}"\n' for currency in currencies]
    return "".join(options + [f"{BEFORE_ALL} commodity {currency}\n" for currency in currencies])


def _beancount_open(mutuelle: str, code: str, currency: str) -> str:
    name = beancount_account(mutuelle, code)
    return f"{BEFORE_ALL} open {name} {currency}\n  code: {_quoted(code)}\n"


def _beancount_journal(lines: Sequence[JournalLine]) -> str:
    first = lines[0]
    facts = {
        "journal": str(first.journal),
        "actor": first.actor,
        "recorded": first.recorded_at.isoformat(),
        "reverses": str(first.reverses) if first.reverses else "",
        "memo": json.dumps(first.memo, sort_keys=True) if first.memo else "",
    }
    written = [f"\n{first.effective_on} * {_quoted(first.kind)} {_quoted(first.reason)}\n"]
    written += [f"  {name}: {_quoted(value)}\n" for name, value in facts.items() if value]
    for line in lines:
        debit = beancount_account(line.mutuelle, line.debit_account)
        credit = beancount_account(line.mutuelle, line.credit_account)
        written.append(f"  {debit}  {_amount(line.amount_minor, line.currency)}\n")
        written.append(f"  {credit}  {_amount(-line.amount_minor, line.currency)}\n")
    return "".join(written)


def _beancount_closing(on: date, mutuelle: str, code: str, net_minor: int, currency: str) -> str:
    number, unit = _amount(net_minor, currency).split()
    return f"{on} balance {beancount_account(mutuelle, code)}  {number} ~ 0 {unit}\n"  # exact: no tolerance


_NOT_IN_HLEDGER = str.maketrans({";": ",", "|": "/"})  # a comment and a payee begin with these


def _tag(value: str) -> str:
    return value.translate(_NOT_IN_HLEDGER).replace(",", " ")  # a tag's value ends at a comma


def _hledger_head(currencies: Sequence[str]) -> str:
    samples = (f"commodity 1000.{'0' * MINOR_DIGITS[currency]} {currency}\n" for currency in currencies)
    return "; Keneya ledger\n" + "".join(samples)


def _hledger_open(mutuelle: str, code: str, _currency: str) -> str:
    return f"account {hledger_account(mutuelle, code)}\n"


def _hledger_journal(lines: Sequence[JournalLine]) -> str:
    first = lines[0]
    tags = f"journal:{first.journal}, actor:{_tag(first.actor)}, recorded:{first.recorded_at.isoformat()}"
    if first.reverses:
        tags += f", reverses:{first.reverses}"
    title = f"{first.kind} | {first.reason.translate(_NOT_IN_HLEDGER)}"
    written = [f"\n{first.effective_on} * {title}\n    ; {tags}\n"]
    for line in lines:
        debit = hledger_account(line.mutuelle, line.debit_account)
        credit = hledger_account(line.mutuelle, line.credit_account)
        written.append(f"    {debit}  {_amount(line.amount_minor, line.currency)}\n")
        written.append(f"    {credit}  {_amount(-line.amount_minor, line.currency)}\n")
    return "".join(written)


def _hledger_closing(on: date, mutuelle: str, code: str, net_minor: int, currency: str) -> str:
    name = hledger_account(mutuelle, code)
    return f"\n{on} * closing balance\n    {name}  0 {currency} = {_amount(net_minor, currency)}\n"


BEANCOUNT = Format(_beancount_head, _beancount_open, _beancount_journal, _beancount_closing)
HLEDGER = Format(_hledger_head, _hledger_open, _hledger_journal, _hledger_closing)
