"""Settling: the operator says that a payment was made, and in one transaction it is posted, covers and is receipted.

Money never goes nowhere: an answer that differs from what was asked is posted to suspense, with a case for a person.
"""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Account, Journal, Movement, open_accounts, post
from mobilemoney.operator import Answer
from mutuelle.calls import with_calls
from mutuelle.households import Household, find_household, lock_household
from mutuelle.mutuelles import Mutuelle, get_mutuelle
from mutuelle.payments import OPEN, PaymentState, move, open_case
from mutuelle.policies import terms_of, write_policy
from mutuelle.products import Offer, products_by_version
from mutuelle.receipts import send_receipts, tell_closed, tell_mismatch
from mutuelle.standing import standing
from mutuelle.tables import payment
from mutuelle.wishes import Due, due_payment

RECEIVED = "contribution received"
UNEXPECTED = "unexpected payment"
ASK_LATER = timedelta(hours=6)
CLOCK_SKEW = timedelta(minutes=5)


async def settle(
    db: AsyncConnection, mutuelle_id: str, reference: UUID, answer: Answer, now: datetime
) -> bool:
    """Settle one payment that its operator reports as made; False if it was settled before or must not be.

    1. Lock the payment: a second settling finds it PAID and does nothing.
    2. Lock the household: its calls are counted and made by one transaction at a time. An answer that cannot be is
       left to a person: an operator's reference that paid for another payment, or nothing paid.
    3. Write the renewal that the payment agreed to, if any, and post: the calls that the money reaches, then the
       receipt; or suspense, if the answer differs from the ask.
    4. Move the payment to PAID with the operator's own reference and completion time.
    5. Write the receipts into the outbox, all in the caller's transaction.
    """
    where = (payment.c.mutuelle_id == mutuelle_id) & (payment.c.reference == reference)
    due = due_payment((await db.execute(select(payment).where(where).with_for_update())).one())
    if due.state not in OPEN:
        return False
    mutuelle = await get_mutuelle(db, mutuelle_id)
    await lock_household(db, due.number)
    home = await find_household(db, due.number, closed=True)  # late money has a home, even in a closed one
    if home is None:
        raise LookupError(due.number)
    if contradiction := await _contradiction(db, due, answer):
        await _leave_to_a_person(db, due, contradiction, now)
        return False
    completed_at = await _completed_at(db, due, answer, now)
    difference = _difference(due, answer)
    if difference:
        await _suspend(db, mutuelle, due, answer, difference, completed_at, now)
    else:
        await _renew(db, mutuelle, home, due, now)
        await _post(db, mutuelle, home, due, completed_at)
    await move(
        db,
        mutuelle_id,
        reference,
        PaymentState.PAID,
        actor=due.operator,
        reason=difference or "status answer",
        at=now,
        operator_reference=answer.operator_reference,
        completed_at=completed_at,
    )
    if difference:
        await tell_mismatch(db, mutuelle, due, now)
    elif await find_household(db, due.number) is None:
        await tell_closed(db, mutuelle, due, now)
    else:
        await send_receipts(db, await standing(db, home, now), due, now)
    return True


async def _contradiction(db: AsyncConnection, due: Due, answer: Answer) -> str | None:
    """Why this answer cannot be true, if it cannot; an operator's reference pays once, whatever the mutuelle."""
    if not answer.amount_minor:
        return "paid, but nothing"
    other = select(payment.c.reference).where(
        payment.c.operator == due.operator,
        payment.c.operator_reference == answer.operator_reference,
        payment.c.reference != due.reference,
    )
    if answer.operator_reference is not None and await db.scalar(other.limit(1)):
        return f"the operator's reference {answer.operator_reference} has paid for another payment"
    return None


async def _leave_to_a_person(db: AsyncConnection, due: Due, detail: str, now: datetime) -> None:
    key = (due.mutuelle_id, due.reference)
    await open_case(db, *key, "contradiction", detail, now)
    # Asked about again in a while: the operator may put it right, and nobody is told a thing that is not known.
    await move(
        db, *key, PaymentState.UNKNOWN, actor=due.operator, reason=detail, at=now, due_at=now + ASK_LATER
    )


