"""My work, walked like every call: a treasurer, a collector and somebody new in office, with the longest facts."""

import logging
import re
from datetime import timedelta
from functools import partial

import pytest
from redis.asyncio import Redis
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Money, languages
from menus import find
from mutuelle.acts import By
from mutuelle.care.tables import care_card
from mutuelle.contributions.payments import PaymentState
from mutuelle.officers.role_changes import GIVE, WITHDRAW
from mutuelle.officers.roles import Role
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import household_phone
from mutuelle.treasury.past_receipts import last_receipts
from mutuelle.treasury.unmatched.group_acts import group_payment
from mutuelle.treasury.unmatched.groups import MOST_PAYER
from mutuelle.treasury.voucher_kinds import NewVoucher, Signatures, VoucherKind, transit_of
from mutuelle.treasury.vouchers import write_voucher
from mutuelle.year_end.closing import close_year
from talk.answers import pin
from talk.words import Caller
from tests.menus.test_walker import LONG_NAME, Walk, found_longest
from tests.mutuelle.treasury.statements.test_take_in import sent
from tests.support.doctor_desk import give_card, new_card
from tests.support.groups import comes, listed
from tests.support.officer_acts import proposes, proposes_waiver, receives
from tests.support.officers import FANTA, ISSA, MODIBO, OUMOU, SEALS, appoint, give_pin, set_limit
from tests.support.own_accounts import opens
from tests.support.statements import FLOAT, line, open_merchant, taken
from tests.support.town import AWA, MARIAM, NOON, OUMAR, Handset, join, paid, pays
from tests.support.treasury import xof
from tests.support.unmatched import proposed
from ussd import calls

WRONG_PIN = "73918"
TYPED_PIN = pin.good[0]  # what the walker types
LONG_PHONE = "+2290197123456"
DOCTORS_NAME = "Dr N'Golo-Marie Ouattara S"


@pytest.fixture
async def staffed(pool: AsyncEngine) -> AsyncEngine:
    """Two treasurers who wait for each other's answers, and a collector with a household's cash in hand."""
    async with pool.begin() as db:
        await found_longest(db, "BEN", 199)
    for phone in (FANTA, ISSA):
        await give_pin(pool, phone, pin=TYPED_PIN)
    await appoint(pool, OUMOU, Role.COLLECTOR, name=LONG_NAME, pin=TYPED_PIN, at=NOON - timedelta(days=400))
    await appoint(pool, MODIBO, Role.ENROLMENT, name=LONG_NAME, pin=None)
    new = partial(proposes, pool, phone=LONG_PHONE, pin=TYPED_PIN)
    await new(
        what=GIVE,
        role=Role.DOCTOR,
        name=DOCTORS_NAME,
        facility_id="cscom",
        languages=("fr",),
    )
    await new(what=GIVE, role=Role.ENROLMENT, name=LONG_NAME)
    await proposes(pool, what=WITHDRAW, role=Role.COLLECTOR, phone=OUMOU, name=LONG_NAME, pin=TYPED_PIN)
    household = await join(pool, AWA, at=NOON, name=LONG_NAME, ages=(45,) + (20,) * 9, pay_minor=840_000)
    await paid(pool, household, at=NOON)
    await receives(pool, household, 99_000, pin=TYPED_PIN)
    return pool


async def walked(pool: AsyncEngine, phone: str, language: str, *typed: str) -> Walk:
    walk = Walk(pool, Caller(phone, language, "test", "walk", NOON, SEALS))
    await walk.everywhere(typed)
    assert walk.acted == walk.agreed
    return walk


@pytest.mark.parametrize("language", languages())
async def test_a_treasurer_proposes_answers_and_allows_a_pin(staffed: AsyncEngine, language: str) -> None:
    for duty in (("1", "4"), ("2", "1"), ("3",), ("4",)):
        walk = await walked(staffed, ISSA, language, "9", "5", *duty)
        assert walk.acted > 0


@pytest.mark.parametrize("language", languages())
async def test_a_treasurer_reads_the_detail_and_who_owes(staffed: AsyncEngine, language: str) -> None:
    before = NOON - timedelta(days=200)
    other = await join(staffed, MARIAM, at=before, name=LONG_NAME, ages=(45,) + (20,) * 9, pay_minor=840_000)
    await paid(staffed, other, at=before)
    walk = await walked(staffed, ISSA, language, "9", "1")
    assert walk.acted == 0
    assert len(walk.seen) >= 5, "the balance, pages, the places, the names, the household"


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("has_phone", [True, False])
async def test_an_officer_and_a_treasurer_hand_over_a_card_and_end_it(
    staffed: AsyncEngine, language: str, has_phone: bool
) -> None:
    household = await join(staffed, MARIAM, at=NOON, name=LONG_NAME, ages=(45,), pay_minor=84_000)
    if not has_phone:
        async with staffed.begin() as db:
            await db.execute(household_phone.delete().where(household_phone.c.number == household.number))
    await give_pin(staffed, MODIBO, pin=TYPED_PIN)
    for phone, path in ((MODIBO, ("9", "3")), (ISSA, ("9", "7", "9"))):
        walk = await walked(staffed, phone, language, *path, household.number)
        assert walk.acted == 0, "no card is printed"
        await new_card(staffed, household)
        walk = await walked(staffed, phone, language, *path, household.number)
        assert walk.acted == 2, "handed over, or ended"
        await give_card(staffed, household)
        walk = await walked(staffed, phone, language, *path, household.number)
        assert walk.acted == 1, "ended"
        async with staffed.begin() as db:
            await db.execute(update(care_card).values(ended_at=NOON, ended_by="a test"))


