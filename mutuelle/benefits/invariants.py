"""Invariants of benefits: what the mutuelle pays of care was decided, billed and told by the same rules."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from invariants import Invariant
from mutuelle.benefits.quotes import BenefitFacts, benefit_facts
from mutuelle.benefits.rules import BilledCare, in_force, left_minor, own_share, used_so_far
from mutuelle.contributions.standing import Standing, facts_of, stands_on
from mutuelle.cover.rules import current
from mutuelle.households.households import find_household

_BILLS = text("""
    select b.mutuelle_id, b.number, b.rank, b.facility_id, b.service, b.level, b.cared_on, b.price_minor, b.paid_minor,
           b.voucher, b.recorded_at
      from care_bill b
     where not exists (select from voucher v where v.mutuelle_id = b.mutuelle_id and v.reverses = b.voucher)
     order by b.mutuelle_id, b.number, b.recorded_at, b.voucher
""")


async def _bills_beyond_their_rules(db: AsyncConnection) -> list[str]:
    """Bills of which more was paid than the rule of the day of care and what was left of its ceilings allow."""
    found: list[str] = []
    of_household: dict[tuple[str, str], list[tuple[BilledCare, str, str]]] = {}
    for row in await db.execute(_BILLS):
        care = BilledCare(row.rank, row.service, row.cared_on, row.price_minor, row.paid_minor)
        of_household.setdefault((row.mutuelle_id, row.number), []).append((care, row.level, str(row.voucher)))
    for (mutuelle_id, number), bills in of_household.items():
        household = await find_household(db, number, closed=True)
        if household is None:
            continue
        known = await facts_of(db, household, datetime.combine(bills[-1][0].cared_on, time(12), UTC))
        rules: dict[str, BenefitFacts] = {}
        before: list[BilledCare] = []
        for care, level, voucher in bills:
            stands = stands_on(household, replace(known, today=care.cared_on))
            product = stands.covering.code
            rules[product] = rules.get(product) or await benefit_facts(db, mutuelle_id, product)
            if care.paid_minor > _most(rules[product], stands, care, level, before):
                found.append(f"{mutuelle_id} {voucher}")
            before.append(care)
    return found


def _most(
    facts: BenefitFacts, stands: Standing, care: BilledCare, level: str, before: Sequence[BilledCare]
) -> int:
    """The most that the mutuelle may pay of this care after those before."""
    rule = in_force(facts.benefits, care.service, level, care.cared_on)
    if rule is None or not rule.is_paid:
        return 0
    period = current(stands.periods, care.cared_on)
    left = left_minor(rule, used_so_far(before, care.service, care.rank, period))
    share = care.price_minor - own_share(rule, care.price_minor)
    return share if left is None else min(share, left)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "bill_keeps_its_rule",
        "Of no bill more is owed than the rule of the day of care allows, and what was left of its ceilings.",
        _bills_beyond_their_rules,
    ),
    Invariant(
        "bill_has_its_voucher",
        "Each bill of care has a voucher of the sum that the mutuelle owes its facility, and each such voucher a bill.",
        """
        select coalesce(v.mutuelle_id, b.mutuelle_id) || ' ' || coalesce(v.code, b.voucher::text)
          from care_bill b
          full join (select * from voucher where kind = 'care bill') v
               on v.mutuelle_id = b.mutuelle_id and v.reference = b.voucher
         where v.reference is null or b.voucher is null or v.amount_minor <> b.paid_minor
            or split_part(v.credit, ':', 3) <> b.facility_id
        """,
    ),
    Invariant(
        "benefit_was_decided",
        "A rule of benefits that was changed is what two treasurers signed; the first of each came with an import.",
        """
        select coalesce(a.mutuelle_id || ' ' || a.id,
                        b.mutuelle_id || ' ' || concat_ws(' ', b.product_code, b.service, b.level, b.since))
          from benefit b
          full join (select * from joint_act where kind = 'benefit change' and answer = 'approved') a
               on a.mutuelle_id = b.mutuelle_id and a.id = b.act
         where b.mutuelle_id is null or (b.act is not null and (a.id is null
               or to_jsonb(b) - '{mutuelle_id,version,actor,act,decided_on,notice_days,recorded_at}'::text[]
                  <> a.facts - '{product_name,notice_days,version,own_name}'::text[]))
            or (b.act is null and exists (select from benefit o
                 where (o.mutuelle_id, o.product_code, o.service, o.level)
                     = (b.mutuelle_id, b.product_code, b.service, b.level)
                   and o.act is not null and o.recorded_at < b.recorded_at))
        """,
    ),
    Invariant(
        "quote_was_told_of_cover",
        "What a patient pays was told beside an answer that said covered, for the level of an agreement.",
        """
        select q.mutuelle_id || ' ' || q.reference || ' ' || q.service from given_quote q
          join eligibility_check c on c.mutuelle_id = q.mutuelle_id and c.reference = q.reference
         where not c.covered or q.asked_at < c.asked_at
            or (q.state = 'paid' and num_nonnulls(q.patient_minor, q.patient_percent) = 0)
        """,
    ),
)
