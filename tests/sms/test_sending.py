"""Handing messages over: one call an attempt, whatever dies, sleeps or answers nonsense meanwhile."""

import asyncio
import logging
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from sms import leases, outbox
from sms.in_doubt import settle_in_doubt
from sms.leases import ACCOUNT_WAIT, LEASE, LONGEST_WAIT, MAX_ATTEMPTS, claim_due
from sms.outbox import Message, send_due
from sms.provider import SendResult, SendStatus
from sms.routes import Routes
from tests.support.patience import until
from tests.support.sms_gateway import Reply, account, listening
from tests.support.sms_people import (
    AWA,
    BROKE,
    HOUR,
    LATER,
    MINUTE,
    MOUSSA,
    NOON,
    REFUSED,
    SILENCE,
    ScriptedProvider,
    only_row,
    receipt,
    rows,
    states,
    tip,
    write,
)

ROUTES = Routes.only("africastalking")


async def test_a_due_message_is_handed_over_once(pool: AsyncEngine) -> None:
    provider = ScriptedProvider()
    await write(pool, [receipt()])
    assert await send_due(pool, provider, timing.Clock.at(NOON)) == 1
    assert await send_due(pool, provider, timing.Clock.at(NOON + HOUR)) == 0
    assert provider.handed == [(AWA, "Paiement recu: 1 000 F. Code 4F7K")]
    row = await only_row(pool)
    assert (row["state"], row["provider"], row["provider_message_id"]) == (
        "SENT",
        "africastalking",
        "ATXid_0001",
    )
    assert (row["attempts"], row["lease_token"], row["lease_until"]) == (1, None, None)
    assert row["sent_at"] - NOON < MINUTE


async def test_a_message_waits_for_its_hour(pool: AsyncEngine) -> None:
    provider = ScriptedProvider()
    await write(pool, [replace(tip(), due_at=NOON + HOUR)])
    assert await send_due(pool, provider, timing.Clock.at(NOON)) == 0
    assert await send_due(pool, provider, timing.Clock.at(NOON + HOUR)) == 1


async def test_receipts_and_replies_do_not_wait_behind_a_campaign(pool: AsyncEngine) -> None:
    provider = ScriptedProvider()
    await write(pool, [tip(number, f"+2237000{number:04}") for number in range(5)])
    reply = Message("SIK", "reply:1", MOUSSA, "cover", "Couvert", reply=True)
    await write(pool, [receipt(), reply], NOON + MINUTE)
    await send_due(pool, provider, timing.Clock.at(NOON + MINUTE), limit=2)
    assert {phone for phone, _ in provider.handed} == {AWA, MOUSSA}


async def test_a_refused_message_fails_in_sight(pool: AsyncEngine, caplog: pytest.LogCaptureFixture) -> None:
    await write(pool, [receipt()])
    await send_due(pool, ScriptedProvider([REFUSED]), timing.Clock.at(NOON))
    row = await only_row(pool)
    assert (row["state"], row["reason"]) == ("FAILED", "InvalidPhoneNumber")
    assert row["final_at"] is not None
    assert [record.levelno for record in caplog.records if record.message == "sms_outcome"] == [logging.ERROR]


async def test_a_transient_refusal_is_retried_later_and_then_given_up(pool: AsyncEngine) -> None:
    provider = ScriptedProvider([LATER] * MAX_ATTEMPTS)
    await write(pool, [receipt()])
    now = NOON
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert await send_due(pool, provider, timing.Clock.at(now)) == 1
        row = await only_row(pool)
        assert row["attempts"] == attempt
        assert row["due_at"] - now <= min(LONGEST_WAIT, timedelta(seconds=10 * 2 ** (attempt - 1))) + MINUTE
        now += LONGEST_WAIT + MINUTE
    assert row["state"] == "FAILED"
    assert await send_due(pool, provider, timing.Clock.at(now)) == 0


async def test_a_message_that_the_gateway_has_no_time_for_waits_and_is_sent(pool: AsyncEngine) -> None:
    """429 without a word, over HTTP as the gateway answers it: the row stays due, and the next attempt sends it."""
    await write(pool, [receipt()])
    with listening() as gateway:
        gateway.replies = [Reply("", 429, "text/plain")]
        provider = account(gateway)
        assert await send_due(pool, provider, timing.Clock.at(NOON)) == 1
        waiting = await only_row(pool)
        assert (waiting["state"], waiting["attempts"], waiting["resends"]) == ("DUE", 1, 0)
        assert waiting["due_at"] > NOON
        assert await send_due(pool, provider, timing.Clock.at(NOON + LONGEST_WAIT + MINUTE)) == 1
    sent = await only_row(pool)
    assert (sent["state"], sent["attempts"], sent["resends"]) == ("SENT", 2, 0)
    assert [form["to"] for form in gateway.forms] == [AWA, AWA]


