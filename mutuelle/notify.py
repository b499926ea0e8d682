"""Telling people by SMS: each phone in its owner's language, in the transaction of what is told."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, render
from sms.outbox import Message, enqueue
from talk.preferences import languages_of
from values import value


@value
class Notification:
    """What one event is worth telling: an SMS of `template` for each phone in `told`.

    `event` names what happened, without a phone, for it may stand in a log: the same event is told once.
    """

    mutuelle_id: str
    template: str
    told: Mapping[str, Sentence]
    event: str
    receipt_code: str | None = None


async def notify(
    db: AsyncConnection,
    mutuelle_id: str,
    template: str,
    told: Mapping[str, Sentence],
    now: datetime,
    *,
    event: str = "",
    receipt_code: str | None = None,
) -> None:
    """Write the SMS of one event; without a name each call is an event of its own."""
    await notify_all(
        db, [Notification(mutuelle_id, template, told, event or str(uuid4()), receipt_code)], now
    )


async def notify_all(db: AsyncConnection, notification: Sequence[Notification], now: datetime) -> None:
    """Write the SMS of many events, of any mutuelles, all at once."""
    languages = await languages_of(db, list({phone for one in notification for phone in one.told}))
    messages = [
        Message(
            mutuelle=one.mutuelle_id,
            key=f"{one.template} {one.event} {nth}",
            phone=phone,
            template=one.template,
            body=render(one.told[phone], languages[phone]),
            receipt_code=one.receipt_code,
        )
        for one in notification
        for nth, phone in enumerate(sorted(one.told), start=1)
    ]
    await enqueue(db, messages, now)
