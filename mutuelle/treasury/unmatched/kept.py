"""Unmatched money that is no household's: given back, our own, or kept as a gift after a term. A voucher of two.

Our own: what a voucher would have booked, had its statement not come first. It is booked once: by one or the other.
"""

from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from locales import _, counts
from mutuelle.officers.joint_acts import JointAct
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.statements.own_moves import NEAR
from mutuelle.treasury.unmatched.decisions import MoneyDecision, MoneyOutcome, write_decision
from mutuelle.treasury.unmatched.matches import close_case
from mutuelle.treasury.unmatched.money import (
    DECIDED_BY_NOW,
    OTHER_CURRENCY,
    Unmatched,
    find_unmatched,
    unmatched_of,
)
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from talk.trouble import RefusedError

KEPT_AFTER_DAYS = 365  # so long its owner can come for it
OUTCOMES = {VoucherKind.KEPT: MoneyOutcome.GIFT, VoucherKind.RETURNED: MoneyOutcome.RETURNED}  # others: OWN
STATED = ("bank", "float", "disbursement")  # kinds of accounts of which statements come


async def expect_found(db: AsyncConnection, mutuelle_id: str, new: NewVoucher, on: date) -> Unmatched:
    """The unmatched money of a voucher. RefusedError: it is decided, it is another sum, or it is too early to keep."""
    source, _blank, key = new.found.partition(" ")
    found = await find_unmatched(db, mutuelle_id, source, key)
    if found is None or (found.amount, found.account) != (new.amount, new.debit):
        raise RefusedError(DECIDED_BY_NOW)
    if new.kind not in OUTCOMES and (await get_mutuelle(db, mutuelle_id)).currency != found.amount.currency:
        raise RefusedError(OTHER_CURRENCY)
    if new.kind is VoucherKind.KEPT and found.days(on) < KEPT_AFTER_DAYS:
        raise RefusedError(_("Its owner has {days} to come for it.", days=counts.days(KEPT_AFTER_DAYS)))
    return found


async def expect_not_stated(
    db: AsyncConnection, mutuelle_id: str, new: NewVoucher, since: date, on: date
) -> None:
    """RefusedError where a statement has booked this money already, as unmatched: `since` to `on`, or NEAR."""
    fund, kind, sub = f"{new.debit}:".split(":")[:3]
    if kind not in STATED:
        return
    for one in await unmatched_of(db, mutuelle_id, accounts.suspense(sub, fund), new.amount):
        if since - NEAR <= one.on <= on + NEAR:
            raise RefusedError(
                _(
                    "The statement shows {amount} of {day} without an owner already: press 9, 8, 8 and say that it"
                    " is ours.",
                    amount=one.amount,
                    day=f"{one.on:%d/%m}",
                )
            )


async def decide_found(db: AsyncConnection, act: JointAct, new: NewVoucher, at: datetime) -> None:
    """Write what was decided, beside the voucher that moved the money."""
    source, _blank, key = new.found.partition(" ")
    found = await find_unmatched(db, act.mutuelle_id, source, key)
    if found is None:
        raise LookupError(new.found)
    outcome = OUTCOMES.get(new.kind, MoneyOutcome.OWN)
    await write_decision(
        db, MoneyDecision(act.mutuelle_id, source, key, outcome, found.amount, found.on), act.id, at
    )
    await close_case(db, found, at)
