"""Vouchers: each has a number without gaps, a code, and one journal of its amount between its two accounts.

Everything that comes in or goes out by hand is written here, and nowhere else: the number, the journal and the SMS to
whom was paid, in one transaction. A voucher is never changed; `reverse_voucher` takes it back by one of its own.
"""

from datetime import date, datetime
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
from mutuelle.benefits.bills import write_bill
from mutuelle.free_codes import draw_digits, draw_free, insert_if_free
from mutuelle.locks import Lock, lock
from mutuelle.notify import notify
from mutuelle.officers.joint_acts import TWO_TREASURERS
from mutuelle.officers.roles import Appointment, Role
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.treasury.cash_in_hand import cash_in_hand_of, holder_of, lock_cash_in_hand
from mutuelle.treasury.messages import paid_by_voucher, voucher_taken_back
from mutuelle.treasury.tables import voucher as vouchers
from mutuelle.treasury.voucher_kinds import (
    BOX,
    CODE_DIGITS,
    PAYS,
    SOURCE,
    NewVoucher,
    NumberedVoucher,
    Signatures,
    VoucherKind,
    box_of,
)
from mutuelle.treasury.voucher_reads import vouchers_where
from talk.trouble import RefusedError


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
    written = await _write(db, mutuelle, row, at)
    if new.care:
        await write_bill(db, mutuelle.id, reference, new.care, at)
    return written


async def number_voucher(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    reference: UUID,
    new: NewVoucher,
    signed: Signatures,
    at: datetime,
) -> NumberedVoucher:
    """Write and number a voucher whose journal was posted under this reference, and notify who is paid.

    The caller holds `lock_vouchers`.
    """
    row = _row(mutuelle, reference, new, signed, at) | {
        "debit": new.debit,
        "credit": new.credit,
        "toward": None,
    }
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
