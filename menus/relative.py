"""For somebody else: a child abroad or in town enrols a parent, pays for her and tells her number."""

from locales import Fact, Money, Sentence, _, counts
from menus.join import ELSEWHERE, agreed_to_first, not_served, offered_today, paying_phone
from menus.paying import refuse_code_by_message
from menus.words import first_fitting, no_cover, which_cover
from mutuelle.contributions.ways_to_pay import PayInCash, how_in_place
from mutuelle.enrolment.enrolment import enrolment_of
from mutuelle.enrolment.registration import NO_PHONE, enrol_relative, phone_or_none
from mutuelle.households.households import Household, initials_of
from mutuelle.scheme.mutuelles import PlaceNear, get_mutuelle, places_near
from talk.answers import ages, person_name
from talk.phones import shown_phone
from talk.words import Caller, Option, ask, choose, do, look

ENROLS_RELATIVE = _("Enrol a relative")
NOTHING = _("Nothing was registered.")


async def enrols_relative(caller: Caller) -> Sentence:
    """Place, name, ages, her phone, cover, how much is paid now, and consent: in one call or message."""
    places = await look(places_near, caller)
    if not places:
        return _("No mutuelle is open near you yet. Please try again later.")
    listed: list[PlaceNear | Option] = [*places, ELSEWHERE]
    place = await choose(_("Where do they live?"), listed)
    if isinstance(place, Option):
        return await not_served(caller)
    mutuelle = await look(get_mutuelle, place.mutuelle_id)
    name = await ask(_("First and last name of the head of the household?"), person_name)
    people = await ask(_("The age of each person, the head first. Example: 45*38*12"), ages)
    phone = await ask(_("The phone of the household? 0 if it has none."), phone_or_none(mutuelle.country))
    offer = await which_cover(caller, mutuelle, people)
    if offer is None:
        return no_cover(mutuelle, people)
    how = await look(how_in_place, caller, mutuelle.id, place.id)
    refuse_code_by_message(caller, how)
    facts: dict[str, Fact] = {"place": place.name, "product": offer.product.name, "mutuelle": mutuelle.name}
    facts["people"] = counts.people(len(people))

    def words(price: Fact) -> Sentence:
        return terms(name, phone, facts | {"price": price})

    offered = offered_today(caller, mutuelle, offer)
    agreed, how, first = await agreed_to_first(caller, how, offered, words)
    if not agreed:
        return NOTHING
    payer = await paying_phone(how, first)
    done = await do(
        enrol_relative,
        enrolment=enrolment_of(place, name, people, offer),
        phone=None if phone == NO_PHONE else phone,
        pay_now=first,
        payer=payer,
    )
    money = offer.price if first is None else first
    if payer is not None and payer.otp is not None:
        return with_code(done, phone, money)
    return registered_for(done, phone, how.cash, money)


def terms(name: str, phone: str, facts: dict[str, Fact]) -> Sentence:
    """All that is agreed to for them; of a long name the initials, then no village, and no product."""
    facts = facts | {"phone": _("no phone") if phone == NO_PHONE else shown_phone(phone)}
    return first_fitting(
        [
            *(
                _(
                    "{mutuelle}, {product}: {price}, for {name}, {place}, {people}, {phone}. Do they agree?",
                    **facts,
                    name=shown,
                )
                for shown in (name, initials_of(name))
            ),
            _(
                "{mutuelle}, {product}: {price}, for {name}, {people}, {phone}. Agreed?",
                **facts,
                name=initials_of(name),
            ),
            _("{mutuelle}: {price}, for {name}, {people}, {phone}. Agreed?", **facts, name=initials_of(name)),
        ]
    )


def told_of(household: Household, phone: str, money: Money) -> dict[str, Fact]:
    """Their number to tell them, who confirms, and what is paid now."""
    confirms = _("an agent will see them") if phone == NO_PHONE else _("their phone confirms by SMS")
    return {"number": household.shown_number, "amount": money, "confirms": confirms}


def with_code(household: Household, phone: str, money: Money) -> Sentence:
    """The same where the caller's network gave her a code to pay with."""
    return _(
        "Registered, number {number}: tell it to them; {confirms}. Your code for {amount} is checked.",
        **told_of(household, phone, money),
    )


def registered_for(household: Household, phone: str, cash: PayInCash | None, money: Money) -> Sentence:
    """Their number to tell them, who confirms, and how it is paid: also from abroad, to a merchant code."""
    facts = told_of(household, phone, money)
    if cash is None:
        return _(
            "Registered, number {number}: tell it to them; {confirms}. You will be asked for {amount}: "
            "approve with your PIN.",
            **facts,
        )
    return first_fitting(
        [
            _(
                "Registered, number {number}: tell it to them; {confirms}. Pay {amount} to {who}.",
                **facts,
                who=who,
            )
            for who in cash.forms
        ]
    )
