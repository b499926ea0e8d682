"""What a person of a household pays for care: the rules of its product, asked in one statement beside its standing.

`quote_for` is the one function behind the doctor's check, the member's screens and SMS, and the bill.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence
from mutuelle.benefits.rules import (
    Benefit,
    BilledCare,
    FacilityAgreement,
    Quote,
    QuoteState,
    Tariff,
    UsedSoFar,
    agreed_level,
    first_covered_day,
    in_force,
    price_of_act,
    quote,
    used_so_far,
)
from mutuelle.benefits.services import SERVICES, service_name
from mutuelle.contributions.standing import Standing
from mutuelle.cover.people import Person
from mutuelle.cover.rules import current
from mutuelle.scheme.mutuelles import Mutuelle
from prepared import Prepared


@dataclass(frozen=True)
class BenefitFacts:
    """What the quotes for a household follow from: the rules of its product and what was billed to it; of a facility
    its level, agreements and prices (nothing where no facility is asked about).

    `named`: the services that the mutuelle has named itself.
    """

    benefits: tuple[Benefit, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    bills: tuple[BilledCare, ...] = ()
    own_level: str = ""
    agreements: tuple[FacilityAgreement, ...] = ()
    tariffs: tuple[Tariff, ...] = ()

    def level_on(self, on: date) -> str | None:
        """The level at which the facility is under agreement that day; None for none."""
        return agreed_level(self.agreements, self.own_level, on)

    def services_on(self, on: date) -> list[str]:
        """The services of which the product has a rule that day, in the order in which people are told them."""
        said = {one.service for one in self.benefits if one.since <= on}
        return [*(code for code in SERVICES if code in said), *sorted(said - set(SERVICES))]

    def priced_on(self, on: date) -> list[str]:
        """The services whose price at the facility is known that day."""
        known = (*SERVICES, *sorted(self.named))
        return [code for code in known if price_of_act(self.tariffs, code, on) is not None]


async def benefit_facts(
    db: AsyncConnection, mutuelle_id: str, product_code: str, number: str = "", facility_id: str = ""
) -> BenefitFacts:
    """The rules of a product; what was billed to a household and what a facility takes, where one is asked about."""
    asked = {
        "mutuelle": mutuelle_id,
        "product": product_code,
        "number": number,
        "facility": facility_id,
    }
    benefits, named, bills, levels, agreements, tariffs = await _FACTS.row(db, asked)
    return BenefitFacts(
        tuple(Benefit(*row) for row in benefits),
        dict(tuple(row) for row in named),
        tuple(BilledCare(*row) for row in bills),
        levels[0] if levels else "",
        tuple(FacilityAgreement(*row) for row in agreements),
        tuple(Tariff(*row) for row in tariffs),
    )


def _columns(of: type[Any]) -> str:
    return ", ".join(of.__dataclass_fields__)


_ASKED = """
    select array(select row(BENEFIT) from benefit where mutuelle_id = :mutuelle and product_code = :product),
           array(select row(code, name) from named_service where mutuelle_id = :mutuelle),
           array(select row(BILLED) from care_bill b
                  where mutuelle_id = :mutuelle and number = :number and not exists (
                        select from voucher v where v.mutuelle_id = b.mutuelle_id and v.reverses = b.voucher)),
           array(select level from facility where mutuelle_id = :mutuelle and id = :facility),
           array(select row(AGREED) from agreement where mutuelle_id = :mutuelle and facility_id = :facility),
           array(select row(PRICED) from tariff where mutuelle_id = :mutuelle and facility_id = :facility)
"""
_ROWS = {"BENEFIT": Benefit, "BILLED": BilledCare, "AGREED": FacilityAgreement, "PRICED": Tariff}
_FACTS = Prepared(sa.text(re.sub("[A-Z]{3,}", lambda word: _columns(_ROWS[word[0]]), _ASKED)))


async def facts_for(db: AsyncConnection, stands: Standing, facility_id: str = "") -> BenefitFacts:
    """What the quotes of this household follow from, under the policy that decides about the day of `stands`."""
    own = stands.household
    return await benefit_facts(db, own.mutuelle_id, stands.covering.code, own.number, facility_id)


def quote_for(
    facts: BenefitFacts, stands: Standing, person: Person, service: str, level: str, on: date
) -> Quote:
    """What a person who is covered pays for a service at a level of facility on a day, that of `stands`."""
    if not facts.services_on(on):
        return Quote(QuoteState.NOT_SAID, service, level)
    price_minor = price_of_act(facts.tariffs, service, on)
    benefit = in_force(facts.benefits, service, level, on)
    if benefit is None:
        return Quote(QuoteState.NOT_PAID, service, level, price_minor, price_minor, 100)
    used = used_so_far(facts.bills, service, person.rank, current(stands.periods, on))
    return quote(benefit, price_minor, used, first_covered_day(stands.periods, person, on), on)


def quote_of_rule(facts: BenefitFacts, service: str, level: str, on: date) -> Quote:
    """What anybody pays who is covered and has waited, before any ceiling is used: the rule and the price alone."""
    price_minor, benefit = (
        price_of_act(facts.tariffs, service, on),
        in_force(facts.benefits, service, level, on),
    )
    if benefit is None:
        return Quote(QuoteState.NOT_PAID, service, level, price_minor, price_minor, 100)
    waited = quote(replace(benefit, waiting_months=0), price_minor, UsedSoFar(), None, on)
    return replace(waited, benefit=benefit)


@dataclass(frozen=True)
class Asked:
    """Whose rules are read, as of `today`: `stands` is None for who has no household; she reads those of a product on
    sale.
    """

    mutuelle: Mutuelle
    facts: BenefitFacts
    stands: Standing | None
    today: date

    @property
    def covered(self) -> list[Person]:
        """Those of the household who are covered today."""
        return [person for person in self.stands.people if person.covered] if self.stands else []

    def quote(self, service: str, level: str, person: Person | None) -> Quote:
        """What this person pays; for None who is covered and has waited, before any ceiling is used."""
        if self.stands is None or person is None:
            return quote_of_rule(self.facts, service, level, self.today)
        return quote_for(self.facts, self.stands, person, service, level, self.today)

    def quotes(self, service: str, level: str) -> list[Quote]:
        """Those of each person who is covered; where nobody is, the rule alone."""
        people: Sequence[Person | None] = self.covered or [None]
        return [self.quote(service, level, person) for person in people]

    def name(self, service: str) -> Sentence | str:
        return service_name(service, self.facts.named)
