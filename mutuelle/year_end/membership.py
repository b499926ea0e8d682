"""How many households and people a mutuelle has on a day, how many of them are covered, and who came and went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.contributions.portfolio import agreed_by_number, received_by_number
from mutuelle.cover.rules import Cover, CoverState, Period, cover, periods
from mutuelle.scheme.mutuelles import Mutuelle

PAST = {CoverState.EXPIRED, CoverState.SUSPENDED}


@dataclass(frozen=True)
class Membership:
    """Of the days from 1 January to a last day of one year; all but `people` count households.

    `kept` are those that were there when the year began and are there on the last day.
    """

    households: int
    people: int
    covered: int
    joined: int
    left_it: int
    kept: int


@dataclass(frozen=True)
class DatedCover:
    """A household's cover on a day, with its dated periods."""

    periods: tuple[Period, ...]
    cover: Cover

    @property
    def doubtful_minor(self) -> int:
        """What it owes for a cover that has ended: it may never be paid."""
        return sum(one.due_minor for one in self.periods) if self.cover.state in PAST else 0

    def next_year_minor(self, last: date) -> int:
        """The part of its prices that is for days after `last`, by days."""
        return sum(_after(one, last) for one in self.periods)


def _after(period: Period, last: date) -> int:
    """Of a period that has opened, the days after `last` over all its days, of its price, a payer's part included."""
    if period.opened_on is None or period.expires_on is None or period.expires_on <= last:
        return 0
    days = (period.expires_on - period.opened_on).days + 1
    later = min((period.expires_on - last).days, days)
    return (period.terms.asked_minor + period.terms.part_minor) * later // days


async def membership(
    db: AsyncConnection, mutuelle: Mutuelle, last: date, insured: Sequence[DatedCover]
) -> Membership:
    """Counted from households and people as they are dated; `insured` are those of `insured_on` this day."""
    first = last.replace(month=1, day=1)
    facts = {"mutuelle": mutuelle.id, "zone": mutuelle.timezone, "first": first, "last": last}
    households, people, joined, left, kept = (await db.execute(_COUNTED, facts)).one()
    covered = sum(one.cover.is_covered for one in insured)
    return Membership(households, people, covered, joined, left, kept)


async def insured_on(db: AsyncConnection, mutuelle: Mutuelle, on: date) -> list[DatedCover]:
    """Every open household, by what was agreed to and received until `on`."""
    paid, found = await received_by_number(db, mutuelle, None), []
    for number, (terms, _product) in (await agreed_by_number(db, mutuelle, None)).items():
        agreed = [one for one in terms if one.agreed_on <= on]
        received = [one for one in paid.get(number, ()) if one.on <= on]
        if agreed:
            dated = periods(agreed, received)
            found.append(DatedCover(tuple(dated), cover(dated, on)))
    return found


_COUNTED = sa.text("""
with lived as (
    select h.number, (h.enrolled_at at time zone :zone)::date as came, (h.closed_at at time zone :zone)::date as went
      from household h where h.mutuelle_id = :mutuelle
), there as (
    select number, came from lived where came <= :last and coalesce(went > :last, true)
)
select (select count(*) from there),
       (select count(*) from there join beneficiary b on b.mutuelle_id = :mutuelle and b.number = there.number
         where b.added_on <= :last and coalesce(b.removed_on > :last, true)),
       (select count(*) from lived where came between :first and :last),
       (select count(*) from lived where went between :first and :last),
       (select count(*) from there where came < :first)
""")
