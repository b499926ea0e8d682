"""A household as its own people see it: its members, and the price of its next period after a change.

Every price here is of the next period: the agreed price of this one never changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Money, Sentence, _, _n
from mutuelle.contributions.standing import facts_of, renews_on
from mutuelle.cover.people import Person, ages, present
from mutuelle.cover.rules import periods
from mutuelle.dates import local_date
from mutuelle.household_key import of_household
from mutuelle.households.change_log import Noted, last_changes, noted
from mutuelle.households.households import Household
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.scheme.products import Product, offer
from mutuelle.scheme.regimes import Regime, regime_on
from mutuelle.tables import household_change, household_phone, officer
from mutuelle.tables import mutuelle as mutuelles
from talk.answers import OLDEST, Kind
from talk.figures import ages_in, groups
from talk.trouble import InvalidError
from talk.words import Caller

YOUNGEST_HEAD = 16


@dataclass(frozen=True)
class Family:
    """`people` are all who ever were in it; `product` is that of its next period, if one is on sale.

    `most` is how many people that product (or the agreed one) takes.
    """

    mutuelle: Mutuelle
    household: Household
    people: tuple[Person, ...]
    policies: int
    product: Product | None
    most: int
    today: date
    regime: Regime | None = None

    @property
    def present(self) -> list[Person]:
        """Those who were not removed, the head first."""
        return present(self.people)

    @property
    def price(self) -> Money | None:
        """The price of the next period for the household as it is; None while nothing is on sale for it."""
        return self.price_for(self.people)

    def price_for(self, people: Iterable[Person]) -> Money | None:
        """What the household itself will pay of the next period for these people, as who pays for it is known today."""
        if self.product is None:
            return None
        return offer(self.product, ages(people, self.today), new=False).under(self.regime).price

    def joiner(self, name: str, age: int) -> Person:
        """The person who would be added: counted by the next policy, a newborn covered at once."""
        return Person(
            rank=max(person.rank for person in self.people) + 1,
            name=name,
            birth_year=self.today.year - age,
            added_on=self.today,
            first_policy=self.policies + 1,
            covered_from=self.today if age == 0 else None,
        )

    def mover(self, person: Person, came_from: str, covered_from: date | None) -> Person:
        """The person who would come from another household, covered with this one from `covered_from`, if given."""
        return replace(
            self.joiner(person.name or "", person.age(self.today)),
            name=person.name,
            birth_year=person.birth_year,
            covered_from=covered_from,
            came_from=came_from if covered_from else None,
        )

    def price_with(self, person: Person) -> Money | None:
        return self.price_for([*self.people, person])

    def price_without(self, rank: int) -> Money | None:
        return self.price_for(person for person in self.people if person.rank != rank)

    def price_corrected(self, rank: int, birth_year: int) -> Money | None:
        """The price of the next period if this person was born in that year."""
        return self.price_for(
            replace(person, birth_year=birth_year) if person.rank == rank else person
            for person in self.people
        )

    def person(self, rank: int) -> Person | None:
        """The person of this rank, if they are in the household now."""
        return next((person for person in self.present if person.rank == rank), None)


async def family_of(db: AsyncConnection, household: Household, at: datetime) -> Family:
    """The household as it is at `at`."""
    facts = await facts_of(db, household, at)
    most = (facts.sold or facts.policies[-1].product).max_members
    people, policies = tuple(facts.people), len(facts.policies)
    dated = periods([policy.terms for policy in facts.policies], facts.receipts)
    regime = regime_on(facts.regimes, renews_on(dated, facts.today))
    return Family(facts.mutuelle, household, people, policies, facts.sold, most, facts.today, regime)


@dataclass(frozen=True)
class ShownChange:
    """A change as its household reads it: on which day in its time zone, and by whom.

    `by_caller`, `by_own`: from this phone, from another one of the household; `officer` is an officer's name.
    """

    noted: Noted
    on: date
    by_caller: bool
    by_own: bool
    officer: str | None

    @property
    def by(self) -> Sentence:
        """Who changed it."""
        if self.by_caller:
            return _("by you")
        if self.by_own:
            return _("by another phone of yours")
        return _("by the agent {name}", name=self.officer) if self.officer else _("by the mutuelle")


async def changes_shown(
    db: AsyncConnection, caller: Caller, household: Household, limit: int
) -> list[ShownChange]:
    """The last `limit` changes of the caller's household, the newest first."""
    own = select(household_phone.c.phone).where(of_household(household_phone, household))
    rows = await db.execute(
        last_changes(household, limit).add_columns(
            select(mutuelles.c.timezone).where(mutuelles.c.id == household.mutuelle_id).scalar_subquery(),
            household_change.c.actor.in_(own),
            _officer_name(household.mutuelle_id),
        )
    )
    return [
        ShownChange(noted(row), local_date(row.changed_at, zone), row.actor == caller.phone, by_own, name)
        for row in rows
        for zone, by_own, name in [row[-3:]]
    ]


def _officer_name(mutuelle_id: str) -> sa.ScalarSelect[str | None]:
    """The name of the present or former officer who changed something; of several roles the first by name."""
    return (
        select(officer.c.name)
        .where(officer.c.mutuelle_id == mutuelle_id, officer.c.phone == household_change.c.actor)
        .order_by(officer.c.role)
        .limit(1)
        .scalar_subquery()
    )


def called(person: Person, today: date) -> Sentence | str:
    """How their own household reads of a person: the name, or the age where there is none."""
    return person.name or _("someone {age}", age=aged(person.age(today)))


def mentioned(person: Person, today: date) -> Sentence | str:
    """The same within a sentence."""
    return person.name or _("the person who is {age}", age=aged(person.age(today)))


def aged(years: int) -> Sentence:
    """An age in words."""
    if years == 0:
        return _("under one year")
    return _n("{n} year old", "{n} years old", years)


def _age(typed: str) -> int:
    found = ages_in(typed)
    if len(found) != 1 or "-" in typed:
        raise InvalidError(_("Please type the age in figures, 0 for a baby."))
    if found[0] > OLDEST:
        raise InvalidError(_("One of these ages is not possible."))
    return found[0]


age_in_years = Kind("age", _age, good=("34", "0"), bad=("", "douze", "116", "-3"), takes_zero=True)


def birth_year(today: date) -> Kind[int]:
    """A year of birth in four figures."""

    def parse(typed: str) -> int:
        years = [int(group) for group in groups(typed) if len(group) == 4]
        if len(years) != 1 or not today.year - OLDEST <= years[0] <= today.year:
            raise InvalidError(_("Please type the year in four figures, like {year}.", year=today.year - 30))
        return years[0]

    bad = ("", "45", "mille", str(today.year + 1))
    return Kind("birth year", parse, good=(str(today.year - 30),), bad=bad)
