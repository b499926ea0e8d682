"""The actions of members: join a mutuelle, pay a contribution, agree to a renewal.

All that was agreed to, the price above all, is checked again inside the transaction and refused if it is no longer
true. A payment is only queued here; the worker sends it. A household that pays in cash gives it to a collector.
"""

from datetime import date, datetime
from functools import reduce

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Money, Sentence, _
from mutuelle.contributions.contribution_calls import calls_due
from mutuelle.contributions.foresight import Foreseen, if_joined
from mutuelle.contributions.payments import UNDER_WAY, PayingPhone, ask_payment, lock_phone
from mutuelle.contributions.standing import PaymentTerms, Standing, standing
from mutuelle.contributions.ways_to_pay import PayInCash, cash_in_place
from mutuelle.cover.policies import write_policy
from mutuelle.households.caller_profile import profile_of
from mutuelle.households.holders import notices
from mutuelle.households.households import (
    Household,
    NewHousehold,
    expect_household,
    lock_household,
    own_household,
    register_household,
)
from mutuelle.notify import notify
from mutuelle.posting import post_all
from mutuelle.scheme.mutuelles import Place, get_mutuelle
from mutuelle.scheme.products import Offer, offer, products_on_sale
from mutuelle.tables import place
from prepared import Prepared
from talk.keywords import BY_MESSAGE
from talk.trouble import RefusedError
from talk.words import Caller
from values import value

ALREADY = _("This phone already speaks for a household.")
PRICE_CHANGED = _("The price has changed. Please look again.")
MEMBER = "member"  # the actor in the ledger: a household's own phone


@value
class Enrolment:
    """A household that joins a mutuelle, and the product version and the price that it agrees to."""

    mutuelle: str
    household: NewHousehold
    product: str
    version: int
    price: Money


def enrolment_of(place: Place, head_name: str, ages: tuple[int, ...], chosen: Offer) -> Enrolment:
    """The enrolment of a household that lives in `place` and agrees to the offer `chosen`."""
    household, product = NewHousehold(place.id, head_name, ages), chosen.product
    return Enrolment(place.mutuelle_id, household, product.code, product.version, chosen.price)


async def enrol(
    db: AsyncConnection,
    caller: Caller,
    *,
    enrolment: Enrolment,
    pay_now: Money | None,
    payer: PayingPhone | None = None,
) -> Household:
    """Write the household, its people, its first policy, and ask the caller's phone for `pay_now`.

    `payer` has what she says of her network, and the code that it gave her to pay with. Without `pay_now` the
    contribution is due in cash: an SMS says to whom. By SMS the answer says so itself.
    """
    await lock_phone(db, caller.phone)  # of two calls at once, the second finds the household of the first
    known = await profile_of(db, caller)
    if known.households:
        raise RefusedError(ALREADY)
    if known.is_asked:
        raise RefusedError(_("An agent has registered your household already. Dial and answer first."))
    new, mutuelle = enrolment.household, await get_mutuelle(db, enrolment.mutuelle)
    today = mutuelle.today(caller.at)
    await served_place(db, mutuelle.id, new.place_id)
    chosen = await agreed_offer(db, enrolment, today)
    household = await register_household(db, mutuelle, new, phone=caller.phone, at=caller.at)
    await write_policy(db, household, chosen, sequence=1, agreed_on=today, at=caller.at)
    if pay_now is not None:
        await ask_payment(db, caller, household, pay_now, payer or PayingPhone(caller.phone))
    elif caller.gateway != BY_MESSAGE and (
        cash := await cash_in_place(db, caller, mutuelle.id, new.place_id)
    ):
        due = DueInCash(household, enrolment.price, today, if_joined(chosen, enrolment.price, today))
        await notify_due_in_cash(db, caller, due, cash)
    return household


@value
class DueInCash:
    """What a new household pays in cash, and what is `covered` if it is paid on the day `on`, today."""

    household: Household
    price: Money
    on: date
    covered: Foreseen


async def notify_due_in_cash(db: AsyncConnection, caller: Caller, due: DueInCash, cash: PayInCash) -> None:
    """By SMS to the calling phone of a new member: the last screen of a call is soon gone."""
    household, sentences = due.household, {caller.phone: due_in_cash(due, cash)}
    await notify(db, household.mutuelle_id, "due in cash", sentences, caller.at, event=household.number)


