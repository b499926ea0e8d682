"""The chart of accounts as the ledger knows it: kinds, their class and normal side, and how a code is spelt.

A code is `fund:kind` or `fund:kind:sub`; a kind always has a sub-account or never has one, so that no account
is the parent of another. The numbers an accountant wants are data, in `charts/`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

HEALTH, TRANSPORT, TONTINE, LOANS = "health", "transport", "tontine", "loans"
FUNDS = (HEALTH, TRANSPORT, TONTINE, LOANS)

CURRENCIES = ("XOF", "XAF")  # what a mutuelle keeps its book in
# What an account may hold, and its decimals: an operator may pay in a currency that nobody asked for.
MINOR_DIGITS = {"XOF": 0, "XAF": 0, "GNF": 0, "RWF": 0, "CDF": 2, "EUR": 2, "USD": 2}

_CODE = re.compile(r"([a-z][a-z0-9-]{0,39}):([a-z]{1,30})(?::([a-z0-9][A-Za-z0-9-]{0,59}))?")


class Root(StrEnum):
    """The five classes that every accounting program knows."""

    ASSETS = "Assets"
    LIABILITIES = "Liabilities"
    EQUITY = "Equity"
    INCOME = "Income"
    EXPENSES = "Expenses"


class Side(StrEnum):
    """Where the balance of a kind normally lies."""

    DEBIT = "debit"
    CREDIT = "credit"


@dataclass(frozen=True)
class Kind:
    """What an account is for. `split_by` says what its sub-accounts are, "" when it has none."""

    name: str
    root: Root
    normal: Side
    split_by: str
    meaning: str


_KINDS = (
    Kind("float", Root.ASSETS, Side.DEBIT, "operator", "money collected on our account at an operator"),
    Kind(
        "cash",
        Root.ASSETS,
        Side.DEBIT,
        "holder",
        "notes and coins, one account for each person who holds them",
    ),
    Kind("bank", Root.ASSETS, Side.DEBIT, "bank", "money in a bank"),
    Kind(
        "member", Root.ASSETS, Side.DEBIT, "member", "what a household owes; in credit, what it paid too much"
    ),
    Kind(
        "interfund", Root.ASSETS, Side.DEBIT, "fund", "what another fund owes this one; in credit, owes to it"
    ),
    Kind(
        "suspense",
        Root.LIABILITIES,
        Side.CREDIT,
        "operator",
        "money that came and whose owner is not known yet",
    ),
    Kind("opening", Root.EQUITY, Side.CREDIT, "", "balances taken over when the mutuelle joined the service"),
    Kind("reserve", Root.EQUITY, Side.CREDIT, "", "what was set aside for bad years"),
    Kind("contributions", Root.INCOME, Side.CREDIT, "", "contributions called"),
    Kind("registration", Root.INCOME, Side.CREDIT, "", "fees of households that join"),
    Kind("fees", Root.EXPENSES, Side.DEBIT, "", "fees of operators"),
)
KINDS = {kind.name: kind for kind in _KINDS}


@dataclass(frozen=True)
class Code:
    """An account's code taken apart; `sub` is "" for a kind without sub-accounts."""

    fund: str
    kind: Kind
    sub: str


def parse(code: str) -> Code:
    """Take `code` apart. ValueError: misspelt, of an unknown kind, or its sub missing or in excess."""
    match = _CODE.fullmatch(code)
    if match is None:
        raise ValueError(f"account code {code!r} is not fund:kind or fund:kind:sub")
    fund, kind, sub = match[1], KINDS.get(match[2]), match[3] or ""
    if kind is None:
        raise ValueError(f"account code {code!r}: unknown kind {match[2]!r}")
    if bool(sub) != bool(kind.split_by):
        raise ValueError(f"account code {code!r}: {kind.name} is split by {kind.split_by or 'nothing'}")
    return Code(fund, kind, sub)


def _code(fund: str, kind: str, sub: str = "") -> str:
    code = f"{fund}:{kind}:{sub}" if sub else f"{fund}:{kind}"
    parse(code)
    return code


def collections(operator: str, fund: str = HEALTH) -> str:
    """The float of `operator` (its name and country, such as `simulated-ML`)."""
    return _code(fund, "float", operator)


def cash(holder: str, fund: str = HEALTH) -> str:
    """The cash in the hands of `holder` (an opaque reference)."""
    return _code(fund, "cash", holder)


def bank(name: str, fund: str = HEALTH) -> str:
    """The account at the bank `name`."""
    return _code(fund, "bank", name)


def member(number: str, fund: str = HEALTH) -> str:
    """The account of the household with this member number."""
    return _code(fund, "member", number)


def interfund(other: str, fund: str = HEALTH) -> str:
    """What the fund `other` owes to `fund`."""
    return _code(fund, "interfund", other)


def suspense(operator: str, fund: str = HEALTH) -> str:
    """Money that came by `operator` and waits for its owner."""
    return _code(fund, "suspense", operator)


def opening(fund: str = HEALTH) -> str:
    """The counterpart of balances taken over."""
    return _code(fund, "opening")


def reserve(fund: str = HEALTH) -> str:
    """What the fund has set aside."""
    return _code(fund, "reserve")


def contributions(fund: str = HEALTH) -> str:
    """The income from contributions."""
    return _code(fund, "contributions")


def registration(fund: str = HEALTH) -> str:
    """The income from joining fees."""
    return _code(fund, "registration")


def fees(fund: str = HEALTH) -> str:
    """The fees that operators keep."""
    return _code(fund, "fees")
