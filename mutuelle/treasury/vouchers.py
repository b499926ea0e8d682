"""Vouchers: each has a number without gaps, a code, and one journal of its amount between its two accounts.

Everything that comes in or goes out by hand is written here, and nowhere else: the number, the journal and the SMS to
whom was paid, in one transaction. A voucher is never changed; `reverse_voucher` takes it back by one of its own.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.balances import balance
from ledger.book import (
    Account,
    Journal,
    Movement,
    Origin,
    Posted,
    PostVerdict,
    journal_id,
    open_accounts,
    post,
    reverse,
)
from ledger.tables import journal as journals
from locales import Money, Sentence, _
from mutuelle.free_codes import draw_digits, draw_free, insert_if_free
from mutuelle.locks import Lock, lock
from mutuelle.notify import notify
from mutuelle.officers.joint_acts import TWO_TREASURERS
from mutuelle.officers.roles import Appointment, Role
from mutuelle.officers.tables import joint_act
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.treasury.cash_in_hand import cash_in_hand_of, holder_of, lock_cash_in_hand
from mutuelle.treasury.messages import paid_by_voucher, voucher_taken_back
from mutuelle.treasury.tables import voucher as vouchers
from talk.trouble import RefusedError
from values import value

SOURCE = "voucher"  # of its journal, whose key is the voucher's reference
SUSPENSE = "suspense"  # kind of account in which found money lies: decided once, by two
BOX = "box"  # stands for the kind of account in the code of a treasurer's own cash: `health:box:+22376000007`
CODE_DIGITS = 6
# What stands before the number of a voucher of another fund than health, each of which counts its own (in French:
# transport, tontine, clinic loans, grants).
MARKS = {accounts.TRANSPORT: "T", accounts.TONTINE: "C", accounts.LOANS: "P", accounts.GRANTS: "D"}


class VoucherKind(StrEnum):
    """What a voucher is for; also the kind of its journal, but that of a reversal."""

    EXPENSE = "expense"
    FACILITY = "facility paid"
    REFUND = "credit given back"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    HANDED = "cash handed over"
    SENT = "money sent"
    ARRIVED = "money arrived"
    SUBSIDY = "subsidy"
    GIFT = "gift"
    GRANT = "grant"
    DEBTOR = "debt received"
    RETURNED = "found money given back"
    KEPT = "found money kept"
    REVERSAL = "reversal"


PAYS = {
    VoucherKind.EXPENSE,
    VoucherKind.FACILITY,
    VoucherKind.REFUND,
    VoucherKind.RETURNED,
}  # somebody else is paid, and told


@value
class NewVoucher:
    """A voucher that is not written yet: `credit` gives the amount to `debit`, both codes of accounts.

    A treasurer's own cash is `fund:box:phone`: its account may not exist yet. `party` is who is paid or who gives,
    `slip` the number of a bank's or operator's paper. `toward`: of money sent, the account that waits for it.
    `completes`: of money arrived, the reference of the voucher that sent it. `grant`: the reference of the voucher that
    brought the restricted grant from which this is spent. `found`: the unmatched money that it moves.
    """

    kind: VoucherKind
    debit: str
    credit: str
    amount: Money
    reason: str
    party: str = ""
    phone: str = ""
    slip: str = ""
    toward: str = ""
    completes: str = ""
    grant: str = ""
    found: str = ""

    @property
    def fund(self) -> str:
        return self.debit.partition(":")[0]


@value
class Signatures:
    """Who signs a voucher: the proposer, and the `act` that two signed or the amount from which two would have to.

    `on` is the day that the voucher is for.
    """

    phone: str
    name: str
    on: date
    act: UUID | None = None
    two_from_minor: int | None = None


@dataclass(frozen=True)
class NumberedVoucher:
    """A voucher that is written."""

    mutuelle_id: str
    reference: UUID
    kind: VoucherKind
    fund: str
    year: int
    number: int
    code: str
    debit: str
    credit: str
    amount: Money
    party: str
    phone: str
    reason: str
    slip: str
    dated: date
    proposed_by: str
    proposer_name: str
    toward: str
    completes: UUID | None
    of_grant: UUID | None
    reverses: UUID | None
    is_reversed: bool
    signed_by: str  # the second treasurer; "" where one signed alone

    @property
    def key(self) -> str:
        return str(self.reference)

    @property
    def shown_number(self) -> str:
        """The number as it is written on paper: 14/2026; of another fund than health behind its letter."""
        return f"{MARKS.get(self.fund, '')}{self.number}/{self.year}"


def box_of(phone: str, fund: str = accounts.HEALTH) -> str:
    """The code that stands for this treasurer's own cash."""
    return f"{fund}:{BOX}:{phone}"


