"""Two machines that answer each other, and a phone that writes without an end: few replies, then silence, one alarm."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.sms_phone import Writer, sms_deps
from tests.support.town import AWA, NOON, Clock, found_town, join

MACHINE = "+22370009999"
BUSY = "Je conduis et vous rappelle des que possible. Message automatique."


async def alarms(caplog: pytest.LogCaptureFixture) -> int:
    return [record.message for record in caplog.records].count("sms_phone_limited")


@pytest.mark.parametrize("numbered", [False, True])
async def test_a_members_phone_that_answers_by_itself_gets_three_answers(
    pool: AsyncEngine, caplog: pytest.LogCaptureFixture, *, numbered: bool
) -> None:
    await found_town(pool)
    await join(pool, AWA, at=NOON)
    awa = Writer(sms_deps(pool, Clock()), phone=AWA)
    replies = [await awa.send(f"{BUSY} {nth if numbered else ''}") for nth in range(12)]
    assert [bool(reply) for reply in replies] == [True] * 3 + [False] * 9
    assert await alarms(caplog) == 1
    assert await awa.send("cov")  # the person behind it is still heard


async def test_a_machine_that_says_our_words_back_gets_three_answers(
    pool: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    await found_town(pool)
    await join(pool, AWA, at=NOON)
    awa = Writer(sms_deps(pool, Clock()), phone=AWA)
    said = await awa.send("aide")
    costs = 0
    for _turn in range(12):
        reply = await awa.send(f"Re : {said}")
        costs += bool(reply)
        said = reply or said
    assert costs <= 4
    assert await alarms(caplog) == 1


async def test_a_stranger_that_writes_500_times_costs_three_answers_and_one_alarm(
    pool: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    await found_town(pool)
    stranger = Writer(sms_deps(pool, Clock()), phone=MACHINE)
    replies = [await stranger.send(f"promo {'abcdefghij'[nth % 10] * 5} {nth}") for nth in range(500)]
    assert sum(map(bool, replies)) <= 3
    assert await alarms(caplog) == 1


async def test_short_words_that_people_repeat_are_answered_each_time(pool: AsyncEngine) -> None:
    await found_town(pool)
    await join(pool, AWA, at=NOON)
    awa = Writer(sms_deps(pool, Clock()), phone=AWA)
    assert all([await awa.send("couv") for _time in range(6)])
