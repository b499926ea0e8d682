"""Where a household stands today: its cover, what it owes, what it may do next. All of it derived."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.receipts import GIVERS
from ledger.statements import ENTRIES_OF_ONE, Entry
from locales import Money
from mutuelle.contributions.payments import CONTRIBUTION, OPEN, OpenPayment
from mutuelle.cover.people import Person, ages, counted, on_the_day
from mutuelle.cover.policies import SHARE_OF_POLICY, WAIVED_OF_POLICY, Policy, share_of
from mutuelle.cover.rules import Cover, CoverState, Period, Receipt, Terms, cover, current, periods
from mutuelle.households.households import KNOWN, Household
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.scheme.products import Offer, Product, installment, offer, opening_part
from mutuelle.scheme.regimes import (
    CHANGE_COLUMNS,
    CHANGES,
    HouseholdRegime,
    Regime,
    Share,
    household_regime_of,
    regime_on,
)
from prepared import Prepared
from talk.preferences import spoken
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

    `share` is what a payer owes of the last policy, `regime` who pays for a period that is agreed to today.
    `members` is how many people the cover is for; `people` are all who are in the household today, also those whom
    only the next period counts. `least_payment` is the smallest part that is taken of what is due (or of the
    renewal's price, less the credit). `product` is that of the last policy, `covering` that of the policy which decides
    about today.
    """

    household: Household
    mutuelle: Mutuelle
    product: Product
    covering: Product
    members: int
    periods: tuple[Period, ...]
    cover: Cover
    due: Money
    credit: Money
    renewal: Offer | None
    least_payment: Money
    open_payment: OpenPayment | None
    today: date
    receipts: tuple[Receipt, ...]
    people: tuple[Person, ...] = ()
    share: Share | None = None
    regime: Regime | None = None

    @property
    def payer_of_all(self) -> Regime | None:
        """The regime whose payer owes all that the household would be asked for now; None where it pays itself."""
        return payer_of_all(self.due, self.cover, self.renewal, self.regime, self.share)

    @property
    def own_payment(self) -> OpenPayment | None:
        """The payment under way that the household asked for itself: another's holds up nothing."""
        return None if self.open_payment is None or self.open_payment.by_another else self.open_payment

    @property
    def opening(self) -> Money:
        """What to pay now for the last policy to open."""
        return opening_of(self.periods, self.product)

    @property
    def least_cash(self) -> Money:
        """The smallest part that is taken of it in cash, as the mutuelle decides."""
        least_minor = self.mutuelle.least_cash_minor
        return (
            self.least_payment if least_minor is None else min(self.product.money(least_minor), self.payable)
        )

    @property
    def renews(self) -> bool:
        """Whether a payment today begins a new period: nothing is due, and one may be agreed to."""
        return not self.due.amount_minor and self.renewal is not None

    @property
    def settles_debt(self) -> bool:
        """Whether a payment today pays for a cover that has ended for good: it covers nobody.

        A renewal after the end that was paid in part, and has not opened, is no such cover.
        """
        has_opened = self.periods[-1].opened_on is not None
        return has_opened and self.due.amount_minor > 0 and self.cover.state is CoverState.EXPIRED

    @property
    def payable(self) -> Money:
        """What is left to pay today: the debt first, else the renewal, of which the household's credit is taken off."""
        return after_credit(self.renewal, self.credit) if self.renews and self.renewal else self.due

    @property
    def renews_by_credit(self) -> bool:
        """Whether the household's credit pays the whole renewal: it is agreed to, and nothing is asked for."""
        return self.renews and not self.payable.amount_minor and self.payer_of_all is None

    @property
    def payable_product(self) -> Product:
        """The product version that a payment today is for."""
        return self.renewal.product if self.renews and self.renewal else self.product

    @property
    def payment_terms(self) -> PaymentTerms:
        """What a payment today agrees to."""
        product = self.payable_product
        return PaymentTerms(self.payable, self.credit, product.code, product.version, self.renews)


def payer_of_all(
    due: Money, cover: Cover, renewal: Offer | None, regime: Regime | None, share: Share | None
) -> Regime | None:
    """The regime whose payer owes all that such a household would be asked for now.

    None too where its cover has ended and none is on sale for it: nobody can pay for that.
    """
    if due.amount_minor or (cover.state is CoverState.EXPIRED and renewal is None):
        return None
    if regime and regime.is_whole:
        return regime
    return share.regime if share and share.regime.is_whole and renewal is None else None


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


def opening_of(dated: Sequence[Period], product: Product) -> Money:
    """What to pay now for the last of these periods to open, under the product that it was agreed to."""
    last = dated[-1]
    missing_minor = last.terms.opening_minor - last.paid_minor
    return product.money(opening_part(product, last.terms.price_minor, missing_minor, last.due_minor))