def transit_of(fund: str) -> str:
    """The account of a fund's money that is on its way."""
    return accounts.transit(fund)


def income_of(kind: VoucherKind) -> str:
    """The account of what is given: a restricted grant has the fund of grants, apart from everything else."""
    if kind is VoucherKind.GRANT:
        return accounts.unsplit("subsidies", accounts.GRANTS)
    return accounts.unsplit("gifts" if kind is VoucherKind.GIFT else "subsidies")


async def lock_vouchers(db: AsyncConnection, mutuelle_id: str) -> None:
    """Lock the vouchers of a mutuelle until the transaction ends: numbers, and what is left to spend."""
    await lock(db, Lock.VOUCHERS, mutuelle_id)


async def write_voucher(
    db: AsyncConnection, mutuelle: Mutuelle, new: NewVoucher, signed: Signatures, at: datetime
) -> NumberedVoucher:
    """Write, number and post a voucher, and notify who is paid. The caller holds `lock_vouchers`, and has looked
    whether it may be. RefusedError where the account that gives would be below zero.
    """
    reference = uuid4()
    debit, credit = [await _account(db, mutuelle, code, at) for code in (new.debit, new.credit)]
    currency = new.amount.currency
    await open_accounts(db, [Account(mutuelle.id, code, currency) for code in (debit, credit)])
    journal = Journal(
        mutuelle=mutuelle.id,
        source=SOURCE,
        key=str(reference),
        kind=new.kind,
        effective_on=signed.on,
        actor=await _actor(db, mutuelle, signed, at),
        reason=new.reason,
        movements=[Movement(debit, credit, new.amount.amount_minor, currency)],
        memo={"voucher": str(reference)},
    )
    [posted] = await post(db, [journal])
    await _expect_posted(db, mutuelle, posted, credit, new.amount, signed.on)
    row = _row(mutuelle, reference, new, signed, at) | {"debit": debit, "credit": credit}
    row["toward"] = await _account(db, mutuelle, new.toward, at) if new.toward else None
    if new.kind is VoucherKind.GRANT and not new.grant:
        row["of_grant"] = reference  # a grant of its own, not one more part of an older one
    return await _write(db, mutuelle, row, at)


async def reverse_voucher(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    found: NumberedVoucher,
    signed: Signatures,
    reason: str,
    at: datetime,
) -> NumberedVoucher:
    """Take back a voucher: the money goes back to the account that it came from. The caller holds `lock_vouchers`.

    RefusedError where the account that got the money has no longer so much.
    """
    reference = uuid4()
    of_voucher = journal_id(mutuelle.id, SOURCE, found.key)
    origin = Origin(SOURCE, str(reference), TWO_TREASURERS, reason)
    posted = await reverse(db, mutuelle.id, of_voucher, signed.on, origin)
    await _expect_posted(db, mutuelle, posted, found.debit, found.amount, signed.on)
    back = NewVoucher(
        VoucherKind.REVERSAL, found.credit, found.debit, found.amount, reason, found.party, found.phone
    )
    row = _row(mutuelle, reference, back, signed, at)
    row |= {"debit": back.debit, "credit": back.credit}
    row |= {"of_grant": found.of_grant, "reverses": found.reference}
    return await _write(db, mutuelle, row, at)


