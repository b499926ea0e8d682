"""Stores each received SMS once, before the gateway gets its answer."""

import logging
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from prepared import Prepared
from sms.provider import SmsAdapter
from sms.segments import may_be_cut
from talk.phones import gateway_phone

log = logging.getLogger("keneya.sms")

LONGEST_TEXT = 1600  # ten parts: more than anybody types on a basic phone


async def store_sms(
    db: AsyncConnection, provider: SmsAdapter, fields: Mapping[str, str], now: datetime
) -> None:
    """Keep one SMS by its provider's id. One without phone, id or text is dropped: it cannot be answered."""
    came = provider.read_sms(fields)
    phone, body = gateway_phone(came.phone), came.body[:LONGEST_TEXT]
    if phone is None or not came.provider_message_id or not body.strip():
        log.warning("sms_in_dropped", extra={"phone": phone is not None, "text": bool(body.strip())})
        return
    is_cut = came.part is None and provider.CUTS_LONG and may_be_cut(body)
    row = {
        "provider": provider.NAME,
        "provider_message_id": came.provider_message_id[:100],
        "phone": phone,
        "short_code": came.short_code[:40],
        "body": body,
        "received_at": now,
        "due_at": now,
        "reference": came.part.reference if came.part else None,
        "part": came.part.number if came.part else 1 if is_cut else None,
        "parts": came.part.of if came.part else None,
    }
    await _STORE.rows(db, row)


_STORE = Prepared(
    text("""
    insert into sms_inbox (provider, provider_message_id, phone, short_code, body, received_at, due_at,
        reference, part, parts)
    values (:provider, :provider_message_id, :phone, :short_code, :body, :received_at, :due_at,
        :reference, :part, :parts)
    on conflict do nothing
    """)
)
