"""Delivery reports and opt-outs, as Africa's Talking posts them: early, late, twice and in words nobody knows."""

import asyncio

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from sms import africastalking
from sms.delivery import apply_reports, store_optout, store_report
from sms.outbox import send_due
from sms.tables import optout, report
from tests.support.sms_people import (
    AWA,
    HOUR,
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


async def hear(
    pool: AsyncEngine, status: str, message_id: str = "ATXid_0001", phone: str = AWA, **more: str
) -> None:
    fields = {"id": message_id, "status": status, "phoneNumber": phone, "networkCode": "61002", **more}
    async with pool.begin() as db:
        await store_report(db, africastalking, fields, NOON + MINUTE)


async def sent_receipt(pool: AsyncEngine) -> None:
    await write(pool, [receipt()])
    await send_due(pool, ScriptedProvider(), timing.Clock.at(NOON))


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (["Sent"], "SENT"),
        (["Submitted", "Buffered"], "SENT"),
        (["Success"], "DELIVERED"),
        (["success "], "DELIVERED"),
        (["Failed"], "FAILED"),
        (["Rejected"], "FAILED"),
        (["AbsentSubscriber"], "FAILED"),
        (["Expired"], "FAILED"),
        (["Sent", "Success"], "DELIVERED"),
        (["Success", "Sent"], "DELIVERED"),
        (["Success", "Failed"], "DELIVERED"),
        (["Failed", "Sent"], "FAILED"),
        (["Failed", "Success"], "DELIVERED"),
        (["Teleported"], "SENT"),
        (["Success", "Teleported"], "DELIVERED"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["applied together", "applied one by one"])
async def test_words_in_the_order_they_came(
    pool: AsyncEngine, words: list[str], state: str, at_once: bool
) -> None:
    await sent_receipt(pool)
    for word in words:
        await hear(pool, word)
        if not at_once:
            assert await apply_reports(pool, NOON + HOUR) == 1
    await apply_reports(pool, NOON + HOUR)
    row = await only_row(pool)
    assert row["state"] == state
    assert (row["final_at"] is not None) == (state in ("DELIVERED", "FAILED"))
    assert await apply_reports(pool, NOON + HOUR) == 0


async def test_the_reason_of_a_failure_is_kept_and_goes_with_it(pool: AsyncEngine) -> None:
    await sent_receipt(pool)
    await hear(pool, "Failed", failureReason="UserInBlackList")
    await apply_reports(pool, NOON + HOUR)
    row = await only_row(pool)
    assert (row["reason"], row["provider_status"]) == ("UserInBlackList", "Failed")
    await hear(pool, "Success")
    await apply_reports(pool, NOON + HOUR)
    row = await only_row(pool)
    assert (row["reason"], row["provider_status"]) == (None, "Success")


async def test_a_report_that_came_before_the_send_returned(pool: AsyncEngine) -> None:
    await hear(pool, "Success")
    assert await apply_reports(pool, NOON) == 0
    await sent_receipt(pool)
    assert await apply_reports(pool, NOON + MINUTE) == 1
    assert (await only_row(pool))["state"] == "DELIVERED"


async def test_a_report_is_kept_as_it_came_and_points_at_its_message(pool: AsyncEngine) -> None:
    await sent_receipt(pool)
    await hear(pool, "Teleported", retryCount="3")
    await apply_reports(pool, NOON + HOUR)
    async with pool.connect() as db:
        row = (await db.execute(select(report))).one()
    assert row.raw == {
        "id": "ATXid_0001",
        "status": "Teleported",
        "phoneNumber": AWA,
        "networkCode": "61002",
        "retryCount": "3",
    }
    assert (row.mutuelle_id, row.message_id) == ("SIK", (await only_row(pool))["id"])


async def test_the_same_report_is_kept_once_also_from_two_connections(pool: AsyncEngine) -> None:
    await asyncio.gather(*(hear(pool, "Success") for _ in range(5)))
    async with pool.connect() as db:
        assert await db.scalar(select(func.count()).select_from(report)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"id": "", "status": "", "phoneNumber": ""},
        {"id": "a\x00b", "status": "Suc\ud800cess", "phoneNumber": "MTN"},
        {"id": "x" * 4000, "status": "y" * 4000, "phoneNumber": "+" + "1" * 500},
    ],
)
async def test_nonsense_is_stored_and_harms_nothing(pool: AsyncEngine, fields: dict[str, str]) -> None:
    await sent_receipt(pool)
    async with pool.begin() as db:
        await store_report(db, africastalking, fields, NOON)
    await hear(pool, "Success")
    assert await apply_reports(pool, NOON + HOUR) == 1
    assert (await only_row(pool))["state"] == "DELIVERED"


@pytest.mark.parametrize(
    ("word", "state"), [("Success", "DELIVERED"), ("Sent", "SENT"), ("Failed", "FAILED"), ("Beamed", "SENT")]
)
async def test_a_report_decides_a_doubt_and_nothing_is_resent(
    pool: AsyncEngine, word: str, state: str
) -> None:
    await write(pool, [receipt()])
    provider = ScriptedProvider([SILENCE])
    await send_due(pool, provider, timing.Clock.at(NOON))
    await hear(pool, word, "ATXid_never_told")
    assert await send_due(pool, provider, timing.Clock.at(NOON + 30 * MINUTE)) == 0
    row = await only_row(pool)
    assert (row["state"], row["provider_message_id"]) == (state, "ATXid_never_told")
    assert len(provider.handed) == 1


