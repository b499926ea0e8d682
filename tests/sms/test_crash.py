"""A sender that is killed between the provider's "taken" and its own commit: doubt, then the report or one resend."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import timing
from sms import africastalking
from sms.delivery import store_report
from sms.leases import LEASE
from sms.outbox import send_due
from tests.conftest import Database
from tests.support.patience import PATIENCE_S
from tests.support.sms_gateway import Gateway, Reply, account
from tests.support.sms_people import AWA, MINUTE, NOON, only_row, receipt, write

ROOT = Path(__file__).parents[2]
SENDER = """
import asyncio, sys, timing
from datetime import datetime
from sqlalchemy.ext.asyncio import create_async_engine
from sms.africastalking.sending import AfricasTalking
from sms.outbox import send_due

database, url, now = sys.argv[1:]
provider = AfricasTalking("demo", "the-key", url)
asyncio.run(send_due(create_async_engine(database), provider, timing.Clock.at(datetime.fromisoformat(now))))
"""


def kill_a_sender_in_its_call(database: Database, gateway: Gateway) -> None:
    """Start a sender of its own process; kill -9 it when the gateway has its message and before it answers."""
    gateway.replies = [Reply(wait_s=1.5)]
    arguments = [sys.executable, "-c", SENDER, database.url, gateway.url, NOON.isoformat()]
    with subprocess.Popen(arguments, cwd=ROOT) as sender:
        patience = time.monotonic() + PATIENCE_S
        while not gateway.forms and time.monotonic() < patience:
            time.sleep(0.02)
        os.kill(sender.pid, signal.SIGKILL)
    assert len(gateway.forms) == 1


@pytest.mark.parametrize("reported", [True, False], ids=["a report came", "no report came"])
async def test_killed_after_the_message_was_taken(
    pool: AsyncEngine, database: Database, gateway: Gateway, reported: bool
) -> None:
    await write(pool, [receipt()])
    kill_a_sender_in_its_call(database, gateway)
    row = await only_row(pool)
    assert (row["state"], row["attempts"]) == ("SENDING", 1)
    if reported:
        async with pool.begin() as db:
            await store_report(
                db, africastalking, {"id": "ATXid_1", "status": "Success", "phoneNumber": AWA}, NOON
            )
    for later in (LEASE, LEASE + 9 * MINUTE, LEASE + 11 * MINUTE, LEASE + 60 * MINUTE):
        await send_due(pool, account(gateway), timing.Clock.at(NOON + later))
    row = await only_row(pool)
    assert (row["state"], row["resends"]) == (("DELIVERED", 0) if reported else ("SENT", 1))
    assert [form["message"] for form in gateway.forms] == [row["body"]] * (1 if reported else 2)