async def test_the_waits_grow_and_differ(pool: AsyncEngine) -> None:
    await write(pool, [receipt(key=f"receipt:{number}") for number in range(30)])
    async with pool.begin() as db:
        await db.execute(text("update sms_outbox set attempts = 6"))
    await send_due(pool, ScriptedProvider([LATER] * 30), timing.Clock.at(NOON))
    waits = [row["due_at"] - NOON for row in await rows(pool)]
    assert max(waits) - min(waits) > timedelta(minutes=2)  # chance of less: below one in a million
    assert timedelta(minutes=1) < max(waits) < timedelta(minutes=11)  # at most 10 s * 2**6


async def test_an_empty_wallet_makes_messages_wait_without_an_end_and_warns_once(
    pool: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    provider = ScriptedProvider([BROKE] * 3)
    await write(pool, [receipt(key=f"receipt:{number}") for number in range(3)])
    await send_due(pool, provider, timing.Clock.at(NOON))
    assert [(row["state"], row["attempts"]) for row in await rows(pool)] == [("DUE", 0)] * 3
    assert [record.message for record in caplog.records].count("sms_account_trouble") == 1
    assert await send_due(pool, provider, timing.Clock.at(NOON + MINUTE)) == 0
    assert await send_due(pool, provider, timing.Clock.at(NOON + ACCOUNT_WAIT + MINUTE)) == 3
    assert set((await states(pool)).values()) == {"SENT"}


async def test_silence_is_in_doubt_and_is_resent_once_with_the_same_words(pool: AsyncEngine) -> None:
    provider = ScriptedProvider([SILENCE, SILENCE])
    await write(pool, [receipt()])
    await send_due(pool, provider, timing.Clock.at(NOON))
    assert (await only_row(pool))["state"] == "IN_DOUBT"
    assert await send_due(pool, provider, timing.Clock.at(NOON + 9 * MINUTE)) == 0
    assert await send_due(pool, provider, timing.Clock.at(NOON + 11 * MINUTE)) == 1
    row = await only_row(pool)
    assert (row["state"], row["resends"], row["attempts"]) == ("IN_DOUBT", 1, 2)
    assert (
        await send_due(pool, provider, timing.Clock.at(NOON + 100 * HOUR)) == 0
    )  # it stays in sight, and nobody gets a third
    assert provider.handed == [(AWA, "Paiement recu: 1 000 F. Code 4F7K")] * 2


async def test_time_scale_divides_the_grace(pool: AsyncEngine) -> None:
    provider = ScriptedProvider([SILENCE])
    await write(pool, [receipt()])
    await send_due(pool, provider, timing.Clock.at(NOON, 60))
    assert await send_due(pool, provider, timing.Clock.at(NOON + timedelta(seconds=11), 60)) == 1
    assert (await only_row(pool))["state"] == "SENT"


async def test_a_provider_that_never_answers_is_in_doubt_at_the_call_limit(
    pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "CALL_LIMIT", timedelta(milliseconds=50))
    await write(pool, [receipt()])
    await send_due(pool, ScriptedProvider(pause_s=60), timing.Clock.at(NOON))
    assert (await only_row(pool))["state"] == "IN_DOUBT"


async def test_a_sender_that_died_after_its_claim_leaves_a_doubt_not_a_second_call(pool: AsyncEngine) -> None:
    await write(pool, [receipt()])
    async with pool.begin() as db:
        claims, _ = await claim_due(db, ScriptedProvider(), ROUTES, timing.Clock.at(NOON), 10)
    assert len(claims) == 1  # and here the process is killed: the provider may have the message, or not
    provider = ScriptedProvider()
    assert await send_due(pool, provider, timing.Clock.at(NOON + LEASE - MINUTE)) == 0
    assert (await only_row(pool))["state"] == "SENDING"
    assert await send_due(pool, provider, timing.Clock.at(NOON + LEASE)) == 0
    assert (await only_row(pool))["state"] == "IN_DOUBT"
    assert await send_due(pool, provider, timing.Clock.at(NOON + LEASE + 10 * MINUTE)) == 1
    row = await only_row(pool)
    assert (row["state"], row["resends"], len(provider.handed)) == ("SENT", 1, 1)


async def test_a_sender_that_slept_past_its_lease_calls_nobody(
    pool: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0] + [300.0] * 10)  # stopped for five minutes between its claim and its call
    monkeypatch.setattr(outbox, "monotonic", lambda: next(clock))
    provider = ScriptedProvider()
    await write(pool, [receipt()])
    await send_due(pool, provider, timing.Clock.at(NOON))
    assert provider.handed == []
    row = await only_row(pool)
    assert (row["state"], row["attempts"], row["lease_token"]) == ("DUE", 0, None)


