"""Stores each received SMS once, before the gateway gets its answer."""

import logging
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from sms.tables import inbox
from talk.phones import gateway_phone

log = logging.getLogger("keneya.sms")

LONGEST_TEXT = 1600  # ten parts: more than anybody types on a basic phone


async def store_sms(db: AsyncConnection, fields: Mapping[str, str], now: datetime) -> None:
    """Store one SMS under its gateway's id (idempotent). Without phone, id or text it is dropped, unanswerable."""
    phone = gateway_phone(fields.get("from", ""))
    gateway_id, body = fields.get("id", "")[:100], fields.get("text", "")[:LONGEST_TEXT]
    if phone is None or not gateway_id or not body.strip():
        log.warning("sms_in_dropped", extra={"phone": phone is not None, "text": bool(body.strip())})
        return
    row = {
        "provider": "africastalking",
        "provider_message_id": gateway_id,
        "phone": phone,
        "short_code": fields.get("to", "")[:40],
        "body": body,
        "received_at": now,
        "due_at": now,
    }
    await db.execute(insert(inbox).values(row).on_conflict_do_nothing())
