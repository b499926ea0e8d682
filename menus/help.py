"""Help by SMS: the keywords, those of the caller's role first; and the one answer to a stranger."""

from locales import Sentence, _
from menus.cover import cover
from menus.doctors import doctors_by_message
from menus.household import household_by_message
from menus.join import join_by_message
from menus.register import registers_by_message
from menus.treasurer import BALANCE, err_by_message, ok_by_message
from menus.verify import verify
from menus.words import PAY
from mutuelle.households.caller_profile import profile_of
from mutuelle.officers.roles import Role
from talk.keywords import STOP, by_message, word_for
from talk.words import Caller, look


@by_message(_("HELP"))
async def help_by_message(caller: Caller) -> Sentence:
    roles = {appointment.role for appointment in (await look(profile_of, caller)).appointments}
    language = caller.language
    words = {
        "cover": word_for(cover.keyword, language),
        "pay": word_for(PAY, language),
        "stop": word_for(STOP, language),
    }
    if work := at_work(roles, language):
        return _(
            "{work} {cover}: are you covered? {pay} 5000: pay. {stop}: fewer messages.", work=work, **words
        )
    return _(
        "{cover}: are you covered? {pay} 5000: pay. {doctor}: find one. {household}: your people. "
        "{stop}: fewer messages.",
        doctor=word_for(doctors_by_message.keyword, language),
        household=word_for(household_by_message.keyword, language),
        **words,
    )


def at_work(roles: set[Role], language: str) -> Sentence | None:
    """What the first of the caller's roles does by SMS."""
    if Role.DOCTOR in roles:
        return _("{verify} number code: check a patient.", verify=word_for(verify.keyword, language))
    if Role.TREASURER in roles:
        return _(
            "{balance}: the balance. {ok}, or {err} and why: your answer to it.",
            balance=word_for(BALANCE, language),
            ok=word_for(ok_by_message.keyword, language),
            err=word_for(err_by_message.keyword, language),
        )
    if Role.ENROLMENT in roles:
        return _(
            "{register} place, name, ages, phone: a new household.",
            register=word_for(registers_by_message.keyword, language),
        )
    return None


async def welcome(caller: Caller) -> Sentence:
    """The answer to a stranger whose message is no keyword."""
    return _(
        "Keneya, health cover by phone. To join, send {join}. To hear no more from us, send {stop}.",
        join=word_for(join_by_message.keyword, caller.language),
        stop=word_for(STOP, caller.language),
    )
