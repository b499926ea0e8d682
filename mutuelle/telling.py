"""Telling people by SMS: each phone in its owner's language, in the transaction of what is told."""

from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, render
from sms.outbox import Message, enqueue
from talk.preferences import languages_of


async def tell(
    db: AsyncConnection,
    mutuelle_id: str,
    template: str,
    told: Mapping[str, Sentence],
    now: datetime,
    *,
    event: str = "",
    receipt_code: str | None = None,
) -> None:
    """Write one SMS of `template` for each phone in `told`.

    `event` names what happened, without a phone, for it may stand in a log: the same event is told once. Without a
    name each call is an event of its own.
    """
    languages = await languages_of(db, list(told))
    about = event or str(uuid4())
    messages = [
        Message(
            mutuelle=mutuelle_id,
            key=f"{template} {about} {nth}",
            phone=phone,
            template=template,
            body=render(sentence, languages[phone]),
            receipt_code=receipt_code,
        )
        for nth, (phone, sentence) in enumerate(sorted(told.items(), key=lambda one: one[0]), start=1)
    ]
    await enqueue(db, messages, now)
