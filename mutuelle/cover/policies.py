"""Policies: what a household agreed to, at which price, under which version of a product."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, Text, any_, literal, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.cover.rules import Terms
from mutuelle.household_key import HouseholdKey, OfHousehold, keys_of
from mutuelle.households.households import Household
from mutuelle.scheme.products import Offer, Product
from mutuelle.scheme.regimes import Regime, Share
from mutuelle.scheme.sealed_records import record_households
from mutuelle.tables import policy_share, waiver
from prepared import Prepared
from values import value


@value
class Policy:
    """What a household agreed to, in minor units for the whole period, under one version of a product.

    `share` is what a payer owes of it.
    """

    sequence: int
    agreed_on: date
    product: Product
    contribution_minor: int
    registration_minor: int
    waived_minor: int = 0
    waits_from: date | None = None
    share: Share | None = None

    @property
    def part_minor(self) -> int:
        """What its payer owes."""
        return self.share.part_minor if self.share else 0

    @property
    def own_minor(self) -> int:
        """What the household itself owes."""
        return self.contribution_minor + self.registration_minor - self.part_minor

    @property
    def terms(self) -> Terms:
        """Its terms of time and money: of the household's own part.

        The payer's part counts as paid from the day on which it was agreed to, whenever the payer pays it.
        """
        price_minor = self.contribution_minor + self.registration_minor
        found = terms(
            self.sequence, self.agreed_on, price_minor, self.product, self.waived_minor, self.waits_from
        )
        return with_part(found, self.part_minor, self.share.agreed_on if self.share else None)


def policy_of(offer: Offer, sequence: int, agreed_on: date) -> Policy:
    """The policy that an offer becomes when it is agreed to."""
    prices = offer.contribution_minor, offer.registration_minor
    return Policy(sequence, agreed_on, offer.product, *prices, share=offer.share)


def uncalled(policies: Sequence[Policy], called: int) -> list[Policy]:
    """The policies that the household's money has still to call, oldest first, after `called` of them.

    One that a payer pays whole was called when it was agreed to.
    """
    return [policy for policy in policies if policy.own_minor][called:]


# The share of the policy `p`, as a query of at most one row: what `share_of` reads.
SHARE_OF_POLICY = """select s.part_minor, s.agreed_on, s.recorded_at, s.regime, s.regime_since, r.name, r.payer,
                   y.name, r.percent
              from policy_share s
              join regime r on (r.mutuelle_id, r.code, r.since) = (s.mutuelle_id, s.regime, s.regime_since)
              join payer y on (y.mutuelle_id, y.code) = (r.mutuelle_id, r.payer)
             where (s.mutuelle_id, s.number, s.sequence) = (p.mutuelle_id, p.number, p.sequence)"""


def share_of(row: Sequence[Any] | None) -> Share | None:
    """The share in a row of SHARE_OF_POLICY; None for a policy without one."""
    if row is None or row[0] is None:
        return None
    part_minor, agreed_on, recorded_at, *regime = row
    return Share(Regime(*regime), part_minor, agreed_on, recorded_at)


# What was waived of the policy `p`.
WAIVED_OF_POLICY = """(select coalesce(sum(w.amount_minor), 0)::bigint from waiver w
             where w.mutuelle_id = p.mutuelle_id and w.number = p.number and w.sequence = p.sequence)"""
_POLICIES = text(
    """
    select home.nth, p.sequence, p.agreed_on, p.product_code, p.product_version,
           p.contribution_minor, p.registration_minor,
           WAIVED,
           p.waits_from, share.*
      from unnest(cast(:mutuelles as text[]), cast(:numbers as text[])) with ordinality as home (mutuelle, number, nth)
     cross join lateral (select * from policy own
                          where own.mutuelle_id = home.mutuelle and own.number = home.number offset 0) p
      left join lateral (SHARE) share on true
     order by home.nth, p.sequence
    """.replace("WAIVED", WAIVED_OF_POLICY).replace("SHARE", SHARE_OF_POLICY)
)


async def policies_of(
    db: AsyncConnection,
    households: Sequence[OfHousehold],
    products: Mapping[str, Mapping[tuple[str, int], Product]],
) -> list[list[Policy]]:
    """The policies of each household, in order; `products` are every version of its mutuelle's."""
    found: list[list[Policy]] = [[] for _household in households]
    for nth, sequence, agreed_on, code, version, *facts in (
        await db.execute(_POLICIES, keys_of(households))
    ).all():
        product = products[households[nth - 1].mutuelle_id][code, version]
        contribution_minor, registration_minor, waived_minor, waits_from, *share = facts
        prices = contribution_minor, registration_minor, waived_minor
        found[nth - 1].append(
            Policy(sequence, agreed_on, product, *prices, waits_from=waits_from, share=share_of(share))
        )
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
    """The terms of the policies, without the waivers and the payers' shares that were recorded after `known_at`."""
    known: Counter[int] = Counter()
    for one in waived:
        if one.recorded_at <= known_at:
            known[one.sequence] += one.amount_minor
    shared = [
        replace(policy, share=None) if policy.share and not _is_known(policy.share, known_at) else policy
        for policy in agreed
    ]
    return [replace(policy.terms, waived_minor=known[policy.sequence]) for policy in shared]


