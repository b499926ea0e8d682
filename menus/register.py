"""The enrolment officer at work: a household is registered, by one call or one message, and given its first phone.

Possible duplicates are shown before the consent.
"""

from dataclasses import dataclass, replace

from locales import Fact, Sentence, _, _n
from menus.find import NOT_FOUND, find_household, found_as
from menus.words import JOIN, no_cover, which_cover, which_office, work_pin
from mutuelle.contributions.ways_to_pay import PayInCash, cash_in_place
from mutuelle.enrolment.enrolment import enrolment_of
from mutuelle.enrolment.registration import (
    NO_PHONE,
    FirstPhone,
    ages_given,
    confirm_seen,
    give_phone,
    phone_or_none,
    register,
    to_be_seen,
    without_phone,
)
from mutuelle.households.caller_profile import profile_of
from mutuelle.households.duplicates import Near, households_with_phone, near_households
from mutuelle.households.households import Household
from mutuelle.officers.roles import Appointment, Role
from mutuelle.scheme.mutuelles import Place, get_mutuelle, places_of
from mutuelle.scheme.products import Offer
from talk.answers import person_name, phone_number
from talk.keywords import BY_MESSAGE, Takes, by_message, word_for
from talk.phones import shown_phone
from talk.words import Caller, Option, ask, choose, confirm, do, look

SAME, ANOTHER = "same", "another"
NOTHING = _("Nothing was registered.")


@dataclass(frozen=True)
class Newcomer:
    """A household as its officer describes it, and the cover that it takes."""

    place: Place
    name: str
    people: tuple[int, ...]
    phone: str | None
    offer: Offer


async def registers(caller: Caller, appointment: Appointment) -> Sentence:
    """Ask for place, head, ages, phone, cover, possible duplicates and consent; in a call also for her PIN."""
    mutuelle = await look(get_mutuelle, appointment.mutuelle_id)
    place = await choose(_("Where does the household live?"), await look(places_of, [mutuelle.id]))
    name = await ask(_("First and last name of the head of the household?"), person_name)
    given = await ask(_("The age of each person, the head first. Example: 45*38*12"), ages_given)
    people = given.people
    phone = await ask(which_phone(given.no_phone), phone_or_none(mutuelle.country))
    offer = await which_cover(caller, mutuelle, people)
    if offer is None:
        return no_cover(mutuelle, people)
    newcomer = Newcomer(place, name, people, None if phone == NO_PHONE else phone, offer)
    cash = await look(cash_in_place, caller, mutuelle.id, place.id) if newcomer.phone is None else None
    others = await seen(await look(near_households, mutuelle, place.id, name, newcomer.phone))
    agreed = others is not None and await confirm(terms(newcomer))
    if not agreed or others is None:
        return NOTHING
    # No PIN in a message: the code that was sent back to her phone stands for it.
    pin = None if caller.gateway == BY_MESSAGE else await work_pin()
    enrolment = enrolment_of(place, name, people, offer)
    done = await do(register, enrolment=enrolment, phone=newcomer.phone, others=others, pin=pin)
    return welcome(done, newcomer, cash) if isinstance(done, Household) else done


def which_phone(wrong: str) -> Sentence:
    """The question for the household's phone, after a `wrong` one that was written behind the ages."""
    if not wrong:
        return _("The phone of the household? 0 if it has none.")
    return _("{typed} is no phone number. The phone of the household? 0 if it has none.", typed=wrong)


@by_message(
    _("REGISTER"),
    said=_("REGISTRATION ENROL* NEW+HOUSEHOLD|FAMILY"),
    officers=True,
    takes=Takes.HOUSEHOLD_AND_PHONE,
    weight=3,
)
async def registers_by_message(caller: Caller) -> Sentence:
    """The same in one message: REGISTER place, name, ages, phone."""
    appointments = [
        appointment
        for appointment in (await look(profile_of, caller)).appointments
        if appointment.role is Role.ENROLMENT
    ]
    if not appointments:
        return _(
            "An enrolment officer registers households. To join with your own, send {join}.",
            join=word_for(JOIN, caller.language),
        )
    return await registers(caller, await which_office(appointments))


registers_by_message = replace(registers_by_message, denied="HELP")


