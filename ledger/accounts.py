"""The ledger's kinds of account: class, normal side and keeping, and how an account's code is spelt.

A code is `fund:kind` or `fund:kind:sub`; a kind always has a sub-account or never has one, so that no account
is the parent of another. Accountants' numbers are data, in `charts/`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

HEALTH, TRANSPORT, TONTINE, LOANS, GRANTS = "health", "transport", "tontine", "loans", "grants"
FUNDS = (HEALTH, TRANSPORT, TONTINE, LOANS, GRANTS)

_CODE = re.compile(r"([a-z][a-z0-9-]{0,39}):([a-z]{1,30})(?::([a-z0-9][A-Za-z0-9-]{0,59}))?")


class Root(StrEnum):
    """The five standard classes of accounts."""

    ASSETS = "Assets"
    LIABILITIES = "Liabilities"
    EQUITY = "Equity"
    INCOME = "Income"
    EXPENSES = "Expenses"


class Side(StrEnum):
    """The side on which the balance of a kind normally is."""

    DEBIT = "debit"
    CREDIT = "credit"


class Keeping(StrEnum):
    """How the balance of an account is kept.

    SUMMED: not stored; its few movements are summed at each read (one account a person).
    FOLDED: day rows, written after the posting; posting takes no lock on the account, and it has no limit.
    LIMITED: a row that each posting locks and checks, never below zero; folded too.
    """

    SUMMED = "summed"
    FOLDED = "folded"
    LIMITED = "limited"


@dataclass(frozen=True)
class AccountKind:
    """A kind of account. `split_by` says what its sub-accounts are; "" if it has none."""

    name: str
    root: Root
    keeping: Keeping
    split_by: str
    meaning: str

    @property
    def normal(self) -> Side:
        """Debit for what we have and spend, credit for what we owe, own and earn."""
        return Side.DEBIT if self.root in (Root.ASSETS, Root.EXPENSES) else Side.CREDIT


_A, _L, _Q, _I, _E = Root
_KINDS = (
    # What we have.
    AccountKind("float", _A, Keeping.FOLDED, "operator", "money collected on our account at an operator"),
    AccountKind(
        "disbursement", _A, Keeping.LIMITED, "operator", "money at an operator from which payouts are made"
    ),
    AccountKind(
        "cash", _A, Keeping.LIMITED, "holder", "notes and coins, one account for each person who holds them"
    ),
    AccountKind("bank", _A, Keeping.FOLDED, "bank", "money in a bank"),
    AccountKind(
        "transit", _A, Keeping.FOLDED, "", "money on its way between two of our own accounts; returns to zero"
    ),
    AccountKind(
        "member", _A, Keeping.SUMMED, "member", "what a household owes; in credit, what it paid too much"
    ),
    AccountKind(
        "receivable", _A, Keeping.FOLDED, "debtor", "what the State, a donor or another third party owes us"
    ),
    AccountKind("loan", _A, Keeping.SUMMED, "borrower", "what was lent and is not paid back yet"),
    AccountKind(
        "interfund", _A, Keeping.FOLDED, "fund", "what another fund owes this one; in credit, owes to it"
    ),
    # What we owe.
    AccountKind(
        "payable", _L, Keeping.FOLDED, "facility", "what we owe a facility for care that it invoiced"
    ),
    AccountKind(
        "deposit", _L, Keeping.SUMMED, "member", "what members put in and get back (tontine): never income"
    ),
    AccountKind(
        "suspense", _L, Keeping.FOLDED, "operator", "money that came and whose owner is not known yet"
    ),
    AccountKind(
        "deferred", _L, Keeping.FOLDED, "", "contributions called for days of the next year, at a year's end"
    ),
    AccountKind("allowance", _L, Keeping.FOLDED, "", "what members owe and may never pay, at a year's end"),
    # What is our own.
    AccountKind(
        "opening", _Q, Keeping.FOLDED, "", "balances taken over when the mutuelle joined the service"
    ),
    AccountKind("result", _Q, Keeping.FOLDED, "", "what the years that are closed left over, or lost"),
    AccountKind("reserve", _Q, Keeping.FOLDED, "", "what was set aside for bad years"),
    AccountKind("guarantee", _Q, Keeping.FOLDED, "", "what was set aside as a guarantee fund"),
    # What we earn.
    AccountKind("contributions", _I, Keeping.FOLDED, "", "contributions called"),
    AccountKind("registration", _I, Keeping.FOLDED, "", "fees of households that join"),
    AccountKind("assembly", _I, Keeping.FOLDED, "", "fees for the general assembly"),
    AccountKind(
        "subsidies", _I, Keeping.FOLDED, "", "what the State or a donor gives towards the running of the fund"
    ),
    AccountKind("gifts", _I, Keeping.FOLDED, "", "what people give"),
    AccountKind("surplus", _I, Keeping.FOLDED, "", "cash that a count of the box found beyond the book"),
    # What we spend.
    AccountKind("benefits", _E, Keeping.FOLDED, "", "care of members that the mutuelle pays"),
    AccountKind("purchases", _E, Keeping.FOLDED, "", "running costs: what was bought"),
    AccountKind("travel", _E, Keeping.FOLDED, "", "running costs: transport"),
    AccountKind("services", _E, Keeping.FOLDED, "", "running costs: services of others"),
    AccountKind("fees", _E, Keeping.FOLDED, "", "fees of operators"),
    AccountKind("taxes", _E, Keeping.FOLDED, "", "running costs: taxes and duties"),
    AccountKind(
        "staff", _E, Keeping.FOLDED, "", "running costs: pay and allowances of people who work for us"
    ),
    AccountKind(
        "waivers", _E, Keeping.FOLDED, "", "contributions that members owed and need not pay any more"
    ),
    AccountKind("shortage", _E, Keeping.FOLDED, "", "cash that a count of the box found missing"),
    AccountKind("provisions", _E, Keeping.FOLDED, "", "what was set aside for debts that may never be paid"),
    AccountKind("costs", _E, Keeping.FOLDED, "", "running costs: everything else"),
)
KINDS = {kind.name: kind for kind in _KINDS}


@dataclass(frozen=True)
class Code:
    """The parts of an account's code; `sub` is "" for a kind without sub-accounts."""

    fund: str
    kind: AccountKind
    sub: str


