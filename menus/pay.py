"""Paying: what is due, whole or in part, for one's own household or another, from this phone or another.

A phone that no operator can ask is shown whom to pay in cash; so is one whose operator does not answer now, before it
tries.
"""

from dataclasses import replace

from currencies import CURRENCIES
from locales import Fact, Money, Sentence, _, counts
from menus.confirmation import no_household
from menus.paying import (
    ANOTHER,
    NETWORK,
    NOT_ASKED,
    OTHER_NETWORK,
    asked_for,
    asked_phone,
    code_before,
    may_name_network,
    on_other_network,
    refuse_code_by_message,
    silence,
    to_be_tried,
)
from menus.relative import ENROLS_RELATIVE, enrols_relative
from menus.words import PAY, beside, first_fitting, own_under_way, under_way, whom
from mutuelle.contributions.foresight import if_paid
from mutuelle.contributions.payments import PayingPhone, PaymentWay, beyond_limits, not_served
from mutuelle.contributions.refusals import accept_requests, refuse_requests, refuses_requests
from mutuelle.contributions.standing import Standing, standing
from mutuelle.contributions.ways_to_pay import HowToPay, PayInCash, how_to_pay
from mutuelle.cover.rules import CoverState
from mutuelle.enrolment.enrolment import pay as ask_for_payment
from mutuelle.enrolment.enrolment import renew_by_credit
from mutuelle.founding.rules import MAX_PRICE_MINOR
from mutuelle.households.caller_profile import profile_of
from mutuelle.households.households import household_named, initials_of
from mutuelle.households.member_numbers import member_number
from talk.answers import Kind, amount, phone_number
from talk.figures import amount_in
from talk.keywords import BY_MESSAGE, Takes, by_message
from talk.phones import region_of
from talk.trouble import InvalidError, RefusedError
from talk.words import Caller, Option, ask, choose, confirm, confirm_or, do, look

ANY_AMOUNT = amount(
    Money(1, "XOF"), Money(MAX_PRICE_MINOR * max(one.size for one in CURRENCIES.values()), "XOF")
)  # its mutuelle's currency is known later
NOT_PAYABLE = _(
    "Nothing can be paid for this number now. Check it, or ask the household: maybe nothing is due, "
    "or a payment is under way."
)
ALL, PART, OTHER_PHONE, OTHER_HOUSEHOLD, REQUESTS = "all", "part", "phone", "household", "requests"
BY_CREDIT, RELATIVE = "credit", "relative"


async def pay(caller: Caller) -> Sentence:
    own = await whom(caller)
    stands = await look(standing, own, caller.at) if own else None
    how = await look(how_to_pay, caller, own) if own else None
    what = await choose(*ways(stands, how, caller), of_money=True)
    if stands and how and what.key == NETWORK:
        how = await on_other_network(caller, how, stands.household)
        what = await choose(*ways(stands, how, caller), of_money=True)
    if what.key == RELATIVE:
        return await enrols_relative(caller)
    if stands is None or how is None or what.key == OTHER_HOUSEHOLD:
        return await (requests(caller) if what.key == REQUESTS else for_another(caller))
    if what.key == REQUESTS:
        return await requests(caller)
    if what.key == BY_CREDIT:
        return await renew(stands)
    if what.key == OTHER_PHONE:
        how = await with_another(caller, stands)
    how = await to_be_tried(caller, how, stands.household)
    if how is None:
        return NOT_ASKED
    money = at_once(stands, how)[1] if what.key == ALL else await how_much(stands, how)
    return await agree(caller, stands, stands.household.head_name, money, how)


async def with_another(caller: Caller, stands: Standing) -> HowToPay:
    """The phone of another that pays; the last word where no operator can ask it."""
    payer = await ask(_("The phone that pays?"), phone_number(region_of(caller.phone)))
    how: HowToPay = await look(how_to_pay, caller, stands.household, payer)
    if how.way:
        return how
    if not how.others:
        raise RefusedError(not_served(payer))
    return await on_other_network(caller, how, stands.household)


@by_message(
    PAY,
    said=_("PAYING PAYMENT* CONTRIBUTE CONTRIBUTION* RENEW* SUBSCRIPTION DEPOSIT SEND+MONEY"),
    takes=Takes.FIGURES,
    weight=3,
)
async def pay_by_message(caller: Caller) -> Sentence:
    """Whole or in part, for one's own household with the phone that writes; all else is done by calling."""
    several = len((await look(profile_of, caller)).households) > 1
    named = (
        await ask(_("How much do you pay?"), sum_named) if several else None
    )  # before "for which household?"
    own = await whom(caller)
    if own is None:
        return await no_household(caller)
    stands = await look(standing, own, caller.at)
    if stands.own_payment:
        return await own_under_way(stands, stands.own_payment, caller)
    if stands.renews_by_credit:
        return await renew(stands)
    if not stands.payable.amount_minor:
        return nothing_payable(stands)
    how = await look(how_to_pay, caller, own)
    if how.cash:
        return in_cash(stands, how.cash)
    tried = await to_be_tried(caller, how, own)
    if tried is None:
        return NOT_ASKED
    return await agree(caller, stands, own.head_name, await how_much_by_message(stands, tried, named), tried)


