"""What members read by SMS about their payments: one segment each, nothing about health, nobody else's debts."""

from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Money, Sentence, _
from mobilemoney.accounts import known_capabilities
from mutuelle.contributions.payment_queue import QueuedPayment
from mutuelle.contributions.payments import PaymentWay
from mutuelle.contributions.received_money import ReceivedMoney
from mutuelle.contributions.standing import Reckoning
from mutuelle.contributions.ways_to_pay import PayInCash, cash_of, ways_of
from mutuelle.cover.rules import CoverState
from mutuelle.households.holders import told
from mutuelle.households.households import Household
from mutuelle.households.member_numbers import shown_number
from mutuelle.notify import Notification, notify_all
from mutuelle.scheme.mutuelles import Mutuelle
from talk.phones import shown_phone


class Receipted(Protocol):
    """Money of a household that a receipt names: a payment, or money that came otherwise."""

    @property
    def number(self) -> str: ...
    @property
    def amount(self) -> Money: ...
    @property
    def receipt_code(self) -> str: ...


def receipts_of(
    household: Household, phones: Mapping[str, str], stands: Reckoning, opening: Money, money: ReceivedMoney
) -> Notification:
    """The receipt for every phone of the household, and a shorter one for another payer.

    `phones`: each with the doubt who holds it. One in doubt reads the sum and the code.
    """
    received = received_of(household, money.amount, money.receipt_code, money.paid_by)
    receipt = household_receipt(stands, opening, received)
    sentences = told(phones, receipt, receipt_in_doubt(money))
    if money.payer_phone is not None and money.payer_phone not in sentences:
        sentences[money.payer_phone] = payer_receipt(money)
    return _receipt_notification(money, sentences)


def mismatch_of(mutuelle: Mutuelle, queued: QueuedPayment) -> Notification:
    """For money that differs from what was asked: a person looks at it."""
    return _notification(queued, "money to check", {queued.payer_phone: money_to_check(mutuelle, queued)})


def closing_of(mutuelle: Mutuelle, phones: Mapping[str, str], money: ReceivedMoney) -> Notification:
    """For money of a household that was closed meanwhile: it is kept, and covers nobody.

    Who paid or asked is told; where nobody is known, the phones that the household has still.
    """
    closed = closed_receipt(mutuelle, money)
    sentences = dict.fromkeys(money.others, closed) or told(phones, closed, receipt_in_doubt(money))
    return _receipt_notification(money, sentences)


async def notify_late(db: AsyncConnection, queued: QueuedPayment, now: datetime) -> None:
    """Notify the payer, once, that nothing was received yet, and what else she can do; the operator is asked on."""
    cash = await cash_of(db, queued.mutuelle_id, queued.number, now)
    sentences = {queued.payer_phone: not_received(queued, cash)}
    await notify_all(db, [_notification(queued, "not received yet", sentences)], now)


async def notify_failed(
    db: AsyncConnection, queued: QueuedPayment, now: datetime, said: str | None = None
) -> None:
    """Notify the payer, and the phone that asked, that the payment has failed; `said` is the operator's word."""
    sentences = dict.fromkeys((queued.payer_phone, queued.asked_by), payment_failed(queued, said))
    await notify_all(db, [_notification(queued, "payment failed", sentences)], now)


def _receipt_notification(money: ReceivedMoney, sentences: Mapping[str, Sentence]) -> Notification:
    return Notification(money.mutuelle_id, "receipt", sentences, money.voucher.key, money.receipt_code)


def _notification(queued: QueuedPayment, template: str, sentences: Mapping[str, Sentence]) -> Notification:
    return Notification(queued.mutuelle_id, template, sentences, str(queued.reference))


def received_of(household: Household, amount: Money, code: str, paid_by: str = "") -> Sentence:
    """How the household's receipt begins. Who has paid for many households stands there instead of its own name."""
    facts: dict[str, Fact] = {"code": code, "amount": amount, "number": household.shown_number}
    if paid_by:
        return _("Receipt {code}: {amount} paid by {payer} for {number}", **facts, payer=paid_by)
    return _("Receipt {code}: {amount} for {name}, number {number}", **facts, name=household.head_name)


def household_receipt(stands: Reckoning, opening: Money, received: Sentence) -> Sentence:
    """The household's receipt: what was `received`, what it covers or what opens the cover, what remains due.

    And what is paid ahead, where money came that nothing was due for.
    """
    return with_credit(_receipt_of_cover(stands, opening, received), stands.credit)


def with_credit(said: Sentence, credit: Money) -> Sentence:
    """`said`, and what the household has paid ahead, if anything: the next contribution takes it."""
    return (
        _("{said} Paid ahead: {credit}.", said=said, credit=credit).or_else(said)
        if credit.amount_minor
        else said
    )


