"""Payments: one open at a time, legal moves only, settled once, and other people's phones left in peace."""

import asyncio
from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Money
from mobilemoney import OperatorAnswer, Outcome
from mutuelle import tables
from mutuelle.acts import By
from mutuelle.contributions.payments import (
    LEGAL,
    PROMPTS_A_DAY,
    IllegalMoveError,
    PayingPhone,
    PaymentState,
    ask_payment,
    move,
    open_payment,
    receipt_code,
)
from mutuelle.contributions.refusals import accept_requests, refuse_requests
from mutuelle.contributions.settlement.settle import settle
from mutuelle.contributions.standing import PaymentTerms
from mutuelle.enrolment.enrolment import pay
from mutuelle.households.households import Household
from talk.trouble import RefusedError
from talk.words import Caller
from tests.support.town import AWA, MARIAM, NOON, OUMAR, found_town, join, paid

PART = Money(3_000, "XOF")


def calling(phone: str, hours: float = 0) -> Caller:
    return Caller(phone, "fr", "test", f"call of {phone}", NOON + timedelta(hours=hours))


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    """Awa's household, whose first payment is under way."""
    await found_town(pool)
    return await join(pool, AWA, at=NOON, pay_minor=3_000)


async def ask(pool: AsyncEngine, household: Household, caller: Caller, payer: str) -> None:
    async with pool.begin() as db:
        await ask_payment(db, caller, household, PART, PayingPhone(payer))


async def test_a_household_has_one_open_payment_whatever_phone_asks(
    pool: AsyncEngine, household: Household
) -> None:
    """Another's is not begun beside its own; its own is begun beside another's, and then there is one of each."""
    for phone in (AWA, MARIAM):
        with pytest.raises(RefusedError, match="under way"):
            await ask(pool, household, calling(phone), phone)


async def test_two_phones_that_pay_at_once_leave_one_open_payment(
    pool: AsyncEngine, household: Household
) -> None:
    await paid(pool, household, at=NOON)

    async def pays(phone: str) -> bool:
        try:
            async with pool.begin() as db:
                await pay(
                    db,
                    calling(phone),
                    number=household.number,
                    amount=PART,
                    terms=PaymentTerms(Money(9_000, "XOF"), Money(0, "XOF"), "P1", 1, renews=False),
                    payer=PayingPhone(phone),
                )
        except RefusedError:
            return False
        return True

    assert sum(await asyncio.gather(*(pays(phone) for phone in (AWA, AWA, AWA)))) == 1
    await decline(pool, household)
    assert sum(await asyncio.gather(*(pays(phone) for phone in (MARIAM, OUMAR)))) == 1
    assert await pays(AWA), "another's payment holds up nothing of the household's own"
    assert not await pays(OUMAR)
    async with pool.connect() as db:
        under_way = await open_payment(db, household)
    assert under_way is not None
    assert (under_way.payer_phone, under_way.by_another) == (AWA, False)


async def test_other_peoples_phones_are_asked_three_times_a_day(
    pool: AsyncEngine, household: Household
) -> None:
    asker, other = calling(AWA, 1), MARIAM
    for nth in range(PROMPTS_A_DAY):
        await paid(pool, household, at=NOON) if nth == 0 else await decline(pool, household)
        await ask(pool, household, asker, other)
    await decline(pool, household)
    with pytest.raises(RefusedError, match="asked enough"):
        await ask(pool, household, asker, other)
    await ask(pool, household, calling(other, 1), other)  # her own wish is not rationed
    await decline(pool, household)
    await ask(pool, household, calling(AWA, 26), other)  # nor is tomorrow


