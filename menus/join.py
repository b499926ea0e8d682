"""Joining: a caller names her village, herself and her household, picks a product and agrees to pay."""

from collections.abc import Callable
from dataclasses import replace

from locales import Fact, Money, Sentence, _, counts
from menus.confirmation import answer_first, asked_about
from menus.paying import (
    ANOTHER,
    code_before,
    is_to_try,
    named_network,
    network_asked,
    network_options,
    refuse_code_by_message,
    with_prompt,
)
from menus.words import JOIN, first_fitting, no_cover, registered, which_cover, which_mutuelle
from mutuelle.contributions.foresight import Foreseen, if_joined
from mutuelle.contributions.payments import PayingPhone, beyond_limits
from mutuelle.contributions.ways_to_pay import HowToPay, how_in_place
from mutuelle.enrolment.enrolment import ALREADY, enrol, enrolment_of
from mutuelle.households.caller_profile import profile_of
from mutuelle.households.households import NewHousehold, initials_of
from mutuelle.scheme.mutuelles import Mutuelle, Place, PlaceNear, get_mutuelle, places_near
from mutuelle.scheme.products import Offer
from talk.answers import ages, person_name
from talk.keywords import BY_MESSAGE, Takes, by_message
from talk.trouble import RefusedError
from talk.words import Caller, Consent, Option, ask, choose, confirm, confirm_or, do, look, show

PAYS_LATER = _("Join, pay later")
ELSEWHERE = Option("elsewhere", _("My village is not there"), "99")


async def join(caller: Caller) -> Sentence:
    places = await look(places_near, caller)
    if not places:
        return _("No mutuelle is open near you yet. Please try again later.")
    listed: list[PlaceNear | Option] = [*places, ELSEWHERE]
    place = await choose(_("Where do you live?"), listed)
    if isinstance(place, Option):
        return await not_served(caller)
    mutuelle = await look(get_mutuelle, place.mutuelle_id)
    name = await ask(_("Your first and last name?"), person_name)
    people = await ask(_("The age of each person of your household, yours first. Example: 45*38*12"), ages)

    offer = await which_cover(caller, mutuelle, people)
    if offer is None:
        return no_cover(mutuelle, people)
    how = await look(how_in_place, caller, mutuelle.id, place.id)
    refuse_code_by_message(caller, how)
    if not await is_to_try(how, later=PAYS_LATER):
        how = replace(how, way=None, cash=how.instead, others=())
    whole, part = (
        if_joined(offer, money, mutuelle.today(caller.at)) for money in (offer.price, offer.installment)
    )
    first = await first_payment(offer, how, whole, part)

    new = NewHousehold(place.id, name, people)

    def words(how: HowToPay) -> Sentence:
        price = by_network(price_agreed(offer, first, whole), how)
        return terms(mutuelle, place, new, offer.product.name, price)

    agreed, how = await agreed_to_join(caller, how, words)
    if not agreed:
        return _("Nothing was recorded. Begin again when you are ready.")
    payer = PayingPhone(how.phone, how.said, await code_before(how, first)) if first else None
    household = await do(
        enrol, enrolment=enrolment_of(place, name, people, offer), pay_now=first, payer=payer
    )
    number = household.shown_number
    if first is None and how.cash:
        return registered(number, offer.price, whole, how.cash)
    with_code = payer is not None and payer.otp is not None
    welcomed = welcome(mutuelle, number, first or offer.price, with_code=with_code)
    return welcomed if with_code else with_prompt(welcomed, how.way)


async def agreed_to_join(
    caller: Caller, how: HowToPay, words: Callable[[HowToPay], Sentence]
) -> tuple[Consent | None, HowToPay]:
    """The agreement, and how the first payment is asked for: in a call she may say that she is on another network."""
    yes, no = _("I agree"), _("No")
    if how.way is None or not how.others or caller.gateway == BY_MESSAGE:
        return await confirm(words(how), yes=yes, no=no, own=how.cash is None), how
    agreed = await confirm_or(words(how), ANOTHER, yes=yes, no=no)
    if isinstance(agreed, Option):
        how = how.on((await choose(network_asked(how), network_options(how))).key)
        agreed = await confirm(words(how), yes=yes, no=no, own=True)
    return agreed, how


