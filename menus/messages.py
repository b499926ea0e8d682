"""My messages: the last receipts, who checked the cover, reminders and SMS on or off."""

from collections.abc import Sequence

from locales import Sentence, _
from menus.words import NO_HOUSEHOLD, whom
from mutuelle.care.eligibility_history import Check, checks_of
from mutuelle.schedules.reminders.consent import (
    accept_reminders,
    relative_of,
    remind_relative,
    stop_reminders,
    wants_reminders,
)
from mutuelle.treasury.past_receipts import (
    PastReceipt,
    SmsTaken,
    last_receipts,
    messages_taken,
    start_messages,
    stop_messages,
)
from mutuelle.treasury.unmatched.groups import MOST_PAYER
from talk.phones import shown_phone
from talk.words import Caller, Option, choose, confirm, do, look, show

RECEIPTS, CHECKS, REMINDERS, SMS = "receipts", "checks", "reminders", "sms"
RELATIVE = "relative"
RECEIPTS_SHOWN = 4
PAYER_IN_SHORT = 6  # letters
CHECKS_SHOWN = 3
TITLES = {
    SmsTaken.ALL: _("My messages"),
    SmsTaken.IMPORTANT: _("Only receipts and warnings come by SMS."),
    SmsTaken.NONE: _("Your operator stops our SMS to this phone."),
}


async def messages(caller: Caller) -> Sentence:
    taken = await look(messages_taken, caller)
    reminded = await look(wants_reminders, caller)
    topic = await choose(TITLES[taken], topics(taken is SmsTaken.ALL, reminded))
    if topic.key == REMINDERS:
        return await (no_reminders() if reminded else reminders())
    if topic.key == RELATIVE:
        return await relatives_reminders(caller)
    if topic.key == SMS:
        return await (stop() if taken is SmsTaken.ALL else start(taken))
    household = await whom(caller)
    if household is None:
        return NO_HOUSEHOLD
    if topic.key == CHECKS:
        checks = await look(checks_of, household, CHECKS_SHOWN)
        if not checks:
            return await show(_("No doctor has checked your cover yet."))
        return await show(checked(checks))
    receipts = await look(last_receipts, household, RECEIPTS_SHOWN)
    if not receipts:
        return await show(_("No receipt yet. To pay: dial again, press 2."))
    return await show(listed_receipts(receipts))


def topics(takes: bool, reminded: bool) -> list[Option]:
    """A digit means the same whatever is left out; `takes`: all SMS, so that there are reminders."""
    offered = [
        Option(RECEIPTS, _("Last receipts"), "1"),
        Option(CHECKS, _("Who checked my cover"), "2"),
    ]
    if takes:
        offered.append(Option(REMINDERS, _("Stop reminders") if reminded else _("Be reminded"), "3"))
    offered.append(Option(SMS, _("Only important SMS") if takes else _("Receive all SMS"), "4"))
    return [*offered, Option(RELATIVE, _("Reminders to a relative"), "5")]


def listed_receipts(receipts: Sequence[PastReceipt]) -> Sentence:
    """With who paid for the household among others, or the beginning of that name where there is no room."""
    whole, short = (
        ", ".join(receipt.line(most) for receipt in receipts) for most in (MOST_PAYER, PAYER_IN_SHORT)
    )
    return _("Last receipts: {receipts}.", receipts=whole).or_else(
        _("Last receipts: {receipts}.", receipts=short)
    )


def checked(checks: Sequence[Check]) -> Sentence:
    """On which days, at which facility, and no more: a stranger may read over her shoulder."""
    return _("Your cover was checked: {checks}.", checks=", ".join(check.line for check in checks))


async def reminders() -> Sentence:
    agreed = await confirm(
        _("Be told by SMS before your cover ends, with the amount to pay? Whoever holds this phone reads it.")
    )
    if not agreed:
        return _("Nothing was changed.")
    await do(accept_reminders)
    return _("Done. We will remind you before your cover ends.")


async def no_reminders() -> Sentence:
    agreed = await confirm(_("Stop the SMS that remind you before your cover ends?"))
    if not agreed:
        return _("Nothing was changed.")
    await do(stop_reminders)
    return _("Done. No more reminders. Dial and press 1 to see until when you are covered.")


async def relatives_reminders(caller: Caller) -> Sentence:
    """Whether the phone that registered this household, and pays for it, gets its reminders too."""
    relative = await look(relative_of, caller)
    if relative is None:
        return await show(_("No relative has registered your household. Reminders come to your phone only."))
    phone = shown_phone(relative.phone)
    if relative.reminded:
        agreed = await confirm(_("{phone} gets your reminders too. Stop that?", phone=phone))
    else:
        agreed = await confirm(
            _("Send your reminders, with the amount to pay, to {phone} too, who registered you?", phone=phone)
        )
    if not agreed:
        return _("Nothing was changed.")
    await do(remind_relative, number=relative.number, phone=relative.phone, reminded=not relative.reminded)
    if relative.reminded:
        return _("Done. {phone} gets no more reminders of yours.", phone=phone)
    return _("Done. {phone} gets your reminders too.", phone=phone)


async def stop() -> Sentence:
    agreed = await confirm(
        _(
            "No more reminders by SMS to this phone, only receipts and warnings about your money and your cover?"
        )
    )
    if not agreed:
        return _("Nothing was changed.")
    await do(stop_messages)
    return _("Done: only receipts and warnings come by SMS. To receive all our SMS again, dial and press 6.")


async def start(taken: SmsTaken) -> Sentence:
    agreed = await confirm(_("Receive our SMS on this phone again?"))
    if not agreed:
        return _("Nothing was changed.")
    await do(start_messages)
    if taken is SmsTaken.NONE:
        return _("Noted: we send you SMS again. If none comes, ask your phone operator to let them pass.")
    return _("Done. Our SMS come to this phone again.")
