"""What the patient pays, told beside the answer about the cover where the doctor has named a service.

It is kept with the answer and binds as that does; a doctor who asks again with the same code may name another service.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.benefits.quotes import facts_for, quote_for
from mutuelle.benefits.rules import Quote
from mutuelle.benefits.services import ServiceRead, listed_words, service_in, short_word
from mutuelle.benefits.tables import given_quote
from mutuelle.benefits.words import patient_pays
from mutuelle.care.guess_limits import DoctorAtFacility
from mutuelle.contributions.standing import Standing
from talk.words import Caller

ADD_YEAR = _("For the share, add the patient's year of birth.")


async def share_told(
    db: AsyncConnection,
    caller: Caller,
    asker: DoctorAtFacility,
    stands: Standing,
    given: Mapping[str, Any],
    service: str,
) -> Sentence | None:
    """What to say of the patient's share of `service`, as the doctor wrote it; None where nobody is covered.

    A service that nobody knows is answered by the list of words, and one patient is needed: a card's code is of all.
    """
    if not given["covered"] or asker.level is None:
        return None
    facts = await facts_for(db, stands, asker.facility_id)
    read = service_in([service.rstrip("?")], facts.named)
    if read is None:
        return _("Care? {words}", words=listed_words(facts.named, caller.language))
    ranks = given["covered_ranks"] or [given["rank"]]
    if len(ranks) > 1:
        return ADD_YEAR
    # A code may be sent again a day later, when she has left or is covered no more.
    person = next((one for one in stands.people if one.rank == ranks[0] and one.covered), None)
    if person is None:
        return None
    today = asker.mutuelle.today(caller.at)
    quote = quote_for(facts, stands, person, read.code, asker.level, today)
    await _keep(db, given, quote, caller)
    said = patient_pays(quote, asker.mutuelle)
    return said if _is_exact(read, service) else _said_back(read, said, caller)


def _is_exact(read: ServiceRead, service: str) -> bool:
    return read.is_exact and not service.endswith("?")


def _said_back(read: ServiceRead, said: Sentence, caller: Caller) -> Sentence:
    """A word with a mistake in it is said back as it was read."""
    return _("{code}. {said}", code=short_word(read.code, caller.language), said=said)


async def _keep(db: AsyncConnection, given: Mapping[str, Any], quote: Quote, caller: Caller) -> None:
    row = {
        "mutuelle_id": given["mutuelle_id"],
        "reference": given["reference"],
        "service": quote.service,
        "level": quote.level,
        "state": quote.state,
        "price_minor": quote.price_minor,
        "patient_minor": quote.patient_minor,
        "patient_percent": quote.patient_percent,
        "asked_at": caller.at,
    }
    await db.execute(insert(given_quote).values(row).on_conflict_do_nothing())