def by_network(price: Fact, how: HowToPay) -> Fact:
    network = named_network(how)
    return _("{price} by {network}", price=price, network=network) if network else price


async def not_served(caller: Caller) -> Sentence:
    """Whom to call where one's village is not in the list."""
    mutuelle = await which_mutuelle(caller, None)
    facts: dict[str, Fact] = {"mutuelle": mutuelle.name, "phone": mutuelle.complaints}
    return await show(
        _("Your village is not in the list? Call {mutuelle}, {phone}, to know where you can join.", **facts)
    )


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
    if waiting := await asked_about(caller):
        return await answer_first(caller, waiting)
    return await join(caller)


join_by_message = replace(join_by_message, denied="HELP")


async def first_payment(offer: Offer, how: HowToPay, whole: Foreseen, part: Foreseen) -> Money | None:
    """All at once, or the first part where the product takes parts: each with the cover that it brings. None: in cash.

    Not asked where there is one answer; RefusedError where the phone can pay neither at once.
    """
    if how.way is None:
        return None
    sums = {
        "all": (offer.price, _("All, {amount}: {covered}", amount=offer.price, covered=whole.said)),
        "part": (
            offer.installment,
            _("First {amount}: {covered}", amount=offer.installment, covered=part.said),
        ),
    }
    if offer.installment == offer.price:
        del sums["part"]
    ways = [Option(key, label) for key, (money, label) in sums.items() if how.way.at_once(money, money)]
    if not ways:
        raise RefusedError(beyond_limits(how.way, offer.price.currency))
    way = await choose(_("How much do you pay?"), ways, of_money=True) if len(ways) > 1 else ways[0]
    return sums[way.key][0]


def terms(mutuelle: Mutuelle, place: Place, new: NewHousehold, product: str, price: Fact) -> Sentence:
    """All that is agreed to: who lives where, with whom, at which price, and that the details are kept.

    Among the longest names the ages have no room, then the village has none, then the name; for how many people it is
    always stands there.
    """
    facts: dict[str, Fact] = {"mutuelle": mutuelle.name, "product": product, "price": price}
    facts |= {"place": place.name, "people": counts.people(len(new.ages))}
    name, ages_with_commas = new.head_name, counts.ages(new.ages)
    forms = [
        _(
            "{mutuelle}, {product}: {price}. {name}, {place}, {people}: {ages}. These details serve to insure you.",
            **facts,
            name=name,
            ages=ages_with_commas,
        ),
        _(
            "{mutuelle}, {product}: {price}. {name}, {place}, {people}: {ages}. Kept to insure you.",
            **facts,
            name=name,
            ages=counts.ages(new.ages, between=" "),
        ),
        _(
            "{mutuelle}, {product}: {price}. {name}, {place}, {people}. Kept to insure you.",
            **facts,
            name=name,
        ),
    ]
    for shown in (name, initials_of(name)):
        forms.append(
            _("{mutuelle}, {product}: {price}. {name}, {people}. Kept to insure you.", **facts, name=shown)
        )
    forms.append(_("{mutuelle}, {product}: {price}. {people}. Kept to insure you.", **facts))
    return first_fitting(forms)


def price_agreed(offer: Offer, first: Money | None, whole: Foreseen) -> Fact:
    """The whole price, and how it is paid where that is not all at once from this phone.

    With the cover that it brings, where no choice of a first payment has said it.
    """
    if first is None:
        return _("{price} in cash", price=offer.price)
    if first != offer.price:
        return _("{price}, first {first}", price=offer.price, first=first)
    if offer.installment != offer.price:
        return offer.price
    return _("{price}, {covered}", price=offer.price, covered=whole.said)


def welcome(mutuelle: Mutuelle, number: str, first: Money, *, with_code: bool) -> Sentence:
    if with_code:
        return _(
            "Welcome to {mutuelle}! Your number: {number}. Your code for {amount} is checked. "
            "A receipt follows by SMS.",
            mutuelle=mutuelle.name,
            number=number,
            amount=first,
        )
    return _(
        "Welcome to {mutuelle}! Your number: {number}. You will be asked for {amount} in a moment: "
        "approve with your PIN.",
        mutuelle=mutuelle.name,
        number=number,
        amount=first,
    )
