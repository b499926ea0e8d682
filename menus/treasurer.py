"""The treasurer: the balance now, the answer to a summary, what others found wrong, and when summaries come."""

from dataclasses import replace

from locales import Sentence, _
from menus.cash_in_hand import in_hand
from menus.cover import cover
from menus.words import which_office
from mutuelle.households.caller_profile import profile_of
from mutuelle.officers.roles import Appointment, Role
from mutuelle.schedules.digest.answers import (
    ERR,
    OK,
    Remark,
    Summary,
    alone,
    answer_digest,
    remarks,
    summaries_to_answer,
)
from mutuelle.schedules.digest.digest import balance_now
from mutuelle.schedules.digest.month import asked_month, month_of, month_summary
from mutuelle.schedules.digest.words import summary
from mutuelle.schedules.jobs import choose_hour, day_hour, stop_digests
from mutuelle.scheme.mutuelles import get_mutuelles
from talk.answers import reason_words
from talk.keywords import Takes, by_message, word_for
from talk.words import Caller, Option, ask, choose, confirm, do, look, order, show

BALANCE = _("BALANCE")
NOT_A_TREASURER = _("This word is for the treasurers of a mutuelle.")
HEARD = _("Thank you. Your answer is kept.")
HEARD_TODAY = _("No summary waits for your answer: your OK is kept for the accounts of today.")
HEARD_WRONG = _("Your remark is kept, and the other treasurers are told by SMS.")
DAYS = (
    Option("1", _("Monday")),
    Option("2", _("Tuesday")),
    Option("3", _("Wednesday")),
    Option("4", _("Thursday")),
    Option("5", _("Friday")),
    Option("6", _("Saturday")),
    Option("0", _("Sunday")),
)


@by_message(
    BALANCE,
    said=_("BOX CASHBOX ACCOUNT* SUMMARY BOOK* HOW+MUCH+BOX|CASH|COLLECTED|HOLD|HAND MONEY HAND+OVER"),
    takes=Takes.WORDS,
    officers=True,
    weight=6,
)
async def balance_by_message(caller: Caller) -> Sentence:
    """The balance now, or of the month that is named behind the word.

    A collector means the cash that he holds, others their own household.
    """
    found = await treasuries(caller)
    if not found:
        return await held_or_owed(caller)
    question = _(
        "The balance of which month? Like 11 or november. For today, send {word} alone.",
        word=word_for(BALANCE, caller.language),
    )
    kept = await look(get_mutuelles, [appointment.mutuelle_id for appointment in found])
    first = await ask(question, asked_month(min(one.today(caller.at) for one in kept.values())))
    appointment = await which_office(found)
    if first is None:
        return await balance(caller, appointment)
    return month_summary(await look(month_of, caller, appointment.mutuelle_id, first), caller.language)


async def held_or_owed(caller: Caller) -> Sentence:
    """What BILAN and SOLDE mean from who is no treasurer."""
    profile = await look(profile_of, caller)
    holds = [appointment for appointment in profile.appointments if appointment.role is Role.COLLECTOR]
    if holds:
        return await in_hand(caller, await which_office(holds))
    return await cover.menu(caller) if profile.households else NOT_A_TREASURER


async def treasuries(caller: Caller) -> list[Appointment]:
    """The mutuelles whose treasurer the caller is."""
    appointments = (await look(profile_of, caller)).appointments
    return [appointment for appointment in appointments if appointment.role is Role.TREASURER]


@by_message(
    _("OK"),
    officers=True,
    said=_(
        "=YES =RIGHT ALL+RIGHT|GOOD|FINE|WELL|CORRECT =CORRECT BALANCE|FIGURES|ACCOUNTS|BOX+RIGHT|CORRECT|GOOD "
        "AGREE|CONFIRM+BALANCE|FIGURES|ACCOUNTS NOTHING|NO+WRONG|MISSING"
    ),
)
async def ok_by_message(caller: Caller) -> Sentence:
    """All is right; other words behind it than thanks are no OK, and nothing is kept."""
    if not await treasuries(caller):
        return NOT_A_TREASURER
    words = {"ok": word_for(ok_by_message.keyword, caller.language)}
    words["err"] = word_for(err_by_message.keyword, caller.language)
    await ask(_("Is all right? Send {ok} alone. Something wrong? Send {err} and what.", **words), alone)
    about = await last_summary(caller)
    return await right(about) if about else NOT_A_TREASURER


ok_by_message = replace(ok_by_message, role=Role.TREASURER, denied="ERR")