pay_by_message = replace(pay_by_message, denied="COVER")  # what is owed, and how to pay


def ways(stands: Standing | None, how: HowToPay | None, caller: Caller) -> tuple[Sentence, list[Option]]:
    """What can be paid; a digit means the same whatever is left out. A phone that pays nothing may name its network."""
    cash = how.cash if how else None
    others = [Option(OTHER_HOUSEHOLD, _("Another household"), "4")]
    if cash is None or cash.another_phone:
        others.append(Option(REQUESTS, _("Refuse to pay for others"), "5"))
    if stands is None:
        return _("Pay for whom?"), [*others, Option(RELATIVE, ENROLS_RELATIVE, "6")]
    if stands.own_payment:
        return under_way(stands.own_payment, caller), others
    if stands.renews_by_credit:
        return beside(stands, with_cover(stands, payable(stands))), [
            Option(BY_CREDIT, _("Renew, nothing to pay"), "1"),
            *others,
        ]
    if not stands.payable.amount_minor:
        return nothing_payable(stands), others
    another_phone = Option(OTHER_PHONE, _("Another phone pays"), "3")
    own = [] if cash else sums(stands, how)
    if not own and how and how.others:
        others.append(Option(NETWORK, OTHER_NETWORK, "7"))
    if cash:
        return in_cash(stands, cash), [another_phone, *others] if cash.another_phone else others
    if not own and how and how.way:
        return too_little(stands, how.way), [another_phone, *others]
    due = with_cover(stands, payable(stands, says_credit=len(own) == 1))
    if how and how.way and how.is_silent:
        due = _("{silence} {due}", silence=silence(how.way.network_name), due=due).or_else(due)
    return beside(stands, due, or_alone=True), [*own, another_phone, *others]


def sums(stands: Standing, how: HowToPay | None) -> list[Option]:
    """All that is due, or the most of it that the phone can pay at once, and a part; none if it can pay nothing."""
    payable, least = stands.payable, stands.least_payment
    reach = how.way.at_once(least, payable) if how and how.way else (least, payable)
    if reach is None:
        return []
    least, most = reach
    whole = _("Pay {amount}", amount=most) if most == payable else _("Pay {amount} (the most)", amount=most)
    part = [Option(PART, _("A part, from {amount}", amount=least), "2")] if least < most else []
    return [Option(ALL, whole, "1"), *part]


def too_little(stands: Standing, way: PaymentWay) -> Sentence:
    """What is due is less than the phone's operator moves."""
    due, limits = payable(stands), way.limits(stands.payable.currency)
    facts: dict[str, Fact] = {
        "due": due,
        "least": Money(limits.least_minor if limits else 0, stands.payable.currency),
    }
    in_short = _("{due}. By phone from {least}.", **facts)
    return _("{due}. By phone from {least}. In cash: 7, then 5.", **facts).or_else(in_short).or_else(due)


def at_once(stands: Standing, how: HowToPay) -> tuple[Money, Money]:
    """The least and the most that the phone can pay now of what is due; RefusedError if that is nothing."""
    if how.way is None:
        return stands.least_payment, stands.payable
    reach = how.way.at_once(stands.least_payment, stands.payable)
    if reach is None:
        raise RefusedError(beyond_limits(how.way, stands.payable.currency))
    return reach


def amount_of(stands: Standing, least: Money, most: Money, outside: Sentence | None = None) -> Kind[Money]:
    return amount(least, most, stands.payable_product.amount_step_minor, outside)


def with_cover(stands: Standing, due: Sentence) -> Sentence:
    """What is due and, where there is room, from when until when care is covered if all of it is paid today.

    Who pays reads it on the screen that she agrees to in any case.
    """
    covered = if_paid(stands, stands.payable).said
    return _("{due}. If paid today: {covered}", due=due, covered=covered).or_else(due)


