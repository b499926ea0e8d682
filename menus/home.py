"""Home: a digit keeps its meaning for ever, in every language; 1 is Join until the phone has a household."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from locales import Sentence, _
from menus.care_code import care_code
from menus.confirmation import answer_first
from menus.cover import cover
from menus.doctors import doctors
from menus.household import household
from menus.join import join
from menus.language import language
from menus.messages import messages
from menus.mutuelle import about_mutuelle
from menus.pay import pay
from menus.work import work
from mutuelle.households.caller_profile import profile_of
from mutuelle.households.confirmation import unconfirmed_of
from talk.words import Caller, Request, choose, look


@dataclass(frozen=True)
class Door:
    """One line of home; `digit` is dialled by heart and never changes its meaning."""

    digit: str
    key: str
    label: Sentence
    menu: Callable[[Caller], Coroutine[Request[Any], Any, Sentence]]


JOIN = Door("1", "join", _("Join"), join)
COVER = Door("1", "cover", _("My cover"), cover)
PAY = Door("2", "pay", _("Pay"), pay)
DOCTORS = Door("3", "doctors", _("Find a doctor"), doctors)
HOUSEHOLD = Door("4", "household", _("My household"), household)
CARE_CODE = Door("5", "care_code", _("Code for care"), care_code)
MESSAGES = Door("6", "messages", _("My messages"), messages)
MUTUELLE = Door("7", "mutuelle", _("The mutuelle"), about_mutuelle)
LANGUAGE = Door("8", "language", _("Language"), language)
WORK = Door("9", "work", _("My work"), work)


async def home(caller: Caller) -> Sentence:
    profile = await look(profile_of, caller)
    if profile.is_asked and (waiting := await look(unconfirmed_of, caller)):
        return await answer_first(caller, waiting)
    is_doubted = profile.is_doubted and not profile.households  # a stranger's home, and where it is proven
    doors: list[Door] = [
        COVER if profile.households else JOIN,
        PAY,
        DOCTORS,
        *((HOUSEHOLD, CARE_CODE, MESSAGES) if profile.households else (HOUSEHOLD,) if is_doubted else ()),
        MUTUELLE,
        LANGUAGE,
    ]
    if profile.appointments:
        doors.append(WORK)
    title = _("Keneya. Your household? Press 4") if is_doubted else _("Keneya, your health cover")
    door = await choose(title, doors)
    return await door.menu(caller)