@pytest.mark.parametrize("language", languages())
async def test_a_treasurer_convenes_an_assembly_and_writes_its_vote(
    staffed: AsyncEngine, language: str
) -> None:
    async with staffed.begin() as db:
        by = By("Kadidia", "the year is over", NOON)
        await close_year(db, await get_mutuelle(db, "BEN"), NOON.year - 1, by)
    walk = await walked(staffed, ISSA, language, "7", "6")
    assert walk.acted > 1


@pytest.mark.parametrize("language", languages())
async def test_a_treasurer_says_whose_unmatched_money_is(staffed: AsyncEngine, language: str) -> None:
    await open_merchant(staffed)
    await opens(staffed, FLOAT, 900_000)
    long_note = "cotisation du ménage de ma grand-mère à Koutiébougou"
    await taken(staffed, [line(nth, 420_000 + nth, long_note, payer="22376000001") for nth in (1, 2)])
    household = await join(staffed, MARIAM, at=NOON, name=LONG_NAME, ages=(45,), pay_minor=84_000)
    await sent(staffed, household, PaymentState.FAILED)
    await taken(staffed, [line(3, 420_003, household.number)])
    async with staffed.connect() as db:
        [receipt] = await last_receipts(db, household, 1)
    for account in ("health:receivable:etat", "health:cash:caisse-benkadi", "health:bank:bms"):
        await opens(staffed, account, 900_000)
    way = NewVoucher(
        VoucherKind.SENT, transit_of("health"), "health:bank:bms", xof(420_001), "x" * 40, toward=FLOAT
    )
    async with staffed.begin() as db:
        mutuelle = await get_mutuelle(db, "BEN")
        by = Signatures(FANTA, "Fanta", NOON.date(), two_from_minor=1_000_000)
        await write_voucher(db, mutuelle, way, by, NOON)
    for path in (("1",), ("2", "420001"), ("3", receipt.code), ("4", household.number)):
        walk = await walked(staffed, ISSA, language, "9", "8", "8", *path)
        assert walk.acted > 0, path


@pytest.mark.parametrize("language", languages())
async def test_a_treasurer_proposes_the_list_of_a_group_and_another_signs(
    staffed: AsyncEngine, language: str
) -> None:
    await open_merchant(staffed)
    homes = [
        await join(staffed, phone, at=NOON, name=LONG_NAME, ages=(45,), pay_minor=84_000)
        for phone in (MARIAM, OUMAR)
    ]
    await comes(staffed, 2 * 999_999, 30)
    found = await listed(
        staffed, dict.fromkeys([home.number for home in homes], 999_999), payer="x" * MOST_PAYER
    )
    assert (await walked(staffed, FANTA, language, "9", "8", "7")).acted == 1, "she proposes the list"
    assert await proposed(staffed, group_payment(found), by=FANTA, pin=TYPED_PIN) is None
    pages = [await walked(staffed, ISSA, language, "9", "8", "7", *more) for more in ((), ("98",))]
    seen = {screen for walk in pages for screen in walk.seen}
    assert any("x" * MOST_PAYER in screen and "Kadidia" in screen for screen in seen)
    assert all(walk.acted for walk in pages)


@pytest.mark.parametrize("language", languages())
async def test_a_treasurer_counts_the_box(staffed: AsyncEngine, language: str) -> None:
    walk = await walked(staffed, ISSA, language, "9", "8", "6")
    assert walk.acted > 0
    await set_limit(staffed, "count_difference_minor", 9_999_999)
    walk = await walked(staffed, ISSA, language, "9", "8", "6")
    assert walk.acted > 0


@pytest.mark.parametrize("language", languages())
async def test_a_treasurer_proposes_a_limit_and_another_signs(staffed: AsyncEngine, language: str) -> None:
    await set_limit(staffed, "two_signatures_from_minor", 1_000_000)
    walk = await walked(staffed, ISSA, language, "7", "7")
    assert walk.acted > 0


@pytest.mark.parametrize("language", languages())
async def test_a_treasurer_takes_over_cash(staffed: AsyncEngine, language: str) -> None:
    walk = await walked(staffed, ISSA, language, "9", "6")
    assert walk.acted > 0


