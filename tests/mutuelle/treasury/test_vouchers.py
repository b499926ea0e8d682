"""Vouchers: one treasurer or two, numbers without gaps, one journal each, and everything looked at again."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.book import Origin
from ledger.periods import close_period
from mutuelle.acts import By
from mutuelle.officers.appointments import withdraw_role
from mutuelle.officers.joint_acts import LAPSED
from mutuelle.officers.pins import WRONG
from mutuelle.officers.roles import Role
from mutuelle.treasury.cash_disputes import close_dispute
from mutuelle.treasury.voucher_acts import VoucherReceipt
from mutuelle.treasury.voucher_disputes import dispute_voucher, disputed_vouchers
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind, box_of
from tests.mutuelle.treasury.test_cash import refusal
from tests.support.officer_acts import answers, broken, calling, templates
from tests.support.officers import FANTA, ISSA, OUMOU, appoint
from tests.support.own_accounts import held, opens
from tests.support.town import NOON
from tests.support.treasury import (
    BANK,
    CLINIC,
    expense,
    facility,
    proposes_it,
    records,
    takes_back,
    town_with_a_bank,
    written,
    xof,
)

SHOP = "+22376123456"


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    """A mutuelle with 150 000 F at a bank, which owes its health centre 60 000 F; two treasurers."""
    await town_with_a_bank(pool)
    await opens(pool, CLINIC, 60_000)
    return pool


async def test_one_treasurer_pays_below_the_limit_and_who_is_paid_is_told(town: AsyncEngine) -> None:
    assert await records(town, expense(phone=SHOP), pin="99999") == WRONG
    assert await written(town) == []
    done = await records(town, expense(phone=SHOP))
    assert isinstance(done, VoucherReceipt)
    [found] = await written(town)
    assert (done.number, done.code, done.left) == ("1/2026", found.code, xof(145_000))
    assert (await held(town, BANK), await held(town, "health:purchases")) == (145_000, 5_000)
    assert await templates(town, SHOP) == ["voucher"]
    assert await broken(town) == set()


async def test_from_the_limit_on_one_signature_writes_nothing(town: AsyncEngine) -> None:
    assert "changed" in await refusal(records(town, expense(25_000)))
    await proposes_it(town, expense(25_000))
    assert await written(town) == []
    assert "Another treasurer" in await refusal(answers(town, by=FANTA, proposal=await the_act(town)))
    assert await answers(town) is None
    assert [(one.number, one.amount) for one in await written(town)] == [(1, xof(25_000))]
    assert (await templates(town, FANTA))[-1] == "voucher signed"
    assert await broken(town) == set()


async def the_act(pool: AsyncEngine) -> str:
    async with pool.connect() as db:
        return str(await db.scalar(text("select id from joint_act where answer is null")))


async def test_a_treasurer_never_pays_herself_alone(town: AsyncEngine) -> None:
    for to_herself in (expense(party="Kadi", phone=FANTA), expense(party="fanta COULIBALY")):
        assert "changed" in await refusal(records(town, to_herself))
    await proposes_it(town, expense(party="Kadi", phone=FANTA))
    assert await answers(town) is None
    assert await broken(town) == set()


async def test_a_facility_is_paid_what_it_is_owed_and_no_more(town: AsyncEngine) -> None:
    await proposes_it(town, facility(40_000))
    assert await answers(town) is None
    assert await held(town, CLINIC) == -20_000
    assert "only {owed} is owed" in await refusal(proposes_it(town, facility(25_000)))
    assert isinstance(await records(town, facility(20_000)), VoucherReceipt)
    assert await held(town, CLINIC) == 0
    assert await broken(town) == set()


async def test_a_debt_that_was_paid_meanwhile_is_not_paid_again(town: AsyncEngine) -> None:
    await proposes_it(town, facility(60_000))
    for _nth in range(3):
        await records(town, facility(20_000))
    assert "only {owed} is owed" in await refusal(answers(town))
    assert len(await written(town)) == 3
    assert await broken(town) == set()


async def test_no_more_is_given_than_there_is(town: AsyncEngine) -> None:
    box = box_of(FANTA)
    assert "only {held}" in await refusal(records(town, expense(giver=box)))
    withdrawal = NewVoucher(VoucherKind.WITHDRAWAL, box, BANK, xof(10_000), "slip 417", slip="417")
    await records(town, withdrawal)
    assert "only {held}" in await refusal(records(town, expense(10_001, giver=box)))
    await records(town, expense(10_000, giver=box))
    assert await broken(town) == set()


async def test_the_numbers_have_no_gap_whoever_writes_at_the_same_time(town: AsyncEngine) -> None:
    both = [
        records(town, expense(1_000, party=f"Boutique {nth}"), by=(FANTA, ISSA)[nth % 2]) for nth in range(8)
    ]
    await asyncio.gather(*both)
    assert [one.number for one in await written(town)].count(1) == 1
    assert sorted(one.number for one in await written(town)) == [*range(1, 9)]
    assert await broken(town) == set()


async def test_two_sign_at_once_and_it_is_written_once(town: AsyncEngine) -> None:
    await appoint(town, OUMOU, Role.TREASURER, name="Oumou Traoré")
    await proposes_it(town, facility(40_000))
    act = await the_act(town)
    done = await asyncio.gather(
        *(answers(town, by=by, proposal=act) for by in (ISSA, OUMOU)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["NoneType", "RefusedError"]
    assert len(await written(town)) == 1
    assert await broken(town) == set()


async def test_a_proposal_of_who_left_office_is_not_carried_out(town: AsyncEngine) -> None:
    await appoint(town, OUMOU, Role.TREASURER, name="Oumou Traoré")
    await proposes_it(town, facility(40_000), by=OUMOU)
    async with town.begin() as db:
        await withdraw_role(db, "BEN", Role.TREASURER, OUMOU, by=By("a test", "moved away", NOON))
    assert await answers(town) == LAPSED
    assert await written(town) == []
    assert (await templates(town, OUMOU))[-1] == "signature refused"
    assert await broken(town) == set()


async def test_books_that_close_before_the_signature_keep_the_day_it_is_for(town: AsyncEngine) -> None:
    await proposes_it(town, facility(40_000))
    later = NOON + timedelta(days=3)
    async with town.begin() as db:
        origin = Origin("period", "test", "a test", "the month is over")
        closed = await close_period(db, "BEN", NOON.date(), origin)
        assert closed.stands
    assert await answers(town, at=later) is None
    [found] = await written(town)
    assert (found.dated, found.year, found.number) == (NOON.date(), 2026, 1)
    async with town.connect() as db:
        of_voucher = text("select effective_on, occurred_on from ledger.journal where kind = 'facility paid'")
        assert tuple((await db.execute(of_voucher)).one()) != (NOON.date(), None)
    assert await broken(town) == set()


async def test_a_voucher_is_taken_back_by_two_and_the_money_is_where_it_was(town: AsyncEngine) -> None:
    await records(town, expense(phone=SHOP))
    [found] = await written(town)
    await takes_back(town, found)
    assert "proposed already" in await refusal(takes_back(town, found))
    assert await answers(town) is None
    assert (await held(town, BANK), await held(town, "health:purchases")) == (150_000, 0)
    assert [(one.number, one.kind, one.is_reversed) for one in await written(town)] == [
        (1, VoucherKind.EXPENSE, True),
        (2, VoucherKind.REVERSAL, False),
    ]
    assert await templates(town, SHOP) == ["voucher", "voucher"]
    for one in await written(town):
        assert "changed" in await refusal(takes_back(town, one))
    assert await broken(town) == set()


async def test_who_was_paid_says_no_and_the_other_treasurer_hears_it(town: AsyncEngine) -> None:
    await records(town, expense(phone=SHOP))
    [found] = await written(town)
    assert "No payment" in await refusal(disputes(town, found.code, by=OUMOU))
    for _twice in range(2):
        await disputes(town, found.code)
    assert (await templates(town, ISSA), await templates(town, FANTA)) == (["voucher contested"], [])
    assert await contested(town) == [found.code]
    await takes_back(town, found)
    await answers(town)
    assert await contested(town) == []
    await records(town, expense(phone=SHOP))
    found = (await written(town))[-1]
    await disputes(town, found.code)
    async with town.begin() as db:
        assert await close_dispute(db, "BEN", found.code, by=By("Mme Diallo", "the shop signed for it", NOON))
    assert await contested(town) == []
    assert await broken(town) == set()


def disputes(pool: AsyncEngine, code: str, *, by: str = SHOP) -> Awaitable[None]:
    async def run() -> None:
        async with pool.begin() as db:
            await dispute_voucher(db, calling(by), code=code)

    return run()


async def contested(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        return [one.code for one in await disputed_vouchers(db, "BEN")]


@pytest.mark.parametrize(
    ("forged", "found"),
    [
        (
            "update voucher set amount_minor = amount_minor + 1 where number = 1",
            {"voucher_posted_once"},
        ),
        ("update voucher set act = null, two_from_minor = 99 where number = 2", None),
        ("update voucher set act = null, two_from_minor = 99999999 where number = 2", {"voucher_was_signed"}),
        (
            "update voucher set dated = dated - 1 where number = 1",
            {"voucher_posted_once", "voucher_was_signed"},
        ),
        ("delete from voucher where number = 2", {"voucher_posted_once", "voucher_was_signed"}),
        ("delete from voucher where number = 1", None),
        ("update voucher set number = 4 where number = 2", None),
        ("update voucher set proposed_by = '+22376000021' where number = 1", {"voucher_was_a_treasurers"}),
    ],
)
async def test_what_an_owner_forges_is_refused_or_found(
    town: AsyncEngine, owner: AsyncEngine, forged: str, found: set[str] | None
) -> None:
    """`found` None: the database itself refuses it. One franc more, one signature, one day, no voucher of a journal."""
    await records(town, expense())
    await proposes_it(town, facility(40_000))
    await answers(town)
    if found is None:
        with pytest.raises(IntegrityError):
            async with owner.begin() as db:
                await db.execute(text(forged))
        return
    async with owner.begin() as db:
        await db.execute(text(forged))
    assert {one.partition(":")[0] for one in await broken(town)} == found
