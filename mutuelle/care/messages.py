"""SMS to households about codes, cards and checks: neutral words, no facility, no name; others may read the phone.

A treasurer reads of checks that no phone of the household made.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _
from mutuelle.dates import local_time
from mutuelle.households.holders import notices
from mutuelle.households.households import Household
from mutuelle.notify import Notification, notify, notify_in_languages
from mutuelle.officers.appointments import tell_treasurers
from mutuelle.scheme.mutuelles import Mutuelle
from values import value

AboutCard = Callable[[Mutuelle, datetime], Sentence]


async def notify_checked(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    languages: Mapping[str, str],
    sentences: Mapping[str, Sentence],
    reference: str,
    now: datetime,
) -> None:
    """Notify every phone of a confirmed household of every check: a lost or borrowed phone may have made the code.

    `languages` are its phones, with the language of each.
    """
    notification = Notification(mutuelle.id, "cover checked", sentences, reference)
    await notify_in_languages(db, [notification], languages, now)


@value
class CheckToKnow:
    """A check that a treasurer hears of: its reference, where, the end of the member number, with a card or not."""

    reference: str
    facility: str
    end_of_number: str
    by_card: bool


async def notify_treasurers(
    db: AsyncConnection, mutuelle: Mutuelle, check: CheckToKnow, now: datetime
) -> None:
    """Notify the treasurers of a check that no phone of the household made: by card, or without a code."""
    await tell_treasurers(db, mutuelle, "check to know", to_know(mutuelle, check, now), now, check.reference)


async def notify_used_again(
    db: AsyncConnection, mutuelle: Mutuelle, household: Household, position: int, now: datetime
) -> None:
    """Notify once for each code, however often it is sent again."""
    sentences = await notices(db, household, used_again(mutuelle, now), now)
    event = f"{household.number} {position}"
    await notify(db, household.mutuelle_id, "code used again", sentences, now, event=event)


def checked(mutuelle: Mutuelle, at: datetime, *, without_code: bool = False) -> Sentence:
    facts = _facts(mutuelle, at)
    if without_code:
        return _(
            "Your cover was checked without a code on {day} at {time}. Not you? Send NO, or call {phone}.",
            **facts,
        )
    return _("Your cover was checked on {day} at {time}. Not you? Send NO, or call {phone}.", **facts)


def to_know(mutuelle: Mutuelle, check: CheckToKnow, at: datetime) -> Sentence:
    """To a treasurer, who may ask the facility; no name, and nothing of care."""
    facts: dict[str, Fact] = {"mutuelle": mutuelle.name, "facility": check.facility}
    facts |= {"number": check.end_of_number, "reference": check.reference}
    facts |= {"day": mutuelle.today(at), "time": local_time(at, mutuelle.timezone)}
    if check.by_card:
        return _(
            "{mutuelle}: check by card, {facility}, number {number}, {day} at {time}, reference {reference}.",
            **facts,
        )
    return _(
        "{mutuelle}: check WITHOUT CODE, {facility}, number {number}, {day} at {time}, reference {reference}.",
        **facts,
    )


def card_given(mutuelle: Mutuelle, at: datetime) -> Sentence:
    return _(
        "A card with ten codes for the doctor was given to your household on {day} at {time}. "
        "Not you? Send NO, or call {phone}.",
        **_facts(mutuelle, at),
    )


def card_ended(mutuelle: Mutuelle, at: datetime) -> Sentence:
    return _(
        "The card with your codes for the doctor was ended on {day} at {time}. Not you? Send NO, or call {phone}.",
        **_facts(mutuelle, at),
    )


def used_again(mutuelle: Mutuelle, at: datetime) -> Sentence:
    return _(
        "A code of yours that had served was tried again on {day} at {time}. Not you? Send NO, or call {phone}.",
        **_facts(mutuelle, at),
    )


def _facts(mutuelle: Mutuelle, at: datetime) -> dict[str, Fact]:
    return {
        "day": mutuelle.today(at),
        "time": local_time(at, mutuelle.timezone),
        "phone": mutuelle.complaints,
    }