async def test_a_report_that_another_message_explains_decides_no_doubt(pool: AsyncEngine) -> None:
    await sent_receipt(pool)
    await write(pool, [receipt(key="receipt:2", code="9ZZZ")])
    await send_due(pool, ScriptedProvider([SILENCE]), timing.Clock.at(NOON))
    await hear(pool, "Success", "ATXid_0001")
    await apply_reports(pool, NOON + MINUTE)
    first, second = await rows(pool)
    assert (first["state"], second["state"], second["provider_message_id"]) == ("DELIVERED", "IN_DOUBT", None)


@pytest.mark.parametrize("ids", [["ATXid_a"], ["ATXid_a", "ATXid_b"]])
async def test_two_doubts_of_one_phone_are_not_guessed_at(pool: AsyncEngine, ids: list[str]) -> None:
    await write(pool, [receipt(), receipt(key="receipt:2", code="9ZZZ"), receipt(MOUSSA, "receipt:3")])
    await send_due(pool, ScriptedProvider([SILENCE] * 3), timing.Clock.at(NOON))
    for message_id in ids:
        await hear(pool, "Success", message_id)
    await hear(pool, "Success", "ATXid_c", MOUSSA)
    await apply_reports(pool, NOON + MINUTE)
    assert await states(pool) == {"receipt:1": "IN_DOUBT", "receipt:2": "IN_DOUBT", "receipt:3": "DELIVERED"}


async def test_two_strange_reports_for_one_doubt_are_not_guessed_at(pool: AsyncEngine) -> None:
    await write(pool, [receipt()])
    await send_due(pool, ScriptedProvider([SILENCE]), timing.Clock.at(NOON))
    for message_id in ("ATXid_a", "ATXid_b"):
        await hear(pool, "Success", message_id)
    await apply_reports(pool, NOON + MINUTE)
    assert (await only_row(pool))["state"] == "IN_DOUBT"


async def test_a_report_of_yesterday_decides_no_doubt_of_today(pool: AsyncEngine) -> None:
    await hear(pool, "Success", "ATXid_stray")
    await write(pool, [receipt()], NOON + HOUR)
    await send_due(pool, ScriptedProvider([SILENCE]), timing.Clock.at(NOON + HOUR))
    assert await apply_reports(pool, NOON + HOUR + MINUTE) == 0
    assert (await only_row(pool))["state"] == "IN_DOUBT"


async def test_a_report_nobody_claims_is_given_up_after_days(pool: AsyncEngine) -> None:
    await hear(pool, "Success", "ATXid_stray")
    await apply_reports(pool, NOON + 72 * HOUR)
    await sent_receipt(pool)
    async with pool.connect() as db:
        row = (await db.execute(select(report))).one()
    assert (row.applied_at, row.message_id) == (NOON + 72 * HOUR, None)


async def test_a_plus_that_arrived_as_a_space(pool: AsyncEngine) -> None:
    await write(pool, [receipt()])
    await send_due(pool, ScriptedProvider([SILENCE]), timing.Clock.at(NOON))
    await hear(pool, "Success", phone=" 22370000001")
    await apply_reports(pool, NOON + MINUTE)
    assert (await only_row(pool))["state"] == "DELIVERED"


async def test_reports_applied_by_two_at_once_count_once(pool: AsyncEngine) -> None:
    provider = ScriptedProvider()
    await write(pool, [tip(number, f"+2237{number:07}") for number in range(30)])
    await send_due(pool, provider, timing.Clock.at(NOON))
    for number in range(1, 31):
        await hear(pool, "Sent", f"ATXid_{number:04}")
        await hear(pool, "Success", f"ATXid_{number:04}")
    counts = await asyncio.gather(*(apply_reports(pool, NOON + HOUR) for _ in range(4)))
    assert sum(counts) == 60
    assert set((await states(pool)).values()) == {"DELIVERED"}


@pytest.mark.parametrize("phone", [AWA, " 22370000001", "22370000001"])
async def test_an_optout_is_kept_once_with_its_first_date(pool: AsyncEngine, phone: str) -> None:
    for later in (MINUTE, HOUR):
        async with pool.begin() as db:
            await store_optout(
                db, africastalking, {"senderId": "MUTUELLE", "phoneNumber": phone}, NOON + later
            )
    async with pool.connect() as db:
        row = (await db.execute(select(optout))).one()
    assert (row.phone, row.source, row.since, row.until) == (AWA, "africastalking", NOON + MINUTE, None)


async def test_an_optout_that_ended_leaves_its_history_and_frees_the_phone(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        await store_optout(db, africastalking, {"phoneNumber": AWA}, NOON)
        await db.execute(text("update sms_optout set until = :now"), {"now": NOON + MINUTE})
    await write(pool, [tip()], NOON + HOUR)
    await send_due(pool, ScriptedProvider(), timing.Clock.at(NOON + HOUR))
    assert (await only_row(pool))["state"] == "SENT"
    async with pool.begin() as db:
        await store_optout(db, africastalking, {"phoneNumber": AWA}, NOON + HOUR)
        assert await db.scalar(select(func.count()).select_from(optout)) == 2


@pytest.mark.parametrize(
    "fields", [{}, {"phoneNumber": "MTN"}, {"phoneNumber": "+223\n"}, {"phoneNumber": "\x00"}]
)
async def test_an_optout_without_a_phone_is_dropped(pool: AsyncEngine, fields: dict[str, str]) -> None:
    async with pool.begin() as db:
        await store_optout(db, africastalking, fields, NOON)
        assert await db.scalar(select(func.count()).select_from(optout)) == 0
