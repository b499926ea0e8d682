"""Joining: a caller names her village, herself and her household, picks a product and agrees to pay."""

from collections.abc import Callable
from dataclasses import replace

from locales import Fact, Money, Sentence, _, counts
from menus.confirmation import answer_first, asked_about
from menus.paying import (
    ANOTHER,
    code_before,
    may_name_network,
    named_network,
    on_other_network,
    to_be_tried,
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
from talk.keywords import Takes, by_message
from talk.trouble import RefusedError
from talk.words import Caller, Consent, Option, ask, choose, confirm, confirm_or, do, look, show
from values import value

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
    new, offered = NewHousehold(place.id, name, people), offered_today(caller, mutuelle, offer)

    def words(price: Fact) -> Sentence:
        return terms(mutuelle, place, new, offer.product.name, price)

    agreed, how, first = await agreed_to_first(caller, how, offered, words, yes=_("I agree"), own=True)
    if not agreed:
        return _("Nothing was recorded. Begin again when you are ready.")
    payer = await paying_phone(how, first)
    household = await do(
        enrol, enrolment=enrolment_of(place, name, people, offer), pay_now=first, payer=payer
    )
    number = household.shown_number
    if first is None and how.cash:
        return registered(number, offer.price, offered.whole, how.cash)
    with_code = payer is not None and payer.otp is not None
    welcomed = welcome(mutuelle, number, first or offer.price, with_code=with_code)
    return welcomed if with_code else with_prompt(welcomed, how.way)


@value
class Offered:
    """An offer, and the cover that the whole of it brings, or its first part."""

    offer: Offer
    whole: Foreseen
    part: Foreseen


def offered_today(caller: Caller, mutuelle: Mutuelle, offer: Offer) -> Offered:
    """An offer that the caller takes today."""
    today = mutuelle.today(caller.at)
    return Offered(offer, if_joined(offer, offer.price, today), if_joined(offer, offer.installment, today))


async def agreed_to_first(
    caller: Caller,
    how: HowToPay,
    offered: Offered,
    words: Callable[[Fact], Sentence],
    *,
    yes: Sentence | None = None,
    own: bool = False,
) -> tuple[Consent | None, HowToPay, Money | None]:
    """The agreement to `words` of a price, how the first payment is asked for, and how much it is; None: in cash.

    In a call she may say that her phone is on another network: then its limits count.
    """
    how, first = await first_payment(caller, how, offered)
    price = by_network(price_agreed(offered, first), how)
    if not may_name_network(caller, how):
        return await confirm(words(price), yes=yes, own=own and how.cash is None), how, first
    agreed = await confirm_or(words(price), ANOTHER, yes=yes)
    if isinstance(agreed, Option):
        how, first = await first_payment(caller, await on_other_network(caller, how), offered, first)
        price = by_network(price_agreed(offered, first), how)
        agreed = await confirm(words(price), yes=yes, own=own and how.cash is None)
    return agreed, how, first


def by_network(price: Fact, how: HowToPay) -> Fact:
    network = named_network(how)
    return _("{price} by {network}", price=price, network=network) if network else price


async def paying_phone(how: HowToPay, first: Money | None) -> PayingPhone | None:
    """The calling phone as it is asked for the first payment, with the code that its network gives; None: in cash."""
    return PayingPhone(how.phone, how.said, await code_before(how, first)) if first else None


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


async def first_payment(
    caller: Caller, how: HowToPay, offered: Offered, chosen: Money | None = None
) -> tuple[HowToPay, Money | None]:
    """How the first payment is asked for, and how much it is: all at once, or the first part where the product takes
    parts, each with the cover that it brings. None: in cash.

    Not asked where there is one answer, or the sum that was `chosen` can be paid; RefusedError where the phone can pay
    neither at once.
    """
    tried, offer = await to_be_tried(caller, how), offered.offer
    if tried is None or tried.way is None:
        return how.by_cash, None
    if chosen and tried.way.at_once(chosen, chosen):
        return tried, chosen
    sums = {
        "all": (offer.price, _("All, {amount}: {covered}", amount=offer.price, covered=offered.whole.said)),
        "part": (
            offer.installment,
            _("First {amount}: {covered}", amount=offer.installment, covered=offered.part.said),
        ),
    }
    if offer.installment == offer.price:
        del sums["part"]
    ways = [Option(key, label) for key, (money, label) in sums.items() if tried.way.at_once(money, money)]
    if not ways:
        raise RefusedError(beyond_limits(tried.way, offer.price.currency))
    way = await choose(_("How much do you pay?"), ways, of_money=True) if len(ways) > 1 else ways[0]
    return tried, sums[way.key][0]


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


def price_agreed(offered: Offered, first: Money | None) -> Fact:
    """The whole price, and how it is paid where that is not all at once from this phone.

    With the cover that it brings, where no choice of a first payment has said it.
    """
    offer = offered.offer
    if first is None:
        return _("{price} in cash", price=offer.price)
    if first != offer.price:
        return _("{price}, first {first}", price=offer.price, first=first)
    if offer.installment != offer.price:
        return offer.price
    return _("{price}, {covered}", price=offer.price, covered=offered.whole.said)


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
