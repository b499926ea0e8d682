"""Sentences and questions that several menus share."""

from locales import Money, Sentence, _
from mutuelle.households import Household, households_of
from mutuelle.payments import OpenPayment
from talk.phones import shown_phone
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


def under_way(payment: OpenPayment) -> Sentence:
    """A payment waits: what to do, and that nothing is asked twice."""
    return _(
        "A payment of {amount} is under way on {phone}. Approve it there, or wait for our SMS. "
        "You cannot be charged twice.",
        amount=payment.amount,
        phone=shown_phone(payment.payer_phone),
    )
