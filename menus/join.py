"""Joining: a caller names her village, herself and her household, picks a product and agrees to pay."""

from locales import Fact, Money, Sentence, _, _n, counts
from menus.words import JOIN, no_cover, part_of, which_cover
from mutuelle.contributions.ways_to_pay import PayInCash, cash_in_place
from mutuelle.enrolment.enrolment import ALREADY, enrol, enrolment_of
from mutuelle.households.caller_profile import profile_of
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle, places_near
from mutuelle.scheme.products import Offer
from talk.answers import ages, person_name
from talk.keywords import Takes, by_message
from talk.words import Caller, Option, ask, choose, confirm, do, look


async def join(caller: Caller) -> Sentence:
    places = await look(places_near, caller)
    if not places:
        return _("No mutuelle is open near you yet. Please try again later.")
    place = await choose(_("Where do you live?"), places)
    mutuelle = await look(get_mutuelle, place.mutuelle_id)
    name = await ask(_("Your first and last name?"), person_name)
    people = await ask(_("The age of each person of your household, yours first. Example: 45*38*12"), ages)

    offer = await which_cover(caller, mutuelle, people)
    if offer is None:
        return no_cover(mutuelle, people)
    cash = await look(cash_in_place, caller, mutuelle.id, place.id)
    first = offer.price if cash else await first_payment(offer)

    agreed = await confirm(
        terms(mutuelle, name, offer, first, cash), yes=_("I agree"), no=_("No"), own=cash is None
    )
    if not agreed:
        return _("Nothing was recorded. Dial again when you are ready.")
    household = await do(
        enrol, enrolment=enrolment_of(place, name, people, offer), pay_now=None if cash else first
    )
    number = household.shown_number
    return registered(number, offer, cash) if cash else welcome(mutuelle, number, first)


@by_message(
    JOIN,
    said=_("JOINING MEMBERSHIP SIGN+UP SUBSCRIBE BECOME+MEMBER INSURE+ME|MY ENROL REGISTER"),
    strangers=True,
    takes=Takes.HOUSEHOLD,
    weight=2,
)
async def join_by_message(caller: Caller) -> Sentence:
    if (await look(profile_of, caller)).households:
        return ALREADY
    return await join(caller)


async def first_payment(offer: Offer) -> Money:
    """All at once, or the first part where the product takes parts."""
    if offer.installment == offer.price:
        return offer.price
    ways = (Option("all", _("All: {amount}", amount=offer.price)), Option("part", part_of(offer.installment)))
    way = await choose(when_covered(offer), ways)
    return offer.price if way.key == "all" else offer.installment


def when_covered(offer: Offer) -> Sentence:
    """What a first payment gives, shown before the choice."""
    wait = offer.product.waiting_period_months
    if not wait:
        return _("Care is covered once {opening} is paid. How much do you pay now?", opening=offer.opening)
    return _n(
        "Care is covered once {opening} is paid and {n} month has passed. How much do you pay now?",
        "Care is covered once {opening} is paid and {n} months have passed. How much do you pay now?",
        wait,
        opening=offer.opening,
    )


def terms(mutuelle: Mutuelle, name: str, offer: Offer, first: Money, cash: PayInCash | None) -> Sentence:
    """All that is agreed to: who, with whom, for how many, at which price, and that the details are kept."""
    facts: dict[str, Fact] = {"mutuelle": mutuelle.name, "product": offer.product.name, "price": offer.price}
    facts |= {"name": name, "size": offer.members}
    if cash:
        return _(
            "{mutuelle}, {product}: {price} in cash. {name}, people: {size}. These details serve to insure you.",
            **facts,
        )
    if first == offer.price:
        return _(
            "{mutuelle}, {product}: {price}. {name}, people: {size}. These details serve to insure you.",
            **facts,
        )
    return _(
        "{mutuelle}, {product}: {price}, first {first}. {name}, people: {size}. These details serve to insure you.",
        **facts,
        first=first,
    )


def welcome(mutuelle: Mutuelle, number: str, first: Money) -> Sentence:
    return _(
        "Welcome to {mutuelle}! Your number: {number}. You will be asked for {amount} in a moment: "
        "approve with your PIN.",
        mutuelle=mutuelle.name,
        number=number,
        amount=first,
    )


def registered(number: str, offer: Offer, cash: PayInCash) -> Sentence:
    """Registered, and nothing is paid yet: whom to pay how much, and when care is covered."""
    facts: dict[str, Fact] = {"number": number, "price": offer.price, "who": cash.shown}
    facts["opening"] = offer.opening
    if not offer.product.waiting_period_months:
        return _(
            "Welcome! Number {number}. Pay {price} in cash to {who}. Care is covered once {opening} is paid.",
            **facts,
        )
    return _(
        "Welcome! Number {number}. Pay {price} in cash to {who}. Care is covered {months} after {opening}.",
        **facts,
        months=counts.months(offer.product.waiting_period_months),
    )