def in_cash(stands: Standing, cash: PayInCash) -> Sentence:
    """What is due, the least that is taken of it, who takes it, and when care is covered if it is paid today.

    Beside long names some of it has no room. A merchant code and the number that goes with it always have.
    """
    due, number = payable(stands, says_credit=False), stands.household.shown_number
    if cash.merchant_code is None:
        ways = cash.forms
        shortest = [_("{payable}, to {who}", payable=due, who=who) for who in ways]
    else:
        ways = [_("{who}, number {number}", who=who, number=number) for who in cash.forms]
        facts: dict[str, Fact] = {"code": cash.merchant_code, "number": number}
        shortest = [_("{payable}, to {who}", payable=due, who=who) for who in ways]
        shortest.append(
            _("{amount} to merchant code {code}, number {number}", amount=stands.payable, **facts)
        )
    forms = [*(_("{payable}, in cash to {who}", payable=due, who=who) for who in ways), *shortest]
    if not cash.another_phone and stands.least_cash != stands.payable:
        least = stands.least_cash
        forms.insert(
            0, _("{payable} (at least {least}), in cash to {who}", payable=due, least=least, who=ways[0])
        )
    covered = if_paid(stands, stands.payable).said
    whole = [_("{due}. If paid today: {covered}", due=form, covered=covered) for form in forms]
    return beside(stands, first_fitting([*whole, *forms]))


def payable(stands: Standing, *, says_credit: bool = True) -> Sentence:
    """What is due, or what the next period costs after the household's credit, which is named where there is room."""
    if stands.settles_debt:
        return _("Debt of an ended cover: {amount}", amount=stands.payable)
    if not stands.renews:
        return _("Left to pay: {amount}", amount=stands.payable)
    facts: dict[str, Fact] = {
        "months": counts.months(stands.payable_product.insurance_period_months),
        "amount": stands.payable,
    }
    if says_credit and stands.credit.amount_minor:
        return _(
            "Renew for {months}: {amount}, your credit of {credit} taken off",
            **facts,
            credit=stands.credit,
        )
    return _("Renew for {months}: {amount}", **facts)


def nothing_payable(stands: Standing) -> Sentence:
    """Nothing is due, another pays it, or no cover is on sale: different answers."""
    if regime := stands.payer_of_all:
        return _("{payer} pays for your household. You have nothing to pay.", payer=regime.payer_name)
    if stands.cover.state is CoverState.EXPIRED:
        return _("No cover is on sale for your household now. Please see the treasurer.")
    return _("Nothing is due. You are up to date.")


sum_named: Kind[int | None] = Kind(
    "sum named", amount_in, good=("5 000 F", "5000"), bad=(), takes_rest=True, optional=True
)


async def how_much_by_message(stands: Standing, how: HowToPay, named: int | None) -> Money:
    """The same by SMS, where the limits are told of another amount only. Its groups of digits may stand apart.

    `named` is the amount that came before the household was known, if one did.
    """
    least, most = at_once(stands, how)
    if least == most:
        return most
    limits = _(
        "You can pay from {least} (the least at a time) to {most} (all that is due).", least=least, most=most
    )
    if most < stands.payable:
        limits = _("You can pay from {least} to {most} at once.", least=least, most=most)
    kind = amount_of(stands, least, most, limits)
    question = _("How much do you pay? Reply with the amount, like {example}.", example=most.figures)
    if named is not None:
        try:
            return kind.parse(str(named))
        except InvalidError:
            question = limits
    money: Money = await ask(question, replace(kind, takes_rest=True))
    return money


async def how_much(stands: Standing, how: HowToPay) -> Money:
    """An amount from the least part to the most that the phone can pay; not asked where there is only one answer."""
    least, most = at_once(stands, how)
    if least == most:
        return most
    kind = amount_of(stands, least, most)
    question = _("How much? From {least} to {most}", least=least, most=most)
    money: Money = await ask(question, kind)
    return money


async def within(stands: Standing, how: HowToPay, named: Money) -> Money:
    """The amount that was named if it can be paid, else one that is asked for with its limits."""
    try:
        return amount_of(stands, *at_once(stands, how)).parse(named.figures)
    except InvalidError:
        return await how_much(stands, how)


async def for_another(caller: Caller) -> Sentence:
    """For a household whose number the caller knows; only its initials are shown, and not before an amount is named.

    A number that nobody has, and a household for which nothing can be paid now, read the same.
    """
    number = await ask(_("The household's member number?"), member_number)
    named = await ask(_("How much will you pay for it?"), ANY_AMOUNT)
    household = await look(household_named, caller, number)
    stands = await look(standing, household, caller.at) if household else None
    if household is None or stands is None or stands.open_payment or not stands.payable.amount_minor:
        return NOT_PAYABLE
    how = await look(how_to_pay, caller, household)
    if cash := how.cash:
        facts: dict[str, Fact] = {"number": household.shown_number, "due": stands.payable}
        facts["covered"] = if_paid(stands, stands.payable).said
        whole = [
            _("Household {number} pays in cash to {who}. {due} today: {covered}.", **facts, who=who)
            for who in cash.forms
        ]
        return first_fitting(
            [*whole, _("Household {number} pays in cash to {who}.", **facts, who=cash.forms[0])]
        )
    tried = await to_be_tried(caller, how, household)
    if tried is None:
        return NOT_ASKED
    return await agree(caller, stands, household.initials, await within(stands, tried, named), tried)


