"""Cash: a collector records what a household gave, a treasurer what a collector gave; a household can dispute it."""

from locales import Fact, Money, Sentence, _, counts
from menus.pay import how_much, nothing_payable, price_asked
from menus.treasurer import remark, treasuries
from menus.words import work_pin
from mutuelle.contributions.standing import Standing, standing
from mutuelle.cover.rules import CoverState
from mutuelle.households.member_numbers import member_number
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.cash import CashDeposit, CashGiven, deposit_cash, household_asked, receive_cash
from mutuelle.treasury.cash_disputes import (
    cash_receipt_of,
    dispute_cash,
    own_receipt_code,
    receipt_code_kind,
)
from mutuelle.treasury.cash_in_hand import (
    MOST_DAYS,
    MOST_HELD_MINOR,
    CashInHand,
    cash_in_hand_of,
    collectors_cash_in_hand,
    expect_room,
    is_own,
)
from mutuelle.treasury.receipt_days import ReceiptDay, ReceiptDays, earlier_day, receipt_days
from talk.answers import amount, reason_words
from talk.keywords import by_message
from talk.words import Caller, Consent, Option, ask, choose, confirm, do, look, order

NOTHING = _("Nothing was recorded.")
EARLIER, NOT_AT_ALL = "earlier", "not at all"


async def receive(caller: Caller, appointment: Appointment) -> Sentence:
    """A collector records cash that a household gave."""
    cash_in_hand = await look(cash_in_hand_of, appointment)
    expect_room(cash_in_hand, Money(1, cash_in_hand.held.currency), caller.at)
    number = await ask(_("The household's member number?"), member_number)
    household = await look(household_asked, caller, appointment, number)
    stands = await look(standing, household, caller.at)
    if stands.own_payment:
        return _("A mobile payment for this household is under way. Take no cash now.")
    if stands.renews_by_credit:
        return _(
            "Take nothing: household {number} has credit for its renewal. It dials and presses 2.",
            number=household.shown_number,
        )
    if not stands.payable.amount_minor and stands.cover.state is not CoverState.EXPIRED:
        return _("Nothing is due for household {number}. Thank you!", number=household.shown_number)
    if not stands.payable.amount_minor:
        return nothing_payable(stands)
    money = await how_much(stands, cash=True)
    expect_room(cash_in_hand, money, caller.at)
    day, agreed = await received(caller, appointment, stands, money)
    if not agreed:
        return NOTHING
    pin = await work_pin()
    done = await do(
        receive_cash,
        mutuelle=appointment.mutuelle_id,
        cash=CashGiven(household.number, money, day.on),
        terms=stands.payment_terms,
        pin=pin,
    )
    if isinstance(done, Sentence):
        return done
    facts: dict[str, Fact] = {"amount": money, "code": done.receipt_code, "held": done.held}
    if done.notified:
        return _("Recorded: {amount}, receipt {code}. The household gets an SMS. You hold {held}.", **facts)
    return _(
        "Recorded: {amount}. Write receipt {code} on their paper: no SMS reaches them. You hold {held}.",
        **facts,
    )


async def received(
    caller: Caller, appointment: Appointment, stands: Standing, money: Money
) -> tuple[ReceiptDay, Consent | None]:
    """The day of receipt, and the consent to all of it. Another day than today is asked for after a no."""
    today = ReceiptDay(stands.mutuelle.today(caller.at))
    agreed = await confirm(terms(stands, money), yes=_("Yes, today"), no=_("No, or another day"))
    if agreed:
        return today, agreed
    days = await look(receipt_days, appointment, stands, caller.at)
    day = await another_day(days) if days.before_today else None
    if day is None:
        return today, None
    return day, await confirm(terms_of_day(stands, money, day))


async def another_day(days: ReceiptDays) -> ReceiptDay | None:
    """A day before today; None where nothing was received."""
    offered: list[ReceiptDay | Option] = [*days.near]
    if len(days.before_today) > len(offered):
        offered.append(Option(EARLIER, _("Earlier"), "3"))
    chosen = await choose(_("Received when?"), [*offered, Option(NOT_AT_ALL, _("Not received"), "4")])
    if isinstance(chosen, ReceiptDay):
        return chosen
    if chosen.key == NOT_AT_ALL:
        return None
    first = days.before_today[-1]
    day: ReceiptDay = await ask(_("Which day? Example: {day}", day=f"{first:%d/%m}"), earlier_day(days))
    return day


