"""Settles payments that an operator reports as made: they are posted and receipted in one transaction.

All money is posted: an answer that differs from what was asked goes to suspense, with a case for a person. A batch has
the same result as its payments settled one by one, in their order.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Account, Journal, Movement, Voucher
from mobilemoney.operator import OperatorAnswer
from mutuelle.contributions.contribution_calls import with_calls
from mutuelle.contributions.payment_queue import QueuedPayment, lock_queued
from mutuelle.contributions.payments import OPEN, PaymentState, expect_legal
from mutuelle.contributions.receipts import mismatch_of
from mutuelle.contributions.received_money import AgreedRenewal, ReceivedMoney
from mutuelle.contributions.settlement.reads import SettlementReads, lock_and_read
from mutuelle.contributions.settlement.receive import journal_of, receive
from mutuelle.contributions.settlement.writes import (
    STATUS_ANSWER,
    SettledPayment,
    SettlementWrites,
    write_settlement,
)
from mutuelle.household_key import HouseholdKey
from mutuelle.households.households import Household
from mutuelle.posting import RECEIVED, UNEXPECTED
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.scheme.products import Offer
from mutuelle.scheme.regimes import regimes_of

SETTLED_AT_ONCE = 256  # payments of one transaction, which holds their locks
CLOCK_SKEW = timedelta(minutes=5)


async def settle(
    db: AsyncConnection, mutuelle_id: str, reference: UUID, answer: OperatorAnswer, now: datetime
) -> bool:
    """Settle one payment that its operator reports as made; False if it was settled before or must not be."""
    return (await settle_all(db, [(mutuelle_id, reference, answer)], now))[0]


async def settle_all(
    db: AsyncConnection, paid: Sequence[tuple[str, UUID, OperatorAnswer]], now: datetime
) -> list[bool]:
    """Settle at most SETTLED_AT_ONCE of (mutuelle, reference, operator's answer), in the caller's transaction.

    Returns in order whether each was settled: False if it was before, or must not be. A payment occurs once in a batch.
    After an exception the caller rolls back and settles the payments one by one.

    1. Lock the payments, in one order: a second settlement finds them PAID and does nothing.
    2. Lock their households, in one order: one transaction at a time makes their contribution calls.
    3. Decide each in turn. A contradictory answer is left to a person: the operator's reference of another payment, or
       nothing paid. Else the renewal that was agreed to, if any, and the journals: the calls that the money makes, then
       the receipt; or suspense, if the answer differs from what was asked.
    4. Write it all: policies and journals, the payments PAID with the operator's own reference and completion time,
       cases, and the receipts into the outbox.
    """
    if len(paid) > SETTLED_AT_ONCE:
        raise ValueError(f"{len(paid)} payments in one batch, at most {SETTLED_AT_ONCE}")
    queued_payments = await lock_queued(
        db, [(mutuelle_id, reference) for mutuelle_id, reference, _answer in paid]
    )
    if len(queued_payments) < len(paid):
        raise LookupError("a payment that is not there, or stands twice in one batch")
    return await settle_locked(
        db,
        [(queued_payments[mutuelle_id, reference], answer) for mutuelle_id, reference, answer in paid],
        now,
    )


async def settle_locked(
    db: AsyncConnection,
    answered: Sequence[tuple[QueuedPayment, OperatorAnswer]],
    now: datetime,
    proof: str = STATUS_ANSWER,
) -> list[bool]:
    """`settle_all` from its second step on, for payments that `lock_queued` has locked in this transaction.

    `proof` is what says that they are paid, where it is no answer to the worker's question.
    """
    open_ones = [(queued, answer) for queued, answer in answered if queued.state in OPEN]
    if not open_ones:
        return [False] * len(answered)
    households = await lock_and_read(
        db, {HouseholdKey(queued.mutuelle_id, queued.number) for queued, _answer in open_ones}, now
    )
    batch = SettlementWrites(now, await _spent_on(db, open_ones), await _outgrown(db, open_ones), proof)
    for mutuelle_id in {queued.mutuelle_id for queued, _answer in open_ones if queued.renews_regime}:
        rows = await regimes_of(db, mutuelle_id)
        batch.regimes |= {(mutuelle_id, row.code, row.since): row for row in rows}
    settled = {
        queued.reference
        for queued, answer in open_ones
        if _settle(batch, households[queued.number], queued, answer)
    }
    await write_settlement(db, batch)
    return [queued.reference in settled for queued, _answer in answered]


async def _outgrown(
    db: AsyncConnection, answered: Sequence[tuple[QueuedPayment, OperatorAnswer]]
) -> set[UUID]:
    """Of the renewals that others pay, those of households that have more people by now than were paid for."""
    asked = [queued for queued, _answer in answered if queued.by_another and queued.renews_members]
    if not asked:
        return set()
    columns = {
        "mutuelles": [queued.mutuelle_id for queued in asked],
        "numbers": [queued.number for queued in asked],
        "members": [queued.renews_members for queued in asked],
        "references": [queued.reference for queued in asked],
    }
    return set(await db.scalars(_OUTGROWN, columns))


async def _spent_on(
    db: AsyncConnection, answered: Sequence[tuple[QueuedPayment, OperatorAnswer]]
) -> dict[tuple[str, str], UUID]:
    """Which payment each operator's reference has paid for, if any: a reference pays once, in all mutuelles."""
    said = [
        (queued.operator, a.operator_reference) for queued, a in answered if a.operator_reference is not None
    ]
    columns = {"operators": [operator for operator, _said in said], "said": [ref for _operator, ref in said]}
    rows = await db.execute(_SPENT_ON, columns)
    return {(row.operator, row.operator_reference): row.reference for row in rows}


def _settle(
    batch: SettlementWrites, household: SettlementReads, queued: QueuedPayment, answer: OperatorAnswer
) -> bool:
    """Decide one payment, after those before it of its household."""
    if contradiction := _contradiction(batch, queued, answer):
        batch.left.append((queued, contradiction))
        return False
    completed_at = _completed_at(batch, queued, answer)
    on = household.mutuelle.today(completed_at)
    difference = difference_of(queued, answer)
    if difference:
        _suspend(batch, household.mutuelle, queued, answer, difference, on)
        batch.notification.append(mismatch_of(household.mutuelle, queued))
    else:
        renewal = _renewal(batch, household, queued)
        receive(batch, household, _money_of(household.household, queued, on, renewal))
    expect_legal(queued.reference, queued.state, PaymentState.PAID)
    said = answer.operator_reference
    batch.paid.append(SettledPayment(queued, said, completed_at, difference or batch.proof, _fee(answer)))
    if said is not None:
        batch.spent_on[queued.operator, said] = queued.reference
    return True


def _fee(answer: OperatorAnswer) -> int | None:
    """The operator's fee where the answer says it; below zero is none."""
    return None if answer.fee_minor is None or answer.fee_minor < 0 else answer.fee_minor


def _contradiction(batch: SettlementWrites, queued: QueuedPayment, answer: OperatorAnswer) -> str | None:
    """Why this answer is contradictory, if it is."""
    if answer.amount_minor == 0:
        return "paid, but nothing"
    said = answer.operator_reference
    if said is not None and batch.spent_on.get((queued.operator, said), queued.reference) != queued.reference:
        return f"the operator's reference {said} has paid for another payment"
    return None


def _completed_at(batch: SettlementWrites, queued: QueuedPayment, answer: OperatorAnswer) -> datetime:
    """The operator's time of payment, not before the request nor after now; a time outside opens a case.

    Cover is dated by it: a wrong clock may not date a payment before it was requested.
    """
    said = answer.completed_at or batch.now
    possible = min(max(said, queued.asked_at), batch.now)
    if abs(said - possible) > CLOCK_SKEW:
        batch.cases.append((queued, "clock", f"the operator dates it {said.isoformat(timespec='seconds')}"))
    return possible


def difference_of(queued: QueuedPayment, answer: OperatorAnswer) -> str | None:
    """How the operator's answer differs from what was asked; None where it agrees."""
    asked = queued.amount
    return answer.difference_from(asked.amount_minor, asked.currency, queued.payer_phone)


def _renewal(
    batch: SettlementWrites, household: SettlementReads, queued: QueuedPayment
) -> AgreedRenewal | None:
    """The new period that this payment agreed to, which begins with its first franc and not before.

    Where somebody came to the household whom the price does not count, the money is the household's and no more.
    """
    if (
        queued.reference in batch.outgrown
        or queued.renews_code is None
        or queued.renews_version is None
        or queued.renews_minor is None
        or queued.renews_members is None
        or queued.renews_sequence is None
    ):
        return None
    product = household.products[queued.renews_code, queued.renews_version]
    regime = batch.regimes.get((queued.mutuelle_id, queued.renews_regime, queued.renews_regime_since))
    offer = Offer(product, queued.renews_members, queued.renews_minor, 0).under(regime)
    return AgreedRenewal(offer, queued.renews_sequence, household.mutuelle.today(queued.asked_at))


def _money_of(
    household: Household, queued: QueuedPayment, on: date, renewal: AgreedRenewal | None
) -> ReceivedMoney:
    """The payment, made as it was asked for."""
    return ReceivedMoney(
        number=household.number,
        amount=queued.amount,
        debit=accounts.collections(queued.account),
        voucher=_voucher("payment", RECEIVED, "paid by mobile money", queued, on),
        receipt_code=queued.receipt_code,
        payer_phone=queued.payer_phone,
        asked_by=queued.asked_by,
        renewal=renewal,
    )


def _suspend(
    batch: SettlementWrites,
    mutuelle: Mutuelle,
    queued: QueuedPayment,
    answer: OperatorAnswer,
    difference: str,
    on: date,
) -> None:
    # What is not told is as it was asked.
    currency = answer.currency or queued.amount.currency
    amount_minor = answer.amount_minor or queued.amount.amount_minor
    detail = f"{difference}: asked {queued.amount}, answered {amount_minor} {currency}"
    batch.cases.append((queued, "mismatch", detail))
    # Another currency needs accounts of its own: one account never holds two.
    name = queued.account if currency == mutuelle.currency else f"{queued.account}-{currency.lower()}"
    pair = (accounts.collections(name), accounts.suspense(name))
    batch.accounts += [Account(mutuelle.id, code, currency) for code in pair]
    money = Movement(*pair, amount_minor, currency)
    voucher = _voucher("suspense", UNEXPECTED, f"answer differs in {difference}", queued, on)
    batch.journals.append(voucher.journal([money]))


def _voucher(source: str, kind: str, reason: str, queued: QueuedPayment, on: date) -> Voucher:
    """The voucher of a payment; its reference is the key, so that it is posted once."""
    reference = str(queued.reference)
    return Voucher(
        mutuelle=queued.mutuelle_id,
        source=source,
        key=reference,
        kind=kind,
        effective_on=on,
        actor=queued.operator,
        reason=reason,
        memo={"payment": reference},
    )


async def journals_of(
    db: AsyncConnection, mutuelle: Mutuelle, household: Household, queued: QueuedPayment, on: date
) -> list[Journal]:
    """The journals of a payment made as it was asked for: the calls that the money makes, then the receipt."""
    return await with_calls(
        db, mutuelle, household, journal_of(household, _money_of(household, queued, on, None))
    )


_SPENT_ON = text(
    """
    select p.operator, p.operator_reference, p.reference
      from unnest(cast(:operators as text[]), cast(:said as text[])) as answer (operator, said)
     cross join lateral (select * from payment found where found.operator = answer.operator
                            and found.operator_reference = answer.said offset 0) p
    """
)
_OUTGROWN = text(
    """
    select asked.reference
      from unnest(cast(:mutuelles as text[]), cast(:numbers as text[]), cast(:members as int[]),
                  cast(:references as uuid[])) as asked (mutuelle, number, members, reference)
     where asked.members < (select count(*) from beneficiary b
                             where b.mutuelle_id = asked.mutuelle and b.number = asked.number and b.removed_on is null)
    """
)
