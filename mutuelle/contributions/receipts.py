"""What members read by SMS about their payments: one segment each, nothing about health, nobody else's debts."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Money, Sentence, _
from mutuelle.contributions.payment_queue import QueuedPayment
from mutuelle.contributions.standing import Reckoning
from mutuelle.cover.rules import CoverState
from mutuelle.households.households import Household
from mutuelle.households.member_numbers import shown_number
from mutuelle.notify import Notification, notify_all
from mutuelle.scheme.mutuelles import Mutuelle
from talk.phones import shown_phone


def receipts_of(
    household: Household, phones: Sequence[str], stands: Reckoning, due: QueuedPayment
) -> Notification:
    """The receipt to every phone of the household, and a shorter one to a payer who is not of it."""
    told = dict.fromkeys(phones, household_receipt(household, stands, due.amount, due.receipt_code))
    if due.payer_phone not in told:
        told[due.payer_phone] = payer_receipt(due)
    return _notification(due, "receipt", told, due.receipt_code)


def mismatch_of(mutuelle: Mutuelle, due: QueuedPayment) -> Notification:
    """Money came that differs from what was asked: a person looks at it."""
    return _notification(due, "money to check", {due.payer_phone: money_to_check(mutuelle, due)})


def closing_of(mutuelle: Mutuelle, due: QueuedPayment) -> Notification:
    """Money came for a household that was closed meanwhile: kept for it, and it covers nobody."""
    told = dict.fromkeys((due.payer_phone, due.asked_by), closed_receipt(mutuelle, due))
    return _notification(due, "receipt", told, due.receipt_code)


async def notify_late(db: AsyncConnection, due: QueuedPayment, now: datetime) -> None:
    """Nothing was received yet: said once, to the payer; the payment goes on being asked about."""
    await notify_all(db, [_notification(due, "not received yet", {due.payer_phone: not_received(due)})], now)


async def notify_failed(db: AsyncConnection, due: QueuedPayment, now: datetime) -> None:
    """The payment has failed for good, on the operator's word: said to whoever asked for it and to the payer."""
    told = dict.fromkeys((due.payer_phone, due.asked_by), payment_failed(due))
    await notify_all(db, [_notification(due, "payment failed", told)], now)


def _notification(
    due: QueuedPayment, template: str, told: Mapping[str, Sentence], receipt_code: str | None = None
) -> Notification:
    return Notification(due.mutuelle_id, template, told, str(due.reference), receipt_code)


def household_receipt(household: Household, stands: Reckoning, amount: Money, code: str) -> Sentence:
    """The receipt a household keeps: what came, what it gives, what remains due."""
    cover = stands.cover
    facts: dict[str, Fact] = {
        "code": code,
        "amount": amount,
        "name": household.head_name,
        "number": household.shown_number,
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


def payer_receipt(due: QueuedPayment) -> Sentence:
    """The receipt of a payer who is not of the household: no name, no debt."""
    number = shown_number(due.number)
    return _(
        "Receipt {code}: you paid {amount} for household {number}. Thank you.",
        code=due.receipt_code,
        amount=due.amount,
        number=number,
    )


def closed_receipt(mutuelle: Mutuelle, due: QueuedPayment) -> Sentence:
    """The receipt of money that came too late: nobody is covered by it."""
    return _(
        "Receipt {code}: {amount} for household {number}, which is closed: it covers nobody. "
        "To get it back, call {phone}.",
        code=due.receipt_code,
        amount=due.amount,
        number=shown_number(due.number),
        phone=mutuelle.complaints,
    )


def not_received(due: QueuedPayment) -> Sentence:
    """Neither paid nor failed: true whatever happens next."""
    return _(
        "Your payment of {amount} has not arrived yet. Approved already? Do nothing, the receipt will come. "
        "If not, dial again in 10 minutes.",
        amount=due.amount,
    )


def payment_failed(due: QueuedPayment) -> Sentence:
    """The operator says that nothing was taken."""
    return _(
        "The payment of {amount} for household {number} was not made. Nothing was taken. "
        "Dial again to retry; to pay in cash, press 7, then 5.",
        amount=due.amount,
        number=shown_number(due.number),
    )


def money_to_check(mutuelle: Mutuelle, due: QueuedPayment) -> Sentence:
    """Nothing is lost, and somebody can be called."""
    return _(
        "We received your payment, but not as agreed ({amount}). It is safe and being checked. Questions: {phone}",
        amount=due.amount,
        phone=shown_phone(mutuelle.complaints_phone),
    )
