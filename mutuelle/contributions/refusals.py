"""Phones whose owners refuse payment requests by others, until they accept them again."""

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.tables import payer_refusal
from talk.words import Caller


async def refuse_requests(db: AsyncConnection, caller: Caller) -> None:
    """From now on nobody else can send a payment request to this phone."""
    row = {"phone": caller.phone, "since": caller.at}
    await db.execute(insert(payer_refusal).values(row).on_conflict_do_nothing())


async def accept_requests(db: AsyncConnection, caller: Caller) -> None:
    """Others can send payment requests to this phone again."""
    await db.execute(delete(payer_refusal).where(payer_refusal.c.phone == caller.phone))


async def refuses_requests(db: AsyncConnection, caller: Caller) -> bool:
    """Whether this phone takes no payment requests from others."""
    return (
        await db.scalar(select(payer_refusal.c.phone).where(payer_refusal.c.phone == caller.phone))
        is not None
    )
