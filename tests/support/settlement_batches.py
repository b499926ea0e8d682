"""Payments of every kind that a batch may hold, and the rows that settlement writes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from locales import Money
from mobilemoney import OperatorAnswer, Outcome
from mutuelle import tables
from mutuelle.acts import By
from mutuelle.contributions.payments import PayingPhone, PaymentState, ask_payment, move
from mutuelle.contributions.standing import standing
from mutuelle.households.households import Household
from talk.preferences import choose_language
from talk.words import Caller
from tests.support.town import NOON, found, found_town, join, paid

Paid = tuple[str, UUID, OperatorAnswer]
LONG_AGO = NOON - timedelta(days=350)

# The tables of settlement, with the columns that are random or times.
ROWS = {
    "ledger.account": "opened_at",
    "ledger.journal": "recorded_at, xid",
    "ledger.movement": "xid",
    "ledger.request": "created_at",
    "payment": "",
    "payment_move": "",
    "payment_case": "",
    "policy": "",
    "sms_outbox": "id, recorded_at, xid",
}


def phone(nth: int) -> str:
    return f"+223761{nth:05}"


def calling(nth: int) -> Caller:
    return Caller(phone(nth), "fr", "test", f"call of {nth}", NOON)


async def every_kind(pool: AsyncEngine, owner: AsyncEngine) -> list[Paid]:
    """The operator's answers at noon, for payments of two mutuelles: one of each kind that settlement distinguishes."""
    await found_town(pool)
    async with pool.begin() as db:
        await found(db, code="KAN", prefix=198, name="Mutuelle Kanu", registration_minor=1_000)
    odd = [await join(pool, phone(nth), at=NOON, pay_minor=6_000) for nth in range(7)]
    for nth in (7, 8):  # the usual: a part with a joining fee; two of them
        await join(pool, phone(nth), at=NOON, code="KAN", pay_minor=5_000)
    await one_that_renews(pool, phone(9))
    await one_that_pays_the_rest(pool, phone(10))
    closed, unconfirmed = [await join(pool, phone(nth), at=NOON) for nth in (11, 12)]
    async with owner.begin() as db:
        await change(db, closed, closed_at=NOON)
        await change(db, unconfirmed, registered_by=phone(99))
    async with pool.begin() as db:
        await choose_language(db, calling(7), language="en")
        await hand_over(db)
    by_number = dict(zip([household.number for household in odd], ODDITIES, strict=True))
    async with pool.connect() as db:
        rows = (await db.execute(select(tables.payment).order_by(tables.payment.c.payer_phone))).all()
    answers = []
    for row in rows:
        reference, money = row.reference, (row.amount_minor, row.currency)
        answer = OperatorAnswer(
            Outcome.PAID, *money, row.payer_phone, f"T{reference}", NOON + timedelta(minutes=1)
        )
        answers.append((row.mutuelle_id, reference, by_number.get(row.number, as_it_was)(answer)))
    return answers


def as_it_was(answer: OperatorAnswer) -> OperatorAnswer:
    return answer


ODDITIES: list[Callable[[OperatorAnswer], OperatorAnswer]] = [
    lambda answer: replace(answer, amount_minor=5_000),
    lambda answer: replace(answer, currency="GNF"),
    lambda answer: replace(answer, phone=phone(98)),
    lambda answer: replace(answer, amount_minor=0),
    lambda answer: replace(answer, completed_at=LONG_AGO),
    lambda answer: replace(answer, operator_reference="R1"),
    lambda answer: replace(answer, operator_reference="R1"),
]


async def one_that_renews(pool: AsyncEngine, whose: str) -> None:
    """A household whose paid first year ends in two weeks; it pays a quarter of the next one."""
    household = await join(pool, whose, at=LONG_AGO)
    await paid(pool, household, at=LONG_AGO)
    async with pool.begin() as db:
        offer = (await standing(db, household, NOON)).renewal
        assert offer
        caller = Caller(whose, "fr", "test", "renews", NOON)
        await ask_payment(db, caller, household, Money(3_000, "XOF"), PayingPhone(whose), renewal=offer)


async def one_that_pays_the_rest(pool: AsyncEngine, whose: str) -> None:
    """A household that has paid a half, and pays more than the rest from another's phone."""
    household = await join(pool, whose, at=NOON, pay_minor=6_000)
    await paid(pool, household, at=NOON)
    async with pool.begin() as db:
        await ask_payment(
            db,
            Caller(whose, "fr", "test", "rest", NOON),
            household,
            Money(7_000, "XOF"),
            PayingPhone(phone(13)),
        )


async def change(db: AsyncConnection, household: Household, **facts: object) -> None:
    of_household = tables.household.c.number == household.number
    await db.execute(update(tables.household).where(of_household).values(**facts))


async def hand_over(db: AsyncConnection) -> None:
    """Move every ASKED payment to SENT."""
    asked = select(tables.payment).where(tables.payment.c.state == PaymentState.ASKED)
    for row in (await db.execute(asked)).all():
        key = (row.mutuelle_id, row.reference)
        await move(db, *key, PaymentState.SENT, by=By("worker", "sent", NOON))


async def rows_of(db: AsyncConnection) -> dict[str, list[str]]:
    """Every row that settlement may write, by table, without random values and times."""
    found = {}
    for table, but in ROWS.items():
        rows = await db.scalars(
            text(f"select (to_jsonb(t) - cast(:but as text[]))::text as row from {table} t order by 1"),
            {"but": [name for name in but.split(", ") if name]},
        )
        found[table] = list(rows)
    return found
