"""Benefits for the tests' town: what the product P1 pays, and the prices of its health centre."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.acts import By
from mutuelle.benefits.openings import BenefitOpenings, open_benefits
from mutuelle.benefits.rules import Benefit, FacilityAgreement, Tariff
from mutuelle.scheme.mutuelles import get_mutuelle
from tests.support.town import FOUNDED, FOUNDED_ON


def rule(service: str, level: str = "centre", **terms: Any) -> Benefit:
    """A rule of P1, since the mutuelle was founded; the patient pays 20 % where nothing else is said."""
    if not terms.keys() & {"copay_minor", "copay_percent", "is_paid"}:
        terms["copay_percent"] = 20
    facts: dict[str, Any] = {"product_code": "P1", "service": service, "level": level, "since": FOUNDED_ON}
    return Benefit(**facts | terms)


RULES = (
    rule("CON", copay_percent=25),
    rule("CON", "hospital", copay_percent=40, needs_referral=True),
    rule("ACC", household_count=2),
    rule("ACC", "hospital", act_ceiling_minor=60_000, needs_referral=True),
    rule("CPN", copay_percent=0),
    rule("LAB", copay_minor=500, person_ceiling_minor=4_000),
    rule(
        "MED", copay_percent=30, household_ceiling_minor=30_000, needs_agreement=True, exclusions="vitamines"
    ),
    rule("HOS", "hospital", copay_percent=40, waiting_months=6, needs_referral=True),
    rule("VAC", is_paid=False),
)
# The longest that a rule and a name may be.
LONGEST_NAMED = {"WWW": "W" * 20}
LONGEST_RULES = tuple(
    rule(
        service,
        level,
        copay_minor=999_999,
        act_ceiling_minor=9_999_999,
        person_ceiling_minor=9_999_999,
        household_ceiling_minor=9_999_999,
        person_count=100,
        household_count=100,
        waiting_months=wait,
        needs_referral=True,
        needs_agreement=True,
        exclusions="W" * 40,
    )
    for service, level, wait in (("WWW", "centre", 24), ("WWW", "hospital", 0), ("PCH", "centre", 0))
)
PRICES = {"CON": 1_000, "ACC": 5_000, "LAB": 3_000, "VAC": 500}


async def opens_benefits(
    db: AsyncConnection,
    *rules: Benefit,
    code: str = "BEN",
    facility: str = "cscom",
    prices: dict[str, int] = PRICES,
    agreements: tuple[FacilityAgreement, ...] = (),
    named: Mapping[str, str] = MappingProxyType({}),
    since: date = FOUNDED_ON,
) -> None:
    """The mutuelle says what it pays (RULES, or these), and the facility what it takes."""
    new = BenefitOpenings(
        named=dict(named),
        benefits=list(rules or RULES),
        agreements=[(facility, one) for one in agreements],
        tariffs=[(facility, Tariff(service, since, price)) for service, price in prices.items()],
    )
    await open_benefits(db, await get_mutuelle(db, code), new, By("import", "first rules", FOUNDED))
