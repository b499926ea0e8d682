"""Is this household yours? The first question to a phone that an enrolment officer wrote down."""

from locales import Sentence, _, _n
from mutuelle.households.confirmation import (
    CONFIRM,
    NOTHING_WAITS,
    Unconfirmed,
    confirm_household,
    deny_household,
    unconfirmed_of,
)
from talk.keywords import by_message
from talk.words import Caller, confirm, do, look


@by_message(CONFIRM, strangers=True)
async def answer(caller: Caller) -> Sentence:
    waiting = await look(unconfirmed_of, caller)
    return await answer_first(waiting) if waiting else NOTHING_WAITS


async def answer_first(waiting: Unconfirmed) -> Sentence:
    """Yes, no, or not now. The phone may be a stranger's: it is shown initials and place only."""
    household = waiting.household
    question = _n(
        "The agent {officer} ({mutuelle}) has registered you: {initials}, {place}, {n} person. Is it you?",
        "The agent {officer} ({mutuelle}) has registered you: {initials}, {place}, {n} people. Is it you?",
        waiting.size,
        officer=waiting.officer,
        mutuelle=household.mutuelle_name,
        initials=household.initials,
        place=waiting.place_name,
    )
    if await confirm(question):
        await do(confirm_household, number=household.number)
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
    await do(deny_household, number=household.number)
    return _("Thank you. Your phone is no longer on that household. You may now join with yours.")
