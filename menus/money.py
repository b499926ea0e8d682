"""A treasurer's money: what was received in cash, what another treasurer has to sign, a debt that is waived."""

from locales import Fact, Sentence, _, counts
from menus.find import NOT_FOUND, find_number
from menus.words import one_of, work_pin
from mutuelle.households.member_numbers import shown_number
from mutuelle.officers.proposals import APPROVED, REFUSED
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.cash_disputes import LISTED_DAYS, CashReceipt, last_cash
from mutuelle.treasury.waivers import (
    Debt,
    ProposedWaiver,
    WaiverProposal,
    answer_waiver,
    debt_of,
    expect_proposable,
    propose_waiver,
    waiver_reason,
    waivers_to_answer,
)
from talk.words import Caller, Option, ask, choose, confirm, do, look

RECEIVED, SIGN, WAIVE = "received", "sign", "waive"
NOTHING = _("Nothing was changed.")


async def money(caller: Caller, appointment: Appointment) -> Sentence:
    """A digit keeps its meaning for ever; the digits between are reserved for a treasurer's daily work with money."""
    what = await choose(
        _("Money"),
        (
            Option(RECEIVED, _("Money received"), "5"),
            Option(SIGN, _("To sign"), "7"),
            Option(WAIVE, _("Waive a debt"), "9"),
        ),
    )
    if what.key == RECEIVED:
        return await received(caller, appointment)
    return await (sign(caller, appointment) if what.key == SIGN else waive(caller, appointment))


async def received(caller: Caller, appointment: Appointment) -> Sentence:
    """The last cash of households, the day of each, and what was recorded later than it was received."""
    found = {one.code: one for one in await look(last_cash, appointment.mutuelle_id, caller.at)}
    if not found:
        return _("No cash was received in the last {days}.", days=counts.days(LISTED_DAYS))
    chosen = await one_of(_("Cash received:"), [Option(one.code, in_short(one)) for one in found.values()])
    one = found[chosen.key]
    return _(
        "{amount} in cash of {day}, recorded on {recorded}, household {number}, receipt {code}, collector {name}",
        amount=one.amount,
        day=one.on,
        recorded=f"{one.recorded_on:%d/%m}",
        number=shown_number(one.number),
        code=one.code,
        name=one.collector,
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
    await look(expect_proposable, caller, appointment, debt)
    reason = await ask(_("Why? In a few words"), waiver_reason)
    agreed = await confirm(words_of(debt, reason), yes=_("Propose"), no=_("No"))
    if not agreed:
        return NOTHING
    secret = await work_pin()
    wrong = await do(
        propose_waiver,
        mutuelle=appointment.mutuelle_id,
        proposed=WaiverProposal(debt.household.number, debt.sequence, debt.amount, reason),
        pin=secret,
        agreed=agreed,
    )
    return wrong or _("Proposed. Another treasurer must approve it within 7 days, in my work.")


async def sign(caller: Caller, appointment: Appointment) -> Sentence:
    waiting = await look(waivers_to_answer, caller, appointment.mutuelle_id)
    if not waiting:
        return _("Nothing waits for your signature.")
    found: ProposedWaiver = await choose(_("Waive which debt?"), waiting)
    chosen = await choose(
        _("{proposer} proposes to waive a debt, {debt}.", proposer=found.act.proposer, debt=found.label),
        (Option(APPROVED, _("Approve"), "1"), Option(REFUSED, _("Refuse"), "2")),
    )
    approves = chosen.key == APPROVED
    agreed = await confirm(await approval(caller, appointment, found) if approves else refusal(found))
    if not agreed:
        return NOTHING
    secret = await work_pin()
    wrong = await do(
        answer_waiver, mutuelle=appointment.mutuelle_id, proposal=found.key, answer=chosen.key, pin=secret
    )
    if approves:
        return wrong or _(
            "Done. The household need not pay {amount} and is told by SMS.", amount=found.amount
        )
    return wrong or _("Refused. {name} is told by SMS.", name=found.act.proposer)


async def approval(caller: Caller, appointment: Appointment, found: ProposedWaiver) -> Sentence:
    """The debt as it is now: the action refuses another than was proposed."""
    return words_of(await look(debt_of, caller, appointment, found.act.facts["number"]), found.act.reason)


def refusal(found: ProposedWaiver) -> Sentence:
    return _("Refuse what {proposer} proposes for {name}?", proposer=found.act.proposer, name=found.label)


def words_of(debt: Debt, reason: str) -> Sentence:
    """All that is agreed to, in the same words for proposer and approver."""
    facts: dict[str, Fact] = {"amount": debt.amount, "name": debt.household.initials, "reason": reason}
    return _(
        "Waive {amount} owed by {name}, number {number}? {reason}",
        **facts,
        number=debt.household.shown_number,
    )
