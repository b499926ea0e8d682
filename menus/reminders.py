"""Reminders by SMS: agreed to by one message, ended by another that must be confirmed."""

from dataclasses import replace

from locales import Sentence, _
from menus.confirmation import no_household
from mutuelle.households.caller_profile import profile_of
from mutuelle.schedules.reminders.consent import accept_reminders, stop_reminders, wants_reminders
from talk.keywords import by_message, word_for
from talk.words import Caller, do, look, order

REMIND = _("REMIND")


@by_message(REMIND, said=_("REMINDER REMINDERS TELL|WARN|CALL|WRITE|REMIND+ME+BEFORE REMIND+ME"), weight=4)
async def remind(caller: Caller) -> Sentence:
    if not (await look(profile_of, caller)).households:
        return await no_household(caller)
    if await look(wants_reminders, caller):
        return await no_more(caller)
    agreed = await order(_("Remind you by SMS before your cover ends?"))
    if not agreed:
        return _("Nothing was changed.")
    await do(accept_reminders)
    word = word_for(REMIND, caller.language)
    return _("Done. An SMS will tell you before your cover ends. To end this, send {word} again.", word=word)


remind = replace(remind, denied="HELP")


@by_message(_("NOREMINDER"), said=_("STOP+REMIND* NO+REMIND* DONT+REMIND*"), weight=5)
async def no_reminders(caller: Caller) -> Sentence:
    """STOP RAPPEL ends reminders only; STOP alone is the channel's."""
    if not await look(wants_reminders, caller):
        return _("This phone gets no reminders. Receipts and warnings still come.")
    return await no_more(caller)


no_reminders = replace(no_reminders, denied="HELP")


async def no_more(caller: Caller) -> Sentence:
    agreed = await order(_("You are reminded before your cover ends. Stop these reminders?"))
    if not agreed:
        return _("Nothing was changed.")
    await do(stop_reminders)
    return _("Done. We send no more reminders to this phone.")