async def voucher_of(db: AsyncConnection, mutuelle_id: str, reference: str) -> NumberedVoucher | None:
    """The voucher with this reference."""
    found = await vouchers_where(db, mutuelle_id, vouchers.c.reference == UUID(reference))
    return found[0] if found else None


async def last_vouchers(db: AsyncConnection, mutuelle_id: str, most: int) -> list[NumberedVoucher]:
    """The last vouchers that can be taken back, the newest first: none that was, no reversal, no found money."""
    can_be = (
        vouchers.c.reverses.is_(None)
        & ~_IS_REVERSED
        & (sa.func.split_part(vouchers.c.debit, ":", 2) != SUSPENSE)
    )
    return await vouchers_where(db, mutuelle_id, can_be, newest=most)


async def on_the_way(db: AsyncConnection, mutuelle_id: str) -> list[NumberedVoucher]:
    """Money that was sent to another account of ours and has not arrived, the oldest first."""
    return await vouchers_where(
        db, mutuelle_id, (vouchers.c.kind == VoucherKind.SENT) & ~_IS_REVERSED & ~_HAS_ARRIVED
    )


async def vouchers_where(
    db: AsyncConnection, mutuelle_id: str, which: sa.ColumnElement[bool], *, newest: int | None = None
) -> list[NumberedVoucher]:
    """The vouchers of a mutuelle for which `which` holds, in the order of their recording or the `newest` so many."""
    order = vouchers.c.recorded_at.desc() if newest else vouchers.c.recorded_at
    rows = await db.execute(
        select(
            vouchers,
            _IS_REVERSED.label("is_reversed"),
            sa.func.coalesce(joint_act.c.answerer_name, "").label("signed_by"),
        )
        .join_from(
            vouchers,
            joint_act,
            (joint_act.c.mutuelle_id == vouchers.c.mutuelle_id) & (joint_act.c.id == vouchers.c.act),
            isouter=True,
        )
        .where(vouchers.c.mutuelle_id == mutuelle_id, which)
        .order_by(order, vouchers.c.number.desc() if newest else vouchers.c.number)
        .limit(newest)
    )
    return [_voucher(row._mapping) for row in rows]


_BACK, _ARRIVAL = vouchers.alias("back"), vouchers.alias("arrival")
_IS_REVERSED = (
    sa.exists()
    .where(_BACK.c.mutuelle_id == vouchers.c.mutuelle_id, _BACK.c.reverses == vouchers.c.reference)
    .correlate(vouchers)
)
_ARRIVAL_BACK = vouchers.alias("arrival_back")
_HAS_ARRIVED = (
    sa.exists()
    .where(
        _ARRIVAL.c.mutuelle_id == vouchers.c.mutuelle_id,
        _ARRIVAL.c.completes == vouchers.c.reference,
        ~sa.exists().where(
            _ARRIVAL_BACK.c.mutuelle_id == _ARRIVAL.c.mutuelle_id,
            _ARRIVAL_BACK.c.reverses == _ARRIVAL.c.reference,
        ),
    )
    .correlate(vouchers)
)


def _voucher(row: Any) -> NumberedVoucher:
    return NumberedVoucher(
        **{
            name: row[name]
            for name in NumberedVoucher.__dataclass_fields__
            if name not in ("kind", "amount", "party", "phone", "slip", "toward")
        },
        kind=VoucherKind(row["kind"]),
        amount=Money(row["amount_minor"], row["currency"]),
        party=row["party"] or "",
        phone=row["phone"] or "",
        slip=row["slip"] or "",
        toward=row["toward"] or "",
    )


