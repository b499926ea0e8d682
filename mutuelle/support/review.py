"""Review of the corrected rules of cover: which households have other dates than before, and which.

Nothing is changed: an answer that a doctor was given binds the mutuelle, and cover is derived. A person reads the list,
speaks with the households, and records the review; until then `keneya check` names the answers.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.acts import By
from mutuelle.care.replay import REVIEW, Otherwise, answered_otherwise
from mutuelle.contributions.portfolio import agreed_by_number, received_by_number
from mutuelle.cover.rules import Cover, Period, Receipt, Terms, cover, paid_up, periods, reached
from mutuelle.dates import add_months
from mutuelle.households.support_acts import NewSupportAct, write_act
from mutuelle.scheme.mutuelles import Mutuelle

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Redated:
    """An open household whose cover today, or whose period, has other dates by the rules than it had before."""

    number: str
    before: Cover
    now: Cover


async def redated(db: AsyncConnection, mutuelle: Mutuelle, today: date) -> AsyncIterator[Redated]:
    """The open households of a mutuelle whose cover today differs between the former rules and these, by number."""
    paid = await received_by_number(db, mutuelle, None)
    for number, (agreed, _product) in (await agreed_by_number(db, mutuelle, None)).items():
        received = paid.get(number, [])
        before = cover(former_periods(agreed, received), today)
        now = cover(periods(agreed, received), today)
        if before != now:
            yield Redated(number, before, now)


def former_periods(policies: Sequence[Terms], receipts: Sequence[Receipt]) -> list[Period]:
    """The periods as they were dated until November 2026, kept only to show the changes.

    The day of the agreement did not count, receipts were sorted by their days only, a renewal was in time by the day of
    its money, and each period began on its own day of the month.
    """
    by_day = sorted(receipts, key=lambda receipt: receipt.on)
    left_minor, given_minor = sum(receipt.amount_minor for receipt in by_day), 0
    found: list[Period] = []
    for terms in policies:
        paid_minor = min(left_minor, terms.asked_minor)
        share_on = reached(by_day, given_minor + terms.opening_minor)
        paid_up_on = paid_up(terms, by_day, given_minor)
        found.append(_formerly_dated(terms, paid_minor, share_on, paid_up_on, found[-1] if found else None))
        left_minor, given_minor = left_minor - paid_minor, given_minor + terms.asked_minor
    return found


def _formerly_dated(
    terms: Terms, paid_minor: int, share_on: date | None, paid_up_on: date | None, before: Period | None
) -> Period:
    if share_on is None:
        return Period(terms, paid_minor)
    grace_until = before.grace_until if before and terms.is_renewal else None
    if before and before.expires_on and grace_until and share_on <= grace_until:
        opened = entitled = before.expires_on + DAY
    else:
        opened, entitled = share_on, add_months(share_on, terms.waiting_period_months)
    return Period(terms, paid_minor, share_on, opened, opened, entitled, paid_up_on, anchor_on=opened)


async def accept_answers(db: AsyncConnection, mutuelle_id: str, by: By) -> list[Otherwise]:
    """Record that a person has reviewed the answers of a mutuelle that the rules do not give; returns them."""
    found = await answered_otherwise(db, mutuelle_id)
    for one in found:
        await write_act(db, NewSupportAct(REVIEW, one.answer.reference, one.answer, one.facts), by)
    return found
