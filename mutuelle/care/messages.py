"""SMS to households about codes and checks: neutral words, no facility, no name; others may read the phone."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _
from mutuelle.dates import local_time
from mutuelle.households.households import Household, phones_of
from mutuelle.notify import Notification, notify, notify_in_languages
from mutuelle.scheme.mutuelles import Mutuelle


async def notify_checked(
    db: AsyncConnection, mutuelle: Mutuelle, languages: Mapping[str, str], reference: str, now: datetime
) -> None:
    """Notify every phone of the household of every check: a lost or borrowed phone may have made the code.

    `languages` are the phones of a confirmed household, with the language of each.
    """
    sentences = dict.fromkeys(languages, checked(mutuelle, now))
    notification = Notification(mutuelle.id, "cover checked", sentences, reference)
    await notify_in_languages(db, [notification], languages, now)


async def notify_used_again(
    db: AsyncConnection, mutuelle: Mutuelle, household: Household, position: int, now: datetime
) -> None:
    """Notify once for each code, however often it is sent again."""
    sentences = dict.fromkeys(await phones_of(db, household), used_again(mutuelle, now))
    event = f"{household.number} {position}"
    await notify(db, household.mutuelle_id, "code used again", sentences, now, event=event)


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