def parse(code: str) -> Code:
    """The parts of `code`. ValueError: misspelt, of an unknown kind, or with a sub missing or in excess."""
    match = _CODE.fullmatch(code)
    if match is None:
        raise ValueError(f"account code {code!r} is not fund:kind or fund:kind:sub")
    fund, kind, sub = match[1], KINDS.get(match[2]), match[3] or ""
    if kind is None:
        raise ValueError(f"account code {code!r}: unknown kind {match[2]!r}")
    if bool(sub) != bool(kind.split_by):
        raise ValueError(f"account code {code!r}: {kind.name} is split by {kind.split_by or 'nothing'}")
    return Code(fund, kind, sub)


@lru_cache(maxsize=4096)  # a batch of payments names the same accounts again and again
def _code(fund: str, kind: str, sub: str = "") -> str:
    code = f"{fund}:{kind}:{sub}" if sub else f"{fund}:{kind}"
    parse(code)
    return code


def collections(operator: str, fund: str = HEALTH) -> str:
    """The float of `operator` (its name and country, such as `simulated-ML`)."""
    return _code(fund, "float", operator)


def disbursement(account: str, fund: str = HEALTH) -> str:
    """The money from which payouts are made by this account at an operator."""
    return _code(fund, "disbursement", account)


def cash(holder: str, fund: str = HEALTH) -> str:
    """The cash in the hands of `holder` (an opaque reference)."""
    return _code(fund, "cash", holder)


def bank(name: str, fund: str = HEALTH) -> str:
    """The account at the bank `name`."""
    return _code(fund, "bank", name)


def member(number: str, fund: str = HEALTH) -> str:
    """The account of the household with this member number."""
    return _code(fund, "member", number)


def payable(facility: str, fund: str = HEALTH) -> str:
    """What is owed to `facility` (its code in the directory)."""
    return _code(fund, "payable", facility)


def transit(fund: str = HEALTH) -> str:
    """Money on its way between two of our own accounts."""
    return _code(fund, "transit")


def receivable(debtor: str, fund: str = HEALTH) -> str:
    """What `debtor`, the State or another third party, owes."""
    return _code(fund, "receivable", debtor)


def loan(borrower: str, fund: str = LOANS) -> str:
    """What was lent to `borrower` (a facility's code, or a member number)."""
    return _code(fund, "loan", borrower)


def deposit(number: str, fund: str = TONTINE) -> str:
    """What the household has put in and gets back."""
    return _code(fund, "deposit", number)


def unsplit(kind: str, fund: str = HEALTH) -> str:
    """The one account of this kind in the fund, such as the one of purchases, or of gifts."""
    return _code(fund, kind)


def interfund(other: str, fund: str = HEALTH) -> str:
    """What the fund `other` owes to `fund`."""
    return _code(fund, "interfund", other)


def suspense(operator: str, fund: str = HEALTH) -> str:
    """Money that came by `operator` and waits for its owner."""
    return _code(fund, "suspense", operator)


def opening(fund: str = HEALTH) -> str:
    """The counterpart of balances taken over."""
    return _code(fund, "opening")


def result(fund: str = HEALTH) -> str:
    """What the closed years left over."""
    return _code(fund, "result")


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


def waivers(fund: str = HEALTH) -> str:
    """The contributions that were waived."""
    return _code(fund, "waivers")


def surplus(fund: str = HEALTH) -> str:
    """The cash that counts found beyond the book."""
    return _code(fund, "surplus")


def shortage(fund: str = HEALTH) -> str:
    """The cash that counts found missing."""
    return _code(fund, "shortage")
