"""Where a household stands today: its cover, what it owes, what it may do next. All of it derived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.book import Entry, statement
from locales import Money
from mutuelle.cover import Cover, Period, Receipt, cover, periods
from mutuelle.households import Household
from mutuelle.mutuelles import Mutuelle, get_mutuelle
from mutuelle.payments import OpenPayment, open_payment
from mutuelle.people import Person, ages, counted, current, on_the_day, people_of
from mutuelle.policies import terms_of
from mutuelle.products import Offer, Product, installment, offer, products_by_version, products_on_sale

RENEWAL_OPENS = timedelta(days=30)  # before the expiry: time enough to gather the money


@dataclass(frozen=True)
class Standing:
    """`due` is what the agreed policies still cost; `renewal` is what may be agreed to next, if anything.

    `members` is how many people the cover is for; `people` are all who are in the household today, also those whom
    only the next period counts. `least_payment` is the smallest part that is taken of what is due (or of the
    renewal's price).
    """

    household: Household
    mutuelle: Mutuelle
    product: Product
    members: int
    periods: tuple[Period, ...]
    cover: Cover
    due: Money
    credit: Money
    renewal: Offer | None
    least_payment: Money
    open_payment: OpenPayment | None
    people: tuple[Person, ...] = ()

    @property
    def opening(self) -> Money:
        """What must still be paid for the last policy to open."""
        last = self.periods[-1]
        return Money(max(last.terms.opening_minor - last.paid_minor, 0), self.mutuelle.currency)

    @property
    def renews(self) -> bool:
        """Whether a payment today begins a new period: nothing is due, and one may be agreed to."""
        return not self.due.amount_minor and self.renewal is not None

    @property
    def payable(self) -> Money:
        """What a payment today is for: the debt first, else the renewal."""
        return self.renewal.price if self.renews and self.renewal else self.due

    @property
    def payable_product(self) -> Product:
        """The product version that a payment today is for."""
        return self.renewal.product if self.renews and self.renewal else self.product


def receipts(entries: list[Entry]) -> list[Receipt]:
    """The money that reached a household and was not taken back."""
    return [
        Receipt(entry.effective_on, entry.credit)
        for entry in entries
        if entry.credit and not entry.reversed and entry.reverses_id is None
    ]


def may_renew(dated: Sequence[Period], today: date) -> bool:
    """Whether a new period may be agreed to: nothing is due, and the last one ends soon or has ended."""
    expires_on = dated[-1].expires_on
    return (
        not sum(period.due_minor for period in dated)
        and expires_on is not None
        and today >= expires_on - RENEWAL_OPENS
    )


def next_offer(sold: Product | None, ages: tuple[int, ...]) -> Offer | None:
    """A new period under the version of the product that is sold now, if there is one and it is for so many people."""
    return offer(sold, ages, new=False) if sold and len(ages) <= sold.max_members else None


async def standing(db: AsyncConnection, home: Household, at: datetime) -> Standing:
    """Derive where `home` stands at `at` from its policies, its account and the products on sale."""
    mutuelle = await get_mutuelle(db, home.mutuelle_id)
    today = mutuelle.today(at)
    products = await products_by_version(db, mutuelle.id)
    terms, product = await terms_of(db, home, products)
    paid = receipts(await statement(db, mutuelle.id, home.account))
    dated = periods(terms, paid)
    people = await people_of(db, home)
    next_ages = ages(people, today)
    due = sum(period.due_minor for period in dated)
    credit = sum(receipt.amount_minor for receipt in paid) - sum(period.paid_minor for period in dated)
    renewal = None
    if may_renew(dated, today):
        sold = {p.code: p for p in await products_on_sale(db, mutuelle.id, today)}
        renewal = next_offer(sold.get(product.code), next_ages)
    part = Money(min(installment(product, terms[-1].price_minor), due), mutuelle.currency)
    least = renewal.installment if renewal and not due else part
    found = cover(dated, today)
    return Standing(
        household=home,
        mutuelle=mutuelle,
        product=product,
        members=counted(people, current(dated, today), today),
        periods=tuple(dated),
        cover=found,
        due=Money(due, mutuelle.currency),
        credit=Money(credit, mutuelle.currency),
        renewal=renewal,
        least_payment=least,
        open_payment=await open_payment(db, home),
        people=tuple(on_the_day(people, dated, found, today)),
    )
