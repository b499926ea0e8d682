"""A household's card of codes for care: an officer notes that she has handed it over, or ends one that is lost."""

from locales import Fact, Sentence, _
from menus.find import NOT_FOUND, find_household, found_as
from menus.words import work_pin
from mutuelle.care.cards import HouseholdCard, card_of, end_card, hand_over
from mutuelle.households.households import Household, phones_of
from mutuelle.officers.roles import Appointment
from mutuelle.scheme.mutuelles import get_mutuelle
from talk.words import Caller, Option, choose, confirm, do, look

CARD = _("A household's card")
HAND, END = "hand over", "end"
NOTHING = _("Nothing was changed.")


async def card(caller: Caller, appointment: Appointment) -> Sentence:
    household = await find_household(caller, appointment)
    if household is None:
        return NOT_FOUND
    found = await look(card_of, household)
    if found is None:
        return _("{household}: no card is printed. Please ask your mutuelle.", household=found_as(household))
    hands_over = await _hands_over(appointment, household, found)
    agreed = await confirm(terms(household, found, hands_over=hands_over))
    if not agreed:
        return NOTHING
    phones = await look(phones_of, household)
    act = hand_over if hands_over else end_card
    facts = {"number": household.number, "card": found.card, "role": appointment.role}
    wrong = await do(act, **facts, pin=await work_pin())
    return wrong or done(hands_over=hands_over, has_phone=bool(phones))


async def _hands_over(appointment: Appointment, household: Household, found: HouseholdCard) -> bool:
    """Whether the officer hands it over; else she ends it."""
    facts: dict[str, Fact] = {"household": found_as(household), "card": found.card}
    lost = Option(END, _("It is lost or wrong: end it"), "2")
    if found.handed_at is not None:
        await choose(_("{household}: card no. {card}, codes left: {left}.", **facts, left=found.left), [lost])
        return False
    day = (await look(get_mutuelle, appointment.mutuelle_id)).today(found.printed_at)
    given = Option(HAND, _("I hand it over"), "1")
    asked = _("{household}: card no. {card}, printed on {day}.", **facts, day=day)
    return (await choose(asked, [given, lost])).key == HAND


def terms(household: Household, found: HouseholdCard, *, hands_over: bool) -> Sentence:
    facts: dict[str, Fact] = {
        "card": found.card,
        "name": household.head_name,
        "number": household.shown_number,
    }
    if hands_over:
        return _(
            "Card no. {card} is in the hands of {name}, number {number}? From now on its codes serve.",
            **facts,
        )
    return _("End card no. {card} of {name}, number {number}? Its codes will serve no more.", **facts)


def done(*, hands_over: bool, has_phone: bool) -> Sentence:
    """What was done; to a household without a phone the officer says what an SMS says to others."""
    if has_phone:
        return _("Noted. The household is told by SMS.")
    if hands_over:
        return _(
            "Noted. Tell them: the number, then one code, to the doctor only. Each serves once. "
            "Lost card: they tell the mutuelle."
        )
    return _("Noted. Tell them that the card serves no more.")
