"""What phones read by SMS when support changes their household: no name, whom to call, never the other phone."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _, render
from mutuelle.households import Household
from mutuelle.mutuelles import Mutuelle
from sms.outbox import Message, enqueue
from talk.preferences import languages_of


async def tell(
    db: AsyncConnection,
    home: Household,
    template: str,
    act_id: UUID,
    told: Mapping[str, Sentence],
    at: datetime,
) -> None:
    """One SMS for each phone about one act, in its owner's language, in the caller's transaction."""
    languages = await languages_of(db, list(told))
    sent = [
        Message(
            mutuelle=home.mutuelle_id,
            key=f"support {act_id} {nth}",
            phone=phone,
            template=template,
            body=render(sentence, languages[phone]),
        )
        for nth, (phone, sentence) in enumerate(sorted(told.items(), key=lambda one: one[0]), start=1)
    ]
    await enqueue(db, sent, at)


def phone_gained(home: Household, mutuelle: Mutuelle) -> Sentence:
    """To a phone that speaks for a household from now on."""
    return _(
        "{mutuelle}: this phone now speaks for household {number}. Dial the service to see its cover. "
        "Not yours? Call {phone}.",
        **_facts(home, mutuelle),
    )


def phone_lost(home: Household, mutuelle: Mutuelle) -> Sentence:
    """To a phone that speaks for a household no longer: if it was taken from its owner, the owner must learn of it."""
    return _(
        "{mutuelle}: this phone no longer speaks for household {number}. You did not ask for it? "
        "Call {phone} at once.",
        **_facts(home, mutuelle),
    )


def head_changed(home: Household, mutuelle: Mutuelle) -> Sentence:
    return _(
        "{mutuelle}: household {number} goes on under another head, same number, same cover. "
        "You did not ask for it? Call {phone}.",
        **_facts(home, mutuelle),
    )


def merged(home: Household, kept: Household, mutuelle: Mutuelle) -> Sentence:
    return _(
        "{mutuelle}: you were written down twice. Use number {kept} from now on, no longer {number}. "
        "Questions? Call {phone}.",
        **_facts(home, mutuelle),
        kept=kept.shown_number,
    )


def closed(home: Household, mutuelle: Mutuelle) -> Sentence:
    return _(
        "{mutuelle}: household {number} is closed and no longer covered. You did not ask for it? Call {phone}.",
        **_facts(home, mutuelle),
    )


def reopened(home: Household, mutuelle: Mutuelle) -> Sentence:
    return _(
        "{mutuelle}: household {number} is open again. Dial the service to see its cover. Questions? Call {phone}.",
        **_facts(home, mutuelle),
    )


def _facts(home: Household, mutuelle: Mutuelle) -> dict[str, Fact]:
    """Where, which household, whom to call."""
    return {"mutuelle": mutuelle.name, "number": home.shown_number, "phone": mutuelle.complaints}