async def _account(db: AsyncConnection, mutuelle: Mutuelle, code: str, at: datetime) -> str:
    """The account of a code; a treasurer's own cash has one since its first use."""
    fund, kind, *sub = code.split(":")
    if kind != BOX:
        return code
    own = Appointment(mutuelle.id, mutuelle.name, Role.TREASURER, sub[0], "")
    await lock_cash_in_hand(db, own)
    return accounts.cash(await holder_of(db, await cash_in_hand_of(db, own), own, at), fund)


async def _actor(db: AsyncConnection, mutuelle: Mutuelle, signed: Signatures, at: datetime) -> str:
    """Who the book says did it: a treasurer by the reference of her cash, for the book knows no phones."""
    if signed.act:
        return TWO_TREASURERS
    own = await _account(db, mutuelle, box_of(signed.phone), at)
    return f"{Role.TREASURER} {own.rpartition(':')[2]}"


async def _expect_posted(
    db: AsyncConnection, mutuelle: Mutuelle, posted: Posted, giver: str, amount: Money, on: date
) -> None:
    if posted.reason == "balance_too_low":
        held = Money((await balance(db, mutuelle.id, giver)).net, amount.currency)
        if amount > held:
            raise RefusedError(only(held))
        raise RefusedError(_("There was less than that since {day}. Please record it anew.", day=on))
    if posted.verdict is not PostVerdict.CREATED:
        raise RuntimeError(f"a voucher's journal was refused: {posted.reason}")


def only(held: Money) -> Sentence:
    """Why more than that is not given."""
    return _("There is only {held} there. Nothing was done.", held=held)


def _row(
    mutuelle: Mutuelle, reference: UUID, new: NewVoucher, signed: Signatures, at: datetime
) -> dict[str, Any]:
    return {
        "mutuelle_id": mutuelle.id,
        "reference": reference,
        "kind": new.kind,
        "fund": new.fund,
        "amount_minor": new.amount.amount_minor,
        "currency": new.amount.currency,
        "party": new.party or None,
        "phone": new.phone or None,
        "reason": new.reason,
        "slip": new.slip or None,
        "dated": signed.on,
        "recorded_at": at,
        "proposed_by": signed.phone,
        "proposer_name": signed.name,
        "act": signed.act,
        "two_from_minor": signed.two_from_minor,
        "completes": UUID(new.completes) if new.completes else None,
        "of_grant": UUID(new.grant) if new.grant else None,
    }


async def _write(
    db: AsyncConnection, mutuelle: Mutuelle, row: dict[str, Any], at: datetime
) -> NumberedVoucher:
    """Number the voucher in the year in which its journal is booked, draw its code, and notify who is paid."""
    of_voucher = journal_id(mutuelle.id, SOURCE, str(row["reference"]))
    booked = select(journals.c.effective_on).where(
        journals.c.mutuelle_id == mutuelle.id, journals.c.id == of_voucher
    )
    row["year"] = (await db.execute(booked)).scalar_one().year
    v = vouchers.c
    of_year = (v.mutuelle_id == mutuelle.id) & (v.fund == row["fund"]) & (v.year == row["year"])
    row["number"] = ((await db.scalar(select(sa.func.max(v.number)).where(of_year))) or 0) + 1

    async def write(code: str) -> bool:
        return await insert_if_free(db, vouchers, {**row, "code": code})

    await draw_free("code of a voucher", lambda: draw_digits(CODE_DIGITS), write)
    [written] = await vouchers_where(db, mutuelle.id, v.reference == row["reference"])
    if written.phone and (sentence := _sentence(mutuelle, written)):
        await notify(db, mutuelle.id, "voucher", {written.phone: sentence}, at, event=written.key)
    return written


def _sentence(mutuelle: Mutuelle, written: NumberedVoucher) -> Sentence | None:
    facts = (mutuelle.name, written.amount, written.shown_number, written.reason)
    if written.kind in PAYS:
        return paid_by_voucher(*facts, code=written.code)
    return voucher_taken_back(*facts) if written.reverses else None
