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
from mutuelle.benefits.services import SERVICES, own_services, service_in, service_name, short_word
from mutuelle.benefits.tables import given_quote
from mutuelle.benefits.words import patient_pays
from mutuelle.care.guess_limits import DoctorAtFacility
from mutuelle.contributions.standing import Standing
from talk.words import Caller

MOST_NAMED = 14  # words of care that an SMS has room for


async def service_meant(db: AsyncConnection, mutuelle_id: str, written: str) -> str:
    """The code of the service that a doctor wrote; "" for a word that nobody knows."""
    if written in SERVICES:
        return written
    read = service_in([written], await own_services(db, mutuelle_id))
    return read.code if read else ""


async def unknown_care(db: AsyncConnection, mutuelle_id: str, language: str) -> Sentence:
    """The words of care, to who wrote another one: nothing is checked, and his code still serves."""
    own = sorted(await own_services(db, mutuelle_id))
    words = [short_word(code, language) for code in (*SERVICES, *own)]
    listed = " ".join(words[:MOST_NAMED]) + ("…" if len(words) > MOST_NAMED else "")
    return _(
        "Which care? {words}. Nothing was checked, the code is not used: once more, with one of these words.",
        words=listed,
    )


ADD_YEAR = _("For the share, add the patient's year of birth.")


async def share_told(
    db: AsyncConnection,
    caller: Caller,
    asker: DoctorAtFacility,
    stands: Standing,
    given: Mapping[str, Any],
    service: str,
) -> Sentence | None:
    """What to say of the patient's share of `service`; None where nobody is covered.

    One patient is needed: a card's code is of all. The care is named, by its code alone where there is no room.
    """
    if not given["covered"] or asker.level is None:
        return None
    ranks = given["covered_ranks"] or [given["rank"]]
    if len(ranks) > 1:
        return ADD_YEAR
    # A code may be sent again a day later, when she has left or is covered no more.
    person = next((one for one in stands.people if one.rank == ranks[0] and one.covered), None)
    if person is None:
        return None
    today = asker.mutuelle.today(caller.at)
    facts = await facts_for(db, stands, asker.facility_id)
    quote = quote_for(facts, stands, person, service, asker.level, today)
    await _keep(db, given, quote, caller)
    name, code = service_name(service, facts.named), short_word(service, caller.language)
    return patient_pays(quote, asker.mutuelle, name, code)


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
