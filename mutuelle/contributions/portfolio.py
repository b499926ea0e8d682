"""The portfolio: cover, dues and next price of all open households of a mutuelle, in a few queries for thousands.

Each is as `standing` has it: the same rules on the same rows, read set by set.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.receipts import received_by_members
from locales import Money
from mutuelle.contributions.standing import less, may_renew, next_offer, reckon, renews_on
from mutuelle.cover.policies import terms, with_part
from mutuelle.cover.rules import Cover, CoverState, Period, Receipt, Terms
from mutuelle.dates import add_months
from mutuelle.household_key import same_household
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.scheme.products import Offer, Product, products_by_version, products_on_sale
from mutuelle.scheme.regimes import HouseholdRegime, Regime, household_regimes, regime_on
from mutuelle.tables import beneficiary, policy, policy_share, waiver
from mutuelle.tables import household as household_table

UP_TO_DATE = {CoverState.COVERED, CoverState.WAITING}
NOT_OPENED = {CoverState.UNPAID, CoverState.PART_PAID}
TURN = 500  # rows between two yields to the event loop: about ten milliseconds
T = TypeVar("T")
Agreed = tuple[list[Terms], Product]  # a household's policies in order, and the product of the last


@dataclass(frozen=True)
class Insured:
    """One household as it stands: `due` for the agreed policies, `renewal` what may be agreed to next.

    `regime` is who pays for that.
    """

    number: str
    product: Product
    periods: tuple[Period, ...]
    cover: Cover
    due: Money
    credit: Money
    renewal: Offer | None
    receipts: Sequence[Receipt]
    regime: Regime | None = None

    @property
    def is_up_to_date(self) -> bool:
        """Covered or in the waiting period, and owing nothing."""
        return self.cover.state in UP_TO_DATE and not self.due.amount_minor

    def is_late(self, today: date) -> bool:
        """Whether it owes what should have been paid: a newcomer has the product's delay from the day it agreed.

        Who waits for cover on a part payment has until that delay ends, and is suspended then.
        """
        if not self.due.amount_minor or self.cover.state is CoverState.WAITING:
            return False
        if self.cover.state not in NOT_OPENED:
            return True
        agreed = self.periods[-1].terms
        return today >= add_months(agreed.agreed_on, agreed.grace_period_payment_months or 1)


async def portfolio(
    db: AsyncConnection, mutuelle: Mutuelle, today: date, only: Collection[str] | None = None
) -> dict[str, Insured]:
    """Every open household by its number, as it stands on `today`; with `only`, those of these numbers."""
    policies = await agreed_by_number(db, mutuelle, only)
    paid = await received_by_number(db, mutuelle, list(policies) if only is not None else None)
    ages = await ages_by_number(db, mutuelle, today, only)
    regimes = await household_regimes(db, mutuelle.id, only)
    current = {found.code: found for found in await products_on_sale(db, mutuelle.id, today)}
    return {
        number: _insured(
            number, agreed, paid.get(number, ()), (ages[number], regimes.get(number, ())), current, today
        )
        async for number, agreed in _in_turns(policies.items())
    }


def _insured(
    number: str,
    agreed: Agreed,
    paid: Sequence[Receipt],
    renews: tuple[tuple[int, ...], Sequence[HouseholdRegime]],
    current: dict[str, Product],
    today: date,
) -> Insured:
    """`renews`: the ages that the next price counts, and who pays since when."""
    (terms_agreed, product), (ages, regimes) = agreed, renews
    reckoned = reckon(terms_agreed, paid, today, product.currency)
    regime = regime_on(regimes, renews_on(reckoned.periods, today))
    sold = current.get(product.code)
    return Insured(
        number=number,
        product=product,
        periods=reckoned.periods,
        cover=reckoned.cover,
        due=reckoned.due,
        credit=reckoned.credit,
        renewal=next_offer(sold, ages, regime) if may_renew(reckoned.periods, today) else None,
        receipts=paid,
        regime=regime,
    )


async def agreed_by_number(
    db: AsyncConnection, mutuelle: Mutuelle, only: Collection[str] | None
) -> dict[str, Agreed]:
    """What every open household has agreed to, by its number."""
    products = await products_by_version(db, mutuelle.id)
    waived = select(sa.func.coalesce(sa.func.sum(waiver.c.amount_minor), 0)).where(
        same_household(waiver, policy),
        waiver.c.sequence == policy.c.sequence,
    )
    open_ones = (
        select(
            policy,
            sa.cast(waived.scalar_subquery(), sa.BigInteger).label("waived_minor"),
            policy_share.c.part_minor,
            policy_share.c.agreed_on.label("shared_on"),
        )
        .join(
            household_table,
            same_household(household_table, policy),
        )
        .outerjoin(
            policy_share,
            same_household(policy_share, policy) & (policy_share.c.sequence == policy.c.sequence),
        )
        .where(
            policy.c.mutuelle_id == mutuelle.id,
            household_table.c.closed_at.is_(None),
            _one_of(policy.c.number, only),
        )
        .order_by(policy.c.number, policy.c.sequence)
    )
    found: dict[str, Agreed] = {}
    async for row in _in_turns(await db.execute(open_ones)):
        product = products[row.product_code, row.product_version]
        agreed, _before = found.get(row.number, ([], product))
        price_minor = row.contribution_minor + row.registration_minor
        whole = terms(row.sequence, row.agreed_on, price_minor, product, row.waived_minor, row.waits_from)
        agreed.append(with_part(whole, row.part_minor or 0, row.shared_on))
        found[row.number] = (agreed, product)
    return found


async def received_by_number(
    db: AsyncConnection, mutuelle: Mutuelle, only: Collection[str] | None
) -> dict[str, list[Receipt]]:
    """The money that reached each household and was not taken back, as it was written down."""
    wanted = [accounts.member(number) for number in only] if only is not None else None
    found: dict[str, list[Receipt]] = defaultdict(list)
    async for entry in _in_turns(await received_by_members(db, mutuelle.id, accounts.HEALTH, wanted)):
        number = entry.account.rpartition(":")[2]
        if entry.amount_minor < 0:
            found[number] = less(found[number], -entry.amount_minor)
        else:
            found[number].append(Receipt(entry.occurred_on, entry.amount_minor))
    return found


async def ages_by_number(
    db: AsyncConnection, mutuelle: Mutuelle, today: date, only: Collection[str] | None
) -> dict[str, tuple[int, ...]]:
    """The ages of those whom the next period's price counts, by household, the head first (as `people.ages`)."""
    people = (
        select(beneficiary.c.number, beneficiary.c.birth_year)
        .join(
            household_table,
            same_household(household_table, beneficiary),
        )
        .where(
            beneficiary.c.mutuelle_id == mutuelle.id,
            beneficiary.c.removed_on.is_(None),
            _one_of(beneficiary.c.number, only),
        )
        .order_by(beneficiary.c.number, beneficiary.c.rank != household_table.c.head_rank, beneficiary.c.rank)
    )
    found: dict[str, list[int]] = defaultdict(list)
    async for number, birth_year in _in_turns(await db.execute(people)):
        found[number].append(max(today.year - birth_year, 0))
    return defaultdict(tuple, {number: tuple(ages) for number, ages in found.items()})


async def _in_turns(rows: Iterable[T]) -> AsyncIterator[T]:
    """The rows, yielding to the event loop now and then: thousands of them take a second."""
    for nth, row in enumerate(rows):
        if nth % TURN == 0:
            await asyncio.sleep(0)
        yield row


def _one_of(column: sa.ColumnElement[str], only: Collection[str] | None) -> sa.ColumnElement[bool]:
    if only is None:
        return sa.true()
    return column == sa.any_(sa.literal(list(only), sa.ARRAY(sa.Text)))
