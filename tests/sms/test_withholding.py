"""Messages that are never handed over: the phone said STOP, or its budget of the day is spent."""

from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from sms import africastalking, leases
from sms.delivery import opt_out, store_optout
from sms.leases import phones_reached
from sms.limits import PLAYED_A_DAY
from sms.outbox import Message, send_due
from tests.support.officers import set_limit
from tests.support.sms_people import (
    AWA,
    HOUR,
    LATER,
    MINUTE,
    MOUSSA,
    NOON,
    SILENCE,
    ScriptedProvider,
    only_row,
    receipt,
    rows,
    states,
    tip,
    write,
)
from tests.support.town import found

REPLY = Message("SIK", "reply:1", AWA, "reply stop", "Vous ne recevrez plus de rappels.", reply=True)
ALARM = Message("SIK", "alarm:1", AWA, "cash contested", "Le ménage conteste le reçu 4F7K.")


async def test_a_stop_that_anybody_may_have_forged_ends_reminders_and_hides_no_receipt_and_no_alarm(
    pool: AsyncEngine,
) -> None:
    async with pool.begin() as db:
        await opt_out(db, AWA, "sms", NOON)
    await write(pool, [receipt(), tip(), REPLY, ALARM, tip(2, MOUSSA)])
    assert await send_due(pool, ScriptedProvider(), timing.Clock.at(NOON)) == 5
    withheld = {row["key"]: row["reason"] for row in await rows(pool) if row["state"] == "WITHHELD"}
    assert withheld == {"tip:1": "the phone said STOP"}


async def test_where_the_provider_stops_a_phone_only_a_reply_is_tried(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        await opt_out(db, AWA, "sms", NOON)
        await store_optout(db, africastalking, {"phoneNumber": AWA}, NOON)
        assert await phones_reached(db, "SIK", [AWA, MOUSSA], NOON) == [MOUSSA]
    await write(pool, [receipt(), tip(), REPLY, ALARM, receipt(MOUSSA, "receipt:2")])
    await send_due(pool, ScriptedProvider(), timing.Clock.at(NOON))
    sent = {key for key, state in (await states(pool)).items() if state == "SENT"}
    assert sent == {"reply:1", "receipt:2"}


async def test_a_phone_over_its_budget_of_receipts_is_not_reached(
    pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RECEIPTS_A_DAY", 1)
    await write(pool, [receipt()])
    async with pool.connect() as db:
        assert await phones_reached(db, "SIK", [AWA, MOUSSA], NOON + MINUTE) == [MOUSSA]
        assert await phones_reached(db, "SIK", [AWA], NOON + 25 * HOUR) == [AWA]


async def test_a_doubtful_message_is_not_resent_after_stop(pool: AsyncEngine) -> None:
    await write(pool, [tip()])
    await send_due(pool, ScriptedProvider([SILENCE]), timing.Clock.at(NOON))
    async with pool.begin() as db:
        await opt_out(db, AWA, "keyword", NOON + MINUTE)
    assert await send_due(pool, ScriptedProvider(), timing.Clock.at(NOON + HOUR)) == 0
    assert (await only_row(pool))["state"] == "IN_DOUBT"


async def test_a_flood_stops_at_the_budget_and_receipts_still_flow(
    pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "ORDINARY_A_DAY", 5)
    provider = ScriptedProvider()
    flood = [tip(number) for number in range(9)]
    await write(pool, [*flood, tip(100, MOUSSA)])
    while await send_due(pool, provider, timing.Clock.at(NOON), limit=4):
        pass
    await write(pool, [receipt()])
    await send_due(pool, provider, timing.Clock.at(NOON + MINUTE))
    assert Counter(phone for phone, _ in provider.handed) == {AWA: 6, MOUSSA: 1}
    counts = Counter((row["state"], row["reason"]) for row in await rows(pool))
    assert counts[("WITHHELD", "over the budget of its phone and day")] == 4
    await write(pool, [tip(200)])
    await send_due(pool, provider, timing.Clock.at(NOON + 25 * HOUR))  # a new day
    assert (await states(pool))["tip:200"] == "SENT"


async def test_one_mutuelle_does_not_spend_the_budget_of_another(
    pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "ORDINARY_A_DAY", 2)
    await write(pool, [tip(1), tip(2), tip(3), replace(tip(1), mutuelle="ATA")])
    await send_due(pool, ScriptedProvider(), timing.Clock.at(NOON))
    await write(pool, [replace(tip(2), mutuelle="ATA")])
    await send_due(pool, ScriptedProvider(), timing.Clock.at(NOON + MINUTE))
    withheld = [row["mutuelle_id"] for row in await rows(pool) if row["state"] == "WITHHELD"]
    assert withheld == ["SIK"]


async def test_a_mutuelle_decides_how_many_it_sends_to_a_phone_a_day(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        await found(db, code="SIK")
    await set_limit(pool, "messages_a_day", 2, code="SIK", since=NOON.date())
    await write(
        pool, [*(tip(nth) for nth in range(4)), *(replace(tip(nth), mutuelle="ATA") for nth in range(4))]
    )
    await send_due(pool, ScriptedProvider(), timing.Clock.at(NOON))
    withheld = [row["mutuelle_id"] for row in await rows(pool) if row["state"] == "WITHHELD"]
    assert withheld == ["SIK", "SIK"]


async def test_a_busy_phone_does_not_spend_the_budget_of_another(
    pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "ORDINARY_A_DAY", 2)
    await write(pool, [tip(1), tip(2), tip(3), tip(4, MOUSSA), tip(5, MOUSSA)])
    await send_due(pool, ScriptedProvider(), timing.Clock.at(NOON))
    withheld = [row["phone"] for row in await rows(pool) if row["state"] == "WITHHELD"]
    assert withheld == [AWA]


async def test_a_retry_is_not_a_new_message_to_the_budget(
    pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "ORDINARY_A_DAY", 1)
    await write(pool, [tip()])
    provider = ScriptedProvider([LATER])
    await send_due(pool, provider, timing.Clock.at(NOON))
    await send_due(pool, provider, timing.Clock.at(NOON + HOUR))
    assert (await only_row(pool))["state"] == "SENT"


async def test_nothing_eats_the_reserve_of_receipts_nor_that_of_replies(
    pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for budget in ("ORDINARY_A_DAY", "REPLIES_A_DAY", "RECEIPTS_A_DAY"):
        monkeypatch.setattr(leases, budget, 2)
    answers = [
        Message("SIK", f"reply:{nth}", AWA, "reply menu", f"Réponse {nth}", reply=True) for nth in range(4)
    ]
    receipts = [receipt(key=f"receipt:{nth}", code=f"4F7{nth}") for nth in range(4)]
    await write(pool, [*(tip(nth) for nth in range(4)), *answers, *receipts])
    while await send_due(pool, ScriptedProvider(), timing.Clock.at(NOON), limit=3):
        pass
    sent = Counter(row["key"].split(":")[0] for row in await rows(pool) if row["state"] == "SENT")
    assert sent == {"tip": 2, "reply": 2, "receipt": 2}


def test_after_the_last_message_of_a_day_there_is_room_to_say_that_it_was_the_last() -> None:
    assert all(played < leases.REPLIES_A_DAY for played in PLAYED_A_DAY.values())
