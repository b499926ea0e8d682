"""What two treasurers say became of a payout that its operator cannot tell: it was paid, or it was not.

They have looked at the operator's own page or paper. It is decided once; what a statement shows later against it opens
a case.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Money, Sentence, _
from mutuelle.acts import By
from mutuelle.contributions.payments import OPEN, PaymentState
from mutuelle.officers.joint_acts import TWO_TREASURERS, ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.roles import Appointment
from mutuelle.tables import payout
from mutuelle.treasury.payouts.payouts import (
    Payout,
    lock_payout,
    payouts_where,
    settle_failed,
    settle_paid,
    voucher_of_payout,
)
from mutuelle.treasury.unmatched.money import DECIDED_BY_NOW, find_unmatched
from mutuelle.treasury.voucher_rules import CHANGED
from talk.trouble import RefusedError
from talk.words import Caller

S = PaymentState
WAS_PAID, WAS_NOT = "paid", "not paid"
ASKED_FIRST = timedelta(hours=1)  # so long the operator is asked before people decide
POSSIBLE = {
    WAS_PAID: (S.SENT, S.PENDING, S.UNKNOWN, S.FAILED),
    WAS_NOT: OPEN,
}


@dataclass(frozen=True)
class SaidOutcome:
    """What is said of a payout, as it is at a signature."""

    one: Payout
    said: str


def outcome_of(one: Payout, said: str, reason: str = "") -> NewJointAct:
    """The proposal to say of a payout that it was paid, or was not."""
    facts: dict[str, Any] = {
        "payout": one.key,
        "said": said,
        "party": one.party,
        "amount_minor": one.amount.amount_minor,
        "currency": one.amount.currency,
        "phone": one.phone,
    }
    return NewJointAct(OUTCOME.name, facts, reason)


async def _found(db: AsyncConnection, own: Appointment, facts: Facts) -> Payout:
    its = (payout.c.mutuelle_id == own.mutuelle_id) & (payout.c.reference == UUID(facts["payout"]))
    [one] = await payouts_where(db, its)
    return one


async def _lock(db: AsyncConnection, own: Appointment, facts: Facts) -> None:
    await lock_payout(db, own.mutuelle_id, UUID(facts["payout"]))


async def _look_again(db: AsyncConnection, caller: Caller, own: Appointment, facts: Facts) -> SaidOutcome:
    """RefusedError where it is known by now, or the operator may still say so itself."""
    one = await _found(db, own, facts)
    if one.state not in POSSIBLE[facts["said"]]:
        raise RefusedError(CHANGED)
    if one.sent_at and caller.at - one.sent_at < ASKED_FIRST:
        raise RefusedError(_("The operator is still asked. Please wait an hour."))
    if one.lease_until and one.lease_until > caller.at:
        raise RefusedError(_("The operator is asked at this moment. Please look again in a minute."))
    if facts["said"] == WAS_PAID and one.state is S.FAILED:  # what it gave back was free meanwhile
        new, _act = await voucher_of_payout(db, one)
        if new.found and not await find_unmatched(db, own.mutuelle_id, *new.found.split(" ", 1)):
            raise RefusedError(DECIDED_BY_NOW)
    return SaidOutcome(one, facts["said"])


def _facts(amount: Money, party: str, reason: str = "") -> dict[str, Fact]:
    return {"amount": amount, "party": party, "reason": reason}


def _words(found: SaidOutcome, reason: str) -> Sentence:
    facts = _facts(found.one.amount, found.one.party, reason)
    if found.said == WAS_PAID:
        return _("The operator has paid {amount} to {party}? Look at its page first. {reason}", **facts)
    return _("The operator has NOT paid {amount} to {party}? Look at its page first. {reason}", **facts)


def _label(facts: Facts) -> Sentence:
    said = _facts(Money(facts["amount_minor"], facts["currency"]), facts["party"])
    if facts["said"] == WAS_PAID:
        return _("{amount} to {party} was paid", **said)
    return _("{amount} to {party} was not paid", **said)


async def _carry_out(db: AsyncConnection, act: JointAct, found: SaidOutcome, at: datetime) -> None:
    by = By(TWO_TREASURERS, act.reason, at)
    if found.said == WAS_PAID:
        await settle_paid(db, found.one, by=by, completed_at=at)
    else:
        await settle_failed(db, found.one, by=by)


OUTCOME = known(
    ActKind(
        "payout outcome",
        label=_label,
        look_again=_look_again,
        words=_words,
        carry_out=_carry_out,
        done=lambda facts: _("Done: {what}.", what=_label(facts)),
        lock=_lock,
        about=lambda facts: facts["phone"],
        subject=("payout",),
    )
)
