"""Where a household stands today: its cover, what it owes, what it may do next. All of it derived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.statements import Entry, statement
from locales import Money
from mutuelle.contributions.payments import OpenPayment, open_payment
from mutuelle.cover.people import Person, ages, counted, on_the_day, people_of
from mutuelle.cover.policies import terms_of
from mutuelle.cover.rules import Cover, CoverState, Period, Receipt, Terms, cover, current, periods
from mutuelle.households.households import Household
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.scheme.products import Offer, Product, installment, offer, products_by_version, products_on_sale
from values import value

WAIVED = accounts.waivers()
RENEWAL_OPENS = timedelta(days=30)  # before the expiry: time to gather the money


@value
class PaymentTerms:
    """What a payer agrees to: what is `payable` after `credit`, for which product version, and whether it renews."""

    payable: Money
    credit: Money
    product: str
    version: int
    renews: bool


@dataclass(frozen=True)
class Standing:
    """`due` is what the agreed policies still cost; `renewal` is what may be agreed to next, if anything.

    `members` is how many people the cover is for; `people` are all who are in the household today, also those whom
    only the next period counts. `least_payment` is the smallest part that is taken of what is due (or of the
    renewal's price, less the credit).
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
    def settles_debt(self) -> bool:
        """Whether a payment today pays for a cover that has ended for good: it covers nobody."""
        return self.due.amount_minor > 0 and self.cover.state is CoverState.EXPIRED

    @property
    def payable(self) -> Money:
        """What is left to pay today: the debt first, else the renewal, of which the household's credit is taken off."""
        return after_credit(self.renewal, self.credit) if self.renews and self.renewal else self.due

    @property
    def renews_by_credit(self) -> bool:
        """Whether the household's credit pays the whole renewal: it is agreed to, and nothing is asked for."""
        return self.renews and not self.payable.amount_minor

    @property
    def payable_product(self) -> Product:
        """The product version that a payment today is for."""
        return self.renewal.product if self.renews and self.renewal else self.product

    @property
    def payment_terms(self) -> PaymentTerms:
        """What a payment today agrees to."""
        product = self.payable_product
        return PaymentTerms(self.payable, self.credit, product.code, product.version, self.renews)


@value
class Reckoning:
    """The periods, cover, dues and credit of a household on a day."""

    periods: tuple[Period, ...]
    cover: Cover
    due: Money
    credit: Money


def reckon(agreed: Sequence[Terms], paid: Sequence[Receipt], today: date, currency: str) -> Reckoning:
    """Date the policies by the receipts, and work out cover, dues and credit."""
    dated = tuple(periods(agreed, paid))
    taken = sum(period.paid_minor for period in dated)
    return Reckoning(
        periods=dated,
        cover=cover(dated, today),
        due=Money(sum(period.due_minor for period in dated), currency),
        credit=Money(sum(receipt.amount_minor for receipt in paid) - taken, currency),
    )


def receipts(entries: Sequence[Entry], known_at: datetime | None = None) -> list[Receipt]:
    """The money received from a household and not reversed, each on its own day, in the order it was recorded.

    Waivers are no money. With `known_at`: as the book stood at that moment.
    """
    recorded = [entry for entry in entries if known_at is None or entry.recorded_at <= known_at]
    taken_back = {entry.reverses_id for entry in recorded}
    return [
        Receipt(entry.occurred_on, entry.credit)
        for entry in sorted(recorded, key=lambda entry: entry.recorded_at)
        if entry.credit
        and entry.counter_account != WAIVED
        and entry.reverses_id is None
        and entry.journal_id not in taken_back
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


def after_credit(renewal: Offer, credit: Money) -> Money:
    """What a renewal asks for: its price less the household's credit, never below zero."""
    return Money(max(renewal.price.amount_minor - credit.amount_minor, 0), renewal.price.currency)


async def standing(db: AsyncConnection, household: Household, at: datetime) -> Standing:
    """Derive where `household` stands at `at` from its policies, its account and the products on sale."""
    mutuelle = await get_mutuelle(db, household.mutuelle_id)
    today = mutuelle.today(at)
    products = await products_by_version(db, mutuelle.id)
    terms, product = await terms_of(db, household, products)
    paid = receipts(await statement(db, mutuelle.id, household.account))
    reckoned = reckon(terms, paid, today, mutuelle.currency)
    dated, due = reckoned.periods, reckoned.due.amount_minor
    people = await people_of(db, household)
    next_ages = ages(people, today)
    renewal = None
    if may_renew(dated, today):
        sold = {p.code: p for p in await products_on_sale(db, mutuelle.id, today)}
        renewal = next_offer(sold.get(product.code), next_ages)
    part = Money(min(installment(product, terms[-1].price_minor), due), mutuelle.currency)
    least = min(renewal.installment, after_credit(renewal, reckoned.credit)) if renewal else part
    return Standing(
        household=household,
        mutuelle=mutuelle,
        product=product,
        members=counted(people, current(dated, today), today),
        periods=dated,
        cover=reckoned.cover,
        due=reckoned.due,
        credit=reckoned.credit,
        renewal=renewal,
        least_payment=least,
        open_payment=await open_payment(db, household),
        people=tuple(on_the_day(people, dated, reckoned.cover, today)),
    )
