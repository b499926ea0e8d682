"""The treasurer: the balance now, the answer to a summary, what others found wrong, and when summaries come."""

from locales import Sentence, _
from mutuelle.households.caller_profile import profile_of
from mutuelle.officers.roles import Appointment, Role
from mutuelle.schedules.digest.answers import (
    ERR,
    OK,
    Remark,
    SentDigest,
    answer_digest,
    digests_to_answer,
    remarks,
)
from mutuelle.schedules.digest.digest import balance_now
from mutuelle.schedules.digest.words import summary
from mutuelle.schedules.jobs import choose_hour, day_hour, stop_digests
from talk.answers import reason_words
from talk.keywords import by_message, word_for
from talk.words import Caller, Option, ask, choose, confirm, do, look, order, show

BALANCE = _("BALANCE")
NOT_A_TREASURER = _("This word is for the treasurers of a mutuelle.")
NOTHING_TO_ANSWER = _("No summary of the last 7 days waits for your answer.")
HEARD = _("Thank you. Your answer is kept.")
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


@by_message(BALANCE, officers=True)
async def balance_by_message(caller: Caller) -> Sentence:
    appointments = [
        appointment
        for appointment in (await look(profile_of, caller)).appointments
        if appointment.role is Role.TREASURER
    ]
    if not appointments:
        return NOT_A_TREASURER
    appointment = (
        appointments[0] if len(appointments) == 1 else await choose(_("Of which mutuelle?"), appointments)
    )
    return await balance(caller, appointment)


@by_message(_("OK"), officers=True)
async def ok_by_message(caller: Caller) -> Sentence:
    about = await last_digest(caller)
    return await right(about) if about else NOTHING_TO_ANSWER


@by_message(_("ERR"), officers=True)
async def err_by_message(caller: Caller) -> Sentence:
    about = await last_digest(caller)
    return await wrong(about) if about else NOTHING_TO_ANSWER


async def last_digest(caller: Caller) -> SentDigest | None:
    """The summary that an answer is about; asked for only where the caller keeps several mutuelles."""
    found = await look(digests_to_answer, caller)
    if len(found) < 2:
        return found[0] if found else None
    chosen: SentDigest = await choose(_("The summary of which mutuelle?"), found)
    return chosen


async def balance(caller: Caller, appointment: Appointment) -> Sentence:
    return summary(await look(balance_now, caller, appointment.mutuelle_id), caller.language, asks=False)


async def answer(caller: Caller, appointment: Appointment) -> Sentence:
    found = [
        one for one in await look(digests_to_answer, caller) if one.mutuelle_id == appointment.mutuelle_id
    ]
    if not found:
        return NOTHING_TO_ANSWER
    agreed = await confirm(
        _("{mutuelle}: is the summary of {day} right?", mutuelle=found[0].label, day=found[0].on),
        yes=_("All is right"),
        no=_("Something is wrong"),
    )
    return await (say_right(found[0]) if agreed else wrong(found[0]))


async def right(about: SentDigest) -> Sentence:
    agreed = await order(_("{mutuelle}: is the summary of {day} right?", mutuelle=about.label, day=about.on))
    return await say_right(about) if agreed else _("Nothing was changed.")


async def say_right(about: SentDigest) -> Sentence:
    await say(about, OK, None)
    return HEARD


async def wrong(about: SentDigest) -> Sentence:
    reason = await ask(_("What is wrong? In a few words"), reason_words)
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


async def say(about: SentDigest, verdict: str, reason: str | None) -> None:
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
