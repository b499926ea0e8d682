"""Products and their prices. A version never changes once sold: a new price is a new version.

Parameter names are those of openIMIS.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import ARRAY, Date, Row, Text, any_, bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Money
from mutuelle.scheme.regimes import Regime, Share
from mutuelle.tables import mutuelle, product
from prepared import Prepared

NEW_START, LAST_YEAR_FIRST = "new start", "last year first"
LATE_RENEWALS = (NEW_START, LAST_YEAR_FIRST)  # what follows when a cover has ended and its grace is over


def opening_share(price_minor: int, percent: int) -> int:
    """`percent` of the price, rounded up: no product opens for less than it says."""
    return -(-price_minor * percent // 100)


@dataclass(frozen=True)
class Product:
    """One version of a product; amounts in minor units of `currency`, periods in calendar months.

    `late_renewal` is one of LATE_RENEWALS; `new_wait_after_months` counts from the end of the period before.
    """

    mutuelle_id: str
    code: str
    version: int
    name: str
    currency: str
    lump_sum_minor: int
    threshold: int
    max_members: int
    premium_adult_minor: int
    premium_child_minor: int
    age_of_majority: int
    registration_fee_minor: int
    insurance_period_months: int
    waiting_period_months: int
    grace_period_payment_months: int
    grace_period_renewal_months: int
    partial_cover_threshold_percent: int
    max_installments: int
    amount_step_minor: int
    late_renewal: str = NEW_START
    new_wait_after_months: int = 0

    @property
    def key(self) -> str:
        return self.code

    @property
    def label(self) -> str:
        return self.name

    def money(self, amount_minor: int) -> Money:
        """An amount in the product's currency."""
        return Money(amount_minor, self.currency)


@dataclass(frozen=True)
class Offer:
    """A product at the price of one household. `contribution_minor` is for the whole period.

    `share` is the part of it that a payer owes: `price`, what opens the cover and the least part are of the rest.
    """

    product: Product
    members: int
    contribution_minor: int
    registration_minor: int
    share: Share | None = None

    @property
    def key(self) -> str:
        return self.product.code

    @property
    def label(self) -> str:
        return f"{self.product.name} {self.price}"

    @property
    def price(self) -> Money:
        """All that the household itself owes for the period, registration included."""
        return Money(self.whole_minor - (self.share.part_minor if self.share else 0), self.product.currency)

    @property
    def whole_minor(self) -> int:
        """The price of the period, whoever pays it."""
        return self.contribution_minor + self.registration_minor

    def under(self, regime: Regime | None) -> "Offer":
        """The same where a regime pays its part."""
        part_minor = (
            regime.part_minor(self.whole_minor, self.product.amount_step_minor) if regime is not None else 0
        )
        return replace(self, share=Share(regime, part_minor) if regime and part_minor else None)

    @property
    def opening(self) -> Money:
        """How much must be paid for cover to open."""
        share = self.product.partial_cover_threshold_percent
        return self.product.money(opening_share(self.price.amount_minor, share))

    @property
    def installment(self) -> Money:
        """The smallest first payment."""
        return self.product.money(installment(self.product, self.price.amount_minor))


def installment(product: Product, price_minor: int) -> int:
    """One of `max_installments` equal parts of the price, in minor units, rounded up to the step."""
    part = -(-price_minor // product.max_installments)
    step = product.amount_step_minor
    return min(-(-part // step) * step, price_minor)


def opening_part(product: Product, price_minor: int, missing_minor: int, due_minor: int) -> int:
    """The part that opens a cover which lacks `missing_minor`: one that may be paid, so a multiple of the step, not
    less than the least part, not more than is due. Zero if nothing is missing.
    """
    step = product.amount_step_minor
    whole_steps = -(-missing_minor // step) * step
    return min(max(whole_steps, installment(product, price_minor)), due_minor) if missing_minor > 0 else 0


def contribution(product: Product, ages: tuple[int, ...]) -> int:
    """The price of one period, in minor units, for people of these ages (openIMIS `policy/values.py`):

    lump_sum + extra_adults * premium_adult + extra_children * premium_child where there is a lump sum, else
    adults * premium_adult + children * premium_child. Adults fill the lump sum's threshold first; the head, who comes
    first, is an adult at any age.
    """
    adults = 1 + sum(age >= product.age_of_majority for age in ages[1:])
    children = len(ages) - adults
    if product.lump_sum_minor:
        room_for_children = max(0, product.threshold - adults)
        adults = max(0, adults - product.threshold)
        children = max(0, children - room_for_children)
    return (
        product.lump_sum_minor + adults * product.premium_adult_minor + children * product.premium_child_minor
    )


def offer(product: Product, ages: tuple[int, ...], *, new: bool) -> Offer:
    """`product` for a household of these ages; the registration fee is due from new members only."""
    registration = product.registration_fee_minor if new else 0
    return Offer(product, len(ages), contribution(product, ages), registration)


def _product(row: Row[tuple[object, ...]]) -> Product:
    fields = row._mapping
    return Product(**{name: fields[name] for name in Product.__dataclass_fields__})


async def products_on_sale(db: AsyncConnection, mutuelle_id: str, today: date) -> list[Product]:
    """The newest version on sale of each product, the cheapest first."""
    rows = await _ON_SALE.rows(db, {"mutuelle": mutuelle_id, "today": today})
    return sorted(
        (Product(*row) for row in rows), key=lambda p: (p.lump_sum_minor + p.premium_adult_minor, p.code)
    )


_OWNER, _TODAY = bindparam("mutuelle", type_=Text), bindparam("today", type_=Date)
_ON_SALE = Prepared(
    select(
        *(
            mutuelle.c.currency if name == "currency" else product.c[name]
            for name in Product.__dataclass_fields__
        )
    )
    .join(mutuelle, mutuelle.c.id == product.c.mutuelle_id)
    .ext(distinct_on(product.c.code))
    .where(
        product.c.mutuelle_id == _OWNER,
        product.c.sold_from <= _TODAY,
        func.coalesce(product.c.sold_until, _TODAY) >= _TODAY,
    )
    .order_by(product.c.code, product.c.version.desc())
)


async def products_by_version(db: AsyncConnection, mutuelle_id: str) -> dict[tuple[str, int], Product]:
    """Every version of every product of a mutuelle: a policy stays under the version it was agreed on."""
    return (await products_of(db, [mutuelle_id]))[mutuelle_id]


async def products_of(
    db: AsyncConnection, mutuelle_ids: Collection[str]
) -> dict[str, dict[tuple[str, int], Product]]:
    """Every version of every product of these mutuelles, by mutuelle, code and version."""
    rows = await db.execute(
        select(product, mutuelle.c.currency)
        .join(mutuelle, mutuelle.c.id == product.c.mutuelle_id)
        .where(product.c.mutuelle_id == any_(literal(list(mutuelle_ids), ARRAY(Text))))
    )
    found: dict[str, dict[tuple[str, int], Product]] = {mutuelle_id: {} for mutuelle_id in mutuelle_ids}
    for one in map(_product, rows):
        found[one.mutuelle_id][one.code, one.version] = one
    return found


async def offers_for(
    db: AsyncConnection, mutuelle_id: str, ages: tuple[int, ...], today: date
) -> list[Offer]:
    """The offers for a new household of these ages; products too small for it are left out."""
    on_sale = await products_on_sale(db, mutuelle_id, today)
    return [offer(p, ages, new=True) for p in on_sale if len(ages) <= p.max_members]
