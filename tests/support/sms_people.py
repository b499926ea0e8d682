"""The people of the SMS tests, and a scripted provider."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from sms.outbox import Message, enqueue
from sms.provider import OutgoingSms, SendResult, SendStatus
from sms.tables import outbox

AWA, MOUSSA, DR_TRAORE = "+22370000001", "+22370000002", "+22370000004"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

REFUSED = SendResult(SendStatus.REFUSED, status="403 InvalidPhoneNumber", reason="InvalidPhoneNumber")
LATER = SendResult(SendStatus.LATER, status="500 InternalServerError", reason="InternalServerError")
BROKE = SendResult(SendStatus.ACCOUNT, status="405 InsufficientBalance", reason="InsufficientBalance")
SILENCE = SendResult(SendStatus.UNKNOWN, reason="no answer (ReadTimeout)")


@dataclass
class ScriptedProvider:
    """Answers from `script`, then accepts every message; stores what it was given."""

    script: list[SendResult] = field(default_factory=list)
    handed: list[tuple[str, str]] = field(default_factory=list)
    pause_s: float = 0.0
    name: str = "africastalking"
    concurrency: int = 32
    reports_by_reference: bool = False

    async def send(self, message: OutgoingSms) -> SendResult:
        self.handed.append((message.phone, message.body))
        number = len(self.handed)
        if self.pause_s:
            await asyncio.sleep(self.pause_s)
        if self.script:
            return self.script.pop(0)
        return SendResult(SendStatus.ACCEPTED, provider_message_id=f"ATXid_{number:04}", status="102 Success")


def sms(phone: str, body: str, sender: str = "") -> OutgoingSms:
    """One message to hand over."""
    return OutgoingSms("7f0c0a5e-0000-4000-8000-000000000001", phone, body, sender)


def receipt(phone: str = AWA, key: str = "receipt:1", code: str = "4F7K") -> Message:
    return Message("SIK", key, phone, "receipt", f"Paiement reçu: 1 000 F. Code {code}", receipt_code=code)


def tip(number: int = 1, phone: str = AWA) -> Message:
    """A message that a STOP ends."""
    return Message("SIK", f"tip:{number}", phone, "reminder, ends today", f"Conseil {number}")


async def write(pool: AsyncEngine, messages: Sequence[Message], now: datetime = NOON) -> None:
    async with pool.begin() as db:
        await enqueue(db, messages, now)


async def rows(pool: AsyncEngine) -> list[Mapping[str, Any]]:
    """Every message, by mutuelle and key."""
    async with pool.connect() as db:
        return [
            dict(row)
            for row in (
                await db.execute(select(outbox).order_by(outbox.c.mutuelle_id, outbox.c.key))
            ).mappings()
        ]


async def only_row(pool: AsyncEngine) -> Mapping[str, Any]:
    (row,) = await rows(pool)
    return row


async def states(pool: AsyncEngine) -> dict[str, str]:
    return {row["key"]: row["state"] for row in await rows(pool)}
