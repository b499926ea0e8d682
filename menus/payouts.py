"""Payouts under way and the last ones: how each went; what two know of one that its operator cannot tell."""

from locales import Fact, Sentence, _, counts
from menus.sign import NOTHING, propose_with_reason
from menus.words import one_of
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.payouts.outcomes import POSSIBLE, WAS_NOT, WAS_PAID, outcome_of
from mutuelle.treasury.payouts.payouts import Payout, payouts_shown
from talk.phones import shown_phone
from talk.words import Caller, Option, choose, look

MOST_LISTED = 20
LEAVE = "leave"
STATES: dict[str, Sentence] = {
    "ASKED": _("not sent yet"),
    "SENT": _("sent, no answer yet"),
    "PENDING": _("the operator is at it"),
    "UNKNOWN": _("not known yet, we ask on"),
    "PAID": _("paid"),
    "FAILED": _("not paid, the money is back"),
    "REVERSED": _("paid, and taken back"),
}


async def payouts(caller: Caller, appointment: Appointment) -> Sentence:
    found = {one.key: one for one in await look(payouts_shown, appointment.mutuelle_id, MOST_LISTED)}
    if not found:
        return _("Nothing was paid by mobile money yet.")
    chosen = await one_of(_("Which payout?"), [Option(one.key, in_short(one)) for one in found.values()])
    one = found[chosen.key]
    may_say = [said for said in (WAS_PAID, WAS_NOT) if one.state in POSSIBLE[said]]
    if not may_say:
        return in_words(one, caller)
    labels = {
        WAS_PAID: Option(WAS_PAID, _("It was paid"), "1"),
        WAS_NOT: Option(WAS_NOT, _("It was not"), "2"),
    }
    what = await choose(
        in_words(one, caller), [*(labels[said] for said in may_say), Option(LEAVE, _("Nothing"), "3")]
    )
    if what.key == LEAVE:
        return NOTHING
    return await propose_with_reason(caller, appointment, outcome_of(one, what.key))


def in_short(one: Payout) -> Sentence:
    facts: dict[str, Fact] = {"day": f"{one.asked_at:%d/%m}", "amount": one.amount, "party": one.party}
    return _("{day} {amount}, {party}", **facts)


def in_words(one: Payout, caller: Caller) -> Sentence:
    days = (caller.at - one.asked_at).days
    return _(
        "{amount} to {party}, {phone}: {state} ({age})",
        amount=one.amount,
        party=one.party,
        phone=shown_phone(one.phone),
        state=STATES[one.state],
        age=counts.days(days) if days else _("today"),
    )
