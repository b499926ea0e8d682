"""The treasurers' list of households that an officer registered and nobody has confirmed; her word, and the card, of
any household.
"""

from locales import Sentence, _
from menus.card import CARD, card
from menus.officers_word import WORD, officers_word
from mutuelle.households.confirmation import Unconfirmed, unconfirmed_in
from mutuelle.officers.roles import Appointment
from talk.words import Caller, Option, choose, look, show

HOUSEHOLD_CARD, CARD_DIGIT = "card", "9"  # behind however many wait
HER_WORD, WORD_DIGIT = "word", "8"


async def unconfirmed(caller: Caller, appointment: Appointment) -> Sentence:
    waiting = {one.key: one for one in await look(unconfirmed_in, appointment.mutuelle_id)}
    title = (
        _("Not confirmed yet:")
        if waiting
        else _("Every household that an agent registered has been confirmed.")
    )
    offered = [Option(key, one.label) for key, one in waiting.items()]
    offered += [Option(HER_WORD, WORD, WORD_DIGIT), Option(HOUSEHOLD_CARD, CARD, CARD_DIGIT)]
    chosen = await choose(title, offered)
    if chosen.key == HOUSEHOLD_CARD:
        return await card(caller, appointment)
    if chosen.key == HER_WORD:
        return await officers_word(caller, appointment)
    return await show(described(waiting[chosen.key]))


def described(one: Unconfirmed) -> Sentence:
    """Which household, who wrote it when, and what is missing."""
    return _(
        "{number}, {name}, {place}, registered {date} by {officer}. {why}",
        number=one.household.shown_number,
        name=one.household.head_name,
        place=one.place_name,
        date=one.on,
        officer=one.who,
        why=why(one),
    )


def why(one: Unconfirmed) -> Sentence:
    if one.denied:
        return _("A phone said: NOT OURS.")
    return _("Its phone has not answered.") if one.has_phone else _("It has no phone.")