async def test_an_outcome_that_comes_after_the_lease_still_counts_until_the_resend(pool: AsyncEngine) -> None:
    await write(pool, [receipt()])
    async with pool.begin() as db:
        (claim,), _ = await claim_due(db, ScriptedProvider(), ROUTES, timing.Clock.at(NOON), 10)
    await send_due(pool, ScriptedProvider(), timing.Clock.at(NOON + LEASE))
    assert (await only_row(pool))["state"] == "IN_DOUBT"
    async with pool.begin() as db:
        await leases.record(
            db,
            claim,
            SendResult(SendStatus.ACCEPTED, "ATXid_late"),
            ROUTES,
            timing.Clock.at(NOON + LEASE + MINUTE),
        )
    row = await only_row(pool)
    assert (row["state"], row["provider_message_id"], row["in_doubt_at"]) == ("SENT", "ATXid_late", None)


async def test_a_lost_lease_writes_nothing(pool: AsyncEngine, caplog: pytest.LogCaptureFixture) -> None:
    await write(pool, [receipt()])
    async with pool.begin() as db:
        (lost,), _ = await claim_due(db, ScriptedProvider(), ROUTES, timing.Clock.at(NOON), 10)
    await send_due(pool, ScriptedProvider(), timing.Clock.at(NOON + LEASE))
    async with pool.begin() as db:
        await settle_in_doubt(db, "africastalking", timing.Clock.at(NOON + HOUR))
        (resend,), _ = await claim_due(db, ScriptedProvider(), ROUTES, timing.Clock.at(NOON + HOUR), 10)
    async with pool.begin() as db:
        await leases.record(db, lost, REFUSED, ROUTES, timing.Clock.at(NOON + HOUR))
        await leases.give_back(db, lost)
    row = await only_row(pool)
    assert (row["state"], row["lease_token"], row["reason"]) == ("SENDING", resend.token, None)
    assert "sms_lease_lost" in [record.message for record in caplog.records]


async def test_two_senders_never_hand_over_the_same_row(pool: AsyncEngine) -> None:
    provider = ScriptedProvider(pause_s=0.01)
    messages = [receipt(f"+2237{number:07}", f"receipt:{number}", f"C{number}") for number in range(120)]
    await write(pool, messages)

    async def sender() -> int:
        total = 0
        while done := await send_due(pool, provider, timing.Clock.at(NOON), limit=7):
            total += done
        return total

    assert sum(await asyncio.gather(*(sender() for _ in range(4)))) == 120
    assert set(Counter(provider.handed).values()) == {1}
    assert set((await states(pool)).values()) == {"SENT"}


async def test_a_cancelled_pass_finishes_its_calls_and_writes_them_down(pool: AsyncEngine) -> None:
    provider = ScriptedProvider(pause_s=0.3)
    await write(pool, [receipt(), tip()])
    task = asyncio.create_task(send_due(pool, provider, timing.Clock.at(NOON)))
    await until(lambda: len(provider.handed) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set((await states(pool)).values()) == {"SENT"}


async def test_one_outcome_that_cannot_be_written_hurts_no_neighbour(pool: AsyncEngine) -> None:
    unstorable = SendResult(SendStatus.ACCEPTED, "ATXid_\x00", "102")
    await write(pool, [receipt(key=f"receipt:{number}") for number in range(5)])
    with pytest.raises(Exception, match="0x00"):
        await send_due(pool, ScriptedProvider([unstorable]), timing.Clock.at(NOON))
    assert sorted((await states(pool)).values()) == ["SENDING", "SENT", "SENT", "SENT", "SENT"]


async def test_logs_hold_no_body_and_no_phone(pool: AsyncEngine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "keneya")
    await write(pool, [receipt(), tip(1, MOUSSA)])
    for minutes in (0, 15, 30):
        await send_due(pool, ScriptedProvider([SILENCE, LATER]), timing.Clock.at(NOON + minutes * MINUTE))
    written = " ".join(str(vars(record)) for record in caplog.records if record.name == "keneya.sms")
    assert "sms_resend" in written
    assert not any(secret in written for secret in ("Paiement", "4F7K", "Conseil", AWA, MOUSSA))
