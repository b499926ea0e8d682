"""The people of a household, and whom its cover counts on a day.

A person added in mid-period counts in the price of the next policy and is covered with it, so that nobody is insured on
the day they fall ill. Two do not wait for it: a newborn, and a person from another household of the mutuelle who has
waited there. Cover is derived: a person's row keeps only the first policy whose price counts them, and the first day of
a cover of their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.cover.rules import Cover, Period, current
from mutuelle.dates import add_months
from mutuelle.household_key import of_household
from mutuelle.households.households import Household
from mutuelle.tables import beneficiary


@dataclass(frozen=True)
class Person:
    """`rank` is their number in the household, never given to another.

    `first_policy` is the sequence of the first policy whose price counts this person.
    `covered_from`: the first day of cover, under any policy, of a newborn or of a person from the household
    `came_from`. `covered` is for one day.
    """

    rank: int
    name: str | None
    birth_year: int
    added_on: date
    removed_on: date | None = None
    first_policy: int = 1
    covered_from: date | None = None
    came_from: str | None = None
    covered: bool = False

    def age(self, today: date) -> int:
        """In calendar years: year of birth and present year only."""
        return max(today.year - self.birth_year, 0)

    @property
    def is_joiner(self) -> bool:
        """Whether they came after the household had joined."""
        return self.first_policy > 1

    @property
    def is_newborn(self) -> bool:
        """Whether they are covered because they were born into the household."""
        return self.came_from is None and self.own_cover_from is not None

    @property
    def own_cover_from(self) -> date | None:
        """`covered_from`; None where a corrected year of birth says that a newborn was none."""
        if self.covered_from is None or self.came_from:
            return self.covered_from
        return self.covered_from if self.birth_year >= self.covered_from.year - 1 else None


async def people_of(db: AsyncConnection, household: Household) -> list[Person]:
    """All who are or were in a household, its head first."""
    rows = await db.execute(
        select(
            beneficiary.c.rank,
            beneficiary.c.name,
            beneficiary.c.birth_year,
            beneficiary.c.added_on,
            beneficiary.c.removed_on,
            beneficiary.c.first_policy,
            beneficiary.c.covered_from,
            beneficiary.c.came_from,
        )
        .where(of_household(beneficiary, household))
        .order_by(beneficiary.c.rank != household.head_rank, beneficiary.c.rank)
    )
    return [Person(*row) for row in rows]


def present(people: Iterable[Person]) -> list[Person]:
    """Those who were not removed: whom the next period's price counts."""
    return [person for person in people if person.removed_on is None]


def ages(people: Iterable[Person], today: date) -> tuple[int, ...]:
    """The ages of those whom the next period's price counts, the head first."""
    return tuple(person.age(today) for person in present(people))


def entitled_on(person: Person, period: Period) -> date | None:
    """The first day on which `period` covers a person; None if its price does not count them or it never opened.

    A person added later waits as a new household does, counted from the day they were named (openIMIS: from the
    person's own effective date).
    """
    if person.own_cover_from is not None:
        return person.own_cover_from
    if person.first_policy > period.terms.sequence or period.entitled_on is None:
        return None
    if not person.is_joiner:
        return period.entitled_on
    waited = add_months(person.added_on, period.terms.waiting_period_months)
    return max(period.entitled_on, waited)


def on_the_day(
    people: Iterable[Person], periods: Sequence[Period], cover: Cover, today: date
) -> list[Person]:
    """Those who were in the household `today`, each with whether the household's cover covers them."""
    period = current(periods, today)
    return [
        replace(person, covered=cover.is_covered and _covered(person, period, today))
        for person in people
        if person.added_on <= today and (person.removed_on is None or today <= person.removed_on)
    ]


def _covered(person: Person, period: Period, today: date) -> bool:
    since = entitled_on(person, period)
    return since is not None and since <= today


def counted(people: Iterable[Person], period: Period, today: date) -> int:
    """How many people `period` covers `today`: those its price counts, and those who need not wait."""
    return sum(
        (person.first_policy <= period.terms.sequence or person.own_cover_from is not None)
        and (person.removed_on is None or today <= person.removed_on)
        for person in people
    )