def receipts(entries: Sequence[Entry], known_at: datetime | None = None) -> list[Receipt]:
    """The money received from a household and not reversed, each on its own day, in the order it was recorded.

    Waivers are no money. Money given back is taken off the newest receipts: it was beyond what was due.
    With `known_at`: as the book stood at that moment.
    """
    recorded = [entry for entry in entries if known_at is None or entry.recorded_at <= known_at]
    taken_back = {entry.reverses_id for entry in recorded}
    found: list[Receipt] = []
    for entry in sorted(recorded, key=lambda entry: entry.recorded_at):
        if entry.reverses_id is not None or entry.journal_id in taken_back:
            continue
        if entry.debit and entry.counter_account.split(":")[1] in GIVERS:
            found = less(found, entry.debit)
        elif entry.credit and entry.counter_account != WAIVED:
            found.append(Receipt(entry.occurred_on, entry.credit))
    return found


def less(received: Sequence[Receipt], given_back_minor: int) -> list[Receipt]:
    """The receipts without so much of the newest of them."""
    left, found = given_back_minor, list(received)
    while left and found:
        last = found.pop()
        if last.amount_minor > left:
            found.append(replace(last, amount_minor=last.amount_minor - left))
        left -= min(left, last.amount_minor)
    return found


def renews_on(dated: Sequence[Period], today: date) -> date:
    """The first day of a period that is agreed to today: who pays on that day pays for it."""
    expires_on = dated[-1].expires_on
    return max(today, expires_on + timedelta(days=1)) if expires_on else today


def may_renew(dated: Sequence[Period], today: date) -> bool:
    """Whether a new period may be agreed to: nothing is due, and the last one ends soon or has ended."""
    expires_on = dated[-1].expires_on
    return (
        not sum(period.due_minor for period in dated)
        and expires_on is not None
        and today >= expires_on - RENEWAL_OPENS
    )


def next_offer(sold: Product | None, ages: tuple[int, ...], regime: Regime | None) -> Offer | None:
    """A new period under the version of the product that is sold now, if there is one and it is for so many people."""
    return offer(sold, ages, new=False).under(regime) if sold and len(ages) <= sold.max_members else None


def after_credit(renewal: Offer, credit: Money) -> Money:
    """What a renewal asks for: its price less the household's credit, never below zero."""
    return Money(max(renewal.price.amount_minor - credit.amount_minor, 0), renewal.price.currency)


@value
class Facts:
    """All that a household's standing follows from, as of one moment.

    `sold` is the version of its last policy's product that is on sale; `people` are all who are or were in it;
    `phones` are its phones, confirmed or not, with the language of each; `doubts` the same phones with the doubt who
    holds each, "" where there is none. `receipts` is the money that reached it.
    `regimes` are the changes of who pays for it. `leaving_minor`: of its credit, what a payout gives back just now.
    """

    mutuelle: Mutuelle
    today: date
    policies: list[Policy]
    sold: Product | None
    entries: list[Entry]
    people: list[Person]
    open_payment: OpenPayment | None
    phones: dict[str, str]
    doubts: dict[str, str]
    receipts: list[Receipt]
    regimes: tuple[HouseholdRegime, ...] = ()
    leaving_minor: int = 0

    def with_policy(self, policy: Policy) -> "Facts":
        """The same once this policy is written."""
        return replace(self, policies=[*self.policies, policy])

    def with_receipt(self, on: date, amount: Money) -> "Facts":
        """The same once this money is in the household's account: what comes next is written down last."""
        return replace(self, receipts=[*self.receipts, Receipt(on, amount.amount_minor)])


def _columns(table: str, of: type[Any]) -> str:
    names = (f"{table}.{name}" for name in of.__dataclass_fields__)
    return ", ".join(names).replace("p.currency", "m.currency")


