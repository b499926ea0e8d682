"""The last vouchers: one is read out, and taken back by two."""

from locales import Fact, Sentence, _
from menus.sign import NOTHING, propose_with_reason
from menus.words import one_of
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.voucher_kinds import NumberedVoucher
from mutuelle.treasury.voucher_reads import last_vouchers
from mutuelle.treasury.voucher_reversals import reversal_of
from mutuelle.treasury.voucher_rules import other_side
from talk.words import Caller, Option, choose, look

MOST_LISTED = 40
TAKE_BACK, LEAVE = "take back", "leave"


async def last(caller: Caller, appointment: Appointment) -> Sentence:
    vouchers = {one.key: one for one in await look(last_vouchers, appointment.mutuelle_id, MOST_LISTED)}
    if not vouchers:
        return _("No voucher is written yet.")
    chosen = await one_of(_("Which voucher?"), [Option(one.key, in_short(one)) for one in vouchers.values()])
    found = vouchers[chosen.key]
    what = await choose(
        in_words(found), (Option(TAKE_BACK, _("Take it back"), "1"), Option(LEAVE, _("Nothing"), "2"))
    )
    if what.key == LEAVE:
        return NOTHING
    act = await look(reversal_of, caller, appointment, found.key, "")
    return await propose_with_reason(caller, appointment, act)


def in_short(found: NumberedVoucher) -> Sentence:
    return _(
        "{number} {amount}, {who}",
        number=f"{found.number}/{found.year}",
        amount=found.amount,
        who=other_side(found),
    )


def in_words(found: NumberedVoucher) -> Sentence:
    facts: dict[str, Fact] = {
        "number": found.shown_number,
        "code": found.code,
        "amount": found.amount,
        "day": f"{found.dated:%d/%m}",
        "reason": found.reason,
        "who": other_side(found),
    }
    return _("{number}, code {code}, {day}: {amount}, {who}. {reason}", **facts)