async def decline(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        is_open = tables.payment.c.number == household.number, tables.payment.c.state == "ASKED"
        reference = await db.scalar(select(tables.payment.c.reference).where(*is_open))
        assert reference
        for to in (PaymentState.SENT, PaymentState.FAILED):
            await move(db, household.mutuelle_id, reference, to, by=By("test", "declined", NOON))


async def test_a_payer_can_refuse_requests_for_good_and_allow_them_again(
    pool: AsyncEngine, household: Household
) -> None:
    await paid(pool, household, at=NOON)
    async with pool.begin() as db:
        await refuse_requests(db, calling(MARIAM))
    with pytest.raises(RefusedError, match="takes no payment requests"):
        await ask(pool, household, calling(AWA), MARIAM)
    async with pool.begin() as db:
        await accept_requests(db, calling(MARIAM))
    await ask(pool, household, calling(AWA), MARIAM)


@pytest.mark.parametrize(("was", "to"), [(a, b) for a, b in product(PaymentState, repeat=2) if a is not b])
async def test_only_legal_moves_are_made(
    pool: AsyncEngine, household: Household, was: PaymentState, to: PaymentState
) -> None:
    async with pool.begin() as db:
        reference = (await db.execute(select(tables.payment.c.reference))).scalar_one()
        await db.execute(tables.payment.update().values(state=was))
        done = move(db, household.mutuelle_id, reference, to, by=By("test", "try", NOON))
        if to in LEGAL[was]:
            assert await done is was
        else:
            with pytest.raises(IllegalMoveError):
                await done
        assert await db.scalar(select(tables.payment.c.state)) == (to if to in LEGAL[was] else was)


async def test_ten_settlements_at_once_post_once_and_send_one_receipt(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        reference = (await db.execute(select(tables.payment.c.reference))).scalar_one()
        await move(db, "BEN", reference, PaymentState.SENT, by=By("test", "sent", NOON))
    answer = OperatorAnswer(Outcome.PAID, 3_000, "XOF", AWA, "T1", NOON)

    async def settles() -> bool:
        async with pool.begin() as db:
            return await settle(db, "BEN", reference, answer, NOON)

    assert sum(await asyncio.gather(*(settles() for _copy in range(10)))) == 1
    async with pool.connect() as db:
        posted = await db.scalar(
            text("select count(*) from ledger.journal where kind = 'contribution received'")
        )
        sent = await db.scalar(text("select count(*) from sms_outbox"))
    assert (posted, sent) == (1, 1)


async def test_one_receipt_of_the_operator_never_pays_for_two(
    pool: AsyncEngine, household: Household
) -> None:
    """Two payments with one operator reference: the second is left to a person."""
    other = await join(pool, MARIAM, at=NOON, name="Mariam Sangaré")
    same = OperatorAnswer(Outcome.PAID, 3_000, "XOF", AWA, "OP-1", NOON)
    async with pool.begin() as db:
        rows = (await db.execute(select(tables.payment.c.reference, tables.payment.c.number))).all()
        references = {row.number: row.reference for row in rows}
        for reference in references.values():
            await move(db, "BEN", reference, PaymentState.SENT, by=By("test", "sent", NOON))
    async with pool.begin() as db:
        assert await settle(db, "BEN", references[household.number], same, NOON)
    async with pool.begin() as db:
        assert not await settle(db, "BEN", references[other.number], same, NOON)
    async with pool.connect() as db:
        states = {row.number: row.state for row in await db.execute(select(tables.payment))}
        cases = [(row.reference, row.kind) for row in await db.execute(select(tables.payment_case))]
    assert states == {household.number: "PAID", other.number: "UNKNOWN"}
    assert cases == [(references[other.number], "contradiction")]


async def test_a_payment_of_a_household_that_was_closed_meanwhile_still_has_a_home(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        await db.execute(tables.household.update().values(closed_at=NOON))
    await paid(pool, household, at=NOON)
    async with pool.connect() as db:
        assert await db.scalar(select(func.count()).where(tables.payment.c.state == "PAID")) == 1


def test_a_receipt_code_is_read_over_the_phone_and_never_changes() -> None:
    code = receipt_code(UUID(int=7))
    assert code == receipt_code(UUID(int=7))
    assert len(code) == 6
    assert code.isalnum()
