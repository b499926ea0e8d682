"""SMS to households about codes and checks: neutral words, no facility, no name; others may read the phone."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _
from mutuelle.dates import local_time
from mutuelle.households.households import Household, phones_of
from mutuelle.notify import notify
from mutuelle.scheme.mutuelles import Mutuelle


async def notify_checked(
    db: AsyncConnection, mutuelle: Mutuelle, household: Household, reference: str, now: datetime
) -> None:
    """Notify every phone of the household of every check: a lost or borrowed phone may have made the code."""
    await _notify(db, household, "cover checked", reference, checked(mutuelle, now), now)


async def notify_used_again(
    db: AsyncConnection, mutuelle: Mutuelle, household: Household, position: int, now: datetime
) -> None:
    """Notify once for each code, however often it is sent again."""
    await _notify(
        db, household, "code used again", f"{household.number} {position}", used_again(mutuelle, now), now
    )


async def _notify(
    db: AsyncConnection, household: Household, template: str, event: str, sentence: Sentence, now: datetime
) -> None:
    sentences = dict.fromkeys(await phones_of(db, household), sentence)
    await notify(db, household.mutuelle_id, template, sentences, now, event=event)


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