def due_in_cash(due: DueInCash, cash: PayInCash) -> Sentence:
    """To a new member: her number, whom to pay how much, and what is covered if it is paid on that day."""
    household = due.household
    facts: dict[str, Fact] = {"mutuelle": household.mutuelle_name, "number": household.shown_number}
    facts |= {"price": due.price, "day": f"{due.on:%d/%m}", "covered": due.covered.said}
    forms = [
        *(
            _(
                "{mutuelle}: your number is {number}. Pay {price} in cash to {who}. If paid on {day}: {covered}.",
                **facts,
                who=who,
            )
            for who in cash.forms
        ),
        *(
            _(
                "{mutuelle}: your number is {number}. Pay {price} in cash to {who}. Tell them this number.",
                **facts,
                who=who,
            )
            for who in cash.forms
        ),
    ]
    return reduce(Sentence.or_else, forms)


async def pay(
    db: AsyncConnection,
    caller: Caller,
    *,
    number: str,
    amount: Money,
    terms: PaymentTerms,
    payer: PayingPhone,
) -> None:
    """Ask the phone of `payer` for `amount` under the `terms` that were agreed to.

    Where it renews, the new period is written down when its first franc settles.
    """
    household = expect_household(await lock_household(db, number), number)
    stands = await agreed_standing(db, household, terms, caller.at)
    renewal = stands.renewal if terms.renews else None
    await ask_payment(db, caller, household, amount, payer, renewal=renewal)


async def renew_by_credit(
    db: AsyncConnection, caller: Caller, *, number: str, credit: Money, product: str, version: int
) -> Sentence:
    """Begin a new period that the household's `credit` pays whole: nobody is asked to pay, its phones are notified."""
    await lock_household(db, number)
    household = await own_household(db, caller, number)
    terms = PaymentTerms(Money(0, credit.currency), credit, product, version, renews=True)
    stands = await agreed_standing(db, household, terms, caller.at)
    if stands.renewal is None:
        raise RefusedError(PRICE_CHANGED)
    mutuelle, today = stands.mutuelle, stands.mutuelle.today(caller.at)
    sequence = len(stands.periods) + 1
    await write_policy(db, household, stands.renewal, sequence=sequence, agreed_on=today, at=caller.at)
    await post_all(db, await calls_due(db, mutuelle, household, new_receipt_minor=0, on=today, actor=MEMBER))
    renewed = renewed_by_credit(household, await standing(db, household, caller.at))
    sentences = await notices(db, household, renewed, caller.at)
    await notify(db, mutuelle.id, "renewed by credit", sentences, caller.at, event=f"{number} {sequence}")
    return renewed


def renewed_by_credit(household: Household, stands: Standing) -> Sentence:
    """On the screen and by SMS to the household's phones: its credit has paid a new period."""
    facts: dict[str, Fact] = {"number": household.shown_number, "credit": stands.credit}
    cover = stands.cover
    if cover.from_on and cover.until_on and not cover.is_covered:
        return _(
            "Household {number} is renewed with its credit. Covered from {start} to {end}. Credit left: {credit}.",
            **facts,
            start=cover.from_on,
            end=cover.until_on,
        )
    return _(
        "Household {number} is renewed with its credit. Covered until {end}. Credit left: {credit}.",
        **facts,
        end=cover.until_on or "",
    )


async def agreed_standing(
    db: AsyncConnection, household: Household, terms: PaymentTerms, at: datetime
) -> Standing:
    """Where a locked household stands; RefusedError if its terms are no longer `terms`, or a payment is under way."""
    stands = await standing(db, household, at)
    if stands.own_payment:
        raise RefusedError(UNDER_WAY)
    expect_agreed(stands, terms)
    return stands


def expect_agreed(stands: Standing, terms: PaymentTerms) -> None:
    """Refused if the terms are not the agreed `terms`, or another pays all of it by now."""
    if regime := stands.payer_of_all:
        raise RefusedError(
            _(
                "{payer} pays for household {number}. Nothing was recorded.",
                payer=regime.payer_name,
                number=stands.household.shown_number,
            )
        )
    if stands.payment_terms != terms:
        raise RefusedError(PRICE_CHANGED)


async def agreed_offer(db: AsyncConnection, agreed: Enrolment, today: date) -> Offer:
    """The offer that was agreed to, if it is on sale at that price today; RefusedError if not."""
    ages = agreed.household.ages
    for product in await products_on_sale(db, agreed.mutuelle, today):
        version = (product.code, product.version)
        if version == (agreed.product, agreed.version) and len(ages) <= product.max_members:
            found = offer(product, ages, new=True)
            if found.price == agreed.price:
                return found
    raise RefusedError(PRICE_CHANGED)


async def served_place(db: AsyncConnection, mutuelle: str, place_id: str) -> str:
    """The name of a place that the mutuelle serves; RefusedError if it does not serve it."""
    name = await _PLACE.value(db, {"mutuelle": mutuelle, "place": place_id})
    if name is None:
        raise RefusedError(_("This place is no longer served."))
    return str(name)


_PLACE = Prepared(
    select(place.c.name).where(place.c.mutuelle_id == bindparam("mutuelle"), place.c.id == bindparam("place"))
)
