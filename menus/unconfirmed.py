"""Households that an officer registered and nobody has confirmed: the treasurers' list."""

from locales import Sentence, _
from mutuelle.households.confirmation import Unconfirmed, unconfirmed_in
from mutuelle.officers.roles import Appointment
from talk.words import Caller, choose, look, show


async def unconfirmed(caller: Caller, appointment: Appointment) -> Sentence:
    waiting = await look(unconfirmed_in, appointment.mutuelle_id)
    if not waiting:
        return _("Every household that an agent registered has been confirmed.")
    return await show(described(await choose(_("Not confirmed yet:"), waiting)))


def described(one: Unconfirmed) -> Sentence:
    """Which household, who wrote it when, and what is missing."""
    return _(
        "{number}, {name}, {place}, registered {date} by {officer}. {why}",
        number=one.household.shown_number,
        name=one.household.head_name,
        place=one.place_name,
        date=one.on,
        officer=one.officer,
        why=why(one),
    )


def why(one: Unconfirmed) -> Sentence:
    if one.denied:
        return _("A phone said: NOT OURS.")
    return _("Its phone has not answered.") if one.has_phone else _("It has no phone.")
