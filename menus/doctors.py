"""Finding a doctor: a place, then by language or service where they are many; a member may choose one as its own."""

from collections.abc import Sequence

from locales import Fact, Sentence, _
from menus.benefits import asked_by, prices_at
from menus.mutuelle import what_is_paid
from menus.words import whom
from mutuelle.care.directory import Practice, place_in_words, places_called, places_of_care, practices_at
from mutuelle.care.referents import Referent, choose_referent, referent_of
from mutuelle.care.words import SERVICES, language_word
from mutuelle.households.caller_profile import profile_of
from mutuelle.households.households import Household
from mutuelle.scheme.mutuelles import Place, get_mutuelle, mutuelles_near, places_of
from talk.keywords import BY_MESSAGE, Takes, by_message
from talk.words import Caller, Option, ask, choose, confirm, do, look, show

FEW = 4  # more than these at one place are first sorted by language or service
LANGUAGE, SERVICE, ALL = "language", "service", "all"
MINE, PRICES = "mine", "prices"
LISTED_LETTERS = 80  # of the names of places in one SMS, beside the question


async def doctors(caller: Caller) -> Sentence:
    household = await whom(caller)
    places = await look(places_of_care, await nearby(caller, household))
    if not places:
        return _("No doctor or health centre is listed near you yet.")
    chosen = await look(referent_of, household, caller.at) if household else None
    place = await choose(where(chosen), places)
    return await at_place(caller, household, place)


async def nearby(caller: Caller, household: Household | None) -> list[str]:
    """The mutuelles whose doctors are shown: the household's own, or those near a stranger."""
    if household:
        return [household.mutuelle_id]
    return [mutuelle.id for mutuelle in await look(mutuelles_near, caller)]


async def mutuelles_of(caller: Caller) -> list[str]:
    """The mutuelles of all the caller's households, or those near a stranger."""
    households = (await look(profile_of, caller)).households
    own = dict.fromkeys(household.mutuelle_id for household in households)
    return list(own) or await nearby(caller, None)


def where(chosen: Referent | None) -> Sentence:
    """The question, below the household's own doctor if it has one."""
    if chosen is None:
        return _("A doctor in which place?")
    facts: dict[str, Fact] = {"doctor": chosen.doctor, "phone": chosen.phone}
    if not chosen.in_office:
        return _("{doctor} is no longer your doctor. Another one: in which place?", doctor=chosen.doctor)
    return _("Your doctor: {doctor}, {phone}. Another one: in which place?", **facts)


async def at_place(caller: Caller, household: Household | None, place: Place) -> Sentence:
    """Who can be seen at `place`."""
    mutuelle = await look(get_mutuelle, place.mutuelle_id)
    found = await look(practices_at, place, mutuelle.today(caller.at))
    if not found:
        return _("No doctor or health centre is listed near you yet.")
    if len(found) > FEW:
        found = await sorted_out(found)
    practice = found[0] if len(found) == 1 else await choose(_("Which one?"), found)
    own = household if household and household.mutuelle_id == practice.mutuelle_id else None
    offers = []
    if own and await may_choose(caller, own, practice):
        offers.append(Option(MINE, _("Choose"), "1"))
    if practice.has_prices and caller.gateway != BY_MESSAGE:  # by SMS the keyword of care tells them
        offers.append(Option(PRICES, _("Prices"), "2"))
    if not offers:
        return await show(shown(practice))
    chosen = await choose(shown(practice), offers)
    if own and chosen.key == MINE:
        return await agree(own, practice)
    asked = await asked_by(caller, mutuelle, own, practice.facility_id)
    return await prices_at(caller, asked) if asked else await show(what_is_paid(mutuelle))


async def may_choose(caller: Caller, household: Household, practice: Practice) -> bool:
    """Whether it is a doctor, and not the household's own already."""
    if not practice.doctor_phone:
        return False
    chosen = await look(referent_of, household, caller.at)
    return chosen is None or chosen.doctor_phone != practice.doctor_phone