@pytest.mark.parametrize("language", languages())
async def test_a_collector_receives_cash(staffed: AsyncEngine, language: str) -> None:
    await set_limit(staffed, "cash_held_minor", 999_999)
    before = NOON - timedelta(days=30)
    other = await join(staffed, MARIAM, at=before, name=LONG_NAME, pay_minor=840_000)
    await paid(staffed, other, at=before)
    walk = await walked(staffed, OUMOU, language, "9", "1", other.number)
    assert walk.acted > 3  # today, yesterday, the day before, and days before that
    await receives(staffed, other, 99_000, pin=TYPED_PIN, days_ago=9)
    assert (await walked(staffed, OUMOU, language, "9", "2")).seen
    assert len((await walked(staffed, ISSA, language, "9", "8", "5")).seen) > 2


@pytest.mark.parametrize("language", languages())
async def test_a_collector_receives_cash_for_a_renewal(staffed: AsyncEngine, language: str) -> None:
    await set_limit(staffed, "cash_held_minor", 9_999_999)
    before = NOON - timedelta(days=380)
    other = await join(staffed, MARIAM, at=before, name=LONG_NAME)
    await paid(staffed, other, at=before)
    walk = await walked(staffed, OUMOU, language, "9", "1", other.number)
    assert walk.acted > 3
    await pays(staffed, other, 300_000, at=before)  # a credit, which the words take off
    walk = await walked(staffed, OUMOU, language, "9", "1", other.number)
    assert walk.acted > 3


@pytest.mark.parametrize("language", languages())
async def test_a_debt_of_a_past_cover_is_paid_or_waived(staffed: AsyncEngine, language: str) -> None:
    await set_limit(staffed, "cash_held_minor", 9_999_999)
    before = NOON - timedelta(days=450)
    other, another = [
        await join(staffed, phone, at=before, name=LONG_NAME, pay_minor=486_000) for phone in (MARIAM, OUMAR)
    ]
    for household in (other, another):
        await paid(staffed, household, at=before)
    assert (await walked(staffed, OUMOU, language, "9", "1", other.number)).acted > 3
    assert (await walked(staffed, MARIAM, language, "2")).acted > 1
    assert (await walked(staffed, ISSA, language, "9", "8", "9", other.number)).acted == 1
    for household in (other, another):
        await proposes_waiver(
            staffed, household, amount=Money(474_000, "XOF"), pin=TYPED_PIN, reason="x" * 60
        )
    assert (await walked(staffed, ISSA, language, "9", "8", "7")).acted >= 4


@pytest.mark.parametrize("language", languages())
async def test_whoever_is_new_in_office_receives_a_pin(staffed: AsyncEngine, language: str) -> None:
    walk = await walked(staffed, MODIBO, language, "9", "9")
    assert walk.acted == 1


async def test_my_work_is_shown_to_officers_only(staffed: AsyncEngine) -> None:
    assert "9 Mon travail" in (await walked_home(staffed, OUMOU)).split("\n")
    assert "9 Mon travail" not in (await walked_home(staffed, AWA)).split("\n")


async def walked_home(pool: AsyncEngine, phone: str) -> str:
    walk = Walk(pool, Caller(phone, "fr", "test", "walk", NOON, SEALS))
    return (await walk.dial()).shown.text


async def test_a_work_pin_is_nowhere_but_on_the_screen_that_showed_it(
    ussd_deps: calls.UssdDeps, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Received, typed rightly and wrongly: in no log, session, action or message; its hash only under a seal."""
    caplog.set_level(logging.DEBUG)
    issa, fanta = Handset(ussd_deps, phone=ISSA), Handset(ussd_deps, phone=FANTA)
    await issa.dial("9", "9")
    shown = await issa.type("1")
    drawn = re.findall("[0-9]{5}", shown)[0]
    await fanta.dial("9", "9")
    await fanta.type("1")
    for typed in (drawn, WRONG_PIN):
        await issa.dial("9", "5", "4", "1")
        await issa.type("1")
        await issa.type(typed)
    assert "Pas reconnu" in issa.screens[-1]
    assert "n'est pas juste" in await issa.type(WRONG_PIN)
    await issa.dial("9")
    kept = caplog.text
    async with ussd_deps.pool.connect() as db:
        for table in ("action", "sms_outbox", "officer_pin", "pin_change"):
            kept += str((await db.execute(text(f"select * from {table}"))).all())
    async with Redis.from_url(redis_url) as redis:
        for key in await redis.keys():
            kept += str(key) + str(await redis.get(key))
    for secret in (drawn, WRONG_PIN, "argon2"):
        assert secret not in kept, secret


async def test_of_many_households_of_one_name_more_is_asked(
    ussd_deps: calls.UssdDeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "MOST_FOUND", 2)
    await appoint(ussd_deps.pool, OUMOU, Role.COLLECTOR, pin=None)
    for phone, name in ((AWA, "Awa Koné"), (MARIAM, "Mariam Koné"), (OUMAR, "Oumar Koné")):
        await join(ussd_deps.pool, phone, at=NOON, name=name)
    oumou = Handset(ussd_deps, OUMOU)
    asked = await oumou.dial("9", "1", "koné")
    assert asked.startswith("Beaucoup de ménages s'appellent Kone. Prénom et nom")
    assert "Oumar Koné" in await oumou.type("oumar kone")