# The policies, what they are agreed under and may be renewed under, the account, the people and the payment under way
# of one household: one way to the server and back.
_ASKED = """
    select row(MUTUELLE),
           array(select row(p.sequence, p.agreed_on, p.product_code, p.product_version, p.contribution_minor,
                            p.registration_minor, WAIVED, p.waits_from, (SHARE))
                   from policy p where p.mutuelle_id = m.id and p.number = :number order by p.sequence),
           array(select row(p.sold_from <= own.today and coalesce(p.sold_until, own.today) >= own.today,
                            PRODUCT)
                   from product p
                  where p.mutuelle_id = m.id
                    and p.code in (select product_code from policy
                                    where policy.mutuelle_id = m.id and policy.number = :number)
                  order by p.version),
           array(select row(e.*) from (ENTRIES) e),
           array(select row(b.rank, b.name, b.birth_year, b.added_on, b.removed_on, b.first_policy, b.covered_from,
                            b.came_from)
                   from beneficiary b where b.mutuelle_id = m.id and b.number = :number
                  order by b.rank <> :head_rank, b.rank),
           array(select row(y.amount_minor, y.currency, y.payer_phone, y.asked_at, y.by_another,
                            y.operator, y.network)
                   from payment y
                  where y.mutuelle_id = m.id and y.number = :number and y.purpose = :purpose
                    and y.state in (OPEN) order by y.by_another),
           array(select row(f.phone, c.language, case when KNOWN then '' else coalesce(f.doubt, 'idle') end)
                   from household_phone f left join preference c on c.phone = f.phone
                  where f.mutuelle_id = m.id and f.number = :number order by f.since, f.phone),
           array(select row(CHANGED) from CHANGES
                  where h.mutuelle_id = m.id and h.number = :number order by h.position),
           (select sum(amount)::bigint from ledger.held where mutuelle_id = m.id and debit_account = :account)
      from mutuelle m
     cross join lateral (select (cast(:at as timestamptz) at time zone m.timezone)::date) own (today)
     where m.id = :mutuelle
"""
_WORDS = {
    "MUTUELLE": _columns("m", Mutuelle),
    "PRODUCT": _columns("p", Product),
    "WAIVED": WAIVED_OF_POLICY,
    "SHARE": SHARE_OF_POLICY.replace("select ", "select row(", 1).replace("r.percent", "r.percent)", 1),
    "CHANGED": CHANGE_COLUMNS,
    "CHANGES": CHANGES,
    "ENTRIES": ENTRIES_OF_ONE,
    "KNOWN": KNOWN.replace("PHONE", "f"),
    "OPEN": ", ".join(f"'{state}'" for state in OPEN),
}
_FACTS = Prepared(text(re.sub("[A-Z]{3,}", lambda word: _WORDS[word[0]], _ASKED)))


async def facts_of(db: AsyncConnection, household: Household, at: datetime) -> Facts:
    """What `household` stands on at `at`, in one statement; LookupError for a household without a policy."""
    asked = {
        "mutuelle": household.mutuelle_id,
        "number": household.number,
        "head_rank": household.head_rank,
        "at": at,
        "purpose": CONTRIBUTION,
        "account": household.account,
    }
    [found] = await _FACTS.rows(db, asked)
    mutuelle, policies, versions, booked, people, open_payments, phones, changes, leaving_minor = found
    if not policies:
        raise LookupError(household.number)
    products = [(is_sold, Product(*facts)) for is_sold, *facts in versions]
    by_version = {(product.code, product.version): product for _is_sold, product in products}
    agreed = [
        Policy(nth, on, by_version[code, version], price, fee, waived, waits_from, share_of(share))
        for nth, on, code, version, price, fee, waived, waits_from, share in policies
    ]
    last = agreed[-1].product.code
    sold = [product for is_sold, product in products if is_sold and product.code == last]
    owner, entries = Mutuelle(*mutuelle), [Entry(*facts) for _nth, *facts in booked]
    return Facts(
        owner,
        owner.today(at),
        agreed,
        sold[-1] if sold else None,
        entries,
        [Person(*facts) for facts in people],
        next((OpenPayment(Money(*one[:2]), *one[2:]) for one in open_payments), None),
        {phone: spoken(language) for phone, language, _doubt in phones},
        {phone: doubt for phone, _language, doubt in phones},
        receipts(entries),
        tuple(household_regime_of(*change) for change in changes),
        leaving_minor or 0,
    )


async def standing(db: AsyncConnection, household: Household, at: datetime) -> Standing:
    """Derive where `household` stands at `at` from its policies, its account and the products on sale."""
    return stands_on(household, await facts_of(db, household, at))


def stands_on(household: Household, facts: Facts) -> Standing:
    """Where `household` stands by these facts."""
    mutuelle, today, people = facts.mutuelle, facts.today, facts.people
    terms, product = [policy.terms for policy in facts.policies], facts.policies[-1].product
    by_sequence = {policy.sequence: policy.product for policy in facts.policies}
    reckoned = reckon(terms, facts.receipts, today, mutuelle.currency)
    dated, due = reckoned.periods, reckoned.due.amount_minor
    regime = regime_on(facts.regimes, renews_on(dated, today))
    renewal = next_offer(facts.sold, ages(people, today), regime) if may_renew(dated, today) else None
    part = Money(min(installment(product, terms[-1].price_minor), due), mutuelle.currency)
    credit = Money(max(reckoned.credit.amount_minor - facts.leaving_minor, 0), mutuelle.currency)
    least = min(renewal.installment, after_credit(renewal, credit)) if renewal else part
    return Standing(
        household=household,
        mutuelle=mutuelle,
        product=product,
        covering=by_sequence[current(dated, today).terms.sequence],
        members=counted(people, current(dated, today), today),
        periods=dated,
        cover=reckoned.cover,
        due=reckoned.due,
        credit=credit,
        renewal=renewal,
        least_payment=least,
        open_payment=facts.open_payment,
        today=today,
        receipts=tuple(facts.receipts),
        people=tuple(on_the_day(people, dated, reckoned.cover, today)),
        share=facts.policies[-1].share,
        regime=regime,
    )