@by_message(
    _("ERR"),
    officers=True,
    said=_(
        "NOT+RIGHT|CORRECT|GOOD|AGREE|OK|MATCH|TALLY DISAGREE MISSING|MISSES SHORT MISTAKE|ERROR|WRONG "
        "GAP|DIFFERENCE DOESNT+MATCH|TALLY|AGREE TOO+MUCH"
    ),
    takes=Takes.WORDS,
    weight=7,
)
async def err_by_message(caller: Caller) -> Sentence:
    return await remark(caller)


err_by_message = replace(err_by_message, role=Role.TREASURER, denied="HELP")


async def remark(caller: Caller, reason: str = "") -> Sentence:
    """Something is wrong; `reason`: what, where she has said it."""
    about = await last_summary(caller)
    return await wrong(about, reason) if about else NOT_A_TREASURER


async def last_summary(caller: Caller) -> Summary | None:
    """The summary that an answer is about; asked for only where the caller keeps several mutuelles."""
    found = await look(summaries_to_answer, caller)
    if len(found) < 2:
        return found[0] if found else None
    chosen: Summary = await choose(_("The summary of which mutuelle?"), found)
    return chosen


async def balance(caller: Caller, appointment: Appointment) -> Sentence:
    return summary(await look(balance_now, caller, appointment.mutuelle_id), caller.language, asks=False)


async def answer(caller: Caller, appointment: Appointment) -> Sentence:
    [about] = [
        one for one in await look(summaries_to_answer, caller) if one.mutuelle_id == appointment.mutuelle_id
    ]
    agreed = await confirm(
        _("{mutuelle}: is the summary of {day} right?", mutuelle=about.label, day=about.on),
        yes=_("All is right"),
        no=_("Something is wrong"),
    )
    return await (say_right(about) if agreed else wrong(about))


async def right(about: Summary) -> Sentence:
    agreed = await order(_("{mutuelle}: is the summary of {day} right?", mutuelle=about.label, day=about.on))
    return await say_right(about) if agreed else _("Nothing was changed.")


async def say_right(about: Summary) -> Sentence:
    await say(about, OK, None)
    return HEARD_TODAY if about.of_balance else HEARD


async def wrong(about: Summary, reason: str = "") -> Sentence:
    reason = reason or await ask(_("What is wrong? In a few words"), reason_words)
    agreed = await order(
        _(
            "{mutuelle}, summary of {day}: tell the other treasurers what is wrong? {reason}",
            mutuelle=about.label,
            day=f"{about.on:%d/%m}",
            reason=reason,
        )
    )
    if not agreed:
        return _("Nothing was changed.")
    await say(about, ERR, reason)
    return HEARD_WRONG


async def say(about: Summary, verdict: str, reason: str | None) -> None:
    await do(
        answer_digest,
        mutuelle_id=about.mutuelle_id,
        digest_of=about.fired_for.isoformat(),
        verdict=verdict,
        reason=reason,
    )


async def what_is_wrong(caller: Caller, appointment: Appointment) -> Sentence:
    """The remarks of all treasurers that wait to be settled."""
    found = await look(remarks, appointment.mutuelle_id, caller.at)
    if not found:
        return _("No treasurer has found anything wrong.")
    one: Remark = await choose(_("Remarks that wait:"), found)
    return await show(_("{name}, summary of {day}: {reason}", name=one.name, day=one.on, reason=one.reason))


async def hour(caller: Caller, appointment: Appointment) -> Sentence:
    """When summaries come: every week, every day, never."""
    how = await choose(
        _("The summary by SMS, when?"),
        (
            Option("week", _("Every week"), "1"),
            Option("day", _("Every day"), "2"),
            Option("never", _("Never"), "3"),
        ),
    )
    if how.key == "never":
        return await no_summary(caller, appointment)
    weekday = await choose(_("On which day?"), DAYS) if how.key == "week" else None
    at = await ask(_("At what hour? From 7 to 19"), day_hour)
    when = _("every day") if weekday is None else _("every week, {day}", day=weekday.label)
    agreed = await confirm(
        _(
            "{mutuelle}: the summary by SMS {when}, at {hour}:00?",
            mutuelle=appointment.mutuelle_name,
            when=when,
            hour=at,
        )
    )
    if not agreed:
        return _("Nothing was changed.")
    await do(
        choose_hour,
        mutuelle_id=appointment.mutuelle_id,
        weekday=int(weekday.key) if weekday else None,
        hour=at,
    )
    return _("Done. The summary comes {when}, at {hour}:00.", when=when, hour=at)


async def no_summary(caller: Caller, appointment: Appointment) -> Sentence:
    agreed = await confirm(_("{mutuelle}: no more summaries by SMS?", mutuelle=appointment.mutuelle_name))
    if not agreed:
        return _("Nothing was changed.")
    await do(stop_digests, mutuelle_id=appointment.mutuelle_id)
    return _(
        "Done. You can still ask for it: press 9, or send {word}.", word=word_for(BALANCE, caller.language)
    )
