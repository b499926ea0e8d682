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
from mutuelle.care.answers import Check
from mutuelle.households import Household
from mutuelle.messages import (
    PastReceipt,
    Taken,
    last_receipts,
    messages_taken,
    start_messages,
    stop_messages,
)
from mutuelle.payments import open_case
from mutuelle.staff.tables import cash_holder, cash_receipt
from mutuelle.tables import payment
from talk.words import Caller, Consent
from tests.mutuelle.messages_receipts import MUTUELLE
from tests.mutuelle.support.homes import joined, unpaid
from tests.town import AWA, MARIAM, NOON, found_town, pays
from ussd.screens import BUDGET_SEPTETS, STATE_SEPTETS

TODAY = NOON.date()
CALLER = Caller(AWA, "fr", "test", "c", NOON)


@pytest.fixture
async def home(pool: AsyncEngine) -> Household:
    await found_town(pool)
    return await joined(pool, AWA, pay_minor=3_000)


async def lines(pool: AsyncEngine, home: Household, limit: int = 9) -> list[tuple[str, int]]:
    async with pool.connect() as db:
        found = await last_receipts(db, home, limit)
        return [(f"{receipt.on:%d/%m}", receipt.amount.amount_minor) for receipt in found]


async def test_receipts_by_phone_and_in_cash_stand_together_the_newest_first(
    pool: AsyncEngine, home: Household
) -> None:
    await pays(pool, home, 2_000, at=NOON + timedelta(days=3))
    async with pool.begin() as db:
        key = {"mutuelle_id": "BEN", "holder": "12345678"}
        await db.execute(insert(cash_holder), {**key, "role": "collector", "phone": MARIAM, "since": NOON})
        cash = {"reference": uuid4(), "number": home.number, "amount_minor": 500, "currency": "XOF"}
        when = {"receipt_code": "QQQQ22", "received_at": NOON + timedelta(days=2)}
        when["received_on"] = TODAY + timedelta(days=1)
        await db.execute(insert(cash_receipt), {**key, **cash, **when})
    assert await lines(pool, home) == [("25/11", 2_000), ("23/11", 500), ("22/11", 3_000)]
    assert await lines(pool, home, limit=1) == [("25/11", 2_000)]


async def test_money_in_suspense_and_payments_that_failed_have_no_receipt(
    pool: AsyncEngine, home: Household
) -> None:
    async with pool.begin() as db:
        reference = (await db.execute(sa.select(payment.c.reference))).scalar_one()
        await open_case(db, "BEN", reference, "mismatch", "amount", NOON)
    assert await lines(pool, home) == []
    assert await lines(pool, await unpaid(pool, MARIAM)) == []


async def test_the_day_of_a_receipt_is_the_mutuelles_own(pool: AsyncEngine, home: Household) -> None:
    await pays(pool, home, 2_000, at=NOON.replace(hour=23, minute=59) + timedelta(days=1))
    assert (await lines(pool, home))[0] == ("23/11", 2_000)


async def test_sms_stop_and_start_for_this_phone_only(pool: AsyncEngine, home: Household) -> None:
    async with pool.begin() as db:
        assert await messages_taken(db, CALLER) is Taken.ALL
        await stop_messages(db, CALLER, agreed=Consent("yes"))
        assert await messages_taken(db, CALLER) is Taken.IMPORTANT
        assert await messages_taken(db, Caller(MARIAM, "fr", "test", "c", NOON)) is Taken.ALL
        await start_messages(db, CALLER, agreed=Consent("yes"))
        assert await messages_taken(db, CALLER) is Taken.ALL


@pytest.mark.parametrize("language", languages())
def test_the_longest_lists_fit_one_screen(language: str) -> None:
    receipt = PastReceipt(TODAY, Money(999_999, "XOF"), "WWWWWW")
    check = Check(MUTUELLE, "WWWWWW", "Hôpital Kouroubarrage-Zangasso", NOON, True, TODAY)
    for sentence in (listed_receipts([receipt] * RECEIPTS_SHOWN), checked([check] * CHECKS_SHOWN)):
        assert septets(fold(render(sentence, language))) <= BUDGET_SEPTETS - STATE_SEPTETS
