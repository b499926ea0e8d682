"""The story that leads a household to its state of cover: drawn at random, kept only if the rules of cover agree.

Pure: no database, no clock; the same random source gives the same stories.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from mutuelle.cover.policies import terms
from mutuelle.cover.rules import CoverState, Period, Receipt, Terms, cover, periods
from mutuelle.demonstration.federation import Land
from mutuelle.founding.rules import Sale
from mutuelle.scheme.products import Offer, Product, offer

MOST_DRAWS = 20_000
OLDEST_DAYS = 440
S = CoverState

# When households in each state may have joined, in days ago: what does not fit is drawn again.
JOINED_DAYS_AGO: dict[CoverState, tuple[int, int]] = {
    S.UNPAID: (2, 60),
    S.PART_PAID: (4, 150),
    S.WAITING: (2, 100),
    S.COVERED: (35, 370),
    S.IN_ARREARS: (30, 190),
    S.SUSPENDED: (110, 360),
    S.GRACE: (366, 430),
    S.EXPIRED: (396, OLDEST_DAYS),
}


@dataclass(frozen=True)
class PastPayment:
    """A part of a policy's price, paid by mobile money and completed at that time."""

    at: datetime
    amount_minor: int


@dataclass(frozen=True)
class Agreement:
    """A policy: what was agreed to, when, and what was paid for it, oldest first."""

    offer: Offer
    at: datetime
    paid: tuple[PastPayment, ...]


@dataclass(frozen=True)
class Story:
    """A household from the day it joined; `ages` are those of that day, the head's first."""

    head_name: str
    place_id: str
    phone: str
    ages: tuple[int, ...]
    agreements: tuple[Agreement, ...]

    @property
    def joined_at(self) -> datetime:
        return self.agreements[0].at

    @property
    def paid(self) -> list[PastPayment]:
        """All that was paid, oldest first."""
        return [paid for agreement in self.agreements for paid in agreement.paid]


def state_of(land: Land, agreements: Sequence[Agreement], now: datetime) -> CoverState:
    """The state of a household with these agreements, by the rules of cover."""
    return cover(_periods(land, agreements), land.mutuelle.today(now)).state


def _periods(land: Land, agreements: Sequence[Agreement]) -> list[Period]:
    receipts = [
        Receipt(land.mutuelle.today(paid.at), paid.amount_minor)
        for agreement in agreements
        for paid in agreement.paid
    ]
    return periods([*_terms(land, agreements)], receipts)


def _terms(land: Land, agreements: Iterable[Agreement]) -> Iterator[Terms]:
    for sequence, agreement in enumerate(agreements, start=1):
        agreed, on = agreement.offer, land.mutuelle.today(agreement.at)
        yield terms(sequence, on, agreed.price.amount_minor, agreed.product)


def draw_agreements(
    chance: Random, land: Land, ages: tuple[int, ...], wanted: CoverState, now: datetime, *, renewed: bool
) -> tuple[Agreement, ...]:
    """Possible agreements and payments of a household in the state `wanted`; `renewed` makes it two policies."""
    for _draw in range(MOST_DRAWS):
        least, most = (345, OLDEST_DAYS) if renewed else JOINED_DAYS_AGO[wanted]
        at = _moment(chance, now, chance.randint(least, most))
        product = chance.choice(_on_sale(land.sales, at.date(), len(ages)))
        parts = 0 if wanted is S.UNPAID else chance.randint(1, product.max_installments)
        agreements: tuple[Agreement, ...] = (
            agree(offer(product, ages, new=True), at, now, chance, parts=parts),
        )
        if renewed:
            agreements += _renewal(chance, land, ages, agreements, now)
        if len(agreements) == 1 + renewed and state_of(land, agreements, now) is wanted:
            return agreements
    raise RuntimeError(f"nobody in {land.mutuelle.id} can stand as {wanted} with {len(ages)} people")


def agree(
    agreed: Offer, at: datetime, now: datetime, chance: Random, *, parts: int, paid: int | None = None
) -> Agreement:
    """An agreement to pay in equal `parts`, of which `paid` are paid (without it: a random number, 1 or more)."""
    count = min(parts, chance.randint(1, parts + 1)) if paid is None and parts else paid or 0
    moments, moment = [], at
    for nth in range(count):
        moment = at if nth == 0 else _moment(chance, moment, -chance.randint(6, 45))
        if moment < now - timedelta(hours=1):
            moments.append(moment)
    amounts = _parts(agreed, parts)
    return Agreement(
        agreed, at, tuple(PastPayment(at, amount) for at, amount in zip(moments, amounts, strict=False))
    )


def _parts(agreed: Offer, parts: int) -> list[int]:
    """The price in equal parts, each rounded up to the product's step, the last one smaller."""
    left, step = agreed.price.amount_minor, agreed.product.amount_step_minor
    part = -(-left // (parts * step)) * step if parts else 0
    amounts = []
    while left and part:
        amounts.append(min(part, left))
        left -= amounts[-1]
    return amounts


def _renewal(
    chance: Random, land: Land, ages: tuple[int, ...], agreements: tuple[Agreement, ...], now: datetime
) -> tuple[Agreement, ...]:
    """The agreement to one more period, made around the end of the first; none where that is still to come."""
    (first,) = _periods(land, agreements)
    if first.due_minor or first.expires_on is None:
        return ()
    around = datetime.combine(first.expires_on, time(12), UTC)
    at = _moment(chance, around, chance.randint(-15, 28))
    current = [
        p for p in _on_sale(land.sales, at.date(), len(ages)) if p.code == agreements[0].offer.product.code
    ]
    if (
        not current
        or at >= now - timedelta(days=1)
        or first.paid_up_on is None
        or at.date() <= first.paid_up_on
    ):
        return ()
    older = tuple(age + at.year - agreements[0].at.year for age in ages)
    renewal = offer(current[0], older, new=False)
    return (agree(renewal, at, now, chance, parts=chance.randint(1, current[0].max_installments)),)


def _on_sale(sales: Sequence[Sale], day: date, members: int) -> list[Product]:
    return [
        sale.product
        for sale in sales
        if sale.sold_from <= day <= (sale.sold_until or day) and members <= sale.product.max_members
    ]


def _moment(chance: Random, now: datetime, days_ago: int) -> datetime:
    """A time of day at which people pay, so many days before `now` (after it, where negative)."""
    day = (now - timedelta(days=days_ago)).date()
    return datetime.combine(day, time(7), UTC) + timedelta(seconds=chance.randint(0, 12 * 3600))
