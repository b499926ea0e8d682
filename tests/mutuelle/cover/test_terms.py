"""Terms of a product are possible if, and only if, who pays is covered: tried on every combination of them."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import product as combinations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.cover.policies import terms
from mutuelle.cover.rules import Receipt, cover, periods
from mutuelle.founding.rules import possible_terms
from mutuelle.scheme.products import Product
from mutuelle.tables import product
from tests.support.messages_receipts import PRODUCT
from tests.support.town import found_town

PRICE = 12_000
# The last days of months: where a month is short, a delay is at its shortest.
STARTS = (date(2026, 1, 1), date(2026, 1, 31), date(2026, 11, 30), date(2028, 2, 29))
MONTHS, WAITS, DELAYS, SHARES = (1, 3, 6, 12), range(7), range(7), (50, 100)


def sold(months: int, wait: int, delay: int, percent: int) -> Product:
    return replace(
        PRODUCT,
        insurance_period_months=months,
        waiting_period_months=wait,
        grace_period_payment_months=delay,
        grace_period_renewal_months=0,
        partial_cover_threshold_percent=percent,
    )


def covers(what: Product, paid_minor: int, start: date) -> bool:
    """Whether who pays `paid_minor` on the day of joining, and nothing more, is covered on any day."""
    found = periods([terms(1, start, PRICE, what)], [Receipt(start, paid_minor)])
    return any(cover(found, start + timedelta(days=day)).is_covered for day in range(400))


@pytest.mark.parametrize("percent", SHARES)
@pytest.mark.parametrize("months", MONTHS)
def test_terms_are_possible_just_where_the_whole_price_and_the_opening_share_cover(
    months: int, percent: int
) -> None:
    for wait, delay in combinations(WAITS, DELAYS):
        what = sold(months, wait, delay, percent)
        share = PRICE * percent // 100
        whole_and_share = all(covers(what, paid, start) for paid in (PRICE, share) for start in STARTS)
        assert all(possible_terms(what).values()) == whole_and_share, (months, wait, delay, percent)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("waiting_period_months = 12, grace_period_payment_months = 24", "product_wait_in_period"),
        ("waiting_period_months = 3", "product_wait_in_delay"),
        ("late_renewal = 'last year first', new_wait_after_months = 1", "product_no_wait_of_arrears"),
    ],
)
async def test_the_schema_refuses_them_too(
    pool: AsyncEngine, owner: AsyncEngine, change: str, constraint: str
) -> None:
    await found_town(pool)
    with pytest.raises(IntegrityError, match=constraint):
        async with owner.begin() as db:
            await db.execute(sa.text(f"update {product.name} set {change}"))
