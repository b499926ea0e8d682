"""The deeds of members: join a mutuelle, pay a contribution, agree to a renewal.

Whatever was agreed to, the price above all, is checked again inside the transaction and refused if it is no longer
true. The payment is only wished here; the worker sends it.
"""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Money, _
from mutuelle.confirmation import unconfirmed_of
from mutuelle.households import (
    Household,
    household_by_number,
    households_of,
    lock_household,
    register_household,
)
from mutuelle.mutuelles import get_mutuelle
from mutuelle.payments import ask_payment, lock_phone, open_payment
from mutuelle.policies import write_policy
from mutuelle.products import Offer, offer, products_on_sale
from mutuelle.standing import Standing, standing
from mutuelle.tables import place
from talk.trouble import Refused
from talk.words import Caller, Consent

ALREADY = _("This phone already speaks for a household.")
PRICE_CHANGED = _("The price has changed. Please look again.")


async def enrol(
    db: AsyncConnection,
    caller: Caller,
    *,
    mutuelle: str,
    place_id: str,
    head_name: str,
    ages: tuple[int, ...],
    product: str,
    version: int,
    price: Money,
    pay_now: Money,
    agreed: Consent,
) -> Household:
    """Join: the household, its people, its first policy, and the wish to pay `pay_now` from the caller's phone."""
    await lock_phone(db, caller.phone)  # of two calls at once, the second finds the household of the first
    if await households_of(db, caller):
        raise Refused(ALREADY)
    if await unconfirmed_of(db, caller):
        raise Refused(_("An agent has registered your household already. Dial and answer first."))
    joined = await get_mutuelle(db, mutuelle)
    today = joined.today(caller.at)
    await served_place(db, mutuelle, place_id)
    chosen = await agreed_offer(db, mutuelle, product, version, ages, price, today)
    home = await register_household(
        db, joined, head_name=head_name, place_id=place_id, phone=caller.phone, ages=ages, at=caller.at
    )
    await write_policy(db, home, chosen, sequence=1, agreed_on=today, at=caller.at)
    await ask_payment(db, caller, home, pay_now, caller.phone)
    return home


async def pay(
    db: AsyncConnection,
    caller: Caller,
    *,
    number: str,
    amount: Money,
    payable: Money,
    product: str,
    version: int,
    renews: bool,
    payer_phone: str,
    agreed: Consent,
) -> None:
    """Ask `payer_phone` for `amount` of what was `payable` when it was agreed to.

    `renews`: it begins a new period under that product and version, written down when its first franc settles.
    """
    await lock_household(db, number)
    home = await household_by_number(db, number)
    stands = await agreed_standing(
        db, home, payable=payable, product=product, version=version, renews=renews, at=caller.at
    )
    await ask_payment(db, caller, home, amount, payer_phone, renewal=stands.renewal if renews else None)


async def agreed_standing(
    db: AsyncConnection,
    home: Household,
    *,
    payable: Money,
    product: str,
    version: int,
    renews: bool,
    at: datetime,
) -> Standing:
    """Where a locked household stands, if that is what was agreed to; Refused if not, or if a payment is under way."""
    if await open_payment(db, home):
        raise Refused(
            _("A payment for this household is already under way. Please wait a few minutes and dial again.")
        )
    stands = await standing(db, home, at)
    paid_for = stands.payable_product
    if (stands.payable, stands.renews, paid_for.code, paid_for.version) != (
        payable,
        renews,
        product,
        version,
    ):
        raise Refused(PRICE_CHANGED)
    return stands


async def agreed_offer(
    db: AsyncConnection,
    mutuelle: str,
    code: str,
    version: int,
    ages: tuple[int, ...],
    price: Money,
    today: date,
) -> Offer:
    """What was agreed to, if it is on sale at that price today; Refused if not."""
    for product in await products_on_sale(db, mutuelle, today):
        if product.code == code and product.version == version and len(ages) <= product.max_members:
            found = offer(product, ages, new=True)
            if found.price == price:
                return found
    raise Refused(PRICE_CHANGED)


async def served_place(db: AsyncConnection, mutuelle: str, place_id: str) -> str:
    """The name of a place that the mutuelle serves; Refused if it does not serve it."""
    name = await db.scalar(
        select(place.c.name).where(place.c.mutuelle_id == mutuelle, place.c.id == place_id)
    )
    if name is None:
        raise Refused(_("This place is no longer served."))
    return str(name)
