"""The mutuelle: its prices, what it pays, who its treasurers are, how to complain, whom to pay in cash."""

from locales import Fact, Sentence, _, counts
from menus.words import whom
from mutuelle.contributions.ways_to_pay import who_takes_cash
from mutuelle.households.households import Household
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle, mutuelles_near, treasurers
from mutuelle.scheme.products import Product, products_on_sale
from talk.phones import shown_phone
from talk.words import Caller, Option, choose, look

PRICES, BENEFITS, TREASURERS, COMPLAINTS, CASH = "prices", "benefits", "treasurers", "complaints", "cash"


async def about_mutuelle(caller: Caller) -> Sentence:
    household = await whom(caller)
    mutuelle = await which(caller, household)
    topic = await choose(
        _("{mutuelle}, {town}", mutuelle=mutuelle.name, town=mutuelle.town),
        (
            Option(PRICES, _("Prices"), "1"),
            Option(BENEFITS, _("What is paid"), "2"),
            Option(TREASURERS, _("Treasurers"), "3"),
            Option(COMPLAINTS, _("Complain"), "4"),
            Option(CASH, _("Pay in cash"), "5"),
        ),
    )
    if topic.key == PRICES:
        return await prices(caller, mutuelle)
    if topic.key == BENEFITS:
        return _("{mutuelle} pays: {benefits}", mutuelle=mutuelle.name, benefits=mutuelle.benefits)
    if topic.key == TREASURERS:
        return await who_keeps_the_money(caller, mutuelle)
    if topic.key == CASH:
        cash = await look(who_takes_cash, caller, mutuelle.id, household)
        return _("Cash is paid to {who}. Your member number says for whom.", who=cash.shown)
    return _(
        "A problem? Call {phone}. {mutuelle} listens and answers you.",
        phone=mutuelle.complaints,
        mutuelle=mutuelle.name,
    )


async def which(caller: Caller, household: Household | None) -> Mutuelle:
    """The mutuelle of the caller's household, or one of those near a stranger."""
    if household is not None:
        own: Mutuelle = await look(get_mutuelle, household.mutuelle_id)
        return own
    near = await look(mutuelles_near, caller)
    if len(near) == 1:
        return near[0]
    chosen: Mutuelle = await choose(_("Which mutuelle?"), near)
    return chosen


async def prices(caller: Caller, mutuelle: Mutuelle) -> Sentence:
    products = await look(products_on_sale, mutuelle.id, mutuelle.today(caller.at))
    if not products:
        return _("{mutuelle} sells no cover at the moment.", mutuelle=mutuelle.name)
    product = products[0] if len(products) == 1 else await choose(_("Prices of which cover?"), products)
    return price_of(product)


def price_of(product: Product) -> Sentence:
    """The price in the words of its formula: a sum for the household and its extra heads, or a sum a head."""
    facts: dict[str, Fact] = {
        "product": product.name,
        "months": counts.months(product.insurance_period_months),
        "adult": product.money(product.premium_adult_minor),
        "child": product.money(product.premium_child_minor),
        "joining": joining_fee(product),
    }
    if product.lump_sum_minor:
        return _(
            "{product}, {months}: {sum} up to {people}, then {adult} an adult, {child} a child.{joining}",
            sum=product.money(product.lump_sum_minor),
            people=counts.people(product.threshold),
            **facts,
        )
    return _("{product}, {months}: {adult} an adult, {child} a child.{joining}", **facts)


def joining_fee(product: Product) -> Sentence | str:
    """What new members pay once; empty where no fee is taken."""
    if not product.registration_fee_minor:
        return ""
    return _(" Joining: {card} once.", card=product.money(product.registration_fee_minor))


async def who_keeps_the_money(caller: Caller, mutuelle: Mutuelle) -> Sentence:
    found = await look(treasurers, mutuelle.id, mutuelle.today(caller.at))
    if not found:
        return _(
            "{mutuelle} has no treasurer at the moment. Questions: {phone}",
            mutuelle=mutuelle.name,
            phone=mutuelle.complaints,
        )
    names = ", ".join(f"{officer.name} {shown_phone(officer.phone)}" for officer in found[:3])
    return _("Treasurers: {names}", names=names)
