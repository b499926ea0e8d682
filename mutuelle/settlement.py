"""Settling: the operator says that a payment was made, and in one transaction it is posted, covers and is receipted.

Money never goes nowhere: an answer that differs from what was asked is posted to suspense, with a case for a person.
"""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Account, Journal, Movement, open_accounts, post
from mobilemoney.operator import Answer
from mutuelle.calls import calls_due
from mutuelle.households import Household, find_household, lock_household
from mutuelle.mutuelles import Mutuelle, get_mutuelle
from mutuelle.payments import OPEN, PaymentState, move
from mutuelle.receipts import send_receipts, tell_mismatch
from mutuelle.standing import standing
from mutuelle.tables import payment, payment_case
from mutuelle.wishes import Due, due_payment

RECEIVED = "contribution received"
UNEXPECTED = "unexpected payment"
ASK_LATER = timedelta(hours=6)


async def settle(
    db: AsyncConnection, mutuelle_id: str, reference: UUID, answer: Answer, now: datetime
) -> bool:
    """Settle one payment that its operator reports as made; False if it was settled before or must not be.

    1. Lock the payment: a second settling finds it PAID and does nothing.
    2. Lock the household: its calls are counted and made by one transaction at a time. An operator's reference that
       paid for another payment before pays for none now: a person looks at it.
    3. Post: the calls that the money reaches, then the receipt; or suspense, if the answer differs from the ask.
    4. Move the payment to PAID with the operator's own reference and completion time.
    5. Write the receipts into the outbox, all in the caller's transaction.
    """
    where = (payment.c.mutuelle_id == mutuelle_id) & (payment.c.reference == reference)
    due = due_payment((await db.execute(select(payment).where(where).with_for_update())).one())
    if due.state not in OPEN:
        return False
    mutuelle = await get_mutuelle(db, mutuelle_id)
    home = await find_household(db, due.number, closed=True)  # late money has a home, even in a closed one
    if home is None:
        raise LookupError(due.number)
    await lock_household(db, home)
    if await _spent(db, due, answer):
        await _contradict(db, due, answer, now)
        return False
    completed_at = min(answer.completed_at or now, now)
    difference = _difference(due, answer)
    if difference:
        await _suspend(db, mutuelle, due, answer, difference, completed_at, now)
    else:
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
    else:
        await send_receipts(db, await standing(db, home, now), due, now)
    return True


async def _spent(db: AsyncConnection, due: Due, answer: Answer) -> bool:
    """Whether the operator's own reference has settled another payment already."""
    other = select(payment.c.reference).where(
        payment.c.mutuelle_id == due.mutuelle_id,
        payment.c.operator == due.operator,
        payment.c.operator_reference == answer.operator_reference,
        payment.c.reference != due.reference,
    )
    return answer.operator_reference is not None and await db.scalar(other) is not None


async def _contradict(db: AsyncConnection, due: Due, answer: Answer, now: datetime) -> None:
    detail = f"the operator's reference {answer.operator_reference} has paid for another payment"
    await _open_case(db, due, "contradiction", detail, now)
    key = (due.mutuelle_id, due.reference)
    # Asked about again in a while: the operator may put it right, and nobody is told a thing that is not known.
    await move(
        db, *key, PaymentState.UNKNOWN, actor=due.operator, reason=detail, at=now, due_at=now + ASK_LATER
    )


async def _open_case(db: AsyncConnection, due: Due, kind: str, detail: str, now: datetime) -> None:
    """Put a payment on the list that a person works off; once for each kind of trouble."""
    case = {
        "mutuelle_id": due.mutuelle_id,
        "reference": due.reference,
        "kind": kind,
        "detail": detail,
        "opened_at": now,
    }
    await db.execute(insert(payment_case).values(case).on_conflict_do_nothing())


def _difference(due: Due, answer: Answer) -> str | None:
    """In what the operator's answer differs from what was asked; None where it agrees."""
    if answer.currency != due.amount.currency:
        return "currency"
    if answer.amount_minor != due.amount.amount_minor:
        return "amount"
    return "phone" if answer.phone != due.payer_phone else None


async def _post(
    db: AsyncConnection, mutuelle: Mutuelle, home: Household, due: Due, completed_at: datetime
) -> None:
    await post_all(db, await journals_of(db, mutuelle, home, due, mutuelle.today(completed_at)))


async def journals_of(
    db: AsyncConnection, mutuelle: Mutuelle, home: Household, due: Due, on: date
) -> list[Journal]:
    """What a payment made as it was asked for posts: the calls that the money reaches, then the receipt."""
    money = due.amount.amount_minor
    calls = await calls_due(db, mutuelle, home, new_receipt_minor=money, on=on, actor=due.operator)
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
    return [*calls, receipt]


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
    await _open_case(db, due, "mismatch", detail, now)
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