def terms(stands: Standing, money: Money) -> Sentence:
    """What was received, from whom, and where it begins a new period, that period and its whole price."""
    facts = _facts(stands, money)
    if stands.settles_debt:
        return _(
            "Did {name}, number {number}, give you {amount} in cash? It settles a debt and covers nobody.",
            **facts,
        )
    if not stands.renews:
        return _("Did {name}, number {number}, give you {amount} in cash?", **facts)
    return _(
        "Renew {months} ({product}, {price}) for {name}, {number}: did you get {amount} in cash?",
        **facts,
    )


def terms_of_day(stands: Standing, money: Money, day: ReceiptDay) -> Sentence:
    """The same where it was received before today, and on which day."""
    facts = _facts(stands, money) | {"day": day.short}
    if stands.settles_debt:
        return _(
            "Did {name}, number {number}, give you {amount} cash on {day}? It settles a debt and covers nobody.",
            **facts,
        )
    if not stands.renews:
        return _("Did {name}, number {number}, give you {amount} in cash on {day}?", **facts)
    return _(
        "Renew {months} ({product}, {price}) for {name}, {number}: did you get {amount} in cash on {day}?",
        **facts,
    )


def _facts(stands: Standing, money: Money) -> dict[str, Fact]:
    household, product = stands.household, stands.payable_product
    return {
        "amount": money,
        "name": household.initials,
        "number": household.shown_number,
        "months": counts.months(product.insurance_period_months),
        "product": product.name,
        "price": price_asked(stands),
    }


async def in_hand(caller: Caller, appointment: Appointment) -> Sentence:
    """What the collector holds, since when, and how long that may go on."""
    cash_in_hand = await look(cash_in_hand_of, appointment)
    if cash_in_hand.since_on is None:
        return _("You hold no cash of {mutuelle}.", mutuelle=appointment.mutuelle_name)
    return _(
        "You have held {held} since {day}. Give it to a treasurer before {limit} or {most}.",
        held=cash_in_hand.held,
        day=cash_in_hand.since_on,
        limit=counts.days(MOST_DAYS),
        most=Money(MOST_HELD_MINOR, cash_in_hand.held.currency),
    )


async def deposit(caller: Caller, appointment: Appointment) -> Sentence:
    """A treasurer records cash that a collector gave."""
    collectors_cash = [
        cash_in_hand
        for cash_in_hand in await look(collectors_cash_in_hand, appointment.mutuelle_id)
        if not is_own(cash_in_hand, appointment)
    ]
    if not collectors_cash:
        return _("No collector holds cash.")
    cash_in_hand: CashInHand = await choose(_("Whose cash do you receive?"), collectors_cash)
    least = Money(1, cash_in_hand.held.currency)
    money = await ask(
        _("How much did you count? {name} holds {held}", name=cash_in_hand.name, held=cash_in_hand.held),
        amount(least, cash_in_hand.held),
    )
    agreed = await confirm(
        _(
            "Did {name} give you {amount}, of {held} held?",
            amount=money,
            name=cash_in_hand.name,
            held=cash_in_hand.held,
        )
    )
    if not agreed:
        return NOTHING
    pin = await work_pin()
    left = await do(
        deposit_cash,
        mutuelle=appointment.mutuelle_id,
        deposit=CashDeposit(cash_in_hand.holder, money, cash_in_hand.held),
        pin=pin,
    )
    if isinstance(left, Sentence):
        return left
    return _(
        "Recorded. {name} is told by SMS and still holds {held}.", name=cash_in_hand.name, held=left.held
    )


@by_message(_("WRONG"))
async def dispute(caller: Caller) -> Sentence:
    """A household disputes a cash receipt, by the code of the receipt. A treasurer's other words are her remark."""
    if await treasuries(caller):
        said = await ask(_("What is wrong? In a few words, or the code of a receipt"), reason_words)
        if not (code := await look(own_receipt_code, caller, said)):
            return await remark(caller, said)
    else:
        code = await ask(_("The code of the receipt?"), receipt_code_kind)
    found = await look(cash_receipt_of, caller, code)
    if found.contested:
        return _(
            "Your mutuelle knows already that you contest the receipt {code}. It will call you.", code=code
        )
    agreed = await order(
        _(
            "Tell the treasurers that {amount} in cash of {day}, receipt {code}, is wrong?",
            amount=found.amount,
            day=found.on,
            code=code,
        )
    )
    if not agreed:
        return _("Nothing was changed.")
    await do(dispute_cash, code=code)
    return _("Noted: you contest the receipt {code}. The treasurers are told and will call you.", code=code)
