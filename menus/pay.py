"""Paying: what is due, whole or in part, for one's own household or another, from this phone or another."""

from locales import Money, Sentence, _
from menus.words import under_way, whom
from mutuelle.enrolment import pay as ask_for_payment
from mutuelle.households import Household, household_by_number
from mutuelle.numbers import member_number
from mutuelle.payments import accept_requests, refuse_requests, refuses_requests
from mutuelle.standing import Standing, standing
from talk.answers import amount, phone_number
from talk.phones import region_of, shown_phone
from talk.words import Caller, Option, ask, choose, confirm, do, look

ALL, PART, OTHER_PHONE, OTHER_HOUSEHOLD, REQUESTS = "all", "part", "phone", "household", "requests"


async def pay(caller: Caller) -> Sentence:
    own = await whom(caller)
    if own is None:
        return await for_another(caller)
    stands = await look(standing, own, caller.at)
    if stands.open_payment:
        return under_way(stands.open_payment)
    what = await choose(*ways(stands))
    if what.key == OTHER_HOUSEHOLD:
        return await for_another(caller)
    if what.key == REQUESTS:
        return await requests(caller)
    payer = caller.phone
    money = stands.payable if what.key == ALL else stands.least_payment
    if what.key == PART:
        money = await how_much(stands)
    if what.key == OTHER_PHONE:
        payer = await ask(_("The phone that pays?"), phone_number(region_of(caller.phone)))
        money = await how_much(stands)
    return await agree(stands, own.head_name, money, payer)


def ways(stands: Standing) -> tuple[Sentence, list[Option]]:
    """What can be paid; a digit means the same whatever is left out."""
    others = [
        Option(OTHER_HOUSEHOLD, _("Another household"), "4"),
        Option(REQUESTS, _("Requests by others"), "5"),
    ]
    if not stands.payable.amount_minor:
        return _("Nothing is due. You are up to date."), others
    what = (
        _("Left to pay: {amount}", amount=stands.payable)
        if stands.due.amount_minor
        else _(
            "Renew for {months} months: {amount}",
            months=stands.product.insurance_period_months,
            amount=stands.payable,
        )
    )
    own = [Option(ALL, _("Pay {amount}", amount=stands.payable), "1")]
    if stands.least_payment < stands.payable:
        own.append(Option(PART, part_of_due(stands), "2"))
    return what, [*own, Option(OTHER_PHONE, _("Another phone pays"), "3"), *others]


def part_of_due(stands: Standing) -> Sentence:
    return _("Pay a part, from {amount}", amount=stands.least_payment)


async def how_much(stands: Standing) -> Money:
    """An amount between the least part and all of it; not asked where there is only one answer."""
    if stands.least_payment == stands.payable:
        return stands.payable
    least, most = stands.least_payment, stands.payable
    money: Money = await ask(
        _("How much? From {least} to {most}", least=least, most=most),
        amount(least, most, stands.product.amount_step_minor),
    )
    return money


async def for_another(caller: Caller) -> Sentence:
    """For a household whose number the caller knows; only its initials are shown."""
    number = await ask(_("The household's member number?"), member_number)
    home = await look(household_by_number, number)
    stands = await look(standing, home, caller.at)
    if stands.open_payment:
        return _("A payment for this household is already under way.")
    if not stands.payable.amount_minor:
        return _("Nothing is due for household {number}. Thank you!", number=home.shown_number)
    money = await how_much(stands)
    return await agree(stands, home.initials, money, caller.phone)


async def agree(stands: Standing, name: str, money: Money, payer: str) -> Sentence:
    home: Household = stands.household
    agreed = await confirm(
        _(
            "Pay {amount} for {name}, number {number}, with the phone {phone}?",
            amount=money,
            name=name,
            number=home.shown_number,
            phone=shown_phone(payer),
        )
    )
    if not agreed:
        return _("Nothing was asked for. Dial again when you are ready.")
    await do(
        ask_for_payment,
        number=home.number,
        amount=money,
        payable=stands.payable,
        renews=not stands.due.amount_minor,
        payer_phone=payer,
        agreed=agreed,
    )
    return _(
        "Thank you. In a moment {phone} will be asked for {amount}: approve with your PIN. A receipt follows by SMS.",
        phone=shown_phone(payer),
        amount=money,
    )


async def requests(caller: Caller) -> Sentence:
    """Whether others may send payment requests to this phone."""
    if await look(refuses_requests, caller):
        agreed = await confirm(_("Others cannot ask this phone to pay. Allow it again?"))
        if not agreed:
            return _("Nothing was changed.")
        await do(accept_requests, agreed=agreed)
        return _("Others can ask this phone to pay again. You still decide with your PIN.")
    agreed = await confirm(_("Stop others from asking this phone to pay for them?"))
    if not agreed:
        return _("Nothing was changed.")
    await do(refuse_requests, agreed=agreed)
    return _("Done. Nobody else can ask this phone to pay.")
