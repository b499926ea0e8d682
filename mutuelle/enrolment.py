"""The deeds of members: join a mutuelle, pay a contribution, agree to a renewal.

Whatever was agreed to, the price above all, is checked again inside the transaction and refused if it is no longer
true. The payment is only wished here; the worker sends it.
"""

from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Money, _
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
from mutuelle.standing import standing
from mutuelle.tables import place
from talk.trouble import Refused
from talk.words import Caller, Consent

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
        raise Refused(_("This phone already speaks for a household."))
    joined = await get_mutuelle(db, mutuelle)
    today = joined.today(caller.at)
    if not await db.scalar(select(place.c.id).where(place.c.mutuelle_id == mutuelle, place.c.id == place_id)):
        raise Refused(_("This place is no longer served."))
    chosen = await _offer(db, mutuelle, product, version, ages, today)
    if chosen.price != price:
        raise Refused(PRICE_CHANGED)
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
    home = await household_by_number(db, number)
    await lock_household(db, home)
    if await open_payment(db, home):
        raise Refused(
            _("A payment for this household is already under way. Please wait a few minutes and dial again.")
        )
    stands = await standing(db, home, caller.at)
    paid_for = stands.payable_product
    if (stands.payable, stands.renews, paid_for.code, paid_for.version) != (
        payable,
        renews,
        product,
        version,
    ):
        raise Refused(PRICE_CHANGED)
    await ask_payment(db, caller, home, amount, payer_phone, renewal=stands.renewal if renews else None)


async def _offer(
    db: AsyncConnection, mutuelle: str, code: str, version: int, ages: tuple[int, ...], today: date
) -> Offer:
    for product in await products_on_sale(db, mutuelle, today):
        if product.code == code and product.version == version and len(ages) <= product.max_members:
            return offer(product, ages, new=True)
    raise Refused(PRICE_CHANGED)
