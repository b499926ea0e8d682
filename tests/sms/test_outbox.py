"""Writing messages: once a key, in the caller's transaction, in letters that every phone shows."""

import asyncio
from dataclasses import replace
from itertools import product

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from sms.outbox import Message, enqueue
from sms.segments import segments
from sms.tables import MOVES, MessageState
from tests.support.sms_people import AWA, MOUSSA, NOON, only_row, receipt, rows, write


async def test_a_message_is_written_folded_and_counted(pool: AsyncEngine) -> None:
    await write(pool, [receipt()])
    row = await only_row(pool)
    assert row["body"] == "Paiement recu: 1 000 F. Code 4F7K"
    assert (row["state"], row["segments"], row["attempts"], row["resends"]) == ("DUE", 1, 0, 0)
    assert (row["due_at"], row["created_at"]) == (NOON, NOON)


async def test_the_same_event_is_written_once_also_within_one_call(pool: AsyncEngine) -> None:
    await write(pool, [receipt(), replace(receipt(), body="Autre texte")])
    await write(pool, [replace(receipt(), body="Encore un autre")])
    assert (await only_row(pool))["body"] == "Paiement recu: 1 000 F. Code 4F7K"


async def test_the_same_key_in_two_mutuelles_is_two_events(pool: AsyncEngine) -> None:
    await write(pool, [receipt(), replace(receipt(), mutuelle="ATA")])
    assert [row["mutuelle_id"] for row in await rows(pool)] == ["ATA", "SIK"]


async def test_a_rolled_back_transaction_leaves_no_message(pool: AsyncEngine) -> None:
    async with pool.connect() as db:
        await enqueue(db, [receipt()], NOON)
        await db.rollback()
    assert await rows(pool) == []


async def test_the_row_knows_the_transaction_that_made_it_due(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        await enqueue(db, [receipt()], NOON)
        same = await db.scalar(text("select xid = pg_current_xact_id() from sms_outbox"))
    assert same is True


async def test_two_transactions_with_the_same_keys_in_other_orders(pool: AsyncEngine) -> None:
    messages = [receipt(key=f"receipt:{number}") for number in range(300)]
    await asyncio.gather(write(pool, messages), write(pool, messages[::-1]), write(pool, messages))
    assert len(await rows(pool)) == 300


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (Message("SIK", "k", AWA, "tip", ""), "empty body"),
        (Message("SIK", "k", AWA, "tip", " \n"), "empty body"),
        (Message("SIK", "k", AWA, "tip", "a" * 460), "takes 4 segments"),
        (Message("SIK", "k", "70000001", "tip", "Bonjour"), "no E.164 phone"),
        (Message("SIK", "k", AWA + "\n", "tip", "Bonjour"), "no E.164 phone"),
    ],
)
async def test_refused_messages_write_nothing(pool: AsyncEngine, message: Message, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        await write(pool, [receipt(), message])
    assert await rows(pool) == []


async def test_the_longest_message_that_passes(pool: AsyncEngine) -> None:
    await write(pool, [Message("SIK", "k", AWA, "tip", "a" * 459)])
    assert (await only_row(pool))["segments"] == segments("a" * 459) == 3


async def test_no_message_no_query(pool: AsyncEngine) -> None:
    await write(pool, [])
    assert await rows(pool) == []


@pytest.mark.parametrize(
    "change",
    [f"body = 'Autre', phone = '{MOUSSA}'", "receipt_code = 'AAAA'", "key = 'other'", "xid = '3'"],
)
async def test_the_service_cannot_rewrite_what_a_message_says(pool: AsyncEngine, change: str) -> None:
    await write(pool, [receipt()])
    with pytest.raises(DBAPIError, match="permission denied"):
        async with pool.begin() as db:
            await db.execute(text(f"update sms_outbox set {change}"))


async def test_the_service_cannot_delete_a_message(pool: AsyncEngine) -> None:
    await write(pool, [receipt()])
    with pytest.raises(DBAPIError, match="permission denied"):
        async with pool.begin() as db:
            await db.execute(text("delete from sms_outbox"))


async def test_the_database_knows_the_same_moves_as_the_table(owner: AsyncEngine) -> None:
    insert = text(
        "insert into sms_outbox"
        " (mutuelle_id, key, phone, template, body, segments, state, due_at, created_at)"
        " values ('SIK', :key, '+22370000001', 'tip', 'a', 1, :old, now(), now())"
    )
    legal = set()
    async with owner.begin() as db:
        for old, new in product(MessageState, MessageState):
            await db.execute(insert, {"key": f"{old}:{new}", "old": old})
            try:
                async with db.begin_nested():
                    change = text("update sms_outbox set state = :new where key = :key")
                    await db.execute(change, {"new": new, "key": f"{old}:{new}"})
            except DBAPIError:
                continue
            if old != new:
                legal.add((old, new))
    assert legal == {(old, new) for old, reachable in MOVES.items() for new in reachable}
