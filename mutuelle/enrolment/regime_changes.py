"""Who pays for a household is changed by two treasurers, from the day of the second signature on."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _
from mutuelle.acts import By
from mutuelle.contributions.standing import standing
from mutuelle.enrolment.paid_for import NewRegime, change_regime
from mutuelle.households.households import (
    Household,
    expect_household,
    find_household,
    lock_household,
    phones_of,
)
from mutuelle.households.member_numbers import shown_number
from mutuelle.officers.joint_acts import TWO_TREASURERS, ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.roles import Appointment
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.scheme.regimes import Regime, household_regimes, in_force, regime_on, regimes_of
from talk.trouble import RefusedError
from talk.words import Caller

CHANGED = _("Who pays for this household has changed. Please look again.")


@dataclass(frozen=True)
class PaidBy:
    """A household, the regime that pays for it today, and those that could; None: it pays for itself.

    `chosen` is what was proposed.
    """

    household: Household
    now: Regime | None
    others: tuple[Regime, ...]
    chosen: Regime | None = None


async def who_pays_for(db: AsyncConnection, caller: Caller, own: Appointment, number: str) -> PaidBy:
    """Who pays for this household of the treasurer's mutuelle.

    RefusedError where there is none, while it pays by itself, and for the phones of the household itself.
    """
    household = expect_household(await find_household(db, number), number, own.mutuelle_id)
    if caller.phone in await phones_of(db, household, unconfirmed=True):
        raise RefusedError(_("Nobody decides who pays for her own household. Ask another treasurer."))
    if (await standing(db, household, caller.at)).own_payment:
        raise RefusedError(
            _("A mobile payment for this household is under way. Please wait until it is settled.")
        )
    today = (await get_mutuelle(db, own.mutuelle_id)).today(caller.at)
    changes = (await household_regimes(db, own.mutuelle_id, [number])).get(number, ())
    now = regime_on(changes, today)
    rows = in_force(await regimes_of(db, own.mutuelle_id), today)
    return PaidBy(household, now, tuple(row for row in rows if now is None or row.code != now.code))


def regime_change(found: PaidBy, regime: Regime | None) -> NewJointAct:
    """The proposal that this regime pays for the household from now on; None: the household itself."""
    facts: dict[str, Any] = {
        "number": found.household.number,
        "was": found.now.code if found.now else None,
        "regime": regime.code if regime else None,
        "payer": regime.payer_name if regime else "",
        "percent": regime.percent if regime else 0,
    }
    return NewJointAct(REGIME_CHANGE.name, facts, "")


def _said(facts: Facts) -> dict[str, Fact]:
    return {
        "number": shown_number(facts["number"]),
        "payer": facts["payer"],
        "percent": str(facts["percent"]),
    }


def _label(facts: Facts) -> Sentence:
    if facts["regime"] is None:
        return _("{number} pays itself", **_said(facts))
    return _("{payer} {percent} % for {number}", **_said(facts))


async def _lock(db: AsyncConnection, _own: Appointment, facts: Facts) -> None:
    await lock_household(db, facts["number"])


async def _look_again(db: AsyncConnection, caller: Caller, own: Appointment, facts: Facts) -> PaidBy:
    """RefusedError where another pays by now, or the regime pays otherwise."""
    found = await who_pays_for(db, caller, own, facts["number"])
    for row in [*found.others, None] if found.now else found.others:
        if regime_change(found, row).facts == facts:
            return replace(found, chosen=row)
    raise RefusedError(CHANGED)


async def _carry_out(db: AsyncConnection, act: JointAct, found: PaidBy, at: datetime) -> None:
    today = (await get_mutuelle(db, act.mutuelle_id)).today(at)
    new = NewRegime(act.facts["regime"], today)
    await change_regime(db, found.household, new, by=By(TWO_TREASURERS, act.reason, at), act=UUID(act.id))


def _words(found: PaidBy, reason: str) -> Sentence:
    facts = _said(regime_change(found, found.chosen).facts)
    facts |= {"name": found.household.initials, "reason": reason}
    if found.chosen is None:
        return _("{name}, {number} pays itself from its next period on? {reason}", **facts)
    return _("{payer} pays {percent} % for {name}, {number} from today on? {reason}", **facts)


REGIME_CHANGE = known(
    ActKind(
        "regime change",
        label=_label,
        look_again=_look_again,
        words=_words,
        carry_out=_carry_out,
        done=lambda facts: _("Done: {what}. The household is told by SMS.", what=_label(facts)),
        lock=_lock,
        subject=("number",),
    )
)
