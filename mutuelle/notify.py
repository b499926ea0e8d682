"""Notifies people by SMS: each phone in its owner's language, in the transaction of the event."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, render_within
from sms.outbox import Message, enqueue
from talk.preferences import languages_of
from values import value

SEGMENT = 160  # septets: what one SMS holds


@value
class Notification:
    """The SMS of one event: of `template`, to each phone in `sentences`.

    `event` names what happened, without a phone, for it may stand in a log: the same event is notified once.
    """

    mutuelle_id: str
    template: str
    sentences: Mapping[str, Sentence | str]
    event: str
    receipt_code: str | None = None


async def notify(
    db: AsyncConnection,
    mutuelle_id: str,
    template: str,
    sentences: Mapping[str, Sentence | str],
    now: datetime,
    *,
    event: str = "",
) -> None:
    """Write the SMS of one event; without a name each call is an event of its own."""
    await notify_all(db, [Notification(mutuelle_id, template, sentences, event or str(uuid4()))], now)


async def notify_all(db: AsyncConnection, notifications: Sequence[Notification], now: datetime) -> None:
    """Write the SMS of many events, of any mutuelles, all at once."""
    languages = await languages_of(db, list({phone for one in notifications for phone in one.sentences}))
    await notify_in_languages(db, notifications, languages, now)


async def notify_in_languages(
    db: AsyncConnection, notifications: Sequence[Notification], languages: Mapping[str, str], now: datetime
) -> None:
    """The same where the language of each phone is known."""
    messages = [
        Message(
            mutuelle=one.mutuelle_id,
            key=f"{one.template} {one.event} {nth}",
            phone=phone,
            template=one.template,
            body=render_within(one.sentences[phone], languages[phone], SEGMENT),
            receipt_code=one.receipt_code,
        )
        for one in notifications
        for nth, phone in enumerate(sorted(one.sentences), start=1)
    ]
    await enqueue(db, messages, now)