def _receipt_of_cover(stands: Reckoning, opening: Money, received: Sentence) -> Sentence:
    cover = stands.cover
    facts: dict[str, Fact] = {"received": received, "due": stands.due}
    if cover.state is CoverState.WAITING and cover.from_on and cover.until_on:
        return _(
            "{received}. Covered from {start} to {end}. Left to pay: {due}.",
            **facts,
            start=cover.from_on,
            end=cover.until_on,
        )
    if cover.is_covered and cover.until_on:
        return _("{received}. Covered until {end}. Left to pay: {due}.", **facts, end=cover.until_on)
    if cover.state is CoverState.EXPIRED and not stands.due.amount_minor:
        return _("{received}. Cover has ended: dial and press 2 to renew.", received=received)
    if cover.state in (CoverState.UNPAID, CoverState.PART_PAID) and opening.amount_minor:
        return _("{received}. {opening} more opens your cover. Left in all: {due}.", **facts, opening=opening)
    return _("{received}. Not covered. Left to pay: {due}.", **facts)


def payer_receipt(money: Receipted) -> Sentence:
    """The receipt of a payer outside the household: no name, no debt."""
    number = shown_number(money.number)
    return _(
        "Receipt {code}: you paid {amount} for household {number}. Thank you.",
        code=money.receipt_code,
        amount=money.amount,
        number=number,
    )


def receipt_in_doubt(money: Receipted) -> Sentence:
    """The receipt for a phone of the household that may be a stranger's: no name, number, cover or debt."""
    return _("Receipt {code}: {amount}. Thank you.", code=money.receipt_code, amount=money.amount)


def closed_receipt(mutuelle: Mutuelle, money: Receipted) -> Sentence:
    """The receipt of money that came after the closing: nobody is covered by it."""
    return _(
        "Receipt {code}: {amount} for household {number}, which is closed: it covers nobody. "
        "To get it back, call {phone}.",
        code=money.receipt_code,
        amount=money.amount,
        number=shown_number(money.number),
        phone=mutuelle.complaints,
    )


def not_received(queued: QueuedPayment, cash: PayInCash) -> Sentence:
    """Neither paid nor failed: the sentence stays true in both cases. How to find the request, and how else to pay.

    Among the longest facts the collector's name has no room, then the collector, then the merchant code.
    """
    ways = ways_of(cash, shown_number(queued.number))
    facts: dict[str, Fact] = {"amount": queued.amount}
    if queued.way.takes_code:
        forms = [
            _(
                "Your payment of {amount} has not arrived yet: your code is being checked. "
                "If not, in 10 minutes try again with a new code or pay {who}.",
                **facts,
                who=who,
            )
            for who in ways
        ]
        forms.append(
            _(
                "Your payment of {amount} has not arrived yet: your code is being checked. "
                "If not, in 10 minutes try again with a new code.",
                **facts,
            )
        )
    elif dial := queued.way.found_by:
        facts["dial"] = dial
        forms = [
            _(
                "Your payment of {amount} has not arrived. Approved already? Wait. Nothing shows? Dial {dial}. "
                "If not, in 10 minutes pay {who}.",
                **facts,
                who=who,
            )
            for who in ways
        ]
        forms.append(
            _(
                "Your payment of {amount} has not arrived. Approved already? Wait. Nothing shows? Dial {dial}.",
                **facts,
            )
        )
    else:
        forms = [
            _(
                "Your payment of {amount} has not arrived. Approved already? Wait. "
                "If not, in 10 minutes try again or pay {who}.",
                **facts,
                who=who,
            )
            for who in ways
        ]
    return reduce(Sentence.or_else, forms)


def payment_failed(queued: QueuedPayment, said: str | None = None) -> Sentence:
    """The operator says that nothing was taken; `said` is its word, which tells what she can do better."""
    facts: dict[str, Fact] = {"amount": queued.amount, "number": shown_number(queued.number)}
    if said is not None and queued.way.takes_code:
        return with_another_code(queued.way, facts)
    dial, can = queued.way.found_by, known_capabilities(queued.operator)
    if dial is not None and can is not None and said in can.not_approved:
        return _(
            "{amount} for household {number} was not approved in time. Nothing was taken. Try again: call, press 2. "
            "Nothing shows? Dial {dial}. In cash: 7, then 5.",
            **facts,
            dial=dial,
        )
    return _(
        "The payment of {amount} for household {number} was not made. Nothing was taken. "
        "To try again, call the service, press 2. In cash: 7, then 5.",
        **facts,
    )


def with_another_code(way: PaymentWay, facts: Mapping[str, Fact]) -> Sentence:
    """The code that she typed may be why."""
    if dial := way.code_dialled:
        return _(
            "The payment of {amount} for household {number} was not made. Was the code wrong, or too old? "
            "Dial {dial} for a new one, then call, press 2.",
            **facts,
            dial=dial,
        )
    return _(
        "The payment of {amount} for household {number} was not made. Was the code wrong, or too old? "
        "Get a new one from {network}, then call, press 2.",
        **facts,
        network=way.network_name,
    )


def money_to_check(mutuelle: Mutuelle, queued: QueuedPayment) -> Sentence:
    """Nothing is lost, and whom to call."""
    return _(
        "We received your payment, but not as agreed ({amount}). It is safe and being checked. Questions: {phone}",
        amount=queued.amount,
        phone=shown_phone(mutuelle.complaints_phone),
    )
