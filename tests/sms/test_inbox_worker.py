"""Playing what came in: exactly once, in order, whatever fails; two workers, a USSD call at the same time."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

import timing
from sms import africastalking, dispatch, inbox_worker
from sms.deps import InboundSms, SmsDeps
from sms.dispatch import SmsAnswer
from sms.inbox import store_sms
from sms.inbox_worker import answer_next, answer_waiting
from sms.keywords import Phrasebook
from sms.limits import Sender
from sms.tables import conversation, inbox, outbox
from talk.tables import action
from tests.support.sms_phone import Writer, code_in, handled, sms_deps
from tests.support.town import AWA, MARIAM, NOON, OUMAR, Clock, found_town, heard, join, paid

DUE_AGAIN = (5, 30, 120, 600)


@pytest.fixture
async def deps(pool: AsyncEngine, clock: Clock) -> SmsDeps:
    await found_town(pool)
    for phone, name in ((AWA, "Awa Koné"), (MARIAM, "Mariam Traoré")):
        await paid(pool, await join(pool, phone, at=NOON, name=name, pay_minor=6_000), at=NOON)
    return sms_deps(pool, clock)


async def answers(pool: AsyncEngine, phone: str = AWA) -> list[str]:
    """The answers to a phone, in the order in which they were written."""
    async with pool.connect() as db:
        mine = (outbox.c.phone == phone) & outbox.c.is_reply
        return list(await db.scalars(select(outbox.c.body).where(mine).order_by(outbox.c.recorded_at)))


async def test_messages_of_one_phone_are_played_in_order_by_many_workers(deps: SmsDeps) -> None:
    awa, mariam = Writer(deps), Writer(deps, phone=MARIAM)
    amounts = range(3_000, 4_000, 100)
    for amount in amounts:
        await awa.post(f"payer {amount}")
        await mariam.post("couverture")
    await asyncio.gather(*(answer_waiting(deps) for _worker in range(4)))
    said = await answers(deps.pool)
    assert [int(words.split(" F ")[0].removeprefix("Payer ").replace(" ", "")) for words in said] == [
        *amounts
    ]
    assert len(await answers(deps.pool, MARIAM)) == len(amounts)


async def test_a_phone_is_played_by_one_worker_at_a_time(
    deps: SmsDeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    playing: Counter[str] = Counter()
    most: Counter[str] = Counter()
    both = asyncio.Event()
    play = dispatch.dispatch

    async def slowly(deps: SmsDeps, db: AsyncConnection, received: InboundSms, *more: Any) -> SmsAnswer:
        playing[received.phone] += 1
        most[received.phone] = max(most[received.phone], playing[received.phone])
        if playing.total() == 2:
            both.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(both.wait(), timeout=5)
        await asyncio.sleep(0.01)
        playing[received.phone] -= 1
        return await play(deps, db, received, *more)

    monkeypatch.setattr(inbox_worker, "dispatch", slowly)
    for _nth in range(5):
        await Writer(deps).post("couverture")
        await Writer(deps, phone=MARIAM).post("couverture")
    await asyncio.gather(*(answer_waiting(deps) for _worker in range(3)))
    assert most[AWA] == most[MARIAM] == 1
    assert both.is_set()
    assert [state for state, _kind in await handled(deps.pool)] == ["ANSWERED"] * 10


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("place", ["_take", "dispatch", "enqueue", "commit"])
async def test_killed_anywhere_it_is_played_once(
    deps: SmsDeps, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    awa = Writer(deps)
    message = await awa.post(f"OUI {code_in(await awa.send('payer 3000'))}")
    with monkeypatch.context() as patch:
        if place == "commit":
            patch.setattr(
                inbox_worker.log, "info", dying()
            )  # the last word before the end of the transaction
        else:
            patch.setattr(inbox_worker, place, killed_after(getattr(inbox_worker, place)))
        with pytest.raises(Killed):
            await answer_next(deps)
    assert await actions(deps.pool) == 0
    await answer_waiting(deps)
    assert "On va demander 3 000 F" in await awa.reply_to(message)
    assert await actions(deps.pool) == 1


def killed_after(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def killed(*facts: Any, **more: Any) -> Any:
        await real(*facts, **more)
        raise Killed

    return killed


def dying() -> Callable[..., None]:
    def dies(*_facts: Any, **_more: Any) -> None:
        raise Killed

    return dies


async def actions(pool: AsyncEngine) -> int:
    """How many were done by SMS."""
    async with pool.connect() as db:
        return await db.scalar(select(func.count()).select_from(action).where(action.c.gateway == "sms")) or 0


async def test_a_fault_is_tried_again_in_growing_waits_then_told(
    deps: SmsDeps, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    awa, mariam = Writer(deps), Writer(deps, phone=MARIAM)

    async def broken(db: AsyncConnection, phone: str, at: object) -> Sender:
        if phone == AWA:
            raise RuntimeError("a fault of ours")
        return Sender.MEMBER

    faulty = replace(deps, sender_of=broken)
    first, later = await awa.post("couverture"), await awa.post("droits")
    other = await mariam.post("couverture")
    caplog.set_level(logging.WARNING)
    for wait_s in DUE_AGAIN:
        await answer_waiting(faulty)
        assert await awa.reply_to(first) == ""
        clock.now += timedelta(seconds=wait_s - 1)
        assert await answer_waiting(faulty) == 0, "too early"
        clock.now += timedelta(seconds=1)
    assert await mariam.reply_to(other)
    await answer_next(faulty)
    assert "Renvoyez-le plus tard" in await awa.reply_to(first)
    assert (await handled(deps.pool))[0] == ("FAILED", "fault")
    assert [record.message for record in caplog.records] == ["sms_in_fault"] * 4 + ["sms_in_failed"]
    await answer_waiting(deps)  # mended: the one behind it goes on
    assert "Awa Koné" in await awa.reply_to(later)


async def test_a_fault_of_the_database_tells_no_log_what_was_written(
    deps: SmsDeps, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(db: AsyncConnection, phone: str, at: object) -> Sender:
        await db.execute(text("select cast('secret words' as integer)"))
        return Sender.MEMBER

    await Writer(deps).post("secret words")
    await answer_waiting(replace(deps, sender_of=broken))
    (record,) = caplog.records
    assert record.message == "sms_in_fault"
    assert not record.exc_info


async def test_a_message_twice_from_the_gateway_is_played_once(deps: SmsDeps) -> None:
    awa = Writer(deps)
    message = await awa.post("couverture")
    async with deps.pool.begin() as db:
        form = {"id": message, "from": AWA, "text": "couverture", "to": "38457"}
        await store_sms(db, africastalking, form, NOON)
    assert await answer_waiting(deps) == 1
    assert len(await answers(deps.pool)) == 1


async def test_a_late_message_is_answered_with_the_state_of_now(deps: SmsDeps, clock: Clock) -> None:
    awa = Writer(deps)
    message = await awa.post("couverture")
    clock.now += timedelta(days=120)
    async with deps.pool.begin() as db:
        await heard(db, clock.now)
    await answer_waiting(deps)
    assert "NON COUVERT" in await awa.reply_to(message)


async def test_expired_conversations_are_forgotten(deps: SmsDeps, clock: Clock) -> None:
    await Writer(deps).send("payer 3000")
    clock.now += timedelta(days=1)
    await Writer(deps, phone=OUMAR).send("bonjour")
    async with deps.pool.connect() as db:
        assert await db.scalar(select(func.count()).select_from(conversation)) == 0


async def test_time_scale_divides_days(deps: SmsDeps, clock: Clock) -> None:
    awa = Writer(replace(deps, clock=timing.Clock(clock, 24.0)))
    asked = await awa.send("payer 3000")
    clock.now += timedelta(hours=1)
    assert "Aucune demande" in await awa.agree(asked)


async def test_an_empty_book_of_menus_still_hears_stop(deps: SmsDeps) -> None:
    bare = Writer(replace(deps, phrasebook=Phrasebook([])))
    assert "START" in await bare.send("STOP")
    assert (await handled(deps.pool))[-1] == ("ANSWERED", "stop")
    async with deps.pool.connect() as db:
        assert await db.scalar(select(inbox.c.attempts)) == 0
