"""Invented households: heads, ages, places, state of cover; and the few that the documents name by phone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from mutuelle.cover.rules import CoverState
from mutuelle.demonstration.federation import MOST_HOUSEHOLDS, Land
from mutuelle.demonstration.stories import Agreement, Story, agree, draw_agreements, state_of
from mutuelle.scheme.products import offer
from mutuelle.scheme.regimes import Regime

S = CoverState

# The states of twenty households in a row, and whether they have renewed: about those of a young mutuelle.
PATTERN: tuple[tuple[CoverState, bool], ...] = (
    (S.COVERED, False),
    (S.WAITING, False),
    (S.COVERED, True),
    (S.SUSPENDED, False),
    (S.EXPIRED, False),
    (S.IN_ARREARS, False),
    (S.COVERED, False),
    (S.GRACE, False),
    (S.PART_PAID, False),
    (S.UNPAID, False),
    (S.COVERED, False),
    (S.COVERED, True),
    (S.WAITING, False),
    (S.COVERED, False),
    (S.IN_ARREARS, False),
    (S.COVERED, False),
    (S.COVERED, True),
    (S.SUSPENDED, False),
    (S.COVERED, False),
    (S.COVERED, False),
)
SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
SIZE_WEIGHTS = (4, 7, 11, 15, 17, 16, 12, 9, 5, 4)


@dataclass(frozen=True)
class Named:
    """A household that the documents name: it joined `days_ago` and paid `paid` of `parts` equal parts."""

    wanted: CoverState
    head: str
    phone: str
    ages: tuple[int, ...]
    days_ago: int
    parts: int
    paid: int


def invented(chance: Random, land: Land, count: int, now: datetime) -> Iterator[Story]:
    """Yield `count` invented households, each with a phone of the mutuelle's invented range."""
    for nth in range(count):
        wanted, renewed = PATTERN[nth % len(PATTERN)]
        family, ages = chance.choice(land.families), _ages(chance)
        first = chance.choice(land.women if chance.random() < 0.4 else land.men)
        yield Story(
            head_name=f"{first} {family}",
            place_id=chance.choice(land.places).id,
            phone=land.phone(nth),
            ages=ages,
            agreements=draw_agreements(chance, land, ages, wanted, now, renewed=renewed),
        )


def _ages(chance: Random) -> tuple[int, ...]:
    """Head, mostly a second adult of about that age, then children and now and then a grandparent."""
    size = chance.choices(SIZES, SIZE_WEIGHTS)[0]
    head = chance.randint(20, 64)
    second = [max(18, head + chance.randint(-12, 6))] if size > 1 and chance.random() < 0.8 else []
    old = [chance.randint(60, 84)] if size > 4 and chance.random() < 0.2 else []
    oldest_child = max(1, min(24, head - 17))
    children = [chance.randint(0, oldest_child) for _child in range(size - 1 - len(second) - len(old))]
    return (head, *second, *old, *sorted(children, reverse=True))


def named(chance: Random, land: Land, now: datetime) -> Iterator[Story]:
    """The households of this mutuelle whose phones the documents name."""
    if land.mutuelle.id == "SIK":
        named = Named(S.COVERED, "Awa Traoré", "+22370000001", (45, 38, 12, 7), days_ago=150, parts=2, paid=2)
        yield _story(chance, land, now, named)
        named = Named(
            S.IN_ARREARS,
            "Moussa Coulibaly",
            "+22370000002",
            (39, 34, 15, 10, 8, 3),
            days_ago=80,
            parts=2,
            paid=1,
        )
        yield _story(chance, land, now, named)
    if land.mutuelle.id in ("SIK", "ATA"):
        named = Named(S.COVERED, "Salif Konaté", "+22370000006", (52, 47, 16), days_ago=120, parts=1, paid=1)
        yield _story(chance, land, now, named)


def paid_for(land: Land, now: datetime) -> Iterator[tuple[Story, Regime]]:
    """A household that each payer of the mutuelle pays for, and that pays nothing."""
    product = next(sale.product for sale in land.sales if sale.sold_until is None)
    at, ages = now - timedelta(days=100), (61, 8, 5)
    for nth, regime in enumerate(land.regimes):
        agreed = Agreement(offer(product, ages, new=True).under(regime), at, ())
        phone = land.phone(MOST_HOUSEHOLDS - 1 - nth)
        yield Story("Sata Bengaly", land.places[0].id, phone, ages, (agreed,)), regime


def _story(chance: Random, land: Land, now: datetime, named: Named) -> Story:
    """A household of the first product on sale today, which must stand as wanted."""
    product = next(sale.product for sale in land.sales if sale.sold_until is None)
    at, offered = now - timedelta(days=named.days_ago), offer(product, named.ages, new=True)
    agreements = (agree(offered, at, now, chance, parts=named.parts, paid=named.paid),)
    stands = state_of(land, agreements, now)
    if stands is not named.wanted:
        raise RuntimeError(f"{named.head} stands as {stands}, not as {named.wanted}")
    return Story(named.head, land.places[0].id, named.phone, named.ages, agreements)
