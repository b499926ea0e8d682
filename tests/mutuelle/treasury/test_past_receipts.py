"""What a member reads again: receipts and checks of the own household, and whether SMS come."""

from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Money, languages, render
from locales.letters import fold, septets
from menus.messages import CHECKS_SHOWN, RECEIPTS_SHOWN, checked, listed_receipts
from mutuelle.care.eligibility_history import Check
from mutuelle.contributions.payments import open_case
from mutuelle.households.households import Household
from mutuelle.tables import payment
from mutuelle.treasury.past_receipts import (
    PastReceipt,
    SmsTaken,
    last_receipts,
    messages_taken,
    start_messages,
    stop_messages,
)
from mutuelle.treasury.tables import cash_holder, cash_receipt
from mutuelle.treasury.unmatched.groups import MOST_PAYER
from talk.words import Caller
from tests.support.joined_households import joined, unpaid
from tests.support.messages_receipts import MUTUELLE
from tests.support.town import AWA, MARIAM, NOON, found_town, pays
from ussd.screens import BUDGET_SEPTETS, STATE_SEPTETS

TODAY = NOON.date()
CALLER = Caller(AWA, "fr", "test", "c", NOON)


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    await found_town(pool)
    return await joined(pool, AWA, pay_minor=3_000)


async def lines(pool: AsyncEngine, household: Household, limit: int = 9) -> list[tuple[str, int]]:
    async with pool.connect() as db:
        found = await last_receipts(db, household, limit)
        return [(f"{receipt.on:%d/%m}", receipt.amount.amount_minor) for receipt in found]


async def test_receipts_by_phone_and_in_cash_stand_together_the_newest_first(
    pool: AsyncEngine, household: Household
) -> None:
    await pays(pool, household, 2_000, at=NOON + timedelta(days=3))
    async with pool.begin() as db:
        key = {"mutuelle_id": "BEN", "holder": "12345678"}
        await db.execute(insert(cash_holder), {**key, "role": "collector", "phone": MARIAM, "since": NOON})
        cash = {"reference": uuid4(), "number": household.number, "amount_minor": 500, "currency": "XOF"}
        when = {"receipt_code": "QQQQ22", "received_at": NOON + timedelta(days=2)}
        when["received_on"] = TODAY + timedelta(days=1)
        await db.execute(insert(cash_receipt), {**key, **cash, **when})
    assert await lines(pool, household) == [("25/11", 2_000), ("23/11", 500), ("22/11", 3_000)]
    assert await lines(pool, household, limit=1) == [("25/11", 2_000)]


async def test_money_in_suspense_and_payments_that_failed_have_no_receipt(
    pool: AsyncEngine, household: Household
) -> None:
    async with pool.begin() as db:
        reference = (await db.execute(sa.select(payment.c.reference))).scalar_one()
        await open_case(db, "BEN", reference, "mismatch", "amount", NOON)
    assert await lines(pool, household) == []
    assert await lines(pool, await unpaid(pool, MARIAM)) == []


async def test_the_day_of_a_receipt_is_the_mutuelles_own(pool: AsyncEngine, household: Household) -> None:
    await pays(pool, household, 2_000, at=NOON.replace(hour=23, minute=59) + timedelta(days=1))
    assert (await lines(pool, household))[0] == ("23/11", 2_000)


async def test_sms_stop_and_start_for_this_phone_only(pool: AsyncEngine, household: Household) -> None:
    async with pool.begin() as db:
        assert await messages_taken(db, CALLER) is SmsTaken.ALL
        await stop_messages(db, CALLER)
        assert await messages_taken(db, CALLER) is SmsTaken.IMPORTANT
        assert await messages_taken(db, Caller(MARIAM, "fr", "test", "c", NOON)) is SmsTaken.ALL
        await start_messages(db, CALLER)
        assert await messages_taken(db, CALLER) is SmsTaken.ALL


@pytest.mark.parametrize("language", languages())
def test_the_longest_lists_fit_one_screen(language: str) -> None:
    receipt = PastReceipt(TODAY, Money(999_999, "XOF"), "WWWWWW")
    check = Check(MUTUELLE, "WWWWWW", "Hôpital Kouroubarrage-Zangasso", NOON, True, TODAY)
    for sentence in (listed_receipts([receipt] * RECEIPTS_SHOWN), checked([check] * CHECKS_SHOWN)):
        assert septets(fold(render(sentence, language))) <= BUDGET_SEPTETS - STATE_SEPTETS
    paid_by_others = PastReceipt(TODAY, Money(999_999, "XOF"), "WWWWWW", "x" * MOST_PAYER)
    short = listed_receipts([paid_by_others] * RECEIPTS_SHOWN).shorter
    assert short
    assert septets(fold(render(short, language))) <= BUDGET_SEPTETS - STATE_SEPTETS
