"""Who owes what in a place: what a treasurer asks between two digests, and prints for a meeting of the village.

Names and debts of members leave the service here: only for the mutuelle's own treasurers, each look-up is written
down, and past LOOKUPS_A_DAY there is none until tomorrow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Money, Sentence, _, _n
from mutuelle.contributions.portfolio import portfolio
from mutuelle.households.lookups import WHO_OWES, note_lookup, note_read
from mutuelle.scheme.mutuelles import Mutuelle, Place, get_mutuelle
from mutuelle.tables import household
from talk.words import Caller


@dataclass(frozen=True)
class Owing:
    """A household that is late with `due`, for covers that it agreed to."""

    head_name: str
    due: Money
    number: str = ""


@dataclass(frozen=True)
class Arrears:
    """The households of a place that are late, the one that owes most first."""

    place: Place
    owing: tuple[Owing, ...]
    total: Money


async def arrears_by_place(db: AsyncConnection, caller: Caller, places: Sequence[Place]) -> list[Arrears]:
    """What `late_in` finds, for a treasurer who asks on her phone: written down, and refused past the day's limit."""
    mutuelle = await get_mutuelle(db, places[0].mutuelle_id)
    asked = places[0].name if len(places) == 1 else mutuelle.id
    await note_lookup(db, caller, f"who owes {asked}")
    await note_read(db, caller, mutuelle.id, WHO_OWES, [place.id for place in places])
    return await late_in(db, mutuelle, places, mutuelle.today(caller.at))


async def late_in(
    db: AsyncConnection, mutuelle: Mutuelle, places: Sequence[Place], today: date
) -> list[Arrears]:
    """Who is late with what it owes in each of these places of one mutuelle; the largest sum first.

    A newcomer is not late before the product's delay to pay is over (`Insured.is_late`).
    """
    heads = await db.execute(
        select(household.c.number, household.c.place_id, household.c.head_name).where(
            household.c.mutuelle_id == mutuelle.id,
            household.c.place_id.in_([place.id for place in places]),
            household.c.closed_at.is_(None),
        )
    )
    homes = {number: (place_id, name) for number, place_id, name in heads}
    insured = await portfolio(db, mutuelle, today, homes.keys())
    owing: dict[str, list[Owing]] = {place.id: [] for place in places}
    for number, one in insured.items():
        if one.is_late(today):
            place_id, name = homes[number]
            owing[place_id].append(Owing(name, one.due, number))
    found = [_arrears(place, owing[place.id], mutuelle) for place in places if owing[place.id]]
    return sorted(found, key=lambda one: -one.total.amount_minor)


def _arrears(place: Place, owing: list[Owing], mutuelle: Mutuelle) -> Arrears:
    total = Money(sum(one.due.amount_minor for one in owing), mutuelle.currency)
    plain = Place(place.mutuelle_id, place.id, place.name)  # as a call remembers it
    return Arrears(plain, tuple(sorted(owing, key=lambda one: (-one.due.amount_minor, one.head_name))), total)


def who_owes(found: Arrears) -> list[Sentence]:
    """The names with their debts, the most first: from all of them to none, the rest counted."""
    head = _n(
        "{place}: {n} household is late with {total}",
        "{place}: {n} households are late with {total}",
        len(found.owing),
        place=found.place.name,
        total=found.total,
    )
    return list(listed(head, [f"{one.head_name} {one.due.bare}" for one in found.owing]))


def where_is_owed(found: Sequence[Arrears], example: str) -> list[Sentence]:
    """The places where households are late, the largest sum first, and the message that asks for names."""
    head = _n(
        "{n} household is late with {total}",
        "{n} households are late with {total}",
        sum(len(one.owing) for one in found),
        total=Money(sum(one.total.amount_minor for one in found), found[0].total.currency),
    )
    lines = [f"{one.place.name} {one.total.bare} ({len(one.owing)})" for one in found]
    return [
        _("{listed} Names: {example} {place}", listed=words, example=example, place=found[0].place.name)
        for words in listed(head, lines)
    ]


def listed(head: Sentence, lines: Sequence[str]) -> Iterator[Sentence]:
    """`head` with all of `lines`, then with fewer and the number of the others, at last alone."""
    for shown in range(len(lines), 0, -1):
        facts: dict[str, Fact] = {"head": head, "lines": ", ".join(lines[:shown])}
        if shown == len(lines):
            yield _("{head}: {lines}.", **facts)
        else:
            yield _("{head}: {lines} and {more} more.", **facts, more=len(lines) - shown)
    yield _("{head}.", head=head)
