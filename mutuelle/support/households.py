"""The household of an act of support: open, with no payment under way where that matters; its cover in words."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.contributions.payments import OPEN, open_payment
from mutuelle.cover.rules import Cover, CoverState
from mutuelle.households.households import Household, expect_household, find_household, lock_household
from mutuelle.households.support_acts import SupportError
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.tables import household_phone, payout
from mutuelle.treasury.payouts.payouts import payouts_where
from talk.words import Caller


async def open_household(db: AsyncConnection, number: str) -> Household:
    """The open household with this number, locked until the transaction ends."""
    await lock_household(db, number)
    household = await find_household(db, number)
    if household is None:
        closed = await find_household(db, number, closed=True)
        raise SupportError(
            f"household {number} is closed: `keneya household reopen {number}` first"
            if closed
            else f"no household has the number {number}"
        )
    return household


async def households_of_phone(db: AsyncConnection, phone: str) -> list[Household]:
    """Those that a phone speaks for, closed ones too, by number."""
    of_phone = select(household_phone.c.number).where(household_phone.c.phone == phone)
    numbers = list(await db.scalars(of_phone.order_by(household_phone.c.number)))
    found = [await find_household(db, number, closed=True) for number in numbers]
    return [household for household in found if household is not None]


async def before_officer(db: AsyncConnection, caller: Caller, number: str, role: str) -> Household:
    """The household that stands before the calling officer, locked: of the mutuelle in which she has this role."""
    household = expect_household(await find_household(db, number), number)
    await appointment_of(db, caller, household.mutuelle_id, Role(role))
    return expect_household(await lock_household(db, number), number)


async def refuse_while_paying(db: AsyncConnection, household: Household) -> None:
    """SupportError while a payment of its own, or a payout to it, is under way: it belongs to the household as it is.

    What another pays is kept for it whatever becomes of it.
    """
    payment = await open_payment(db, household)
    if payment and not payment.by_another:
        raise SupportError(
            f"a payment of {payment.amount} for household {household.number} is under way: wait until it is settled"
        )
    refunds = (payout.c.mutuelle_id == household.mutuelle_id) & (payout.c.debit == household.account)
    for refund in await payouts_where(db, refunds & payout.c.state.in_(OPEN)):
        raise SupportError(
            f"{refund.amount} is being paid back to household {household.number}: wait until it is settled"
        )


def cover_in_words(cover: Cover) -> str:
    """Its state with its days: of one that waits when cover begins, of one that is over its last day."""
    if cover.until_on is None:
        return cover.state
    if cover.state is CoverState.WAITING:
        days = f"from {cover.from_on} until {cover.until_on}"
        return (
            f"waiting, covered {days}" if cover.from_on else f"waiting, not covered before {cover.until_on}"
        )
    return (
        f"{cover.state} until {cover.until_on}"
        if cover.is_covered
        else f"{cover.state}, ended {cover.until_on}"
    )
