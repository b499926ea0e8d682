"""Where a mutuelle's own money is: a treasurer's box, banks, operators; and whom it owes, or who owes it.

Another treasurer's box is hers alone: only she spends from it. A box without a holder (of a village, from the paper
books) is any treasurer's.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.accounts import parse
from ledger.balances import balance
from ledger.reservations import held
from ledger.tables import account
from locales import Money, Sentence, _
from mutuelle.officers.roles import Appointment
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.scheme.regimes import payers_of
from mutuelle.tables import facility
from mutuelle.treasury.tables import voucher as vouchers
from mutuelle.treasury.voucher_kinds import BOX, DISBURSEMENT, NumberedVoucher, VoucherKind, box_of
from mutuelle.treasury.voucher_reads import vouchers_where

CASH, BANK, FLOAT = "cash", "bank", "float"
MERCHANT = "merchant-"  # begins the name of the account of a merchant code
OWN = (CASH, BANK, FLOAT, DISBURSEMENT, "transit")  # kinds of accounts in which our own money is
FUNDS: dict[str, Sentence] = {
    accounts.TRANSPORT: _("transport"),
    accounts.TONTINE: _("tontine"),
    accounts.LOANS: _("clinic loans"),
    accounts.GRANTS: _("grants"),
}
MOST_LETTERS = 22  # of the name of an account, as a screen shows it
COUNTRY = re.compile("-[A-Z]{2}$")  # ends the name of an operator's account
SHORT_WORD = 3  # letters: such a word of a name is written small (de, du), alone in capitals (BMS)


@dataclass(frozen=True)
class OwnMoney:
    """Money of the mutuelle in one account, as a choice of a list; of one restricted `grant`, if it has one."""

    account: str
    name: Sentence | str
    held: Money
    grant: str = ""
    purpose: str = ""

    @property
    def key(self) -> str:
        return f"{self.account} {self.grant}".strip()

    @property
    def fund(self) -> str:
        return self.account.partition(":")[0]

    @property
    def is_for_payouts(self) -> bool:
        return self.account.split(":")[1] == DISBURSEMENT

    @property
    def label(self) -> Sentence:
        if self.purpose:
            return _("{purpose}, {name}: {held}", purpose=self.purpose, name=self.name, held=self.held)
        return _("{name}: {held}", name=self.name, held=self.held)


@dataclass(frozen=True)
class Owed:
    """What the mutuelle owes to a facility, or what somebody owes to it, as a choice of a list."""

    account: str
    name: str
    amount: Money
    phone: str = ""

    @property
    def key(self) -> str:
        return self.account

    @property
    def label(self) -> str:
        return f"{self.name} {self.amount}"


def account_name(code: str, of_box: str = "") -> Sentence | str:
    """What people call an account of our own; of another fund than health with the fund's name.

    `of_box`: whose box it is, if it is a treasurer's own.
    """
    fund, kind, sub = f"{code}:".split(":")[:3]
    name = _name(kind, sub, of_box)
    return _("{name}, {fund}", name=name, fund=FUNDS[fund]) if fund in FUNDS else name


def _name(kind: str, sub: str, of_box: str) -> Sentence | str:
    if kind == BOX:
        return _("box of {name}", name=of_box) if of_box else _("my box")
    if kind == "suspense" or (kind == FLOAT and sub.startswith(MERCHANT)):
        return place_name(sub)
    if kind == FLOAT:
        return _("mobile {operator}", operator=spelt(sub))
    if kind == DISBURSEMENT:
        return _("payouts {operator}", operator=spelt(sub))
    if kind == CASH:
        return spelt(sub) if sub.startswith("caisse") else _("box {name}", name=spelt(sub))
    return spelt(sub)


def place_name(sub: str) -> Sentence | str:
    """What people call the account at an operator or a bank with this name."""
    return _("merchant code") if sub.startswith(MERCHANT) else spelt(sub)


def spelt(sub: str) -> str:
    """The name of an account of which the code keeps letters only: banque-de-sikasso is Banque de Sikasso,
    orange-ML is Orange.
    """
    words = COUNTRY.sub("", sub).split("-")
    if len(words) == 1 and len(words[0]) <= SHORT_WORD + 1:
        return words[0].upper()
    written = [
        word if nth and len(word) <= SHORT_WORD else word.capitalize() for nth, word in enumerate(words)
    ]
    return " ".join(written)[:MOST_LETTERS].strip()


async def own_money(db: AsyncConnection, own: Appointment, *kinds: str) -> list[OwnMoney]:
    """The accounts of these kinds that this treasurer may use, with what is free in each; her own box first.

    Her box is among them before its first franc too: money may come into it.
    """
    mutuelle = await get_mutuelle(db, own.mutuelle_id)
    asked = {"mutuelle": own.mutuelle_id, "kinds": list(kinds), "role": own.role, "phone": own.phone}
    found = []
    for code, is_mine in await db.execute(_USABLE, asked):
        free = await free_in(db, own.mutuelle_id, code, mutuelle.currency)
        shown = box_of(own.phone, parse(code).fund) if is_mine else code
        found.append(OwnMoney(shown, account_name(shown), free))
    found = [_told_apart(one, found) for one in found]
    box = box_of(own.phone)
    if CASH in kinds and box not in {one.account for one in found}:
        found.insert(0, OwnMoney(box, account_name(box), Money(0, mutuelle.currency)))
    return found


def _told_apart(one: OwnMoney, every: Sequence[OwnMoney]) -> OwnMoney:
    """An account with its country, where the mutuelle has another of that name: MTN CM, MTN CI."""
    if sum(other.name == one.name for other in every) < 2 or not (country := COUNTRY.search(one.account)):
        return one
    return replace(one, name=_("{name} {country}", name=one.name, country=country[0].lstrip("-")))


def places_of(kind: str, own: Sequence[OwnMoney], fund: str) -> list[OwnMoney]:
    """The mutuelle's banks, or its accounts for payouts, for the money of a fund: each fund has an account of its own
    in the book.
    """
    of_fund = {one.account: one for one in own}
    names = dict.fromkeys(one.account.split(":")[2] for one in own if one.account.split(":")[1] == kind)
    return [
        of_fund.get(code) or OwnMoney(code, account_name(code), Money(0, own[0].held.currency))
        for code in (f"{fund}:{kind}:{name}" for name in names)
    ]


def banks_of(own: Sequence[OwnMoney], fund: str) -> list[OwnMoney]:
    """The banks for the money of a fund."""
    return places_of(BANK, own, fund)


async def money_to_spend(db: AsyncConnection, own: Appointment, *kinds: str) -> list[OwnMoney]:
    """Where there is money that this treasurer may give; that of restricted grants by grant."""
    found = [one for one in await own_money(db, own, *kinds) if one.held.amount_minor > 0]
    grants = await grants_of(db, own.mutuelle_id)
    of_grants = [one for one in found if one.account.startswith(f"{accounts.GRANTS}:")]
    return [one for one in found if one not in of_grants] + [
        replace(one, held=min(one.held, grant.left), grant=grant.key, purpose=grant.purpose)
        for one in of_grants
        for grant in grants
        if grant.left.amount_minor > 0
    ]


async def free_in(db: AsyncConnection, mutuelle_id: str, code: str, currency: str) -> Money:
    """What one of our accounts has, less what is reserved for payouts."""
    net = (await balance(db, mutuelle_id, code)).net
    return Money(net - (await held(db, mutuelle_id, code)).credits, currency)


async def owed_on(db: AsyncConnection, mutuelle_id: str, code: str, currency: str) -> Money:
    """What we owe on an account, less what payouts under way pay off."""
    net = (await balance(db, mutuelle_id, code)).net
    return Money(-net - (await held(db, mutuelle_id, code)).debits, currency)


# The open accounts of these kinds, but cash that others hold; and whether one is her own box.
_USABLE = text(
    """
    select a.code, h.phone is not null
      from ledger.account a
      left join cash_holder h on h.mutuelle_id = a.mutuelle_id and a.kind = 'cash'
           and h.holder = split_part(a.code, ':', 3)
     where a.mutuelle_id = :mutuelle and a.kind = any(:kinds) and a.closed_on is null
       and (h.holder is null or (h.role = :role and h.phone = :phone))
     order by a.fund <> 'health', h.phone is null, a.kind <> 'cash', a.code
    """
)


async def owed_to_facilities(db: AsyncConnection, mutuelle_id: str) -> list[Owed]:
    """The facilities to which something is owed, with how much and their phones; not what payouts under way pay."""
    rows = await db.execute(
        select(facility.c.id, facility.c.name, facility.c.phone).where(facility.c.mutuelle_id == mutuelle_id)
    )
    known = {row.id: row for row in rows}
    found = []
    for code, owed in await _balances(db, mutuelle_id, "payable"):
        of = known.get(parse(code).sub)
        name, phone = (of.name, of.phone) if of else (spelt(parse(code).sub), "")
        found.append(Owed(code, name, await owed_on(db, mutuelle_id, code, owed.currency), phone))
    return [one for one in found if one.amount.amount_minor > 0]


async def owed_to_us(db: AsyncConnection, mutuelle_id: str) -> list[Owed]:
    """Who owes something to the mutuelle: the State, a donor, another."""
    found = await _balances(db, mutuelle_id, "receivable")
    names = {accounts.receivable(payer.code): payer.name for payer in await payers_of(db, mutuelle_id)}
    return [
        Owed(code, names.get(code) or parse(code).sub.replace("-", " ").capitalize()[:MOST_LETTERS], owed)
        for code, owed in found
        if owed.amount_minor > 0
    ]


async def _balances(db: AsyncConnection, mutuelle_id: str, kind: str) -> list[tuple[str, Money]]:
    """The accounts of a kind with their balances, positive in debit."""
    of_kind = (account.c.mutuelle_id == mutuelle_id) & (account.c.kind == kind)
    rows = (
        await db.execute(select(account.c.code, account.c.currency).where(of_kind).order_by(account.c.code))
    ).all()
    return [(code, Money((await balance(db, mutuelle_id, code)).net, currency)) for code, currency in rows]


@dataclass(frozen=True)
class Grant:
    """A restricted grant: its donor, its purpose, and what of it is spent. `key`: the voucher that brought it."""

    key: str
    donor: str
    purpose: str
    received: Money
    spent: Money

    @property
    def label(self) -> str:
        return f"{self.donor} {self.left}"

    @property
    def left(self) -> Money:
        return Money(self.received.amount_minor - self.spent.amount_minor, self.received.currency)


async def grants_of(db: AsyncConnection, mutuelle_id: str) -> list[Grant]:
    """The restricted grants of a mutuelle, the oldest first; one that was taken back is not among them."""
    parts: dict[UUID, list[NumberedVoucher]] = defaultdict(list)
    for one in await vouchers_where(db, mutuelle_id, vouchers.c.of_grant.is_not(None)):
        if one.of_grant and not one.is_reversed and not one.reverses:
            parts[one.of_grant].append(one)
    return [_grant(of) for of in parts.values() if of[0].kind is VoucherKind.GRANT]


def _grant(parts: Sequence[NumberedVoucher]) -> Grant:
    sums = {True: 0, False: 0}
    for part in parts:
        sums[part.kind is VoucherKind.GRANT] += part.amount.amount_minor
    first, currency = parts[0], parts[0].amount.currency
    return Grant(
        str(first.of_grant),
        first.party,
        first.reason,
        Money(sums[True], currency),
        Money(sums[False], currency),
    )
