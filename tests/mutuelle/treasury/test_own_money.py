"""Money between our own accounts, money that comes in by hand, a grant for one purpose, an advance given back."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import render
from mutuelle.households.households import Household
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.treasury.own_money import BANK as BANKS
from mutuelle.treasury.own_money import CASH, Grant, banks_of, grants_of, money_to_spend, own_money
from mutuelle.treasury.voucher_kinds import NewVoucher, NumberedVoucher, VoucherKind, box_of
from mutuelle.treasury.voucher_reads import on_the_way
from tests.mutuelle.treasury.test_cash import refusal
from tests.support.joined_households import stands
from tests.support.officer_acts import answers, broken, calling, templates
from tests.support.officers import FANTA, ISSA, OUMOU, appoint, set_limit
from tests.support.own_accounts import held, opens
from tests.support.town import AWA, NOON, join, paid, pays
from tests.support.treasury import (
    BANK,
    expense,
    proposes_it,
    records,
    takes_back,
    town_with_a_bank,
    written,
    xof,
)

FLOAT, STATE = "health:float:simulated-ML", "health:receivable:etat"
GRANT_BOX, GRANT_INCOME = box_of(FANTA, "grants"), "grants:subsidies"


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    """A mutuelle with 150 000 F at a bank, to which the State owes 30 000 F."""
    await town_with_a_bank(pool)
    await opens(pool, STATE, 30_000)
    return pool


async def in_box(pool: AsyncEngine, phone: str) -> int:
    async with pool.connect() as db:
        own = await appointment_of(db, calling(phone), "BEN", Role.TREASURER)
        return next(
            one.held.amount_minor for one in await own_money(db, own, CASH) if one.account == box_of(phone)
        )


def withdrawal(minor: int, phone: str = FANTA) -> NewVoucher:
    return NewVoucher(VoucherKind.WITHDRAWAL, box_of(phone), BANK, xof(minor), "BR 4417", slip="BR 4417")


def handed(minor: int) -> NewVoucher:
    return NewVoucher(
        VoucherKind.HANDED, box_of(ISSA), box_of(FANTA), xof(minor), "Caisse de Zambla", "Issa Dembélé"
    )


def sent(minor: int = 20_000) -> NewVoucher:
    return NewVoucher(VoucherKind.SENT, "health:transit", BANK, xof(minor), "Recharge", toward=FLOAT)


def arrived(of: NumberedVoucher, minor: int = 20_000) -> NewVoucher:
    facts = (VoucherKind.ARRIVED, FLOAT, "health:transit", xof(minor), "T 99")
    return NewVoucher(*facts, slip="T 99", completes=of.key)


def grant(minor: int, *, of: str = "") -> NewVoucher:
    facts = (VoucherKind.GRANT, GRANT_BOX, GRANT_INCOME, xof(minor), "Puits de Zambla", "Mairie de Bla")
    return NewVoucher(*facts, grant=of)


def well(minor: int, of: str) -> NewVoucher:
    facts = (VoucherKind.EXPENSE, "grants:purchases", GRANT_BOX, xof(minor), "Ciment", "Dépôt Keita")
    return NewVoucher(*facts, grant=of)


async def the_grant(pool: AsyncEngine) -> Grant:
    async with pool.connect() as db:
        [found] = await grants_of(db, "BEN")
    return found


async def test_cash_for_another_treasurer_takes_her_own_signature(town: AsyncEngine) -> None:
    await appoint(town, OUMOU, Role.TREASURER, name="Oumou Traoré")
    await records(town, withdrawal(20_000))
    assert "changed" in await refusal(records(town, handed(8_000)))
    await proposes_it(town, handed(8_000))
    assert "who gets this cash" in await refusal(answers(town, by=OUMOU))
    assert (await in_box(town, FANTA), await in_box(town, ISSA)) == (20_000, 0)
    assert await answers(town) is None
    assert (await in_box(town, FANTA), await in_box(town, ISSA)) == (12_000, 8_000)
    assert await broken(town) == set()


async def test_cash_that_is_gone_when_she_signs_is_not_handed_over(town: AsyncEngine) -> None:
    await records(town, withdrawal(10_000))
    await proposes_it(town, handed(8_000))
    await records(town, expense(5_000, giver=box_of(FANTA)))
    assert "only {held}" in await refusal(answers(town))
    assert (await in_box(town, FANTA), await in_box(town, ISSA)) == (5_000, 0)


async def test_nobody_spends_from_the_box_of_another(town: AsyncEngine) -> None:
    await records(town, withdrawal(10_000))
    async with town.connect() as db:
        issa = await appointment_of(db, calling(ISSA), "BEN", Role.TREASURER)
        assert [one.account for one in await money_to_spend(db, issa, CASH, BANKS)] == [BANK]


async def test_money_sent_to_another_account_arrives_once(town: AsyncEngine) -> None:
    await records(town, sent())
    [found] = await written(town)
    assert (await held(town, BANK), await held(town, "health:transit")) == (130_000, 20_000)
    assert "changed" in await refusal(records(town, arrived(found, 19_999)))
    await records(town, arrived(found), by=ISSA)
    assert (await held(town, FLOAT), await held(town, "health:transit")) == (20_000, 0)
    assert "only {held}" in await refusal(records(town, arrived(found)))
    assert "has arrived" in await refusal(takes_back(town, found))
    assert await broken(town) == set()


async def test_an_arrival_that_is_taken_back_can_arrive_again(town: AsyncEngine) -> None:
    await records(town, sent())
    [found] = await written(town)
    await records(town, arrived(found))
    await takes_back(town, (await written(town))[-1])
    await answers(town)
    async with town.connect() as db:
        assert [one.key for one in await on_the_way(db, "BEN")] == [found.key]
    await records(town, arrived(found))
    assert await held(town, FLOAT) == 20_000
    assert await broken(town) == set()


async def test_a_sending_that_is_taken_back_never_arrives(town: AsyncEngine) -> None:
    await records(town, sent())
    [found] = await written(town)
    await takes_back(town, found)
    await answers(town)
    assert await held(town, BANK) == 150_000
    await records(town, sent(1_000))
    assert "changed" in await refusal(records(town, arrived(found, 1_000)))
    assert await broken(town) == set()


async def test_money_that_has_gone_on_is_not_taken_back(town: AsyncEngine) -> None:
    await records(town, withdrawal(10_000))
    [found] = await written(town)
    await records(town, expense(5_000, giver=box_of(FANTA)))
    assert "only {held}" in await refusal(takes_back(town, found))


async def test_accounts_of_one_operator_in_two_countries_are_told_apart(town: AsyncEngine) -> None:
    for name in ("mtn-CI", "mtn-CM", "wave-CI"):
        await opens(town, f"health:float:{name}", 1_000)
    async with town.connect() as db:
        own = await appointment_of(db, calling(FANTA), "BEN", Role.TREASURER)
        names = [
            render(one.name, "fr")
            for one in await own_money(db, own, "float")
            if one.held.amount_minor == 1_000
        ]
    assert names == ["mobile MTN CI", "mobile MTN CM", "mobile WAVE"]


async def test_a_subsidy_a_gift_and_the_states_debt_come_in(town: AsyncEngine) -> None:
    for kind, income in ((VoucherKind.SUBSIDY, "health:subsidies"), (VoucherKind.GIFT, "health:gifts")):
        await records(town, NewVoucher(kind, BANK, income, xof(10_000), "Fonctionnement", "Mairie de Bla"))
        assert await held(town, income) == -10_000
    debt = NewVoucher(VoucherKind.DEBTOR, BANK, STATE, xof(20_000), "Indigents", "Etat")
    await records(town, debt)
    assert "only {owed}" in await refusal(records(town, debt))
    assert (await held(town, STATE), await held(town, BANK)) == (10_000, 190_000)
    assert await broken(town) == set()


async def test_a_grant_is_spent_for_its_purpose_and_no_further(town: AsyncEngine) -> None:
    await records(town, grant(20_000))
    found = await the_grant(town)
    assert (found.donor, found.purpose, found.left) == ("Mairie de Bla", "Puits de Zambla", xof(20_000))
    await records(town, well(15_000, found.key))
    assert "only {held}" in await refusal(records(town, well(5_001, found.key)))
    await records(town, grant(4_000, of=found.key))
    assert (await the_grant(town)).left == xof(9_000)
    async with town.connect() as db:
        fanta = await appointment_of(db, calling(FANTA), "BEN", Role.TREASURER)
        [place] = [one for one in await money_to_spend(db, fanta, CASH) if one.fund == "grants"]
        assert (place.held, place.purpose) == (xof(9_000), "Puits de Zambla")
        assert [one.account for one in banks_of(await own_money(db, fanta, BANKS), "grants")] == [
            "grants:bank:bms"
        ]
    assert await broken(town) == set()


async def test_a_grant_that_is_spent_is_not_taken_back(town: AsyncEngine) -> None:
    await records(town, grant(20_000))
    found = await the_grant(town)
    await records(town, well(1_000, found.key))
    [came, went] = await written(town)
    assert "only {held}" in await refusal(takes_back(town, came))
    await takes_back(town, went)
    await answers(town)
    assert (await the_grant(town)).left == xof(20_000)
    await takes_back(town, came)
    await answers(town)
    assert await held(town, GRANT_INCOME) == 0
    assert await broken(town) == set()


@pytest.fixture
async def credited(town: AsyncEngine) -> Household:
    """Awa has paid her year, and 5 000 F too much."""
    household = await join(town, AWA, at=NOON)
    await paid(town, household, at=NOON)
    await pays(town, household, 5_000, at=NOON)
    return household


def refund(household: Household, minor: int) -> NewVoucher:
    return NewVoucher(VoucherKind.REFUND, household.account, BANK, xof(minor), "Payé deux fois", "A. K.", AWA)


async def test_an_advance_is_given_back_once_and_no_cover_goes(
    town: AsyncEngine, credited: Household
) -> None:
    before = await stands(town, credited)
    assert before.credit == xof(5_000)
    assert "to its credit" in await refusal(records(town, refund(credited, 5_001)))
    await records(town, refund(credited, 3_000))
    after = await stands(town, credited)
    assert (after.credit, after.cover, after.due) == (xof(2_000), before.cover, before.due)
    assert (await templates(town, AWA))[-1] == "voucher"
    await records(town, refund(credited, 2_000))
    assert (await stands(town, credited)).credit == xof(0)
    assert "nothing too much" in await refusal(records(town, refund(credited, 1)))
    assert await broken(town) == set()


async def test_a_refund_that_is_taken_back_is_credit_again(town: AsyncEngine, credited: Household) -> None:
    await records(town, refund(credited, 5_000))
    await takes_back(town, (await written(town))[-1])
    await answers(town)
    assert (await stands(town, credited)).credit == xof(5_000)
    assert await broken(town) == set()


async def test_credit_that_paid_meanwhile_is_not_given_back(town: AsyncEngine, credited: Household) -> None:
    await set_limit(town, "two_signatures_from_minor", 0)
    await proposes_it(town, refund(credited, 5_000))
    await answers(town)
    assert "nothing too much" in await refusal(proposes_it(town, refund(credited, 5_000)))
