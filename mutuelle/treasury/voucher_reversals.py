"""Vouchers taken back: by two, with a reason, as a voucher of its own. The money goes back to where it came from."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import parse
from ledger.balances import balance
from locales import Fact, Money, Sentence, _
from mutuelle.acts import By
from mutuelle.officers.joint_acts import TWO_TREASURERS, ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.roles import Appointment
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.cash_disputes import close_dispute
from mutuelle.treasury.own_money import OWN, free_in, grants_of
from mutuelle.treasury.payouts.payouts import note_reversed
from mutuelle.treasury.voucher_acts import lock_voucher, tell_number
from mutuelle.treasury.voucher_kinds import SUSPENSE, NumberedVoucher, Signatures, VoucherKind
from mutuelle.treasury.voucher_reads import on_the_way, voucher_of
from mutuelle.treasury.voucher_rules import CHANGED, other_side
from mutuelle.treasury.vouchers import only, reverse_voucher
from talk.trouble import RefusedError
from talk.words import Caller


@dataclass(frozen=True)
class TakenBack:
    """A voucher that is to be taken back, as it is at a signature."""

    voucher: NumberedVoucher
    on: date


async def reversal_of(
    db: AsyncConnection, caller: Caller, own: Appointment, key: str, reason: str
) -> NewJointAct:
    """The proposal to take back the voucher with this key."""
    found = await voucher_of(db, own.mutuelle_id, key)
    if found is None:
        raise LookupError(key)
    mutuelle = await get_mutuelle(db, own.mutuelle_id)
    facts: dict[str, Any] = {
        "voucher": key,
        "number": found.shown_number,
        "amount_minor": found.amount.amount_minor,
        "currency": found.amount.currency,
        "on": mutuelle.today(caller.at).isoformat(),
    }
    return NewJointAct(REVERSAL.name, facts, reason)


async def _lock(db: AsyncConnection, own: Appointment, facts: Facts) -> None:
    if found := await voucher_of(db, own.mutuelle_id, facts["voucher"]):
        await lock_voucher(db, own.mutuelle_id, found)


async def _look_again(db: AsyncConnection, _caller: Caller, own: Appointment, facts: Facts) -> TakenBack:
    """RefusedError where it was taken back already, the money has gone on, or a grant is spent."""
    found = await voucher_of(db, own.mutuelle_id, facts["voucher"])
    if found is None or found.is_reversed or found.reverses:
        raise RefusedError(CHANGED)
    if parse(found.debit).kind.name == SUSPENSE:
        raise RefusedError(_("This was money without an owner: two decided about it, once."))
    waiting = {one.key for one in await on_the_way(db, own.mutuelle_id)}
    if found.kind is VoucherKind.SENT and found.key not in waiting:
        raise RefusedError(_("This money has arrived: take back its arrival first."))
    held = found.amount
    if parse(found.debit).kind.name in OWN:
        held = await free_in(db, own.mutuelle_id, found.debit, held.currency)
    if found.kind is VoucherKind.BILL:  # what was paid to the facility is not owed any more
        held = Money(-(await balance(db, own.mutuelle_id, found.credit)).net, held.currency)
    if found.kind is VoucherKind.GRANT:
        left = {grant.key: grant.left for grant in await grants_of(db, own.mutuelle_id)}
        held = min(held, left.get(str(found.of_grant), Money(0, held.currency)))
    if found.amount > held:
        raise RefusedError(only(held))
    return TakenBack(found, date.fromisoformat(facts["on"]))


def _words(taken: TakenBack, reason: str) -> Sentence:
    found = taken.voucher
    facts: dict[str, Fact] = {"number": found.shown_number, "amount": found.amount, "reason": reason}
    return _("Take back voucher {number}: {amount}, {party}? {reason}", **facts, party=other_side(found))


async def _take_back(db: AsyncConnection, act: JointAct, taken: TakenBack, at: datetime) -> None:
    """Write the voucher that takes it back, and close its dispute."""
    mutuelle = await get_mutuelle(db, act.mutuelle_id)
    signed = Signatures(act.proposed_by, act.proposer, taken.on, act=UUID(act.id))
    back = await reverse_voucher(db, mutuelle, taken.voucher, signed, act.reason, at)
    await note_reversed(db, taken.voucher, By(TWO_TREASURERS, act.reason, at))
    await close_dispute(db, mutuelle.id, taken.voucher.code, by=By(TWO_TREASURERS, act.reason, at))
    await tell_number(db, mutuelle, act, back, at)


def _label(facts: Facts) -> Sentence:
    amount = Money(facts["amount_minor"], facts["currency"])
    return _("Take back voucher {number}, {amount}", number=facts["number"], amount=amount)


REVERSAL = known(
    ActKind(
        "voucher reversal",
        label=_label,
        look_again=_look_again,
        words=_words,
        carry_out=_take_back,
        done=lambda facts: _("Done. Voucher {number} is taken back.", number=facts["number"]),
        lock=_lock,
        subject=("voucher",),
        tells_proposer=True,
    )
)