def _is_known(share: Share, known_at: datetime) -> bool:
    return share.recorded_at is not None and share.recorded_at <= known_at


def terms(
    sequence: int,
    agreed_on: date,
    price_minor: int,
    product: Product,
    waived_minor: int = 0,
    waits_from: date | None = None,
) -> Terms:
    """The terms of a policy agreed to that day under `product`.

    Its price includes registration.
    """
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
        late_renewal=product.late_renewal,
        new_wait_after_months=product.new_wait_after_months,
    )


def with_part(whole: Terms, part_minor: int, shared_on: date | None) -> Terms:
    """The terms of a policy of whose price a payer owes this part, from the day on which that was agreed to."""
    if not part_minor:
        return whole
    return replace(
        whole,
        price_minor=whole.price_minor - part_minor,
        part_minor=part_minor,
        agreed_on=max(whole.agreed_on, shared_on or whole.agreed_on),
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
        """with given as (select cast(:rows as jsonb) as rows),
        written as (
            insert into policy select own.* from given, jsonb_populate_recordset(cast(null as policy), rows) own)
        insert into policy_share (mutuelle_id, number, sequence, regime, regime_since, part_minor, agreed_on)
        select own.mutuelle_id, own.number, own.sequence, own.regime, own.regime_since, own.part_minor, own.agreed_on
          from given, jsonb_populate_recordset(cast(null as policy_share), rows) own
         where own.part_minor is not null"""
    )
)


async def write_share(db: AsyncConnection, household: Household, policy: Policy) -> None:
    """Write what a payer owes of a policy that is written and not called yet; the caller records the household."""
    await db.execute(insert(policy_share), share_row(household.mutuelle_id, household.number, policy))


def share_row(mutuelle_id: str, number: str, policy: Policy) -> dict[str, Any]:
    """The row of a policy's share."""
    if policy.share is None:
        raise ValueError(f"policy {number}-{policy.sequence} has no payer")
    key = {"mutuelle_id": mutuelle_id, "number": number, "sequence": policy.sequence}
    return {**key, **_share(policy.share), "agreed_on": policy.share.agreed_on or policy.agreed_on}


def _share(share: Share) -> dict[str, Any]:
    return {
        "regime": share.regime.code,
        "regime_since": share.regime.since,
        "part_minor": share.part_minor,
    }


def policy_row(
    mutuelle_id: str, number: str, offer: Offer, *, sequence: int, agreed_on: date, at: datetime
) -> dict[str, Any]:
    """The row of a policy, with the columns of its share if a payer has one."""
    return {
        **(_share(offer.share) if offer.share else {}),
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
