"""The mutuelle: its prices, what it pays, its treasurers, how to complain; what its treasurers decide."""

import re

from locales import Fact, Money, Sentence, _, counts
from menus.assembly import about_assembly
from menus.benefit_changes import change_benefits
from menus.benefits import asked_by, what_she_pays
from menus.limits import limits
from menus.payers import payers
from menus.relative import ENROLS_RELATIVE, enrols_relative
from menus.treasurer import treasuries
from menus.words import paid_in_cash, which_mutuelle, whom
from mutuelle.contributions.ways_to_pay import who_takes_cash
from mutuelle.households.households import Household
from mutuelle.scheme.mutuelles import Mutuelle, treasurers
from mutuelle.scheme.products import Product, products_on_sale
from talk.phones import shown_phone
from talk.questions import initials
from talk.words import Caller, Option, choose, look, show

SHARE = re.compile(r"(?P<care>[^%]*?)[ :]*(?P<percent>\d{1,3}) ?%")
# In capitals without accents: the words for what a member pays herself.
MEMBER_PAYS = re.compile(
    r"\b(MODERATEUR|CO ?(PAIEMENT|PAYMENT|PAY|INSURANCE)|DEDUCTIBLE|FRANCHISE|A (VOTRE )?CHARGE|VOUS PAYEZ|YOU PAY|"
    r"(PART|PARTICIPATION|CHARGE|SHARE) (DU|DE L|DES|OF THE) (MEMBRE|ADHERENT|ASSURE|PATIENT|MALADE|MEMBER)S?)\b"
)
PRICES, BENEFITS, TREASURERS, COMPLAINTS, CASH = "prices", "benefits", "treasurers", "complaints", "cash"
ASSEMBLY = "assembly"
LIMITS, PAYERS, RELATIVE = "limits", "payers", "relative"
READ, CHANGE = "read", "change"


async def about_mutuelle(caller: Caller) -> Sentence:
    household = await whom(caller)
    mutuelle = await which_mutuelle(caller, household)
    kept = [one for one in await treasuries(caller) if one.mutuelle_id == mutuelle.id]
    topic = await choose(
        _("{mutuelle}, {town}", mutuelle=mutuelle.name, town=mutuelle.town),
        (
            Option(PRICES, _("Prices"), "1"),
            Option(BENEFITS, _("What is paid"), "2"),
            Option(TREASURERS, _("Treasurers"), "3"),
            Option(COMPLAINTS, _("Complain"), "4"),
            Option(CASH, _("Pay in cash"), "5"),
            Option(ASSEMBLY, _("Assembly"), "6"),
            *(
                (Option(LIMITS, _("Limits"), "7"), Option(PAYERS, _("Payers"), "8"))
                if kept
                else (Option(RELATIVE, ENROLS_RELATIVE, "9"),)
            ),
        ),
    )
    if topic.key == BENEFITS and kept and await changes():
        return await change_benefits(caller, kept[0], mutuelle)
    if topic.key == BENEFITS and (asked := await asked_by(caller, mutuelle, household)):
        return await what_she_pays(caller, asked)
    if topic.key == ASSEMBLY:
        return await about_assembly(caller, mutuelle)
    if topic.key == LIMITS:
        return await limits(caller, kept[0])
    if topic.key == RELATIVE:
        return await enrols_relative(caller)
    if topic.key == PAYERS:
        return await payers(caller, kept[0])
    return await show(await about(topic.key, caller, mutuelle, household))


async def changes() -> bool:
    """Whether a treasurer wants to change what is paid, not to read it."""
    ways = (Option(READ, _("Read"), "1"), Option(CHANGE, _("Change"), "2"))
    return (await choose(_("What is paid"), ways)).key == CHANGE


async def about(topic: str, caller: Caller, mutuelle: Mutuelle, household: Household | None) -> Sentence:
    """The page of one topic."""
    if topic == PRICES:
        return await prices(caller, mutuelle)
    if topic == BENEFITS:
        return what_is_paid(mutuelle)
    if topic == TREASURERS:
        return await who_keeps_the_money(caller, mutuelle)
    if topic == CASH:
        cash = await look(who_takes_cash, caller, mutuelle.id, household)
        return paid_in_cash(cash, household)
    return _(
        "A problem? Call {phone}. {mutuelle} listens and answers you.",
        phone=mutuelle.complaints,
        mutuelle=mutuelle.name,
    )


def what_is_paid(mutuelle: Mutuelle) -> Sentence:
    """What a member pays herself of each thousand, where the mutuelle's own words are shares, like `maternity 80 %`.

    A share is the mutuelle's, but for one that is called the member's own, like `co-payment 25 %`.
    """
    shares = [SHARE.fullmatch(part.strip()) for part in mutuelle.benefits.split(",")]
    named = [(found["care"], int(found["percent"])) for found in shares if found]
    if len(named) < len(shares) or any(percent > 100 for _care, percent in named):
        facts: dict[str, Fact] = {"mutuelle": mutuelle.name, "benefits": mutuelle.benefits}
        if MEMBER_PAYS.search(initials(mutuelle.benefits)):
            return _("{mutuelle}, care: {benefits}", **facts)
        return _("{mutuelle} pays: {benefits}", **facts)
    parts = [f"{care} {Money(own_share(care, percent), mutuelle.currency)}" for care, percent in named]
    thousand = Money(1000, mutuelle.currency)
    return _(
        "{mutuelle}. Of {sum} you pay: {parts}", mutuelle=mutuelle.name, sum=thousand, parts=", ".join(parts)
    )


def own_share(care: str, percent: int) -> int:
    """Of a thousand, what a member pays."""
    return 10 * percent if MEMBER_PAYS.search(initials(care)) else 1000 - 10 * percent


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
