"""The cash that a collector holds: in my work, and by SMS under the treasurer's word."""

from locales import Money, Sentence, _, counts
from mutuelle.dates import local_date
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.cash_in_hand import cash_in_hand_of
from talk.words import Caller, look


async def in_hand(caller: Caller, appointment: Appointment) -> Sentence:
    """What the collector holds, since when, and how long that may go on."""
    cash_in_hand = await look(cash_in_hand_of, appointment)
    if cash_in_hand.since_on is None:
        return _("You hold no cash of {mutuelle}.", mutuelle=appointment.mutuelle_name)
    limits = cash_in_hand.limit_changes.on(local_date(caller.at, cash_in_hand.timezone))
    return _(
        "You have held {held} since {day}. Give it to a treasurer before {limit} or {most}.",
        held=cash_in_hand.held,
        day=cash_in_hand.since_on,
        limit=counts.days(limits.cash_days),
        most=Money(limits.cash_held_minor, cash_in_hand.held.currency),
    )
