"""A treasurer's Money, walked like every call: each way out and in, with the longest facts."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import languages
from mutuelle.officers.roles import Role
from mutuelle.treasury.tables import payee_name
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind, box_of
from talk.answers import pin
from tests.menus.test_walker import LONG_NAME, found_longest
from tests.menus.test_work import walked
from tests.support.officer_acts import answers
from tests.support.officers import FANTA, ISSA, OUMOU, appoint, give_pin, set_limit
from tests.support.own_accounts import opens
from tests.support.payouts import proposes_payout
from tests.support.town import NOON, join, paid, pays
from tests.support.treasury import facility, proposes_it, records, xof

TYPED_PIN = pin.good[0]  # what the walker types
BANK = "health:bank:banque-malienne-de-solidarite"
WALLET, LONG_PHONE = "health:disbursement:simulated-ML", "+22376000031"
FLOAT = "health:float:simulated-ML"


@pytest.fixture
async def rich(pool: AsyncEngine) -> AsyncEngine:
    """A mutuelle with the longest names and money everywhere, whose treasurers have written and proposed vouchers."""
    async with pool.begin() as db:
        await found_longest(db, "BEN", 199)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone, pin=TYPED_PIN)
    await set_limit(pool, "two_signatures_from_minor", 25_000)
    await appoint(pool, OUMOU, Role.COLLECTOR, name=LONG_NAME, pin=None)
    for account in (BANK, "health:cash:caisse-de-kouroubarrage", "health:bank:ecobank"):
        await opens(pool, account, 99_999_999)
    await opens(pool, "health:disbursement:simulated-ML", 99_999_999)
    await opens(pool, "health:payable:cscom", 99_999_999)
    await opens(pool, "health:receivable:etat-du-mali-ministere-de-la-sante", 99_999_999)
    box = box_of(FANTA)
    withdrawal = NewVoucher(
        VoucherKind.WITHDRAWAL, box, BANK, xof(24_000), "BR 2026-00417", slip="BR 2026-00417"
    )
    grant = NewVoucher(
        VoucherKind.GRANT, "grants:bank:ecobank", "grants:subsidies", xof(24_999), "x" * 40, "x" * 24
    )
    sent = NewVoucher(VoucherKind.SENT, "health:transit", BANK, xof(24_998), "x" * 40, toward=FLOAT)
    for new in (withdrawal, grant, sent):
        await records(pool, new, pin=TYPED_PIN)
    await proposes_it(pool, facility(9_999_999, giver=BANK), by=ISSA, pin=TYPED_PIN)
    for limit in ("payouts_a_day_minor", "payouts_by_one_minor"):
        await set_limit(pool, limit, 20_000_000)
    out = NewVoucher(
        VoucherKind.FACILITY, "health:payable:cscom", WALLET, xof(9_999_999), "x" * 40, "W" * 24, LONG_PHONE
    )
    for nth, new in enumerate((replace(out, amount=xof(9_999_998)), out)):
        await proposes_payout(pool, new, by=ISSA, pin=TYPED_PIN)
        async with pool.begin() as db:
            row = {"mutuelle_id": "BEN", "account": "simulated-ML", "phone": LONG_PHONE, "name": "W" * 60}
            named = insert(payee_name).values(row | {"times": 1, "asked_at": NOON})
            await db.execute(named.on_conflict_do_nothing())
        if not nth:
            await answers(pool, by=FANTA, pin=TYPED_PIN, proposal=await last_act(pool))
    return pool


async def last_act(pool: AsyncEngine) -> str:
    async with pool.connect() as db:
        return str(await db.scalar(text("select id from joint_act where kind = 'payout'")))


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize(
    "digits",
    [
        ("2", "1"),
        ("2", "4"),
        ("3",),
        ("4", "1"),
        ("4", "2"),
        ("4", "3"),
        ("4", "4"),
        ("4", "5"),
        ("4", "6"),
        ("4", "7"),
        ("4", "8"),
    ],
    ids="-".join,
)
async def test_every_way_of_money_fits_ends_and_acts_only_when_agreed(
    rich: AsyncEngine, language: str, digits: tuple[str, ...]
) -> None:
    walk = await walked(rich, FANTA, language, "9", "8", *digits)
    assert walk.acted > 0


@pytest.mark.parametrize("language", languages())
async def test_what_waits_is_signed(rich: AsyncEngine, language: str) -> None:
    assert (await walked(rich, FANTA, language, "9", "8", "7")).acted > 0


@pytest.mark.parametrize("language", languages())
async def test_a_household_gets_back_what_it_has_paid_too_much(rich: AsyncEngine, language: str) -> None:
    household = await join(rich, "+22376000150", at=NOON, name=LONG_NAME)
    await paid(rich, household, at=NOON)
    await pays(rich, household, 900_000, at=NOON)
    walk = await walked(rich, FANTA, language, "9", "8", "2", "7", household.number)
    assert walk.acted > 0


@pytest.mark.parametrize("language", languages())
async def test_a_bill_of_care_is_written_down(rich: AsyncEngine, language: str) -> None:
    household = await join(rich, "+22376000150", at=NOON - timedelta(days=60), name=LONG_NAME, ages=(45,))
    await paid(rich, household, at=NOON - timedelta(days=60))
    walk = await walked(rich, FANTA, language, "9", "8", "2", "8", household.number, "2")
    assert walk.acted > 0
    assert "Which day of care? Like 18/11; today: 0" in walk.asked


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("care", ["2", "1"])
async def test_a_rule_of_benefits_is_changed(rich: AsyncEngine, language: str, care: str) -> None:
    """Of care that has a rule, and of care that is not paid yet."""
    walk = await walked(rich, FANTA, language, "7", "2", "2", "1", care)
    assert walk.acted > 0
    assert "{product}, {care}, {level}. {what}: {value}, from {day} on (now {was})?" in walk.asked
