"""Who holds a phone: its household proves that it is still theirs, a stranger says that it is not."""

from collections.abc import Callable
from dataclasses import replace

from locales import Fact, Sentence, _
from menus.words import COVER, HOUSEHOLD
from mutuelle.contributions.family import birth_year
from mutuelle.households.caller_profile import profile_of
from mutuelle.households.confirmation import NOTHING_WAITS
from mutuelle.households.holders import deny_phone, number_and_year, prove_holder
from mutuelle.households.households import household_by_number
from mutuelle.households.member_numbers import member_number, shown_number
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.support.freezes import Noticed, freeze_household, heeds_no, noticed
from talk.keywords import BY_MESSAGE, by_message, word_for
from talk.words import Caller, Consent, Option, Request, ask, choose, confirm, do, look, order

PROOF, NOT_ME = "proof", "not me"
NOTHING = _("Nothing was changed.")


def to_prove(caller: Caller) -> Sentence:
    """To who asks by SMS for what a phone in doubt is not shown."""
    facts: dict[str, Fact] = {"household": word_for(HOUSEHOLD, caller.language), "number": "101482939"}
    return _(
        "To see your household on this phone again, send {household}, its number and the year of birth of one of "
        "you, like {household} {number} 1981.",
        **facts,
    )


async def prove(caller: Caller) -> Sentence:
    """Behind "my household" of a phone in doubt: nothing is shown before one thing of the household is known."""
    if caller.gateway == BY_MESSAGE:
        proof = await ask(to_prove(caller), number_and_year(caller.at.date()))
        return await known_again(caller, *proof)
    what = await choose(
        _("Is your household on this phone? We ask for its number and the year of birth of one of you."),
        (Option(PROOF, _("Yes, here they are"), "1"), Option(NOT_ME, _("Not me"), "2")),
    )
    if what.key == NOT_ME:
        return await somebody_else(caller)
    number = await ask(_("The household's member number?"), member_number)
    year = await ask(_("The year of birth of one of you, like 1990?"), birth_year(caller.at.date()))
    return await known_again(caller, number, year)


async def known_again(caller: Caller, number: str, year: int) -> Sentence:
    agreed = await order(_("Show household {number} on this phone again?", number=shown_number(number)))
    if not agreed:
        return NOTHING
    wrong = await do(prove_holder, number=number, birth_year=year)
    if wrong is not None:
        return wrong
    if caller.gateway == BY_MESSAGE:
        return _(
            "Thank you: your household is on this phone again. For your cover, send {cover}.",
            cover=word_for(COVER, caller.language),
        )
    return _("Thank you: your household is on this phone again. Dial again to see it.")


@by_message(
    _("NOTME"),
    said=_("WRONG+NUMBER NOT+MY+NUMBER NOT+MY+HOUSEHOLD NUMBER+NOT+MINE DONT+KNOW+HOUSEHOLD|MUTUELLE"),
    weight=6,
)
async def says_no(caller: Caller) -> Sentence:
    """A no to what the phone was told: what can be stopped is stopped at once, and a person looks.

    From a phone in doubt it says that the household is another's; so does "wrong number" from any phone of a household.
    """
    found = await look(noticed, caller)
    if found and not found.in_doubt:
        return await stop(caller, found)
    if found:
        return await somebody_else(caller, order)
    return await somebody_else(caller) if (await look(profile_of, caller)).households else NOTHING_WAITS


says_no = replace(says_no, denied="HELP", heeds_no=heeds_no)


async def stop(caller: Caller, found: Noticed) -> Sentence:
    number = shown_number(found.number)
    agreed = await order(
        _("Stop changes and care codes of household {number} until the mutuelle has looked?", number=number)
    )
    if not agreed:
        return NOTHING
    household = await look(household_by_number, found.number)
    mutuelle = await look(get_mutuelle, household.mutuelle_id)
    await do(freeze_household, number=found.number)
    return noted(number, mutuelle.complaints)


def noted(number: str, complaints: str) -> Sentence:
    return _(
        "Noted: no change and no care code for household {number} before the mutuelle has looked. "
        "Your cover goes on. Questions: {phone}",
        number=number,
        phone=complaints,
    )


async def somebody_else(
    caller: Caller, asking: Callable[[Sentence], Request[Consent | None]] = confirm
) -> Sentence:
    """Who holds the phone says that the household is another's; a phone in doubt says so in one message (`order`)."""
    agreed = await asking(
        _(
            "You are not of that household? We shall write nothing about it to this phone, and tell the mutuelle."
        )
    )
    if not agreed:
        return NOTHING
    await do(deny_phone)
    return _(
        "Thank you. Nothing about that household comes to this phone any more. You may join with your own."
    )
