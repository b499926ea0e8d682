"""Reservations: held, then posted, voided or expired, once; a deadline is the database's clock's."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger.balances import balance
from ledger.book import Movement, Phase, Posted, Reservation, Voucher
from ledger.reservations import (
    DueReservation,
    Held,
    due_reservations,
    expire,
    expire_due,
    held,
    reserve,
    settle_reservation,
    void,
)
from tests.support.ledger_scene import FLOAT, SIK, SUSPENSE, TODAY, move, verdicts

PAYOUT = move(SUSPENSE, FLOAT, 900)
LATER, BEFORE = timedelta(hours=1), timedelta(milliseconds=-1)


def voucher(key: str) -> Voucher:
    return Voucher(SIK, "payout", key, "payout", TODAY, "treasurer", "agreed by two")


async def _reserved(book: AsyncEngine, key: str, within: timedelta | None = None) -> Reservation:
    async with book.begin() as db:
        until = None if within is None else datetime.now(UTC) + within
        posted, [found] = await reserve(db, voucher(key), [PAYOUT], until)
    assert posted.stands
    return found


def _said(posted: Posted) -> str:
    return verdicts([posted])[0]


async def _net(db: AsyncConnection) -> tuple[int, Held]:
    return (await balance(db, SIK, SUSPENSE)).net, await held(db, SIK, SUSPENSE)


async def test_a_reservation_moves_nothing_until_it_is_posted(book: AsyncEngine) -> None:
    reservation = await _reserved(book, "a")
    async with book.begin() as db:
        assert await _net(db) == (0, Held(900, 0))
        assert _said(await settle_reservation(db, voucher("b"), reservation)) == "created"
        assert await _net(db) == (900, Held(0, 0))
        assert _said(await settle_reservation(db, voucher("b"), reservation)) == "exists"
        assert _said(await settle_reservation(db, voucher("c"), reservation)) == "refused: pending_resolved"
        assert _said(await void(db, voucher("d"), reservation)) == "refused: pending_resolved"


async def test_a_part_is_posted_and_the_rest_is_free(book: AsyncEngine) -> None:
    reservation = await _reserved(book, "a")
    async with book.begin() as db:
        too_much = await settle_reservation(db, voucher("much"), reservation, 901)
        assert _said(too_much) == "refused: pending_other_amount"
        assert _said(await settle_reservation(db, voucher("b"), reservation, 300)) == "created"
        assert await _net(db) == (300, Held(0, 0))


async def test_a_voided_reservation_never_moved(book: AsyncEngine) -> None:
    reservation = await _reserved(book, "a")
    async with book.begin() as db:
        assert _said(await void(db, voucher("b"), reservation)) == "created"
        assert await _net(db) == (0, Held(0, 0))


async def test_what_was_never_reserved_cannot_be_posted(book: AsyncEngine) -> None:
    stranger = Reservation(voucher("nothing").journal([]).id, 1)
    async with book.begin() as db:
        assert _said(await settle_reservation(db, voucher("b"), stranger)) == "refused: pending_unknown"
    with pytest.raises(ValueError, match="plain movement"):
        async with book.begin() as db:
            await reserve(db, voucher("c"), [Movement(SUSPENSE, FLOAT, 1, "XOF", Phase.PENDING)])


async def test_a_deadline_frees_what_was_held_and_nothing_else(book: AsyncEngine) -> None:
    gone, kept, endless = (
        await _reserved(book, "gone", BEFORE),
        await _reserved(book, "kept", LATER),
        await _reserved(book, "endless"),
    )
    async with book.begin() as db:
        assert _said(await settle_reservation(db, voucher("late"), gone)) == "refused: pending_expired"
        assert [due.reservation for due in await due_reservations(db)] == [gone]
    assert await expire_due(book, TODAY) == 1
    assert await expire_due(book, TODAY) == 0
    async with book.begin() as db:
        assert await held(db, SIK, SUSPENSE) == Held(1800, 0)
        assert _said(await void(db, voucher("again"), gone)) == "refused: pending_resolved"
        assert _said(await settle_reservation(db, voucher("in time"), kept)) == "created"
        assert _said(await settle_reservation(db, voucher("any time"), endless)) == "created"


async def test_a_deadline_says_its_time_zone(book: AsyncEngine) -> None:
    nowhere = datetime(2026, 12, 1, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        async with book.begin() as db:
            await reserve(db, voucher("a"), [PAYOUT], nowhere)


async def test_an_expiry_that_was_refused_is_tried_again_on_another_day(book: AsyncEngine) -> None:
    reservation = await _reserved(book, "a", timedelta(milliseconds=400))
    due = DueReservation(SIK, reservation, replace(PAYOUT, phase=Phase.PENDING))
    async with book.begin() as db:
        assert verdicts(await expire(db, [due], TODAY)) == ["refused: pending_not_due"]
    await asyncio.sleep(0.5)
    async with book.begin() as db:
        assert verdicts(await expire(db, [due], TODAY)) == ["refused: pending_not_due"]
    assert await expire_due(book, TODAY + timedelta(days=1)) == 1


async def test_nobody_expires_what_is_not_due(book: AsyncEngine, owner: AsyncEngine) -> None:
    await _reserved(book, "kept", LATER)
    await _reserved(book, "due", BEFORE)
    async with book.begin() as db:
        [due] = await due_reservations(db)
    async with owner.begin() as db:
        found = await db.execute(
            text("select journal_id from ledger.held where expires_at > clock_timestamp()")
        )
        other = type(due)(SIK, Reservation(found.scalar_one(), 1), due.movement)
    async with book.begin() as db:
        assert verdicts(await expire(db, [other], TODAY)) == ["refused: pending_not_due"]
        # One that was resolved meanwhile is left as it is.
        assert _said(await void(db, voucher("v"), due.reservation)) == "created"
        assert verdicts(await expire(db, [due], TODAY)) == ["refused: pending_resolved"]
