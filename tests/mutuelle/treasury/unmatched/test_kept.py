"""Unmatched money that is no household's: given back, kept as a gift, our own; each by a voucher of two, once."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.book import Account, open_accounts
from mutuelle.treasury.unmatched.kept import KEPT_AFTER_DAYS
from mutuelle.treasury.voucher_kinds import NewVoucher, NumberedVoucher, VoucherKind, income_of, transit_of
from mutuelle.treasury.voucher_reads import last_vouchers
from tests.mutuelle.treasury.test_cash import refusal
from tests.support.officer_acts import broken
from tests.support.own_accounts import held, opens
from tests.support.statements import FLOAT, NAME, SUSPENSE, TODAY, line, take_lines, taken
from tests.support.treasury import proposes_it, takes_back, written, xof
from tests.support.unmatched import (
    DAY,
    DECIDED_ONCE,
    KNOWN,
    STATED_FIRST,
    both,
    differences,
    one_wrong_digit,
    proposed,
    signed,
    voucher,
    waits,
)


async def test_money_is_given_back_by_a_voucher_of_two_and_waits_no_longer(town: AsyncEngine) -> None:
    money = await one_wrong_digit(town)
    await both(town, await voucher(town, VoucherKind.RETURNED, money))
    assert (await waits(town), await held(town, SUSPENSE), await held(town, FLOAT)) == ([], 0, 50_000)
    assert await broken(town) == set()
    assert await refusal(proposed(town, await voucher(town, VoucherKind.RETURNED, money))) == KNOWN


async def test_money_is_kept_as_a_gift_after_a_year_and_not_before(town: AsyncEngine) -> None:
    young = await one_wrong_digit(town)
    too_early = await voucher(town, VoucherKind.KEPT, young)
    assert await refusal(proposed(town, too_early)) == "Its owner has {days} to come for it."
    await taken(town, [line(2, 700, "", on=TODAY - KEPT_AFTER_DAYS * DAY)])
    old = (await waits(town))[0]
    await both(town, await voucher(town, VoucherKind.KEPT, old))
    assert await held(town, accounts.unsplit("gifts")) == -700
    assert [one.key for one in await waits(town)] == [young.key]
    assert await broken(town) == set()


BMS = accounts.bank("bms")
ARRIVED_FIRST = accounts.suspense("bms")


async def on_its_way(pool: AsyncEngine) -> NumberedVoucher:
    """5 000 F that two have sent from the merchant code to the bank."""
    await opens(pool, BMS, 20_000)
    async with pool.begin() as db:
        await open_accounts(db, [Account("BEN", ARRIVED_FIRST, "XOF")])
    sending = NewVoucher(
        VoucherKind.SENT, transit_of("health"), FLOAT, xof(5_000), "for the bank", toward=BMS
    )
    await proposes_it(pool, sending)
    assert await signed(pool) is None
    [found] = await written(pool)
    return found


def arrived(way: NumberedVoucher, into: str = BMS, found: str = "") -> NewVoucher:
    facts = (transit_of("health"), way.amount, "417")
    return NewVoucher(VoucherKind.ARRIVED, into, *facts, slip="417", completes=way.key, found=found)


async def test_our_own_money_that_a_statement_showed_first_is_booked_once(town: AsyncEngine) -> None:
    way = await on_its_way(town)
    await taken(town, [line(1, 5_000, "virement OM", on=TODAY)], name="bms")
    assert STATED_FIRST in await refusal(proposes_it(town, arrived(way)))
    [money] = await waits(town)
    other = arrived(way, accounts.suspense(NAME), money.key)
    assert await refusal(proposes_it(town, other)) == KNOWN  # not the money of another account
    assert await proposes_it(town, arrived(way, ARRIVED_FIRST, money.key)) is None
    assert await signed(town) is None
    assert [await held(town, one) for one in (BMS, transit_of("health"), ARRIVED_FIRST)] == [25_000, 0, 0]
    assert (await waits(town), await differences(town)) == ([], [])
    assert await broken(town) == set()
    async with town.connect() as db:
        assert {one.kind for one in await last_vouchers(db, "BEN", 9)} == {VoucherKind.SENT}
    for one in await written(town):
        assert await refusal(takes_back(town, one)) in (
            DECIDED_ONCE,
            "This money has arrived: take back its arrival first.",
        )
    assert await refusal(proposes_it(town, arrived(way, ARRIVED_FIRST, money.key))) == KNOWN


async def test_a_voucher_that_was_proposed_before_the_statement_came_is_not_signed(town: AsyncEngine) -> None:
    way = await on_its_way(town)
    assert await proposes_it(town, arrived(way)) is None
    await taken(town, [line(1, 5_000, "virement OM", on=TODAY)], name="bms")
    assert STATED_FIRST in await refusal(signed(town))
    assert await held(town, BMS) == 25_000


async def test_a_voucher_waits_for_a_statement_that_is_being_taken_in(town: AsyncEngine) -> None:
    """Neither sees the other's money before it is committed: without the wait both would book the sum."""
    way = await on_its_way(town)
    async with town.connect() as importing:
        await take_lines(importing, [line(1, 5_000, "virement OM", on=TODAY)], name="bms")
        asked = asyncio.create_task(refusal(proposes_it(town, arrived(way))))
        await asyncio.sleep(0.5)
        assert not asked.done()
        await importing.commit()
    assert STATED_FIRST in await asked


@pytest.mark.parametrize("days_ago", [0, 5, 6])
async def test_only_a_sum_of_these_days_stands_in_the_way_of_a_gift(town: AsyncEngine, days_ago: int) -> None:
    await on_its_way(town)
    await taken(town, [line(1, 7_000, "sans nom", on=TODAY - days_ago * DAY)], name="bms")
    gift = NewVoucher(VoucherKind.GIFT, BMS, income_of(VoucherKind.GIFT), xof(7_000), "a gift", "Boubou Sy")
    if days_ago <= 5:
        assert STATED_FIRST in await refusal(proposes_it(town, gift))
    else:
        assert await proposes_it(town, gift) is None
    assert await proposes_it(town, replace(gift, amount=xof(7_001))) is None


@pytest.mark.parametrize(
    "kind", [VoucherKind.DEPOSIT, VoucherKind.SUBSIDY, VoucherKind.GIFT, VoucherKind.DEBTOR]
)
async def test_what_else_is_ours_leaves_suspense_by_a_voucher_of_two(
    town: AsyncEngine, kind: VoucherKind
) -> None:
    debtor, box = "health:receivable:etat", accounts.cash("caisse-benkadi")
    await opens(town, debtor, 9_000)
    await opens(town, box, 9_000)
    givers = {VoucherKind.DEPOSIT: box, VoucherKind.DEBTOR: debtor}
    money = await one_wrong_digit(town, minor=8_000)
    new = NewVoucher(
        kind, SUSPENSE, givers.get(kind) or income_of(kind), xof(8_000), "its paper", found=money.key
    )
    assert await proposes_it(town, new) is None
    assert await signed(town) is None
    assert (await waits(town), await held(town, SUSPENSE), await held(town, FLOAT)) == ([], 0, 58_000)
    if kind in givers:
        assert await held(town, givers[kind]) == 1_000
    assert await differences(town) == []
    assert await broken(town) == set()
