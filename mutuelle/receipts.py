"""What members read by SMS about their payments: one segment each, nothing about health, nobody else's debts."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Money, Sentence, _
from mutuelle.cover import CoverState
from mutuelle.households import Household
from mutuelle.mutuelles import Mutuelle
from mutuelle.numbers import shown_number
from mutuelle.standing import Reckoning
from mutuelle.telling import News, tell_all
from mutuelle.wishes import Due
from talk.phones import shown_phone


def receipts_of(home: Household, phones: Sequence[str], stands: Reckoning, due: Due) -> News:
    """The receipt to every phone of the household, and a shorter one to a payer who is not of it."""
    told = dict.fromkeys(phones, household_receipt(home, stands, due.amount, due.receipt_code))
    if due.payer_phone not in told:
        told[due.payer_phone] = payer_receipt(due)
    return _news(due, "receipt", told, due.receipt_code)


def mismatch_of(mutuelle: Mutuelle, due: Due) -> News:
    """Money came that differs from what was asked: a person looks at it."""
    return _news(due, "money to check", {due.payer_phone: money_to_check(mutuelle, due)})


def closing_of(mutuelle: Mutuelle, due: Due) -> News:
    """Money came for a household that was closed meanwhile: kept for it, and it covers nobody."""
    told = dict.fromkeys((due.payer_phone, due.asked_by), closed_receipt(mutuelle, due))
    return _news(due, "receipt", told, due.receipt_code)


async def tell_late(db: AsyncConnection, due: Due, now: datetime) -> None:
    """Nothing was received yet: said once, to the payer; the payment goes on being asked about."""
    await tell_all(db, [_news(due, "not received yet", {due.payer_phone: not_received(due)})], now)


async def tell_failed(db: AsyncConnection, due: Due, now: datetime) -> None:
    """The payment has failed for good, on the operator's word: said to whoever asked for it and to the payer."""
    told = dict.fromkeys((due.payer_phone, due.asked_by), payment_failed(due))
    await tell_all(db, [_news(due, "payment failed", told)], now)


def _news(due: Due, template: str, told: Mapping[str, Sentence], receipt_code: str | None = None) -> News:
    return News(due.mutuelle_id, template, told, str(due.reference), receipt_code)


def household_receipt(home: Household, stands: Reckoning, amount: Money, code: str) -> Sentence:
    """The receipt a household keeps: what came, what it gives, what remains due."""
    cover = stands.cover
    facts: dict[str, Fact] = {
        "code": code,
        "amount": amount,
        "name": home.head_name,
        "number": home.shown_number,
    }
    if cover.state is CoverState.WAITING and cover.from_on and cover.until_on:
        return _(
            "Receipt {code}: {amount} for {name}, number {number}. Covered from {start} to {end}. Left to pay: {due}.",
            **facts,
            start=cover.from_on,
            end=cover.until_on,
            due=stands.due,
        )
    if cover.is_covered and cover.until_on:
        return _(
            "Receipt {code}: {amount} for {name}, number {number}. Covered until {end}. Left to pay: {due}.",
            **facts,
            end=cover.until_on,
            due=stands.due,
        )
    if cover.state is CoverState.EXPIRED and not stands.due.amount_minor:
        return _(
            "Receipt {code}: {amount} for {name}, number {number}. Cover has ended: dial and press 2 to renew.",
            **facts,
        )
    return _(
        "Receipt {code}: {amount} for {name}, number {number}. Not covered for now. Left to pay: {due}.",
        **facts,
        due=stands.due,
    )


def payer_receipt(due: Due) -> Sentence:
    """The receipt of a payer who is not of the household: no name, no debt."""
    number = shown_number(due.number)
    return _(
        "Receipt {code}: you paid {amount} for household {number}. Thank you.",
        code=due.receipt_code,
        amount=due.amount,
        number=number,
    )


def closed_receipt(mutuelle: Mutuelle, due: Due) -> Sentence:
    """The receipt of money that came too late: nobody is covered by it."""
    return _(
        "Receipt {code}: {amount} for household {number}, which is closed: it covers nobody. "
        "To get it back, call {phone}.",
        code=due.receipt_code,
        amount=due.amount,
        number=shown_number(due.number),
        phone=mutuelle.complaints,
    )


def not_received(due: Due) -> Sentence:
    """Neither paid nor failed: true whatever happens next."""
    return _(
        "Your payment of {amount} has not arrived yet. Approved already? Do nothing, the receipt will come. "
        "If not, dial again in 10 minutes.",
        amount=due.amount,
    )


def payment_failed(due: Due) -> Sentence:
    """The operator says that nothing was taken."""
    return _(
        "The payment of {amount} for household {number} was not made. Nothing was taken. "
        "Dial again to retry; to pay in cash, press 7, then 5.",
        amount=due.amount,
        number=shown_number(due.number),
    )


def money_to_check(mutuelle: Mutuelle, due: Due) -> Sentence:
    """Nothing is lost, and somebody can be called."""
    return _(
        "We received your payment, but not as agreed ({amount}). It is safe and being checked. Questions: {phone}",
        amount=due.amount,
        phone=shown_phone(mutuelle.complaints_phone),
    )
