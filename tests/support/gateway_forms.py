"""The forms of Africa's Talking as they come in, and how to post them."""

from typing import Any

import httpx
from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.running_service import SECRET, House
from tests.support.town import AWA

FORM = "application/x-www-form-urlencoded"
AT_PATHS = ("ussd", "ussd/ended", "sms", "delivery", "optout")
HOP = {
    "sessionId": "ATUid_0f1e2d3c",
    "phoneNumber": AWA,
    "networkCode": "99999",
    "serviceCode": "*384*57#",
    "text": "",
}
SMS = {
    "date": "2026-10-02T06:04:45Z",
    "from": AWA,
    "id": "3b0c8a52-7d11",
    "linkId": "",
    "text": "SOLDE",
    "to": "38457",
}
REPORT = {"id": "ATXid_9a8b", "status": "Success", "phoneNumber": AWA, "networkCode": "61002"}


async def post(house: House, path: str, fields: dict[str, str], secret: str = SECRET) -> httpx.Response:
    """Post a form to the webhook `path`."""
    return await house.http.post(f"/at/{secret}/{path}", data=fields)


async def post_bytes(house: House, path: str, content: bytes) -> httpx.Response:
    """Post these very bytes as a form."""
    return await house.http.post(f"/at/{SECRET}/{path}", content=content, headers={"content-type": FORM})


async def kept(pool: AsyncEngine, table: Table, *where: ColumnElement[bool]) -> list[Any]:
    """The rows of `table`, as the service's role sees them."""
    async with pool.connect() as db:
        return list(await db.execute(select(table).where(*where)))