async def agree(caller: Caller, stands: Standing, name: str, money: Money, how: HowToPay) -> Sentence:
    """The yes to the payment, and the request. In a call she may say first that the phone is on another network: then
    an amount that is beyond the limits of that one is asked for again. By SMS no code is asked for.
    """
    refuse_code_by_message(caller, how)
    household, words = stands.household, beside(stands, terms(stands, name, money, how))
    if may_name_network(caller, how):
        agreed = await confirm_or(words, ANOTHER)
    else:
        # By SMS always for the own household with the own phone, which is asked for its PIN.
        agreed = await confirm(words, own=caller.gateway == BY_MESSAGE)
    if isinstance(agreed, Option):
        named = await to_be_tried(caller, await on_other_network(caller, how, household), household)
        if named is None:
            return NOT_ASKED
        return await agree(caller, stands, name, await within(stands, named, money), named)
    if not agreed:
        return NOT_ASKED
    payer = PayingPhone(how.phone, how.said, await code_before(how, money))
    await do(
        ask_for_payment,
        number=household.number,
        amount=money,
        terms=stands.payment_terms,
        payer=payer,
    )
    return asked_for(payer, how, caller, money)


def terms(stands: Standing, name: str, money: Money, how: HowToPay) -> Sentence:
    """All that is agreed to: the payment, the cover that it brings, and where it begins a new period, its whole price.

    How long a period is is left out among long names: the cover says until when it lasts.
    """
    facts: dict[str, Fact] = {"amount": money, "phone": asked_phone(how)}
    facts |= {"number": stands.household.shown_number, "covered": if_paid(stands, money).said}
    names = (name, initials_of(name))
    if stands.settles_debt:
        return first_fitting(
            [
                _(
                    "Pay {amount} for {name}, {number}, with {phone}? It settles a debt and covers nobody.",
                    **facts,
                    name=n,
                )
                for n in names
            ]
        )
    if not stands.renews:
        return first_fitting(
            [_("Pay {amount} for {name}, {number}, with {phone}: {covered}?", **facts, name=n) for n in names]
        )
    facts |= {"product": stands.payable_product.name, "price": price_asked(stands)}
    months = counts.months(stands.payable_product.insurance_period_months)
    return first_fitting(
        [
            *(
                _(
                    "Renew {months} ({product}, {price}) for {name}, {number}: pay {amount} with {phone}: {covered}?",
                    **facts,
                    months=months,
                    name=n,
                )
                for n in names
            ),
            *(
                _(
                    "{product}, {name}, {number}: {price}. Pay {amount} with {phone}: {covered}?",
                    **facts,
                    name=n,
                )
                for n in names
            ),
            _("{product}, {number}: {price}. Pay {amount} with {phone}: {covered}?", **facts),
            _("{number}: {price}. Pay {amount} with {phone}: {covered}?", **facts),
        ]
    )


def price_asked(stands: Standing) -> Fact:
    """The whole price of a renewal, and the credit that is taken off it."""
    whole = stands.renewal.price if stands.renewal else stands.due
    if not stands.credit.amount_minor:
        return whole
    return _("{price}, credit {credit}", price=whole, credit=stands.credit)


async def renew(stands: Standing) -> Sentence:
    """The household's credit pays its next period: agreed to, and no payment is asked for."""
    household, product = stands.household, stands.payable_product
    facts: dict[str, Fact] = {"product": product.name, "price": price_asked(stands)}
    facts |= {"months": counts.months(product.insurance_period_months), "number": household.shown_number}
    facts["covered"] = if_paid(stands, stands.payable).said
    agreed = await confirm(
        first_fitting(
            [
                _(
                    "Renew {months} ({product}, {price}) for {name}, number {number}: {covered}? "
                    "You have nothing to pay.",
                    **facts,
                    name=name,
                )
                for name in (household.head_name, household.initials)
            ]
        )
    )
    if not agreed:
        return _("Nothing was changed.")
    done: Sentence = await do(
        renew_by_credit,
        number=household.number,
        credit=stands.credit,
        product=product.code,
        version=product.version,
    )
    return done


async def requests(caller: Caller) -> Sentence:
    """Whether others may send payment requests to this phone."""
    if await look(refuses_requests, caller):
        agreed = await confirm(_("Others cannot ask this phone to pay. Allow it again?"))
        if not agreed:
            return _("Nothing was changed.")
        await do(accept_requests)
        return _("Others can ask this phone to pay again. You still decide with your PIN.")
    agreed = await confirm(_("Stop others from asking this phone to pay for them?"))
    if not agreed:
        return _("Nothing was changed.")
    await do(refuse_requests)
    return _("Done. Nobody else can ask this phone to pay.")
