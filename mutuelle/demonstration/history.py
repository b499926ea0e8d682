"""Writes stories as the service would have left them: households, policies, payments with their moves, journals.

Each row comes from the service's own functions; only the SMS of those days are left out.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import zip_longest
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.book import MAX_JOURNALS, Journal
from locales import Money
from mobilemoney.networks import network_by_prefix
from mutuelle.acts import By
from mutuelle.contributions.contribution_calls import whole_calls
from mutuelle.contributions.payment_queue import QueuedPayment
from mutuelle.contributions.payments import CONTRIBUTION, PaymentState, receipt_code
from mutuelle.contributions.settlement.settle import journals_of
from mutuelle.cover.policies import policy_of, policy_row, write_policies
from mutuelle.demonstration.federation import OPERATOR, Land
from mutuelle.demonstration.stories import Story
from mutuelle.enrolment.paid_for import IMPORT, NewRegime, regime_row
from mutuelle.households.households import Household, NewHousehold, register_household
from mutuelle.posting import post_all
from mutuelle.scheme.regimes import Regime
from mutuelle.tables import household_regime, payment, payment_move
from talk.phones import region_of

S = PaymentState

HISTORY = "history-"  # prefix of the notice token of a payment without SMS

SENT_AFTER, EXPIRED_AFTER = timedelta(seconds=4), timedelta(minutes=5)


@dataclass(frozen=True)
class Past:
    """A payment that is over, PAID or FAILED at `over_at`."""

    household: Household
    queued: QueuedPayment
    over_at: datetime
    operator_reference: str | None


async def write_history(db: AsyncConnection, chance: Random, land: Land, stories: Iterable[Story]) -> None:
    """Write the stories, the oldest household first."""
    oldest_first = sorted(stories, key=lambda story: story.joined_at)
    households = [await _enrol(db, land, story) for story in oldest_first]
    agreed = [
        row
        for household, story in zip(households, oldest_first, strict=True)
        for row in _agreed(land, household, story)
    ]
    await write_policies(db, agreed)
    pasts = [
        _paid(chance, land, household, story) or [_failed(chance, land, household, story)]
        for household, story in zip(households, oldest_first, strict=True)
    ]
    every = [past for of_household in pasts for past in of_household]
    await db.execute(insert(payment), [_row(past) for past in every])
    await db.execute(insert(payment_move), [move for past in every for move in _moves(past)])
    await _post(db, land, pasts)


async def write_paid_for(db: AsyncConnection, land: Land, story: Story, regime: Regime) -> None:
    """Write a household whose payer owes all of its contribution: called on the day on which it joined."""
    household, on = await _enrol(db, land, story), land.mutuelle.today(story.joined_at)
    by = By(IMPORT, "the list of the payer", story.joined_at)
    row = regime_row(household, NewRegime(regime.code, on), 1, by)
    await db.execute(insert(household_regime), row)
    await write_policies(db, list(_agreed(land, household, story)))
    policy = policy_of(story.agreements[0].offer, 1, on)
    await post_all(db, whole_calls(land.mutuelle, household, policy, on=on, actor=IMPORT))


async def _enrol(db: AsyncConnection, land: Land, story: Story) -> Household:
    return await register_household(
        db,
        land.mutuelle,
        NewHousehold(story.place_id, story.head_name, story.ages),
        phone=story.phone,
        at=story.joined_at,
    )


def _agreed(land: Land, household: Household, story: Story) -> Iterator[dict[str, Any]]:
    for sequence, agreed in enumerate(story.agreements, start=1):
        on = land.mutuelle.today(agreed.at)
        yield policy_row(
            household.mutuelle_id,
            household.number,
            agreed.offer,
            sequence=sequence,
            agreed_on=on,
            at=agreed.at,
        )


def _paid(chance: Random, land: Land, household: Household, story: Story) -> list[Past]:
    return [
        Past(
            household,
            _queued(chance, land, household, story.phone, paid.amount_minor, paid.at),
            over_at=paid.at + timedelta(seconds=chance.randint(15, 90)),
            operator_reference=f"SIMH{chance.getrandbits(40):013}",
        )
        for paid in story.paid
    ]


def _failed(chance: Random, land: Land, household: Household, story: Story) -> Past:
    """A household that paid nothing was asked once, when joining, and never typed the PIN."""
    asked_minor = story.agreements[0].offer.installment.amount_minor
    queued = _queued(chance, land, household, story.phone, asked_minor, story.joined_at)
    queued = replace(queued, state=S.FAILED)
    return Past(household, queued, over_at=queued.asked_at + EXPIRED_AFTER, operator_reference=None)


def _queued(
    chance: Random, land: Land, household: Household, phone: str, amount_minor: int, at: datetime
) -> QueuedPayment:
    """A payment that was asked `at` and is PAID."""
    reference = UUID(int=chance.getrandbits(128), version=4)
    return QueuedPayment(
        mutuelle_id=land.mutuelle.id,
        reference=reference,
        number=household.number,
        amount=Money(amount_minor, land.mutuelle.currency),
        payer_phone=phone,
        asked_by=phone,
        operator=OPERATOR,
        account=f"{OPERATOR}-{region_of(phone)}",
        network=network_by_prefix(phone),
        notice_token=HISTORY + secrets.token_hex(20),
        receipt_code=receipt_code(reference),
        state=S.PAID,
        asked_at=at,
        due_at=at + SENT_AFTER,
        sent_at=at + SENT_AFTER,
        late_notified_at=None,
        polls=2,
    )


def _row(past: Past) -> dict[str, Any]:
    facts = {
        name: getattr(past.queued, name) for name in QueuedPayment.__dataclass_fields__ if name != "amount"
    }
    return facts | {
        "amount_minor": past.queued.amount.amount_minor,
        "currency": past.queued.amount.currency,
        "purpose": CONTRIBUTION,
        "operator_reference": past.operator_reference,
        "completed_at": past.over_at if past.queued.state is S.PAID else None,
    }


def _moves(past: Past) -> Iterator[dict[str, Any]]:
    """The moves that the menu and the worker note until the final state."""
    queued = past.queued
    end = "status answer" if queued.state is S.PAID else "operator: EXPIRED"
    way = (
        (None, S.ASKED, "caller", "agreed in the menu", queued.asked_at),
        (S.ASKED, S.SENT, "worker", "handed to the operator", queued.sent_at),
        (S.SENT, S.PENDING, queued.operator, "operator: accepted", queued.sent_at),
        (S.PENDING, queued.state, queued.operator, end, past.over_at),
    )
    for position, (was, to, actor, reason, at) in enumerate(way, start=1):
        yield {
            "mutuelle_id": queued.mutuelle_id,
            "reference": queued.reference,
            "position": position,
            "from_state": was,
            "to_state": to,
            "actor": actor,
            "reason": reason,
            "moved_at": at,
        }


async def _post(db: AsyncConnection, land: Land, pasts: Sequence[Sequence[Past]]) -> None:
    """Post in rounds, the first payment of every household, then the second …: each sees the ones before it."""
    for a_round in zip_longest(*pasts):
        journals: list[Journal] = []
        for past in a_round:
            if past is not None and past.queued.state is S.PAID:
                on = land.mutuelle.today(past.over_at)
                journals += await journals_of(db, land.mutuelle, past.household, past.queued, on)
        for start in range(0, len(journals), MAX_JOURNALS):
            await post_all(db, journals[start : start + MAX_JOURNALS])
