"""Policies: what a household agreed to, at which price, under which version of a product."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.cover import Terms
from mutuelle.households import Household
from mutuelle.products import Offer, Product
from mutuelle.tables import policy


async def terms_of(
    db: AsyncConnection, home: Household, products: Mapping[tuple[str, int], Product]
) -> tuple[list[Terms], Product]:
    """The household's policies in order, and the product of the last one; LookupError if it has none."""
    rows = await db.execute(
        select(policy)
        .where(policy.c.mutuelle_id == home.mutuelle_id, policy.c.number == home.number)
        .order_by(policy.c.sequence)
    )
    found, last = [], None
    for row in rows:
        last = products[row.product_code, row.product_version]
        found.append(
            terms(row.sequence, row.stage == "renewal", row.contribution_minor + row.registration_minor, last)
        )
    if last is None:
        raise LookupError(home.number)
    return found, last


def terms(sequence: int, is_renewal: bool, price_minor: int, product: Product) -> Terms:
    """What a policy agreed on under `product`, registration included in its price, says about time and money."""
    return Terms(
        sequence=sequence,
        is_renewal=is_renewal,
        price_minor=price_minor,
        insurance_period_months=product.insurance_period_months,
        waiting_period_months=product.waiting_period_months,
        grace_period_payment_months=product.grace_period_payment_months,
        grace_period_renewal_months=product.grace_period_renewal_months,
        partial_cover_threshold_percent=product.partial_cover_threshold_percent,
    )


async def write_policy(
    db: AsyncConnection, home: Household, offer: Offer, *, sequence: int, agreed_on: date, at: datetime
) -> None:
    """Write down what was agreed; nothing is owed in the ledger before its first franc."""
    key = home.mutuelle_id, home.number
    await db.execute(insert(policy), policy_row(*key, offer, sequence=sequence, agreed_on=agreed_on, at=at))


def policy_row(
    mutuelle_id: str, number: str, offer: Offer, *, sequence: int, agreed_on: date, at: datetime
) -> dict[str, Any]:
    """What was agreed, as its table keeps it."""
    return {
        "mutuelle_id": mutuelle_id,
        "number": number,
        "sequence": sequence,
        "stage": "new" if sequence == 1 else "renewal",
        "product_code": offer.product.code,
        "product_version": offer.product.version,
        "members": offer.members,
        "contribution_minor": offer.contribution_minor,
        "registration_minor": offer.registration_minor,
        "agreed_on": agreed_on,
        "agreed_at": at,
    }


async def uncalled(db: AsyncConnection, home: Household, called: int) -> Sequence[tuple[int, int, int]]:
    """(sequence, contribution, registration) of the policies after the first `called` ones, in order."""
    rows = await db.execute(
        select(policy.c.sequence, policy.c.contribution_minor, policy.c.registration_minor)
        .where(
            policy.c.mutuelle_id == home.mutuelle_id,
            policy.c.number == home.number,
            policy.c.sequence > called,
        )
        .order_by(policy.c.sequence)
    )
    return [(row[0], row[1], row[2]) for row in rows]
