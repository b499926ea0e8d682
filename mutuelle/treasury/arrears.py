"""What a treasurer asks between two digests: who owes what in a place, and how many households are covered.

Names and debts of members leave the service here: only for the mutuelle's own treasurers, each look-up is written
down, and past LOOKUPS_A_DAY there is none until tomorrow.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Money, Sentence, _, _n
from mutuelle.contributions.portfolio import Insured, portfolio
from mutuelle.cover.rules import COVERED_STATES, CoverState
from mutuelle.households.lookups import note_lookup
from mutuelle.officers.joint_acts import acts_to_sign
from mutuelle.scheme.mutuelles import Mutuelle, Place, get_mutuelle
from mutuelle.tables import household
from mutuelle.treasury.cash_counts import last_count
from mutuelle.treasury.cash_in_hand import CashInHand, collectors_cash_in_hand
from talk.words import Caller


@dataclass(frozen=True)
class Owing:
    """A household that is late with `due`, for covers that it agreed to."""

    head_name: str
    due: Money


@dataclass(frozen=True)
class Arrears:
    """The households of a place that are late, the one that owes most first."""

    place: Place
    owing: tuple[Owing, ...]
    total: Money


async def arrears_by_place(db: AsyncConnection, caller: Caller, places: Sequence[Place]) -> list[Arrears]:
    """Who is late with what it owes in each of these places of one mutuelle; the largest sum first.

    A newcomer is not late before the product's delay to pay is over (`Insured.is_late`).
    """
    mutuelle = await get_mutuelle(db, places[0].mutuelle_id)
    asked = places[0].name if len(places) == 1 else mutuelle.id
    await note_lookup(db, caller, f"who owes {asked}")
    heads = await db.execute(
        select(household.c.number, household.c.place_id, household.c.head_name).where(
            household.c.mutuelle_id == mutuelle.id,
            household.c.place_id.in_([place.id for place in places]),
            household.c.closed_at.is_(None),
        )
    )
    homes = {number: (place_id, name) for number, place_id, name in heads}
    today = mutuelle.today(caller.at)
    insured = await portfolio(db, mutuelle, today, homes.keys())
    owing: dict[str, list[Owing]] = {place.id: [] for place in places}
    for number, one in insured.items():
        if one.is_late(today):
            place_id, name = homes[number]
            owing[place_id].append(Owing(name, one.due))
    found = [_arrears(place, owing[place.id], mutuelle) for place in places if owing[place.id]]
    return sorted(found, key=lambda one: -one.total.amount_minor)


def _arrears(place: Place, owing: list[Owing], mutuelle: Mutuelle) -> Arrears:
    total = Money(sum(one.due.amount_minor for one in owing), mutuelle.currency)
    return Arrears(place, tuple(sorted(owing, key=lambda one: (-one.due.amount_minor, one.head_name))), total)


def who_owes(found: Arrears) -> list[Sentence]:
    """The names with their debts, the most first: from all of them to none, the rest counted."""
    head = _n(
        "{place}: {n} household is late with {total}",
        "{place}: {n} households are late with {total}",
        len(found.owing),
        place=found.place.name,
        total=found.total,
    )
    return list(_listed(head, [f"{one.head_name} {one.due.bare}" for one in found.owing]))


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
        _("{listed} Names: {example} {place}", listed=listed, example=example, place=found[0].place.name)
        for listed in _listed(head, lines)
    ]


def _listed(head: Sentence, lines: Sequence[str]) -> Iterator[Sentence]:
    for shown in range(len(lines), 0, -1):
        facts: dict[str, Fact] = {"head": head, "lines": ", ".join(lines[:shown])}
        if shown == len(lines):
            yield _("{head}: {lines}.", **facts)
        else:
            yield _("{head}: {lines} and {more} more.", **facts, more=len(lines) - shown)
    yield _("{head}.", head=head)


@dataclass(frozen=True)
class Detail:
    """How the households of a mutuelle stand, what waits for the caller's signature, what each collector holds.

    `owing` households owe `total`, for covers that they agreed to; of these `late` ones owe `late_total`, and are those
    whom `arrears_by_place` names.
    """

    mutuelle: Mutuelle
    states: Counter[CoverState]
    owing: int
    total: Money
    late: int
    late_total: Money
    to_sign: int
    counted_on: date | None  # when a box was last counted
    collectors: tuple[CashInHand, ...]
    days: tuple[int, ...]  # for how long each collector has held the oldest of it


async def detail_of(db: AsyncConnection, caller: Caller, mutuelle_id: str) -> Detail:
    """The digest's second form, as of now."""
    mutuelle = await get_mutuelle(db, mutuelle_id)
    today = mutuelle.today(caller.at)
    insured = list((await portfolio(db, mutuelle, today)).values())
    collectors = sorted(
        await collectors_cash_in_hand(db, mutuelle_id), key=lambda one: -one.held.amount_minor
    )
    late = [one for one in insured if one.is_late(today)]
    return Detail(
        mutuelle,
        Counter(one.cover.state for one in insured),
        sum(one.due.amount_minor > 0 for one in insured),
        _due_in_all(insured, mutuelle),
        len(late),
        _due_in_all(late, mutuelle),
        len(await acts_to_sign(db, caller, mutuelle_id)),
        await last_count(db, mutuelle),
        tuple(collectors),
        tuple(one.days(today) for one in collectors),
    )


def _due_in_all(insured: Sequence[Insured], mutuelle: Mutuelle) -> Money:
    return Money(sum(one.due.amount_minor for one in insured), mutuelle.currency)


def detail_words(found: Detail) -> list[Sentence]:
    """From the mutuelle's name and all collectors to its code and none of them by name."""
    lines = [
        f"{one.name} {one.held.bare} ({days})" for one, days in zip(found.collectors, found.days, strict=True)
    ]
    named, coded = (_detail_head(found, name) for name in (found.mutuelle.name, found.mutuelle.id))
    heads, alone = [named, coded], [_("{head}.", head=coded)]
    if found.counted_on:
        heads = [_("{head}. Box counted {day}", head=head, day=f"{found.counted_on:%d/%m}") for head in heads]
        alone = [_("{head}.", head=heads[1]), *alone]
    if not lines:
        return [*(_("{head}. No collector holds cash.", head=head) for head in heads), *alone]
    long, short = ([*_listed(_("{head}. Collectors (days)", head=head), lines)][:-1] for head in heads)
    return [long[0], *short, *alone]


def _detail_head(found: Detail, name: str) -> Sentence:
    covered = sum(found.states[state] for state in COVERED_STATES)
    waiting = found.states[CoverState.WAITING]
    head = _(
        "{mutuelle}, households: {covered} covered, {waiting} waiting, {others} not covered. {due}",
        mutuelle=name,
        covered=covered,
        waiting=waiting,
        others=found.states.total() - covered - waiting,
        due=_owed(found),
    )
    if found.to_sign:
        head = _("{head}. To sign: {n}", head=head, n=found.to_sign)
    return head


def _owed(found: Detail) -> Sentence | str:
    """Who owes, and who of them is late: the figures of the arrears by place."""
    if not found.owing:
        return _("Nobody owes")
    if not found.late:
        return _n("{n} owes {total}, not late", "{n} owe {total}, none late", found.owing, total=found.total)
    facts: dict[str, Fact] = {"total": found.total, "late": found.late, "late_total": found.late_total}
    return _n(
        "{n} owes {total}, of them {late} late ({late_total})",
        "{n} owe {total}, of them {late} late ({late_total})",
        found.owing,
        **facts,
    )