async def seen(near: list[Near]) -> tuple[str, ...] | None:
    """Show each possible duplicate; returns the numbers of those that it is not, None if it is one of them."""
    for found in near:
        choice = await choose(
            _(
                "Already there? {number}, {name}, {place}, {date}",
                number=found.shown_number,
                name=found.head_name,
                place=found.place_name,
                date=found.on,
            ),
            (
                Option(f"{SAME} {found.number}", _("The same one: stop"), "1"),
                Option(f"{ANOTHER} {found.number}", _("Another one: go on"), "2"),
            ),
        )
        if choice.key.startswith(SAME):
            return None
    return tuple(found.number for found in near)


def terms(newcomer: Newcomer) -> Sentence:
    """All that the household agrees to through its officer."""
    facts: dict[str, Fact] = {
        "name": newcomer.name,
        "place": newcomer.place.name,
        "product": newcomer.offer.product.name,
        "price": newcomer.offer.price,
    }
    size = len(newcomer.people)
    if newcomer.phone is None:
        return _n(
            "Register {name}, {place}, {n} person, no phone. {product}: {price}. Do they agree?",
            "Register {name}, {place}, {n} people, no phone. {product}: {price}. Do they agree?",
            size,
            **facts,
        )
    return _n(
        "Register {name}, {place}, {n} person, {phone}. {product}: {price}. Do they agree?",
        "Register {name}, {place}, {n} people, {phone}. {product}: {price}. Do they agree?",
        size,
        **facts,
        phone=shown_phone(newcomer.phone),
    )


def welcome(household: Household, newcomer: Newcomer, cash: PayInCash | None) -> Sentence:
    """What the officer tells them, or writes down: `cash`, whom they pay where no operator could ask them anyway."""
    facts: dict[str, Fact] = {
        "name": household.head_name,
        "number": household.shown_number,
        "price": newcomer.offer.price,
    }
    if newcomer.phone is None:
        said = _(
            "{name} is registered. Their number to write down: {number}. Nothing paid yet: {price} due.",
            **facts,
        )
        if cash is None:
            return said
        return _(
            "{name} is registered. To write down: number {number}, {price} to pay in cash to {who}.",
            **facts,
            who=cash.forms[0],
        ).or_else(said)
    return _(
        "{name} is registered, number {number}. Due: {price}. Their phone is asked to confirm by SMS.",
        **facts,
    )


async def gives_phone(caller: Caller, appointment: Appointment) -> Sentence:
    """The first phone of a household that was registered without one."""
    found = await find_household(caller, appointment)
    if found is None:
        return NOT_FOUND
    household = await look(without_phone, appointment, found.number)
    mutuelle = await look(get_mutuelle, appointment.mutuelle_id)
    phone = await ask(
        _("{household}: their phone?", household=found_as(household)), phone_number(mutuelle.country)
    )
    others = await seen(await look(households_with_phone, mutuelle, phone))
    agreed = others is not None and await confirm(phone_terms(household, phone))
    if not agreed or others is None:
        return NOTHING
    pin = await work_pin()
    wrong = await do(
        give_phone, mutuelle=mutuelle.id, given=FirstPhone(household.number, phone, others), pin=pin
    )
    return wrong or _("Done. The phone {phone} is asked to confirm by SMS.", phone=shown_phone(phone))


async def confirms_seen(caller: Caller, appointment: Appointment) -> Sentence:
    """A household without a phone that a relative registered: the officer has seen it, and it agrees."""
    found = await find_household(caller, appointment)
    if found is None:
        return NOT_FOUND
    waiting = await look(to_be_seen, appointment, found.number)
    agreed = await confirm(
        _n(
            "{name}, {place}, {n} person, registered by {phone}. Have you seen them, and do they agree?",
            "{name}, {place}, {n} people, registered by {phone}. Have you seen them, and do they agree?",
            waiting.size,
            name=waiting.household.head_name,
            place=waiting.place_name,
            phone=waiting.who,
        )
    )
    if not agreed:
        return _("Nothing was changed.")
    pin = await work_pin()
    wrong = await do(confirm_seen, mutuelle=appointment.mutuelle_id, number=found.number, pin=pin)
    return wrong or _("Confirmed: {name}, number {number}.", name=found.head_name, number=found.shown_number)


def phone_terms(household: Household, phone: str) -> Sentence:
    return _(
        "Give the phone {phone} to {name}, number {number}? It is asked to confirm by SMS.",
        phone=shown_phone(phone),
        name=household.head_name,
        number=household.shown_number,
    )
