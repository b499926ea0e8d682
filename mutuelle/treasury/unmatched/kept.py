"""Unmatched money that nobody claims: given back to who paid it, or kept as a gift after a term. A voucher of two."""

from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import _, counts
from mutuelle.officers.joint_acts import JointAct
from mutuelle.treasury.unmatched.decisions import MoneyDecision, MoneyOutcome, write_decision
from mutuelle.treasury.unmatched.matches import close_case
from mutuelle.treasury.unmatched.money import DECIDED_BY_NOW, Unmatched, find_unmatched
from mutuelle.treasury.vouchers import NewVoucher, VoucherKind
from talk.trouble import RefusedError

KEPT_AFTER_DAYS = 365  # so long its owner can come for it


async def expect_found(db: AsyncConnection, mutuelle_id: str, new: NewVoucher, on: date) -> Unmatched:
    """The unmatched money of a voucher. RefusedError: it is decided, it is another sum, or it is too early to keep."""
    source, _blank, key = new.found.partition(" ")
    found = await find_unmatched(db, mutuelle_id, source, key)
    if found is None or (found.amount, found.account) != (new.amount, new.debit):
        raise RefusedError(DECIDED_BY_NOW)
    if new.kind is VoucherKind.KEPT and found.days(on) < KEPT_AFTER_DAYS:
        raise RefusedError(_("Its owner has {days} to come for it.", days=counts.days(KEPT_AFTER_DAYS)))
    return found


async def decide_found(db: AsyncConnection, act: JointAct, new: NewVoucher, at: datetime) -> None:
    """Write what was decided, beside the voucher that moved the money."""
    source, _blank, key = new.found.partition(" ")
    found = await find_unmatched(db, act.mutuelle_id, source, key)
    if found is None:
        raise LookupError(new.found)
    outcome = MoneyOutcome.GIFT if new.kind is VoucherKind.KEPT else MoneyOutcome.RETURNED
    await write_decision(
        db, MoneyDecision(act.mutuelle_id, source, key, outcome, found.amount, found.on), act.id, at
    )
    await close_case(db, found, at)
