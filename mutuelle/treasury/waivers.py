"""Waivers: two treasurers waive what a household owes of a period whose cover has ended for good.

It ends the debt and nothing else. The contribution call stays, the waiver is a cost and no money received: nobody is
covered by it. Afterwards the household may renew.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Account, Journal, Movement, open_accounts
from locales import Fact, Money, Sentence, _
from mutuelle.acts import By
from mutuelle.contributions.standing import standing
from mutuelle.cover.rules import Period
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.holders import notices
from mutuelle.households.households import Household, find_household, lock_household, phones_of
from mutuelle.households.member_numbers import shown_number
from mutuelle.notify import notify
from mutuelle.officers.joint_acts import TWO_TREASURERS, ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.roles import Appointment
from mutuelle.posting import post_all
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.tables import waiver
from mutuelle.treasury.messages import debt_waived
from talk.answers import reason_words
from talk.trouble import InvalidError, RefusedError
from talk.words import Caller

WAIVED = "contribution waived"
CHANGED = _("What this household owes has changed. Please look again.")


@dataclass(frozen=True)
class Debt:
    """What `household`, open or closed, still owes of a policy whose cover ended for good on `ended_on`."""

    household: Household
    mutuelle: Mutuelle
    sequence: int
    amount: Money
    ended_on: date

    @property
    def facts(self) -> dict[str, Any]:
        """The facts of its joint act."""
        return {
            "number": self.household.number,
            "sequence": self.sequence,
            "amount_minor": self.amount.amount_minor,
            "currency": self.amount.currency,
        }


def _waiver_reason(typed: str) -> str:
    if re.search(r"\d(?:[\s.]?\d){4}", typed):
        raise InvalidError(_("Please write words, without a number or a code: others read it."))
    return reason_words.parse(typed)


# A work PIN has five digits, and a reason is read by the other treasurer and kept.
waiver_reason = replace(
    reason_words, name="waiver reason", parse=_waiver_reason, bad=(*reason_words.bad, "75491", "76 00 00 01")
)


def is_past(period: Period, today: date) -> bool:
    """Whether a period's cover has ended for good: a payment of it today would cover nobody."""
    return period.grace_until is not None and period.grace_until < today


async def debt_of(db: AsyncConnection, caller: Caller, appointment: Appointment, number: str) -> Debt:
    """The oldest debt that can be waived, of a household of the officer's mutuelle.

    RefusedError where there is none, while it pays by itself, and for the phones of the household itself.
    """
    household = await find_household(db, number, closed=True)
    if household is None or household.mutuelle_id != appointment.mutuelle_id:
        raise RefusedError(_("No household has the number {number}.", number=shown_number(number)))
    if caller.phone in await phones_of(db, household, unconfirmed=True):
        raise RefusedError(_("Nobody waives a debt of her own household. Ask another treasurer."))
    stands = await standing(db, household, caller.at)
    if stands.own_payment:
        raise RefusedError(
            _("A mobile payment for this household is under way. Please wait until it is settled.")
        )
    today = stands.mutuelle.today(caller.at)
    for period in stands.periods:
        if period.due_minor > 0 and period.expires_on and is_past(period, today):
            owed = Money(period.due_minor, stands.mutuelle.currency)
            return Debt(household, stands.mutuelle, period.terms.sequence, owed, period.expires_on)
    raise RefusedError(
        _("This household owes nothing of a cover that has ended: only such a debt is waived.")
    )


def waiver_of(debt: Debt, reason: str) -> NewJointAct:
    """The proposal to waive this debt."""
    return NewJointAct(WAIVER.name, debt.facts, reason)


def _label(facts: Facts) -> Sentence:
    return _(
        "Waive {amount}, household {number}", amount=_amount(facts), number=shown_number(facts["number"])
    )


def _amount(facts: Facts) -> Money:
    return Money(facts["amount_minor"], facts["currency"])


async def _lock(db: AsyncConnection, _own: Appointment, facts: Facts) -> None:
    await lock_household(db, facts["number"])


async def _look_again(db: AsyncConnection, caller: Caller, own: Appointment, facts: Facts) -> Debt:
    """The debt; RefusedError where the household owes another amount by now."""
    debt = await debt_of(db, caller, own, facts["number"])
    if debt.facts != facts:
        raise RefusedError(CHANGED)
    return debt


def _words(debt: Debt, reason: str) -> Sentence:
    facts: dict[str, Fact] = {"amount": debt.amount, "name": debt.household.initials, "reason": reason}
    return _(
        "Waive {amount} owed by {name}, number {number}? {reason}",
        **facts,
        number=debt.household.shown_number,
    )


async def _waive(db: AsyncConnection, act: JointAct, debt: Debt, at: datetime) -> None:
    """Write and post the waiver, note it as a change of the household, notify its phones."""
    household, mutuelle = debt.household, debt.mutuelle
    key: Mapping[str, Any] = {"mutuelle_id": household.mutuelle_id, "act": UUID(act.id), "waived_at": at}
    await _post(db, debt, act, at)
    await db.execute(insert(waiver), {**key, **debt.facts})
    await note_change(
        db, household, Change.WAIVED, detail=str(debt.amount), by=By(TWO_TREASURERS, act.reason, at)
    )
    if await find_household(db, household.number):  # the phones of a closed one may speak for another by now
        sentence = debt_waived(mutuelle.name, debt.amount, household.number, debt.ended_on)
        sentences = await notices(db, household, sentence, at)
        await notify(db, household.mutuelle_id, "debt waived", sentences, at, event=act.id)


async def _post(db: AsyncConnection, debt: Debt, act: JointAct, at: datetime) -> None:
    await open_accounts(db, [Account(debt.mutuelle.id, accounts.waivers(), debt.amount.currency)])
    owed = Movement(
        accounts.waivers(), debt.household.account, debt.amount.amount_minor, debt.amount.currency
    )
    journal = Journal(
        mutuelle=debt.mutuelle.id,
        source=WAIVER.name,
        key=act.id,
        kind=WAIVED,
        effective_on=debt.mutuelle.today(at),
        actor=TWO_TREASURERS,
        reason="waived by two treasurers",
        movements=[owed],
        memo={"act": act.id},
    )
    await post_all(db, [journal])


WAIVER = known(
    ActKind(
        "waiver",  # also the source of its journal
        label=_label,
        look_again=_look_again,
        words=_words,
        carry_out=_waive,
        done=lambda facts: _(
            "Done. The household need not pay {amount} and is told by SMS.", amount=_amount(facts)
        ),
        lock=_lock,
        subject=("number",),
    )
)
