"""What a household reads about its codes and checks: neutral words, no facility, no name; others may read its phone."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _, render
from mutuelle.dates import local_time
from mutuelle.households import Household, phones_of
from mutuelle.mutuelles import Mutuelle
from sms.outbox import Message, enqueue
from talk.preferences import languages_of


async def tell_checked(
    db: AsyncConnection, mutuelle: Mutuelle, home: Household, reference: str, now: datetime
) -> None:
    """Every phone of the household learns of every check: one that was lost or borrowed may have made the code."""
    await _tell(db, home, "cover checked", reference, checked(mutuelle, now), now)


async def tell_used_again(
    db: AsyncConnection, mutuelle: Mutuelle, home: Household, position: int, now: datetime
) -> None:
    """Once a code, however often it is shown again."""
    await _tell(db, home, "code used again", f"{home.number} {position}", used_again(mutuelle, now), now)


async def _tell(
    db: AsyncConnection, home: Household, template: str, about: str, sentence: Sentence, now: datetime
) -> None:
    phones = await phones_of(db, home)
    languages = await languages_of(db, phones)
    messages = [
        Message(
            mutuelle=home.mutuelle_id,
            key=f"{template} {about} {nth}",
            phone=phone,
            template=template,
            body=render(sentence, languages[phone]),
        )
        for nth, phone in enumerate(phones, start=1)
    ]
    await enqueue(db, messages, now)


def checked(mutuelle: Mutuelle, at: datetime) -> Sentence:
    return _("Your cover was checked on {day} at {time}. Not you? Call {phone}.", **_facts(mutuelle, at))


def used_again(mutuelle: Mutuelle, at: datetime) -> Sentence:
    return _(
        "A code of yours that had served was tried again on {day} at {time}. Not you? Call {phone}.",
        **_facts(mutuelle, at),
    )


def _facts(mutuelle: Mutuelle, at: datetime) -> dict[str, Fact]:
    return {
        "day": mutuelle.today(at),
        "time": local_time(at, mutuelle.timezone),
        "phone": mutuelle.complaints,
    }
