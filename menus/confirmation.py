"""Is this household yours? The first question to a phone that an enrolment officer wrote down."""

from dataclasses import replace

from locales import Sentence, _
from menus.holder import to_prove
from menus.words import COVER, JOIN, NO_HOUSEHOLD, PAY, registered
from mutuelle.contributions.foresight import if_paid
from mutuelle.contributions.standing import standing
from mutuelle.contributions.ways_to_pay import cash_instead
from mutuelle.enrolment.registration import confirm_registration, deny_registration
from mutuelle.households.caller_profile import profile_of
from mutuelle.households.confirmation import (
    CONFIRM,
    NOTHING_WAITS,
    Unconfirmed,
    is_it_you,
    number_asked_about,
    unconfirmed_of,
)
from talk.keywords import BY_MESSAGE, by_message, word_for
from talk.words import Caller, confirm, do, look


@by_message(CONFIRM, strangers=True)
async def answer(caller: Caller) -> Sentence:
    waiting = await look(unconfirmed_of, caller)
    return await answer_first(caller, waiting) if waiting else NOTHING_WAITS


answer = replace(answer, asks=number_asked_about, denied="HELP")


async def no_household(caller: Caller) -> Sentence:
    """The answer to who has no household; who is asked about one is asked again instead."""
    if waiting := await asked_about(caller):
        return await answer_first(caller, waiting)
    if caller.gateway == BY_MESSAGE:
        if (await look(profile_of, caller)).is_doubted:
            return to_prove(caller)
        word = word_for(JOIN, caller.language)
        return _("This phone speaks for no household yet. To join, send {word}.", word=word)
    return NO_HOUSEHOLD


async def asked_about(caller: Caller) -> Unconfirmed | None:
    """The household about which the service has asked this phone, if it waits for an answer."""
    is_asked = (await look(profile_of, caller)).is_asked
    return await look(unconfirmed_of, caller) if is_asked else None


async def answer_first(caller: Caller, waiting: Unconfirmed) -> Sentence:
    """Yes, no, or not now. The phone may be a stranger's: it is shown initials and place only.

    Who pays in cash is told whom, as somebody who joins by herself.
    """
    household = waiting.household
    if await confirm(is_it_you(waiting)):
        cash = await look(cash_instead, caller, household)
        stands = await look(standing, household, caller.at) if cash else None
        await do(confirm_registration, number=household.number)
        if cash and stands and stands.due.amount_minor:
            number = household.shown_number
            return registered(number, stands.due, if_paid(stands, stands.due), cash)
        if caller.gateway == BY_MESSAGE:
            return _(
                "Thank you! Your member number: {number}. For your cover, send {cover}. To pay: {pay}.",
                number=household.shown_number,
                cover=word_for(COVER, caller.language),
                pay=word_for(PAY, caller.language),
            )
        return _(
            "Thank you! Your member number: {number}. Dial again to see your cover or to pay.",
            number=household.shown_number,
        )
    denied = await confirm(
        _(
            "This household is not yours? Your phone is taken off it and {mutuelle} looks into it.",
            mutuelle=household.mutuelle_name,
        ),
        yes=_("Right, not ours"),
        no=_("I do not know"),
    )
    if not denied:
        return _("Nothing was changed. We shall ask you again.")
    await do(deny_registration, number=household.number)
    return _("Thank you. Your phone is no longer on that household. You may now join with yours.")
