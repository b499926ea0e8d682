"""Households whose contribution a payer owes, whole or in part: their regime changes, and the clock renews them.

A regime counts for what is agreed to from its first day on, and for a policy of which nothing is called yet; it never
moves the past. What a payer owes whole is agreed to without a payment, by the clock: nobody loses cover because a phone
is missing or a day was forgotten, where there is nothing to pay.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _
from mutuelle.acts import By
from mutuelle.contributions.contribution_calls import called_so_far, whole_calls
from mutuelle.contributions.portfolio import Insured, portfolio
from mutuelle.contributions.standing import Facts, Standing, facts_of, standing, stands_on
from mutuelle.cover.policies import policy_of, uncalled, write_policy, write_share
from mutuelle.cover.rules import CoverState
from mutuelle.household_key import HouseholdKey, OfHousehold, of_household
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.holders import notices
from mutuelle.households.households import Household, lock_households
from mutuelle.notify import Notification, notify_all
from mutuelle.posting import post_all
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.scheme.products import Offer
from mutuelle.scheme.regimes import Regime, regime_on
from mutuelle.tables import household_regime
from values import value

RENEWS_BEFORE = timedelta(days=7)  # the end of a period: a morning on which no worker ran is made up for
AT_ONCE = 500  # renewals of one transaction; the next mornings go on
CLOCK, IMPORT = "schedule", "import"  # actors in the book and of a change that two did not sign


@value
class NewRegime:
    """From `since` until the end of `until` (None: for ever) this regime pays; without a code the household itself."""

    code: str | None
    since: date
    until: date | None = None


async def change_regime(
    db: AsyncConnection, household: Household, new: NewRegime, *, by: By, act: UUID | None = None
) -> None:
    """Write a household's regime, and what it changes today; its phones are told. The caller holds its lock.

    1. Write the change behind the earlier ones.
    2. A policy of which nothing is called gets the payer's part; one that the payer owes whole is called.
    3. A period that may be agreed to, and that the payer owes whole, is renewed.
    """
    newest = await db.scalar(
        select(func.max(household_regime.c.position)).where(of_household(household_regime, household))
    )
    await db.execute(insert(household_regime), regime_row(household, new, (newest or 0) + 1, by, act))
    facts = await facts_of(db, household, by.at)
    given = await _share(db, household, facts)
    await note_change(db, household, Change.REGIME, detail=new.code or "-", by=by)
    renewed = await _renew(db, household, by.at)
    if renewed is None:
        stands = await standing(db, household, by.at)
        # A regime that pays for nothing yet changes nothing that the household is asked for.
        if given or stands.regime or new.code is None:
            await _tell(db, [(household, regime_changed(stands, given), "regime changed")], by.at)
    else:
        await _tell(db, [(household, renewed_by_payer(renewed), "renewed by payer")], by.at)


def regime_row(
    household: OfHousehold, new: NewRegime, position: int, by: By, act: UUID | None = None
) -> dict[str, Any]:
    """The row of a change of a household's regime."""
    return {
        "mutuelle_id": household.mutuelle_id,
        "number": household.number,
        "position": position,
        "regime": new.code,
        "since": new.since,
        "until": new.until,
        "act": act,
        "actor": by.actor,
        "recorded_at": by.at,
    }


async def _share(db: AsyncConnection, household: Household, facts: Facts) -> Regime | None:
    """Give the payer its part of each policy of which nothing is called, from today; not while it is being paid.

    Returns the regime whose payer was given the part of one, if any was.
    """
    regime, today = regime_on(facts.regimes, facts.today), facts.today
    if facts.open_payment and not facts.open_payment.by_another:
        return None
    given = None
    called, _credit = called_so_far(facts.entries)
    for policy in uncalled(facts.policies, called):
        whole = Offer(policy.product, 1, policy.contribution_minor, policy.registration_minor)
        share = whole.under(regime).share
        if share is None or policy.share is not None:
            continue
        shared, given = replace(policy, share=replace(share, agreed_on=today)), regime
        await write_share(db, household, shared)
        await post_all(db, whole_calls(facts.mutuelle, household, shared, on=today, actor=CLOCK))
    return given


