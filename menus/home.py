"""Home: the same digit for the same thing, for every caller, in every language, for ever."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from locales import Sentence, _
from menus.cover import cover
from menus.join import join
from menus.language import language
from menus.mutuelle import about_mutuelle
from menus.pay import pay
from mutuelle.households import households_of
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
MUTUELLE = Door("7", "mutuelle", _("The mutuelle"), about_mutuelle)
LANGUAGE = Door("8", "language", _("Language"), language)


async def home(caller: Caller) -> Sentence:
    is_member = bool(await look(households_of, caller))
    door = await choose(
        _("Keneya, your health cover"), (COVER if is_member else JOIN, PAY, MUTUELLE, LANGUAGE)
    )
    return await door.menu(caller)