async def _completed_at(db: AsyncConnection, due: Due, answer: Answer, now: datetime) -> datetime:
    """When the operator says it was paid, between the ask and now; a clock that says otherwise opens a case.

    Cover is dated by it, so nobody's clock may date a payment before it was wished for.
    """
    said = answer.completed_at or now
    possible = min(max(said, due.asked_at), now)
    if abs(said - possible) > CLOCK_SKEW:
        detail = f"the operator dates it {said.isoformat(timespec='seconds')}"
        await open_case(db, due.mutuelle_id, due.reference, "clock", detail, now)
    return possible


def _difference(due: Due, answer: Answer) -> str | None:
    """In what the operator's answer differs from what was asked; None where it agrees."""
    if answer.currency != due.amount.currency:
        return "currency"
    if answer.amount_minor != due.amount.amount_minor:
        return "amount"
    return "phone" if answer.phone != due.payer_phone else None


async def _renew(db: AsyncConnection, mutuelle: Mutuelle, home: Household, due: Due, now: datetime) -> None:
    """The new period that this payment agreed to, written with its first franc and not before."""
    if (
        due.renews_code is None
        or due.renews_version is None
        or due.renews_minor is None
        or due.renews_members is None
    ):
        return
    products = await products_by_version(db, mutuelle.id)
    offer = Offer(products[due.renews_code, due.renews_version], due.renews_members, due.renews_minor, 0)
    written = len((await terms_of(db, home, products))[0])
    await write_policy(db, home, offer, sequence=written + 1, agreed_on=mutuelle.today(due.asked_at), at=now)


async def _post(
    db: AsyncConnection, mutuelle: Mutuelle, home: Household, due: Due, completed_at: datetime
) -> None:
    await post_all(db, await journals_of(db, mutuelle, home, due, mutuelle.today(completed_at)))


async def journals_of(
    db: AsyncConnection, mutuelle: Mutuelle, home: Household, due: Due, on: date
) -> list[Journal]:
    """What a payment made as it was asked for posts: the calls that the money reaches, then the receipt."""
    money = due.amount.amount_minor
    receipt = Journal(
        mutuelle=mutuelle.id,
        source="payment",
        key=str(due.reference),
        kind=RECEIVED,
        effective_on=on,
        actor=due.operator,
        reason="paid by mobile money",
        movements=[Movement(accounts.collections(due.float_name), home.account, money, due.amount.currency)],
        memo={"payment": str(due.reference)},
    )
    return await with_calls(db, mutuelle, home, receipt)


async def _suspend(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    due: Due,
    answer: Answer,
    difference: str,
    completed_at: datetime,
    now: datetime,
) -> None:
    detail = f"{difference}: asked {due.amount}, answered {answer.amount_minor} {answer.currency}"
    await open_case(db, mutuelle.id, due.reference, "mismatch", detail, now)
    if not answer.amount_minor or answer.currency is None:
        return
    # Another currency needs accounts of its own: one account never holds two.
    name = (
        due.float_name
        if answer.currency == mutuelle.currency
        else f"{due.float_name}-{answer.currency.lower()}"
    )
    pair = [accounts.collections(name), accounts.suspense(name)]
    await open_accounts(db, [Account(mutuelle.id, code, answer.currency) for code in pair])
    journal = Journal(
        mutuelle=mutuelle.id,
        source="suspense",
        key=str(due.reference),
        kind=UNEXPECTED,
        effective_on=mutuelle.today(completed_at),
        actor=due.operator,
        reason=f"answer differs in {difference}",
        movements=[Movement(pair[0], pair[1], answer.amount_minor, answer.currency)],
        memo={"payment": str(due.reference)},
    )
    await post_all(db, [journal])


async def post_all(db: AsyncConnection, journals: list[Journal]) -> None:
    """Post journals that must stand; RuntimeError names the first that does not."""
    for journal, posted in zip(journals, await post(db, journals), strict=True):
        if not posted.stands:
            raise RuntimeError(f"journal {journal.source} {journal.key} refused: {posted.reason}")
