"""Households that an officer registered and nobody has confirmed: the treasurers' list."""

from locales import Sentence, _
from mutuelle.confirmation import Unconfirmed, unconfirmed_in
from mutuelle.staff.roles import Office
from talk.words import Caller, choose, look


async def unconfirmed(caller: Caller, office: Office) -> Sentence:
    waiting = await look(unconfirmed_in, office.mutuelle_id)
    if not waiting:
        return _("Every household that an agent registered has been confirmed.")
    return told(await choose(_("Not confirmed yet:"), waiting))


def told(one: Unconfirmed) -> Sentence:
    """Which household, who wrote it when, and what is missing."""
    return _(
        "{number}, {name}, {place}, registered {date} by {officer}. {why}",
        number=one.home.shown_number,
        name=one.home.head_name,
        place=one.place_name,
        date=one.on,
        officer=one.officer,
        why=why(one),
    )


def why(one: Unconfirmed) -> Sentence:
    if one.denied:
        return _("A phone said: NOT OURS.")
    return _("Its phone has not answered.") if one.has_phone else _("It has no phone.")
