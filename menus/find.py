"""How an officer finds a household of her mutuelle: by its number, by its phone, by its head's name."""

from locales import Sentence, _
from menus.words import one_of
from mutuelle.households.households import Household
from mutuelle.households.search import MOST_FOUND, Found, Sought, household_sought, households_sought
from mutuelle.officers.roles import Appointment
from talk.phones import region_of
from talk.words import Caller, Option, ask, look

TRIES = 3  # in one call
WHICH, NOT_FOUND = _("Which household? Its number, phone or name"), _("No household was found.")


async def find_household(caller: Caller, appointment: Appointment) -> Household | None:
    """The household that is meant; None where TRIES found none."""
    found = await find(caller, appointment, numbers_as_typed=False)
    return found if isinstance(found, Household) else None


async def find_number(caller: Caller, appointment: Appointment) -> str | None:
    """Its number; one that was typed as it is, also of a closed household, at which the next look looks."""
    found = await find(caller, appointment, numbers_as_typed=True)
    return found.number if isinstance(found, Household) else found


async def find(caller: Caller, appointment: Appointment, *, numbers_as_typed: bool) -> Household | str | None:
    question = WHICH
    for _try in range(TRIES):
        sought = await ask(question, household_sought(region_of(caller.phone)))
        if sought.number and numbers_as_typed:
            return sought.number
        found = await look(households_sought, caller, appointment, sought)
        if found and len(found) <= MOST_FOUND:
            return await meant(found)
        question = again(sought, is_many=bool(found))
    return None


def again(sought: Sought, *, is_many: bool) -> Sentence:
    if is_many:
        return _("Many are called {sought}. First and last name, phone or number?", sought=sought.shown)
    return _("Not found: {sought}. The household's number, phone or name?", sought=sought.shown)


async def meant(found: list[Found]) -> Household:
    if len(found) == 1:
        return found[0].household
    chosen = await one_of(_("Which one?"), [Option(one.key, one.label) for one in found])
    return next(one.household for one in found if one.key == chosen.key)


def found_as(household: Household) -> Sentence:
    """Who was found, said before anything is asked about it."""
    return _("{name}, {number}", name=household.head_name, number=household.shown_number)
