"""Cash: a collector records what a household gave, a treasurer what a collector gave; a household can contest it."""

from locales import Fact, Money, Sentence, _
from menus.pay import how_much, nothing_payable, price_asked
from menus.words import work_pin
from mutuelle.cover import CoverState
from mutuelle.numbers import member_number
from mutuelle.staff.cash import deposit_cash, household_asked, receive_cash
from mutuelle.staff.contests import cash_receipt_of, contest_cash, receipt_code_kind
from mutuelle.staff.purses import (
    MOST_DAYS,
    MOST_HELD_MINOR,
    Purse,
    expect_room,
    is_own,
    purse_of,
    purses_of_collectors,
)
from mutuelle.staff.receipt_days import ReceiptDay, ReceiptDays, earlier_day, receipt_days
from mutuelle.staff.roles import Office
from mutuelle.standing import Standing, standing
from talk.answers import amount
from talk.keywords import by_message
from talk.words import Caller, Consent, Option, ask, choose, confirm, do, look, order

NOTHING = _("Nothing was recorded.")
EARLIER, NOT_AT_ALL = "earlier", "not at all"


async def receive(caller: Caller, office: Office) -> Sentence:
    """The duty of a collector who has the money in hand."""
    purse = await look(purse_of, office)
    await look(expect_room, office, Money(1, purse.held.currency), caller.at)
    number = await ask(_("The household's member number?"), member_number)
    home = await look(household_asked, caller, office, number)
    stands = await look(standing, home, caller.at)
    if stands.open_payment:
        return _("A mobile payment for this household is under way. Take no cash now.")
    if stands.renews_by_credit:
        return _(
            "Take nothing: household {number} has credit for its renewal. It dials and presses 2.",
            number=home.shown_number,
        )
    if not stands.payable.amount_minor and stands.cover.state is not CoverState.EXPIRED:
        return _("Nothing is due for household {number}. Thank you!", number=home.shown_number)
    if not stands.payable.amount_minor:
        return nothing_payable(stands)
    money = await how_much(stands)
    await look(expect_room, office, money, caller.at)
    day, agreed = await received(caller, office, stands, money)
    if not agreed:
        return NOTHING
    pin = await work_pin()
    done = await do(
        receive_cash,
        mutuelle=office.mutuelle_id,
        number=home.number,
        amount=money,
        payable=stands.payable,
        credit=stands.credit,
        product=stands.payable_product.code,
        version=stands.payable_product.version,
        renews=stands.renews,
        received_on=day.on,
        pin=pin,
        agreed=agreed,
    )
    if isinstance(done, Sentence):
        return done
    facts: dict[str, Fact] = {"amount": money, "code": done.receipt_code, "held": done.held}
    if done.told:
        return _("Recorded: {amount}, receipt {code}. The household gets an SMS. You hold {held}.", **facts)
    return _(
        "Recorded: {amount}. Write receipt {code} on their paper: no SMS reaches them. You hold {held}.",
        **facts,
    )


async def received(
    caller: Caller, office: Office, stands: Standing, money: Money
) -> tuple[ReceiptDay, Consent | None]:
    """The day of receipt, and the agreement to all of it. Today costs no question: another day is behind the no."""
    today = ReceiptDay(stands.mutuelle.today(caller.at))
    agreed = await confirm(terms(stands, money), yes=_("Yes, today"), no=_("No, or another day"))
    if agreed:
        return today, agreed
    days = await look(receipt_days, office, stands, caller.at)
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
        "Renew {months} months ({product}, {price}) for {name}, {number}: did you get {amount} in cash?",
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
        "Renew {months} months ({product}, {price}) for {name}, {number}: did you get {amount} in cash on {day}?",
        **facts,
    )


def _facts(stands: Standing, money: Money) -> dict[str, Fact]:
    home, product = stands.household, stands.payable_product
    return {
        "amount": money,
        "name": home.initials,
        "number": home.shown_number,
        "months": product.insurance_period_months,
        "product": product.name,
        "price": price_asked(stands),
    }


async def in_hand(caller: Caller, office: Office) -> Sentence:
    """What the collector holds, since when, and how long that may go on."""
    purse = await look(purse_of, office)
    if purse.since_on is None:
        return _("You hold no cash of {mutuelle}.", mutuelle=office.mutuelle_name)
    return _(
        "You have held {held} since {day}. Give it to a treasurer before {limit} days or {most}.",
        held=purse.held,
        day=purse.since_on,
        limit=MOST_DAYS,
        most=Money(MOST_HELD_MINOR, purse.held.currency),
    )


async def deposit(caller: Caller, office: Office) -> Sentence:
    """The duty of a treasurer who has counted a collector's cash."""
    purses = [
        purse for purse in await look(purses_of_collectors, office.mutuelle_id) if not is_own(purse, office)
    ]
    if not purses:
        return _("No collector holds cash.")
    purse: Purse = await choose(_("Whose cash do you receive?"), purses)
    least = Money(1, purse.held.currency)
    money = await ask(
        _("How much did you count? {name} holds {held}", name=purse.name, held=purse.held),
        amount(least, purse.held),
    )
    agreed = await confirm(
        _(
            "Did {name} give you {amount}, of {held} held?",
            amount=money,
            name=purse.name,
            held=purse.held,
        )
    )
    if not agreed:
        return NOTHING
    pin = await work_pin()
    left = await do(
        deposit_cash,
        mutuelle=office.mutuelle_id,
        holder=purse.holder,
        amount=money,
        held=purse.held,
        pin=pin,
        agreed=agreed,
    )
    if isinstance(left, Sentence):
        return left
    return _("Recorded. {name} is told by SMS and still holds {held}.", name=purse.name, held=left.held)


@by_message(_("WRONG"))
async def contest(caller: Caller) -> Sentence:
    """From a household's phone, with the code of its receipt."""
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
    await do(contest_cash, code=code, agreed=agreed)
    return _("Noted: you contest the receipt {code}. The treasurers are told and will call you.", code=code)
