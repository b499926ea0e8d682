"""Policies: what a household agreed to, at which price, under which version of a product."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, Text, any_, literal, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.cover.rules import Terms
from mutuelle.household_key import HouseholdKey, OfHousehold, keys_of, of_household
from mutuelle.households.households import Household
from mutuelle.scheme.products import Offer, Product
from mutuelle.scheme.sealed_records import record_households
from mutuelle.tables import policy, waiver
from prepared import Prepared
from values import value


@value
class Policy:
    """What a household agreed to, in minor units for the whole period, under one version of a product."""

    sequence: int
    agreed_on: date
    product: Product
    contribution_minor: int
    registration_minor: int
    waived_minor: int = 0
    waits_from: date | None = None

    @property
    def price_minor(self) -> int:
        return self.contribution_minor + self.registration_minor

    @property
    def terms(self) -> Terms:
        """Its terms of time and money."""
        return terms(
            self.sequence, self.agreed_on, self.price_minor, self.product, self.waived_minor, self.waits_from
        )


def policy_of(offer: Offer, sequence: int, agreed_on: date) -> Policy:
    """The policy that an offer becomes when it is agreed to."""
    return Policy(sequence, agreed_on, offer.product, offer.contribution_minor, offer.registration_minor)


# What was waived of the policy `p`.
WAIVED_OF_POLICY = """(select coalesce(sum(w.amount_minor), 0)::bigint from waiver w
             where w.mutuelle_id = p.mutuelle_id and w.number = p.number and w.sequence = p.sequence)"""
_POLICIES = text(
    """
    select home.nth, p.sequence, p.agreed_on, p.product_code, p.product_version,
           p.contribution_minor, p.registration_minor,
           WAIVED,
           p.waits_from
      from unnest(cast(:mutuelles as text[]), cast(:numbers as text[])) with ordinality as home (mutuelle, number, nth)
     cross join lateral (select * from policy own
                          where own.mutuelle_id = home.mutuelle and own.number = home.number offset 0) p
     order by home.nth, p.sequence
    """.replace("WAIVED", WAIVED_OF_POLICY)
)


async def policies_of(
    db: AsyncConnection,
    households: Sequence[OfHousehold],
    products: Mapping[str, Mapping[tuple[str, int], Product]],
) -> list[list[Policy]]:
    """The policies of each household, in order; `products` are every version of its mutuelle's."""
    found: list[list[Policy]] = [[] for _household in households]
    for nth, sequence, agreed_on, code, version, *prices in (
        await db.execute(_POLICIES, keys_of(households))
    ).all():
        product = products[households[nth - 1].mutuelle_id][code, version]
        found[nth - 1].append(Policy(sequence, agreed_on, product, *prices))
    return found


@value
class Waiver:
    """The part of a policy's price that is waived, and when it was recorded."""

    sequence: int
    amount_minor: int
    recorded_at: datetime


async def waivers_of(
    db: AsyncConnection, mutuelle_id: str, numbers: Collection[str]
) -> dict[str, list[Waiver]]:
    """The waivers of these households of a mutuelle, by number; a household without one is left out."""
    rows = await db.execute(
        select(waiver.c.number, waiver.c.sequence, waiver.c.amount_minor, waiver.c.recorded_at).where(
            waiver.c.mutuelle_id == mutuelle_id,
            waiver.c.number == any_(literal(list(numbers), ARRAY(Text))),
        )
    )
    found: dict[str, list[Waiver]] = {}
    for number, *facts in rows:
        found.setdefault(number, []).append(Waiver(*facts))
    return found


def known_terms(agreed: Sequence[Policy], waived: Sequence[Waiver], known_at: datetime) -> list[Terms]:
    """The terms of the policies, without the waivers that were recorded after `known_at`."""
    known: Counter[int] = Counter()
    for one in waived:
        if one.recorded_at <= known_at:
            known[one.sequence] += one.amount_minor
    return [replace(policy.terms, waived_minor=known[policy.sequence]) for policy in agreed]


def terms(
    sequence: int,
    agreed_on: date,
    price_minor: int,
    product: Product,
    waived_minor: int = 0,
    waits_from: date | None = None,
) -> Terms:
    """The terms of a policy agreed to that day under `product`; its price includes registration."""
    return Terms(
        sequence=sequence,
        is_renewal=sequence > 1,
        agreed_on=agreed_on,
        price_minor=price_minor,
        insurance_period_months=product.insurance_period_months,
        waiting_period_months=product.waiting_period_months,
        grace_period_payment_months=product.grace_period_payment_months,
        grace_period_renewal_months=product.grace_period_renewal_months,
        partial_cover_threshold_percent=product.partial_cover_threshold_percent,
        waived_minor=waived_minor,
        waits_from=waits_from,
    )


async def write_policy(
    db: AsyncConnection, household: Household, offer: Offer, *, sequence: int, agreed_on: date, at: datetime
) -> None:
    """Write a policy; nothing is owed in the ledger before its first franc."""
    key = household.mutuelle_id, household.number
    await write_policies(db, [policy_row(*key, offer, sequence=sequence, agreed_on=agreed_on, at=at)])


async def write_policies(db: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Write policies, rows of `policy_row`, and record their households."""
    await _WRITE.rows(db, {"rows": json.dumps(rows, default=str)})
    await record_households(db, {HouseholdKey(row["mutuelle_id"], row["number"]) for row in rows})


_WRITE = Prepared(
    text(
        "insert into policy select * from jsonb_populate_recordset(cast(null as policy), cast(:rows as jsonb))"
    )
)


def policy_row(
    mutuelle_id: str, number: str, offer: Offer, *, sequence: int, agreed_on: date, at: datetime
) -> dict[str, Any]:
    """The row of a policy."""
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


async def uncalled(db: AsyncConnection, household: Household, called: int) -> Sequence[tuple[int, int, int]]:
    """(sequence, contribution_minor, registration_minor) of the policies after the first `called` ones, in order."""
    rows = await db.execute(
        select(policy.c.sequence, policy.c.contribution_minor, policy.c.registration_minor)
        .where(
            of_household(policy, household),
            policy.c.sequence > called,
        )
        .order_by(policy.c.sequence)
    )
    return [(row[0], row[1], row[2]) for row in rows]
