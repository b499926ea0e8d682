"""Sentences and questions that several menus share."""

from locales import Money, Sentence, _
from mutuelle.households import Household, households_of
from mutuelle.payments import OpenPayment
from talk.words import Caller, choose, look


async def whom(caller: Caller) -> Household | None:
    """The household this call is about; asked only where the phone speaks for several."""
    homes = await look(households_of, caller)
    if len(homes) < 2:
        return homes[0] if homes else None
    chosen: Household = await choose(_("For which household?"), homes)
    return chosen


def part_of(least: Money) -> Sentence:
    return _("A part: {amount}", amount=least)


def under_way(payment: OpenPayment, caller: Caller) -> Sentence:
    """A payment waits: where, and that nothing is asked twice. Another's phone is not named."""
    if payment.payer_phone != caller.phone:
        return _(
            "A payment of {amount} is under way on another phone. Wait for our SMS.", amount=payment.amount
        )
    return _(
        "A payment of {amount} is under way. Approve it with your PIN or wait for our SMS: never charged twice.",
        amount=payment.amount,
    )
