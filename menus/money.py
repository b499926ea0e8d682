"""A treasurer's money: a contribution at the desk, what is paid, the cash received, what waits for a signature."""

from locales import Sentence, _, counts
from menus.cash import receive
from menus.cash_count import count_box
from menus.expense import pay_facility, spend
from menus.find import NOT_FOUND, find_number
from menus.own_accounts import own_accounts
from menus.sign import propose, sign
from menus.unmatched import unmatched
from menus.words import one_of
from mutuelle.households.member_numbers import shown_number
from mutuelle.officers.roles import SPOKEN, Appointment, Role
from mutuelle.treasury.cash_disputes import LISTED_DAYS, CashReceipt, last_cash
from mutuelle.treasury.waivers import Debt, debt_of, waiver_of, waiver_reason
from talk.words import Caller, Option, ask, choose, look


async def money(caller: Caller, appointment: Appointment) -> Sentence:
    """A digit keeps its meaning for ever; the digits between are reserved for a treasurer's daily work with money."""
    what = await choose(
        _("Money"),
        (
            Option("take", _("Contribution"), "1"),
            Option("spend", _("Expense"), "2"),
            Option("facility", _("Pay a facility"), "3"),
            Option("own", _("Bank, accounts"), "4"),
            Option("received", _("Money received"), "5"),
            Option("count", _("Count the box"), "6"),
            Option("sign", _("To sign"), "7"),
            Option("unmatched", _("Money to match"), "8"),
            Option("waive", _("Waive a debt"), "9"),
        ),
    )
    duties = {
        "take": receive,
        "spend": spend,
        "facility": pay_facility,
        "own": own_accounts,
        "received": received,
        "count": count_box,
        "sign": sign,
        "unmatched": unmatched,
        "waive": waive,
    }
    return await duties[what.key](caller, appointment)


async def received(caller: Caller, appointment: Appointment) -> Sentence:
    """The last cash of households, the day of each, and what was recorded later than it was received."""
    found = {one.code: one for one in await look(last_cash, appointment.mutuelle_id, caller.at)}
    if not found:
        return _("No cash was received in the last {days}.", days=counts.days(LISTED_DAYS))
    chosen = await one_of(_("Cash received:"), [Option(one.code, in_short(one)) for one in found.values()])
    one = found[chosen.key]
    return _(
        "{amount} in cash of {day}, recorded on {recorded}, household {number}, receipt {code}, {role} {name}",
        amount=one.amount,
        day=one.on,
        recorded=f"{one.recorded_on:%d/%m}",
        number=shown_number(one.number),
        code=one.code,
        role=SPOKEN[Role(one.taken_by.role)],
        name=one.taken_by.name,
    )


def in_short(one: CashReceipt) -> Sentence | str:
    day, recorded = f"{one.on:%d/%m}", f"{one.recorded_on:%d/%m}"
    if day == recorded:
        return f"{day} {one.amount}"
    return _("{day} {amount}, recorded on {recorded}", day=day, amount=one.amount, recorded=recorded)


async def waive(caller: Caller, appointment: Appointment) -> Sentence:
    number = await find_number(caller, appointment)
    if number is None:
        return NOT_FOUND
    debt: Debt = await look(debt_of, caller, appointment, number)
    reason = await ask(_("Why? In a few words"), waiver_reason)
    return await propose(caller, appointment, waiver_of(debt, reason))