async def sorted_out(found: Sequence[Practice]) -> list[Practice]:
    """Those that speak a language or give a service."""
    ways = (
        Option(LANGUAGE, _("By language"), "1"),
        Option(SERVICE, _("By service"), "2"),
        Option(ALL, _("See all"), "3"),
    )
    way = (await choose(_("Many doctors here. How do you choose?"), ways)).key
    if way == LANGUAGE:
        spoken = sorted({code for practice in found for code in practice.languages})
        language = (await choose(_("Which language?"), [Option(c, language_word(c)) for c in spoken])).key
        return [practice for practice in found if language in practice.languages]
    if way == SERVICE:
        given = {service for practice in found for service in practice.services}
        offers = [Option(key, words) for key, words in SERVICES.items() if key in given]
        service = (await choose(_("Which care?"), offers)).key
        return [practice for practice in found if service in practice.services]
    return list(found)


def shown(practice: Practice) -> Sentence:
    """Name, facility, hours, phone."""
    facts: dict[str, Fact] = {
        "facility": practice.facility,
        "hours": practice.hours,
        "phone": practice.phone,
    }
    if not practice.doctor:
        return _("{facility}. Open: {hours}. Phone: {phone}", **facts)
    return _("{doctor}, {facility}. Open: {hours}. Phone: {phone}", doctor=practice.doctor, **facts)


async def agree(household: Household, practice: Practice) -> Sentence:
    facts: dict[str, Fact] = {"doctor": practice.doctor, "name": household.head_name}
    agreed = await confirm(
        _("{doctor}: the doctor of your household ({name}) from now on?", **facts), own=True
    )
    if not agreed:
        return _("Nothing was changed.")
    chosen = await do(choose_referent, number=household.number, doctor_phone=practice.doctor_phone)
    return _(
        "Done: {doctor} is your doctor. Call {phone} before you go.",
        doctor=chosen.doctor,
        phone=chosen.phone,
    )


@by_message(
    _("DOCTOR"),
    said=_(
        "DOCTORS SICK ILL ILLNESS HOSPITAL HOSPITALS CLINIC* NURSE MIDWIFE PHARMACY FEVER MALARIA PAIN HURT* INJUR* "
        "ACCIDENT EMERGENCY BABY+SICK|ILL|FEVER|DOCTOR|HOSPITAL HEALTH+CENTRE|CENTER DENTIST CONSULTATION"
    ),
    strangers=True,
    takes=Takes.WORDS,
    weight=4,
)
async def doctors_by_message(caller: Caller) -> Sentence:
    """DOCTOR and a place, in any words; where none is named, the places that can be.

    The place comes first, as people write it: for which household is asked behind it.
    """
    near = await mutuelles_of(caller)
    listed = await look(places_of_care, near)
    if not listed:
        return _("No doctor or health centre is listed near you yet.")
    question = _("A doctor in which place? Reply with its name: {places}", places=place_names(listed))
    typed = await ask(question, place_in_words)
    places = places_called(listed, typed)
    if not places:
        without = places_called(await look(places_of, near), typed)
        typed = await ask(none_there(without[0], listed) if without else question, place_in_words)
        places = places_called(listed, typed)
    household = await whom(caller)
    if household:
        places = [place for place in places if place.mutuelle_id == household.mutuelle_id]
    if not places:
        return _("No doctor is listed there. Dial and press 3 for the list of places.")
    place = places[0] if len(places) == 1 else await choose(_("Which place?"), places)
    return await at_place(caller, household, place)


def none_there(place: Place, listed: Sequence[Place]) -> Sentence:
    """The question again to who named a place of the mutuelle that has no doctor."""
    facts: dict[str, Fact] = {"place": place.name, "places": place_names(listed)}
    return _("No doctor is listed in {place}. Reply with another place: {places}", **facts)


def place_names(places: Sequence[Place]) -> str:
    """The names of as many places as an SMS holds."""
    names = list(dict.fromkeys(place.name for place in places))
    while len(names) > 1 and len(", ".join(names)) > LISTED_LETTERS:
        names.pop()
    return ", ".join(names) + ("…" if len(names) < len({place.name for place in places}) else "")
