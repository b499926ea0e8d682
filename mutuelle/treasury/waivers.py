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
from locales import Money, Sentence, _
from mutuelle.acts import By
from mutuelle.contributions.standing import standing
from mutuelle.cover.rules import Period
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.households import Household, find_household, lock_household, phones_of
from mutuelle.households.member_numbers import shown_number
from mutuelle.notify import notify
from mutuelle.officers import joint_acts
from mutuelle.officers.appointments import lock_roles
from mutuelle.officers.joint_acts import JointAct
from mutuelle.officers.pins import try_pin
from mutuelle.officers.proposals import APPROVED, TWO_TREASURERS
from mutuelle.officers.roles import Appointment, Role, appointment_of
from mutuelle.posting import post_all
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.tables import waiver
from mutuelle.treasury.messages import debt_waived, waiver_proposed, waiver_refused
from talk.answers import Secret, reason_words
from talk.trouble import InvalidError, RefusedError
from talk.words import Caller, Consent
from values import value

KIND = "waiver"  # of a joint act, and the source of its journal
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


@value
class WaiverProposal:
    """What a treasurer proposes to waive: what a household owes of its policy `sequence`, and why."""

    number: str
    sequence: int
    amount: Money
    reason: str


@dataclass(frozen=True)
class ProposedWaiver:
    """A waiver in the list of what waits for the caller's answer."""

    act: JointAct

    @property
    def key(self) -> str:
        return self.act.id

    @property
    def amount(self) -> Money:
        return Money(self.act.facts["amount_minor"], self.act.facts["currency"])

    @property
    def label(self) -> Sentence:
        return _(
            "household {number}: {amount}", number=shown_number(self.act.facts["number"]), amount=self.amount
        )


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


async def waivers_to_answer(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> list[ProposedWaiver]:
    """The waivers that wait for the caller's answer, the oldest first."""
    return [ProposedWaiver(act) for act in await joint_acts.acts_to_answer(db, caller, mutuelle_id, KIND)]


async def expect_proposable(
    db: AsyncConnection, caller: Caller, appointment: Appointment, debt: Debt
) -> list[str]:
    """The treasurers who could answer; RefusedError where there is none, or the same waiver is proposed already."""
    await joint_acts.expect_not_proposed(db, caller, appointment.mutuelle_id, KIND, debt.facts)
    return await joint_acts.others_to_answer(db, caller, appointment)


async def propose_waiver(
    db: AsyncConnection,
    caller: Caller,
    *,
    mutuelle: str,
    proposed: WaiverProposal,
    pin: Secret,
    agreed: Consent,
) -> Sentence | None:
    """Propose to waive a debt, and notify the other treasurers; a sentence where the PIN is not right."""
    await lock_roles(db, mutuelle)
    own = await appointment_of(db, caller, mutuelle, Role.TREASURER)
    await lock_household(db, proposed.number)
    debt = await debt_of(db, caller, own, proposed.number)
    if (debt.sequence, debt.amount) != (proposed.sequence, proposed.amount):
        raise RefusedError(CHANGED)
    others = await expect_proposable(db, caller, own, debt)
    if wrong := await try_pin(db, caller, pin):
        return wrong
    act = joint_acts.NewJointAct(KIND, debt.facts, proposed.reason)
    await joint_acts.write_act(db, caller, own, act, agreed)
    sentence = waiver_proposed(own.mutuelle_name, debt.amount, proposed.number, own.name)
    await notify(db, mutuelle, "waiver proposed", dict.fromkeys(others, sentence), caller.at)
    return None


async def answer_waiver(
    db: AsyncConnection, caller: Caller, *, mutuelle: str, proposal: str, answer: str, pin: Secret
) -> Sentence | None:
    """Approve a waiver, which ends the debt, or refuse it; a sentence where the PIN is not right.

    1. Lock the roles, then the household.
    2. Refuse the proposer, and to approve a debt that has changed. Only then check the PIN.
    3. Write the answer; if approved, the waiver with its journal, and notify the household.
    """
    await lock_roles(db, mutuelle)
    own = await appointment_of(db, caller, mutuelle, Role.TREASURER)
    found = await joint_acts.act_to_answer(db, caller, own, KIND, proposal)
    number = found.facts["number"]
    await lock_household(db, number)
    debt = await _still_owed(db, caller, own, found) if answer == APPROVED else None
    if wrong := await try_pin(db, caller, pin):
        return wrong
    await joint_acts.write_answer(db, caller, own, found, answer)
    if debt is not None:
        await _waive(db, debt, UUID(found.id), found.reason, caller.at)
        return None
    sentence = waiver_refused(own.mutuelle_name, ProposedWaiver(found).amount, number, own.name)
    await notify(db, mutuelle, "waiver refused", {found.proposed_by: sentence}, caller.at)
    return None


async def _still_owed(db: AsyncConnection, caller: Caller, own: Appointment, act: JointAct) -> Debt:
    """The debt of an act; RefusedError if the household owes another amount by now, or the proposer has left office."""
    await joint_acts.expect_proposer_in_office(db, caller, own, act)
    debt = await debt_of(db, caller, own, act.facts["number"])
    if debt.facts != act.facts:
        raise RefusedError(CHANGED)
    return debt


async def _waive(db: AsyncConnection, debt: Debt, act: UUID, reason: str, at: datetime) -> None:
    """Write and post the waiver, note it as a change of the household, notify its phones."""
    household, mutuelle = debt.household, debt.mutuelle
    key: Mapping[str, Any] = {"mutuelle_id": household.mutuelle_id, "act": act, "waived_at": at}
    await _post(db, debt, act, at)
    await db.execute(insert(waiver), {**key, **debt.facts})
    await note_change(
        db, household, Change.WAIVED, detail=str(debt.amount), by=By(TWO_TREASURERS, reason, at)
    )
    if await find_household(db, household.number):  # the phones of a closed one may speak for another by now
        sentence = debt_waived(mutuelle.name, debt.amount, household.number, debt.ended_on)
        phones = await phones_of(db, household)
        await notify(
            db, household.mutuelle_id, "debt waived", dict.fromkeys(phones, sentence), at, event=str(act)
        )


async def _post(db: AsyncConnection, debt: Debt, act: UUID, at: datetime) -> None:
    await open_accounts(db, [Account(debt.mutuelle.id, accounts.waivers(), debt.amount.currency)])
    owed = Movement(
        accounts.waivers(), debt.household.account, debt.amount.amount_minor, debt.amount.currency
    )
    journal = Journal(
        mutuelle=debt.mutuelle.id,
        source=KIND,
        key=str(act),
        kind=WAIVED,
        effective_on=debt.mutuelle.today(at),
        actor=TWO_TREASURERS,
        reason="waived by two treasurers",
        movements=[owed],
        memo={"act": str(act)},
    )
    await post_all(db, [journal])
