"""What a household reads about its codes and checks: neutral words, no facility, no name; others may read its phone."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _
from mutuelle.dates import local_time
from mutuelle.households import Household, phones_of
from mutuelle.mutuelles import Mutuelle
from mutuelle.telling import tell


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
    db: AsyncConnection, home: Household, template: str, event: str, sentence: Sentence, now: datetime
) -> None:
    told = dict.fromkeys(await phones_of(db, home), sentence)
    await tell(db, home.mutuelle_id, template, told, now, event=event)


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
