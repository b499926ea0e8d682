"""Each invariant of messages finds the row that breaks it, and nothing else does."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from invariants import examine
from sms import africastalking
from sms.delivery import apply_reports, opt_out, store_report
from sms.invariants import INVARIANTS
from sms.outbox import Message, send_due
from tests.support.sms_people import (
    AWA,
    LATER,
    MOUSSA,
    NOON,
    REFUSED,
    SILENCE,
    ScriptedProvider,
    receipt,
    tip,
    write,
)
from tests.support.sms_phone import Writer, sms_deps
from tests.support.town import AWA as TOWN_AWA
from tests.support.town import Clock, found_town, join, paid


async def broken(pool: AsyncEngine) -> set[str]:
    async with pool.connect() as db:
        return {finding.invariant.name for finding in await examine(db, INVARIANTS) if not finding.holds}


async def all_sorts(pool: AsyncEngine) -> None:
    """Messages in every state that the service itself can bring about."""
    stopped = "+22370000099"
    async with pool.begin() as db:
        await opt_out(db, stopped, "keyword", NOON)
    phones = ["+22370000011", "+22370000012", "+22370000013", AWA, MOUSSA, stopped]
    await write(pool, [tip(number, phone) for number, phone in enumerate(phones)])
    await send_due(pool, ScriptedProvider([REFUSED, LATER, SILENCE]), timing.Clock.at(NOON))
    await write(pool, [receipt()])
    async with pool.begin() as db:
        fields = {"id": "ATXid_0004", "status": "Success", "phoneNumber": AWA}
        await store_report(db, africastalking, fields, NOON)
    await apply_reports(pool, NOON)


async def test_all_hold_for_messages_of_every_sort(pool: AsyncEngine) -> None:
    await all_sorts(pool)
    async with pool.connect() as db:
        seen = set(await db.scalars(text("select distinct state from sms_outbox")))
    assert seen == {"DUE", "SENT", "IN_DOUBT", "DELIVERED", "FAILED", "WITHHELD"}
    assert await broken(pool) == set()


@pytest.mark.parametrize(
    ("tampering", "name"),
    [
        ("provider_message_id = null where state = 'SENT'", "sms_sent_has_provider_id"),
        ("lease_until = now() where state = 'DELIVERED'", "sms_lease_only_while_sending"),
        (
            "state = 'SENDING', lease_until = now() - interval '11 minutes' where key = 'receipt:1'",
            "sms_sending_ends",
        ),
        (
            "provider_message_id = 'ATXid_0004' where state in ('SENT', 'DELIVERED')",
            "sms_one_row_a_provider_id",
        ),
        ("resends = 2 where state = 'SENT'", "sms_resent_once_at_most"),
        ("final_at = null where state = 'FAILED'", "sms_states_are_dated"),
        ("in_doubt_at = null where state = 'IN_DOUBT'", "sms_states_are_dated"),
        ("final_at = now() where state = 'SENT'", "sms_states_are_dated"),
        ("segments = 2 where state = 'SENT'", "sms_one_segment"),
        ("called_at = now() + interval '1 year' where state = 'WITHHELD'", "sms_stop_is_heard"),
    ],
)
async def test_each_is_broken_by_its_own_fault(
    pool: AsyncEngine, owner: AsyncEngine, tampering: str, name: str
) -> None:
    await all_sorts(pool)
    async with owner.begin() as db:
        await db.execute(text("alter table sms_outbox drop constraint sms_outbox_resends_check"))
        await db.execute(text(f"update sms_outbox set {tampering}"))
    assert await broken(pool) == {name}


async def test_a_long_message_whose_template_is_not_listed_is_found(pool: AsyncEngine) -> None:
    await write(pool, [Message("SIK", "k", AWA, "assembly", "a" * 200)])
    assert await broken(pool) == {"sms_one_segment"}


async def test_names_are_unique() -> None:
    assert len({check.name for check in INVARIANTS}) == len(INVARIANTS)


async def answered(pool: AsyncEngine) -> None:
    """Two SMS that came in, one of them agreed to something."""
    await found_town(pool)
    await paid(pool, await join(pool, TOWN_AWA, at=NOON, pay_minor=6_000), at=NOON)
    awa = Writer(sms_deps(pool, Clock()), phone=TOWN_AWA)
    await awa.agree(await awa.send("payer 3000"))


@pytest.mark.parametrize(
    ("tampering", "name"),
    [
        (
            "update sms_inbox set state = 'WAITING', handled_at = null, handled_as = null,"
            " received_at = now() - interval '2 hours' where handled_as = 'menu'",
            "sms_in_is_played",
        ),
        ("update sms_outbox set is_reply = false", "sms_in_is_answered"),
        ("update sms_outbox set key = key || 'x'", "sms_in_is_answered"),
        (
            "update sms_inbox set handled_at = handled_at + interval '1 hour' where handled_as = 'menu'",
            "sms_in_order",
        ),
        ("update action set call = 'nobody''s' where gateway = 'sms'", "sms_action_has_message"),
        ("update action set phone = '+22370000099' where gateway = 'sms'", "sms_action_has_message"),
    ],
)
async def test_each_of_those_that_came_in_is_broken_by_its_own_fault(
    pool: AsyncEngine, owner: AsyncEngine, tampering: str, name: str
) -> None:
    await answered(pool)
    assert await broken(pool) == set()
    async with owner.begin() as db:
        await db.execute(text(tampering))
    assert await broken(pool) == {name}
