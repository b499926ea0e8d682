"""Settling: the operator says that payments were made, and in one transaction they are posted, cover and are receipted.

Money never goes nowhere: an answer that differs from what was asked is posted to suspense, with a case for a person.
A batch gives what its payments one by one would give, in the order they came in.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Account, Journal, Movement
from mobilemoney.operator import Answer
from mutuelle.batch import Batch, Paid, write_batch
from mutuelle.calls import calls_reached, with_calls
from mutuelle.cover import Receipt
from mutuelle.households import Household
from mutuelle.mutuelles import Mutuelle
from mutuelle.paying import Paying, lock_paying
from mutuelle.payments import OPEN, PaymentState, expect_legal
from mutuelle.policies import Policy, policy_row
from mutuelle.posting import RECEIVED
from mutuelle.products import Offer
from mutuelle.receipts import closing_of, mismatch_of, receipts_of
from mutuelle.standing import reckon
from mutuelle.telling import News
from mutuelle.wishes import Due, lock_dues

BATCH = 256  # payments of one transaction: it holds their locks until it commits
UNEXPECTED = "unexpected payment"
CLOCK_SKEW = timedelta(minutes=5)


async def settle(
    db: AsyncConnection, mutuelle_id: str, reference: UUID, answer: Answer, now: datetime
) -> bool:
    """Settle one payment that its operator reports as made; False if it was settled before or must not be."""
    return (await settle_all(db, [(mutuelle_id, reference, answer)], now))[0]


async def settle_all(
    db: AsyncConnection, paid: Sequence[tuple[str, UUID, Answer]], now: datetime
) -> list[bool]:
    """Settle up to BATCH payments, (mutuelle, reference, the operator's answer) each, in the caller's transaction.

    Answers in order whether each was settled: False if it was before, or must not be. A payment stands once in a
    batch. An exception spoils the transaction: the caller settles the payments one by one.

    1. Lock the payments, in one order: a second settling finds them PAID and does nothing.
    2. Lock their households, in one order: their calls are counted and made by one transaction at a time.
    3. Decide each in turn. An answer that cannot be is left to a person: an operator's reference that paid for
       another payment, or nothing paid. Else the renewal that the payment agreed to, if any, and its journals: the
       calls that the money reaches, then the receipt; or suspense, if the answer differs from the ask.
    4. Write it all: policies and journals, the payments PAID with the operator's own reference and completion time,
       cases, and the receipts into the outbox.
    """
    if len(paid) > BATCH:
        raise ValueError(f"{len(paid)} payments in one batch, at most {BATCH}")
    dues = await lock_dues(db, [(mutuelle_id, reference) for mutuelle_id, reference, _answer in paid])
    if len(dues) < len(paid):
        raise LookupError("a payment that is not there, or stands twice in one batch")
    return await settle_locked(
        db, [(dues[mutuelle_id, reference], answer) for mutuelle_id, reference, answer in paid], now
    )


async def settle_locked(
    db: AsyncConnection, answered: Sequence[tuple[Due, Answer]], now: datetime
) -> list[bool]:
    """`settle_all` from its second step on, for payments that `lock_dues` has locked in this transaction."""
    open_ones = [(due, answer) for due, answer in answered if due.state in OPEN]
    if not open_ones:
        return [False] * len(answered)
    homes = await lock_paying(db, {(due.mutuelle_id, due.number) for due, _answer in open_ones})
    batch = Batch(now, await _spent_on(db, open_ones))
    settled = {due.reference for due, answer in open_ones if _settle(batch, homes[due.number], due, answer)}
    await write_batch(db, batch)
    return [due.reference in settled for due, _answer in answered]


async def _spent_on(
    db: AsyncConnection, answered: Sequence[tuple[Due, Answer]]
) -> dict[tuple[str, str], UUID]:
    """An operator's reference pays once, whatever the mutuelle: which payment these have paid for, if any."""
    said = [(due.operator, a.operator_reference) for due, a in answered if a.operator_reference is not None]
    columns = {"operators": [operator for operator, _said in said], "said": [ref for _operator, ref in said]}
    rows = await db.execute(_SPENT_ON, columns)
    return {(row.operator, row.operator_reference): row.reference for row in rows}


def _settle(batch: Batch, home: Paying, due: Due, answer: Answer) -> bool:
    """Decide one payment over what those before it have made of its household."""
    if contradiction := _contradiction(batch, due, answer):
        batch.left.append((due, contradiction))
        return False
    completed_at = _completed_at(batch, due, answer)
    on = home.mutuelle.today(completed_at)
    difference = _difference(due, answer)
    if difference:
        _suspend(batch, home.mutuelle, due, answer, difference, on)
        batch.news.append(mismatch_of(home.mutuelle, due))
    else:
        _renew(batch, home, due)
        _post(batch, home, due, on)
        batch.news.append(_receipt(batch, home, due))
    expect_legal(due.reference, due.state, PaymentState.PAID)
    said = answer.operator_reference
    batch.paid.append(Paid(due, said, completed_at, difference or "status answer"))
    if said is not None:
        batch.spent_on[due.operator, said] = due.reference
    return True


def _contradiction(batch: Batch, due: Due, answer: Answer) -> str | None:
    """Why this answer cannot be true, if it cannot."""
    if not answer.amount_minor:
        return "paid, but nothing"
    said = answer.operator_reference
    if said is not None and batch.spent_on.get((due.operator, said), due.reference) != due.reference:
        return f"the operator's reference {said} has paid for another payment"
    return None


def _completed_at(batch: Batch, due: Due, answer: Answer) -> datetime:
    """When the operator says it was paid, between the ask and now; a clock that says otherwise opens a case.

    Cover is dated by it, so nobody's clock may date a payment before it was wished for.
    """
    said = answer.completed_at or batch.now
    possible = min(max(said, due.asked_at), batch.now)
    if abs(said - possible) > CLOCK_SKEW:
        batch.cases.append((due, "clock", f"the operator dates it {said.isoformat(timespec='seconds')}"))
    return possible


def _difference(due: Due, answer: Answer) -> str | None:
    """In what the operator's answer differs from what was asked; None where it agrees."""
    if answer.currency != due.amount.currency:
        return "currency"
    if answer.amount_minor != due.amount.amount_minor:
        return "amount"
    return "phone" if answer.phone != due.payer_phone else None


def _renew(batch: Batch, home: Paying, due: Due) -> None:
    """The new period that this payment agreed to, written with its first franc and not before."""
    if (
        due.renews_code is None
        or due.renews_version is None
        or due.renews_minor is None
        or due.renews_members is None
    ):
        return
    product, sequence = home.products[due.renews_code, due.renews_version], len(home.policies) + 1
    offer = Offer(product, due.renews_members, due.renews_minor, 0)
    agreed_on = home.mutuelle.today(due.asked_at)
    key = due.mutuelle_id, due.number
    batch.policies.append(policy_row(*key, offer, sequence=sequence, agreed_on=agreed_on, at=batch.now))
    home.policies.append(Policy(sequence, agreed_on, product, due.renews_minor, 0))


def _post(batch: Batch, home: Paying, due: Due, on: date) -> None:
    """The calls that the money reaches, then the receipt."""
    money = due.amount.amount_minor
    credit_minor = home.credit_minor + money
    calls = calls_reached(home.mutuelle, home.home, home.uncalled, credit_minor, on=on, actor=due.operator)
    batch.journals += [*calls, _receipt_journal(home.home, due, on)]
    home.called += len(calls)
    home.credit_minor = credit_minor - sum(m.amount_minor for call in calls for m in call.movements)
    home.receipts.append(Receipt(on, money))


def _receipt(batch: Batch, home: Paying, due: Due) -> News:
    if home.is_closed:
        return closing_of(home.mutuelle, due)
    today, currency = home.mutuelle.today(batch.now), home.mutuelle.currency
    stands = reckon([policy.terms for policy in home.policies], home.receipts, today, currency)
    return receipts_of(home.home, home.phones, stands, due)


def _suspend(batch: Batch, mutuelle: Mutuelle, due: Due, answer: Answer, difference: str, on: date) -> None:
    detail = f"{difference}: asked {due.amount}, answered {answer.amount_minor} {answer.currency}"
    batch.cases.append((due, "mismatch", detail))
    if not answer.amount_minor or answer.currency is None:
        return
    # Another currency needs accounts of its own: one account never holds two.
    name = (
        due.float_name
        if answer.currency == mutuelle.currency
        else f"{due.float_name}-{answer.currency.lower()}"
    )
    pair = (accounts.collections(name), accounts.suspense(name))
    batch.accounts += [Account(mutuelle.id, code, answer.currency) for code in pair]
    money = Movement(*pair, answer.amount_minor, answer.currency)
    batch.journals.append(_journal("suspense", UNEXPECTED, f"answer differs in {difference}", due, on, money))


def _receipt_journal(home: Household, due: Due, on: date) -> Journal:
    pair = (accounts.collections(due.float_name), home.account)
    money = Movement(*pair, due.amount.amount_minor, due.amount.currency)
    return _journal("payment", RECEIVED, "paid by mobile money", due, on, money)


def _journal(source: str, kind: str, reason: str, due: Due, on: date, money: Movement) -> Journal:
    """What a payment books: its own reference is the key, so that it books it once."""
    reference = str(due.reference)
    return Journal(
        mutuelle=due.mutuelle_id,
        source=source,
        key=reference,
        kind=kind,
        effective_on=on,
        actor=due.operator,
        reason=reason,
        movements=[money],
        memo={"payment": reference},
    )


async def journals_of(
    db: AsyncConnection, mutuelle: Mutuelle, home: Household, due: Due, on: date
) -> list[Journal]:
    """What a payment made as it was asked for posts: the calls that the money reaches, then the receipt."""
    return await with_calls(db, mutuelle, home, _receipt_journal(home, due, on))


_SPENT_ON = text(
    """
    select p.operator, p.operator_reference, p.reference
      from unnest(cast(:operators as text[]), cast(:said as text[])) as answer (operator, said)
     cross join lateral (select * from payment found where found.operator = answer.operator
                            and found.operator_reference = answer.said offset 0) p
    """
)