async def renew_paid_for(db: AsyncConnection, mutuelle_id: str, now: datetime) -> int:
    """Renew the households of a mutuelle whose payer owes all of the next period; returns how many, at most AT_ONCE."""
    mutuelle = await get_mutuelle(db, mutuelle_id)
    today = mutuelle.today(now)
    with_regime = select(household_regime.c.number).where(
        household_regime.c.mutuelle_id == mutuelle_id, household_regime.c.regime.is_not(None)
    )
    numbers = set(await db.scalars(with_regime.distinct()))
    if not numbers:
        return 0
    insured = await portfolio(db, mutuelle, today, numbers)
    due = sorted(number for number, one in insured.items() if _is_due(one, today))[:AT_ONCE]
    told = []
    for household, is_closed in await lock_households(db, [HouseholdKey(mutuelle_id, one) for one in due]):
        renewed = None if is_closed else await _renew(db, household, now)
        if renewed is not None:
            told.append((household, renewed_by_payer(renewed), "renewed by payer"))
    await _tell(db, told, now)
    return len(told)


def _is_due(one: Insured, today: date) -> bool:
    expires_on = one.periods[-1].expires_on
    is_whole = one.regime is not None and one.regime.is_whole and one.renewal is not None
    return is_whole and expires_on is not None and today >= expires_on - RENEWS_BEFORE


async def _renew(db: AsyncConnection, household: Household, at: datetime) -> Standing | None:
    """Renew a household whose payer owes all of the next period; None where it is too early, or not so any more."""
    facts = await facts_of(db, household, at)
    stands, today = stands_on(household, facts), facts.today
    expires_on = stands.periods[-1].expires_on
    if stands.renewal is None or expires_on is None or today < expires_on - RENEWS_BEFORE:
        return None
    if not (stands.regime and stands.regime.is_whole) or stands.own_payment:
        return None
    sequence = len(stands.periods) + 1
    await write_policy(db, household, stands.renewal, sequence=sequence, agreed_on=today, at=at)
    policy = policy_of(stands.renewal, sequence, today)
    await post_all(db, whole_calls(facts.mutuelle, household, policy, on=today, actor=CLOCK))
    return stands_on(household, facts.with_policy(policy))


async def _tell(db: AsyncConnection, told: Sequence[tuple[Household, Sentence, str]], at: datetime) -> None:
    """By SMS to the phones that speak for each household."""
    notifications = [
        Notification(
            household.mutuelle_id,
            template,
            await notices(db, household, sentence, at),
            f"{household.number} {at.isoformat()}",
        )
        for household, sentence, template in told
    ]
    await notify_all(db, notifications, at)


def renewed_by_payer(stands: Standing) -> Sentence:
    """To the household: until when, and that there is nothing to do."""
    facts, periods = _facts(stands, stands.share.regime if stands.share else None), stands.periods
    ends_on = stands.cover.until_on or periods[-1].expires_on or ""
    if stands.cover.state is CoverState.WAITING and stands.cover.from_on:
        return _(
            "{mutuelle}: {payer} pays for household {number}. Covered from {start} to {end}. You have nothing to pay.",
            **facts,
            start=stands.cover.from_on,
            end=ends_on,
        )
    return _(
        "{mutuelle}: {payer} pays for household {number}. Covered until {end}. You have nothing to pay.",
        **facts,
        end=ends_on,
    )


def regime_changed(stands: Standing, given: Regime | None = None) -> Sentence:
    """To the household: who pays from now on, or from its next period on, and what is left to it.

    `given` is the regime whose payer has just been given its part of a policy, also where it pays for no later one.
    """
    regime = given or stands.regime
    if regime is None:
        return _(
            "{mutuelle}: household {number} pays its next contribution itself.",
            **_facts(stands, None),
        )
    if stands.share and stands.share.regime == regime and regime.is_whole:
        return renewed_by_payer(stands)
    facts = _facts(stands, regime)
    if stands.share and stands.share.regime == regime:
        return _(
            "{mutuelle}: {payer} pays {percent} % for household {number}. Left for you to pay: {due}.",
            **facts,
            due=stands.due,
        )
    return _("{mutuelle}: {payer} pays {percent} % of the next contribution of household {number}.", **facts)


def _facts(stands: Standing, regime: Regime | None) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        "mutuelle": stands.mutuelle.name,
        "number": stands.household.shown_number,
    }
    return facts | ({"payer": regime.payer_name, "percent": str(regime.percent)} if regime else {})
