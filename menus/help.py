"""Help by SMS: each role's own words; what is said to whom nobody understood; the last word of a day."""

from dataclasses import replace

from locales import Fact, Sentence, _
from menus.arrears import arrears, detail
from menus.by_words import (
    benefits_by_message,
    mutuelle_of,
    own_mutuelle,
    prices_by_message,
    receipts_by_message,
)
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
from mutuelle.scheme.mutuelles import mutuelles_near
from talk.keywords import STOP, ByMessage, by_message, word_for
from talk.words import Caller, look

PHONES_SHOWN = 2  # in one SMS, beside what is said


@by_message(
    _("HELP"),
    said=_(
        "HELPS HOW+WORK* INFO INFORMATION EXPLAIN KNOW MENU OPTIONS COMMANDS WORDS KENEYA DONT+UNDERSTAND WHAT+DO+I+DO"
    ),
    strangers=True,
    weight=0,
)
async def help_by_message(caller: Caller) -> Sentence:
    profile = await look(profile_of, caller)
    roles = {appointment.role for appointment in profile.appointments}
    work = at_work(roles, caller.language)
    words = keywords(caller.language)
    if work and profile.households:
        return _(
            "{work} For your own household: {cover}, {pay} 5000. {stop}: fewer messages.", work=work, **words
        )
    if work:
        return _("{work} Questions: {phone}", work=work, phone=(await mutuelle_of(caller)).complaints)
    if not profile.households:
        whole, short = for_strangers(await whom_to_call(caller), words)
        return whole.or_else(short)
    return _(
        "{cover}: are you covered? {pay} 5000: pay. {doctor}: find one. {household}: your people. "
        "{price}, {care}, {receipt}. {stop}: fewer messages.",
        **words,
    )


@by_message(
    _("COLLECT"),
    officers=True,
    said=_("COLLECTED|RECEIVED|RECEIVE|GAVE|PAID|TOOK+# COLLECT+MONEY|CASH RECORD+PAYMENT|CASH|MONEY|#"),
    weight=7,
)
async def collects_by_message(caller: Caller) -> Sentence:
    """Cash is recorded by a call, with the PIN: a collector who writes it is told how."""
    return await help_by_message.menu(caller)


collects_by_message = replace(collects_by_message, role=Role.COLLECTOR)


def keywords(language: str) -> dict[str, Fact]:
    """The words that members are told."""
    named: dict[str, ByMessage] = {
        "cover": cover,
        "doctor": doctors_by_message,
        "household": household_by_message,
        "price": prices_by_message,
        "receipt": receipts_by_message,
        "care": benefits_by_message,
        "join": join_by_message,
    }
    shown: dict[str, Fact] = {name: word_for(menu.keyword, language) for name, menu in named.items()}
    return shown | {"pay": word_for(PAY, language), "stop": word_for(STOP, language)}


def at_work(roles: set[Role], language: str) -> Sentence | None:
    """What the first of the caller's roles does by SMS, or by call."""
    if Role.DOCTOR in roles:
        return _(
            "{verify} number code DEL: check a patient, and the share. "
            "The code: any phone of the household, or its card.",
            verify=word_for(verify.keyword, language),
        )
    if Role.TREASURER in roles:
        return _(
            "{balance}: the balance. {late}: who is late. {detail}: more. {ok}, or {err} and why.",
            balance=word_for(BALANCE, language),
            late=word_for(arrears.keyword, language),
            detail=word_for(detail.keyword, language),
            ok=word_for(ok_by_message.keyword, language),
            err=word_for(err_by_message.keyword, language),
        )
    if Role.COLLECTOR in roles:
        return _(
            "{balance}: the cash that you hold. To record cash, call the service and press 9, then 1.",
            balance=word_for(BALANCE, language),
        )
    if Role.ENROLMENT in roles:
        return _(
            "{register} place, name, ages, phone: a new household.",
            register=word_for(registers_by_message.keyword, language),
        )
    return None


async def not_understood(caller: Caller) -> Sentence:
    """The answer to words that mean nothing here: to each with her own words, and whom to call."""
    profile = await look(profile_of, caller)
    words = keywords(caller.language)
    work = at_work({appointment.role for appointment in profile.appointments}, caller.language)
    phone = await whom_to_call(caller)
    if work:
        return _("Not understood. {work} Questions: {phone}", work=work, phone=phone)
    if profile.households:
        return _(
            "Not understood. Send {cover}, {pay} 5000, {doctor}, {household}, {price} or {receipt}. "
            "Or call the mutuelle: {phone}",
            phone=phone,
            **words,
        )
    whole, short = (_("Not understood. {help}", help=offer) for offer in for_strangers(phone, words))
    return whole.or_else(short)


def for_strangers(phone: Fact, words: dict[str, Fact]) -> tuple[Sentence, Sentence]:
    """What a phone without a household can send, and the same where there is no room."""
    whole = _(
        "Keneya, health cover by phone. {price}: what it costs. {join}: join. {doctor}: find one. "
        "Questions: {phone}. {stop}: no more SMS.",
        phone=phone,
        **words,
    )
    short = _(
        "Keneya, health cover by phone. Send {price}, {join} or {doctor}. Questions: {phone}. {stop}: no more SMS.",
        phone=phone,
        **words,
    )
    return whole, short


async def last_word(caller: Caller) -> Sentence:
    """Below or in place of the last answer of a day."""
    return _("We answer no more today. Questions: {phone}", phone=await whom_to_call(caller))


async def whom_to_call(caller: Caller) -> Sentence | str:
    """The phone of the caller's mutuelle, or those near; of more than an SMS holds the service tells them by call."""
    own = await own_mutuelle(caller)
    near = [own] if own else await look(mutuelles_near, caller)
    phones = list(dict.fromkeys(mutuelle.complaints for mutuelle in near))
    if len(phones) > PHONES_SHOWN:
        return _("call the service and press 7")
    return phones[0] if len(phones) == 1 else _("{phone} or {other}", phone=phones[0], other=phones[1])
