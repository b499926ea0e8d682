"""Decides what money makes of its household: the renewal that it begins, the calls that it reaches, the receipt.

One path, whatever brought the money: an operator's answer (`settle.py`), a line of a statement, two people's word.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.book import Journal, Movement
from mutuelle.contributions.contribution_calls import calls_reached
from mutuelle.contributions.portfolio import ages_by_number
from mutuelle.contributions.receipts import closing_of, receipts_of
from mutuelle.contributions.received_money import AgreedRenewal, ReceivedMoney
from mutuelle.contributions.settlement.reads import SettlementReads, lock_and_read
from mutuelle.contributions.settlement.writes import SettlementWrites, write_settlement
from mutuelle.contributions.standing import may_renew, next_offer, opening_of, reckon, renews_on
from mutuelle.cover.policies import policy_of, policy_row
from mutuelle.cover.rules import Receipt, periods
from mutuelle.household_key import HouseholdKey
from mutuelle.households.households import Household
from mutuelle.notify import Notification
from mutuelle.scheme.products import Product, products_on_sale
from mutuelle.scheme.regimes import HouseholdRegime, household_regimes, regime_on


def receive(batch: SettlementWrites, household: SettlementReads, money: ReceivedMoney) -> None:
    """Decide what this money makes of its household, after all that came before it in the batch."""
    if money.renewal is not None:
        _renew(batch, household, money.renewal)
    _post(batch, household, money)
    batch.notification.append(_receipt(batch, household, money))


async def receive_all(db: AsyncConnection, moneys: Sequence[ReceivedMoney], now: datetime) -> None:
    """Post money of one mutuelle that nobody asked for, in its order: a payer who is told a price renews by paying it.

    The caller has found the money's household, and writes down where the money comes from in the same transaction.
    Locks the households; RuntimeError where the ledger refuses a journal, LookupError for an unknown household.
    """
    if not moneys:
        return
    mutuelle_id = moneys[0].mutuelle_id
    households = await lock_and_read(db, {HouseholdKey(mutuelle_id, money.number) for money in moneys}, now)
    mutuelle = next(iter(households.values())).mutuelle
    ages = await ages_by_number(db, mutuelle, mutuelle.today(now), list(households))
    sold = {
        on: {product.code: product for product in await products_on_sale(db, mutuelle_id, on)}
        for on in {money.voucher.effective_on for money in moneys}
    }
    regimes = await household_regimes(db, mutuelle_id, list(households))
    batch = SettlementWrites(now, {}, set())
    for money in moneys:
        household = households[money.number]
        on_sale, changes = sold[money.voucher.effective_on], regimes.get(money.number, ())
        renewal = renewal_of(household, money, on_sale, ages[money.number], changes)
        receive(batch, household, replace(money, renewal=renewal))
    await write_settlement(db, batch)


def renewal_of(
    household: SettlementReads,
    money: ReceivedMoney,
    sold: dict[str, Product],
    ages: tuple[int, ...],
    regimes: Sequence[HouseholdRegime] = (),
) -> AgreedRenewal | None:
    """The new period that money begins which came without a word: as cash does, on the day on which it was paid.

    Nothing was due that day, and the household was told what the next period costs. Less than the smallest part of its
    price, with the household's credit, stays credit and binds nobody. So does money for a household whose payer owes
    all of the next period: it is renewed without money.
    """
    on, policies = money.voucher.effective_on, household.policies
    dated = tuple(periods([policy.terms for policy in policies], household.receipts))
    if household.is_closed or not may_renew(dated, on):
        return None
    regime = regime_on(regimes, renews_on(dated, on))
    offer = next_offer(sold.get(policies[-1].product.code), ages, regime)
    if offer is None or not offer.price.amount_minor:
        return None
    least_minor = min(
        offer.installment.amount_minor,
        household.mutuelle.least_cash_minor or offer.installment.amount_minor,
    )
    if household.credit_minor + money.amount.amount_minor < least_minor:
        return None
    return AgreedRenewal(offer, len(policies) + 1, on)


def journal_of(household: Household, money: ReceivedMoney) -> Journal:
    """The journal of the money itself."""
    amount = money.amount
    return money.voucher.journal(
        [Movement(money.debit, household.account, amount.amount_minor, amount.currency)]
    )


def _renew(batch: SettlementWrites, household: SettlementReads, renewal: AgreedRenewal) -> None:
    """Write the new period. One that other money has begun meanwhile is not begun again: the money is the household's.

    So it is where the household was closed.
    """
    sequence = len(household.policies) + 1
    if household.is_closed or renewal.sequence < sequence:
        return
    offer, agreed_on = renewal.offer, renewal.agreed_on
    key = household.household.mutuelle_id, household.household.number
    batch.policies.append(policy_row(*key, offer, sequence=sequence, agreed_on=agreed_on, at=batch.now))
    household.policies.append(policy_of(offer, sequence, agreed_on))


def _post(batch: SettlementWrites, household: SettlementReads, money: ReceivedMoney) -> None:
    """Post the contribution calls that the money makes, then the receipt."""
    on, amount_minor = money.voucher.effective_on, money.amount.amount_minor
    credit_minor = household.credit_minor + amount_minor
    calls = calls_reached(
        household.mutuelle,
        household.household,
        household.uncalled,
        credit_minor,
        on=on,
        actor=money.voucher.actor,
    )
    batch.journals += [*calls, journal_of(household.household, money)]
    household.called += len(calls)
    own = household.household.account  # a payer's part of a call is not paid with the household's money
    called = [movement.amount_minor for call in calls for movement in call.movements if movement.debit == own]
    household.credit_minor = credit_minor - sum(called)
    household.receipts.append(Receipt(on, amount_minor))


def _receipt(batch: SettlementWrites, household: SettlementReads, money: ReceivedMoney) -> Notification:
    if household.is_closed:
        return closing_of(household.mutuelle, household.phones, money)
    today, currency = household.mutuelle.today(batch.now), household.mutuelle.currency
    stands = reckon([policy.terms for policy in household.policies], household.receipts, today, currency)
    opening = opening_of(stands.periods, household.policies[-1].product)
    return receipts_of(household.household, household.phones, stands, opening, money)
