"""Cash: a collector, or a treasurer at the desk, records what a household gave."""

from dataclasses import dataclass
from math import gcd

from locales import Fact, Money, Sentence, _, counts
from menus.find import NOT_FOUND, find_household, found_as
from menus.pay import price_asked
from menus.words import beside, first_fitting, work_pin
from mutuelle.contributions.foresight import if_paid
from mutuelle.contributions.standing import Standing, standing
from mutuelle.cover.rules import CoverState
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.cash import CashGiven, receive_cash
from mutuelle.treasury.cash_in_hand import CashInHand, cash_in_hand_of, expect_room
from mutuelle.treasury.receipt_days import ReceiptDay, ReceiptDays, earlier_day, receipt_days
from talk.answers import amount
from talk.trouble import RefusedError
from talk.words import Caller, Consent, Option, ask, choose, confirm, do, look

NOTHING = _("Nothing was recorded.")
EARLIER, NOT_AT_ALL = "earlier", "not at all"


@dataclass(frozen=True)
class Agreed:
    """Cash of one household that the collector has said yes to, and what it is paid for."""

    stands: Standing
    cash: CashGiven

    @property
    def line(self) -> str:
        """Initials, the end of the number and the amount, as they stand in a list."""
        return f"{self.stands.household.initials} ({self.cash.number[-3:]}) {self.cash.amount.bare}"


async def receive(caller: Caller, appointment: Appointment) -> Sentence:
    one = await given(caller, appointment, [])
    if isinstance(one, Sentence):
        return one
    pin = await work_pin()
    done = await do(
        receive_cash,
        mutuelle=appointment.mutuelle_id,
        cash=one.cash,
        terms=one.stands.payment_terms,
        pin=pin,
    )
    if isinstance(done, Sentence):
        return done
    facts: dict[str, Fact] = {"amount": one.cash.amount, "code": done.receipt_code, "held": done.held}
    if done.notified:
        return _("Recorded: {amount}, receipt {code}. The household gets an SMS. You hold {held}.", **facts)
    return _(
        "Recorded: {amount}. Write receipt {code} on their paper: no SMS reaches them. You hold {held}.",
        **facts,
    )


async def given(caller: Caller, appointment: Appointment, taken: list[Agreed]) -> Agreed | Sentence:
    """What one household gave; else why nothing is recorded for it. `taken`: what others gave in the same call."""
    cash_in_hand = await look(cash_in_hand_of, appointment)
    if no_room := has_no_room(cash_in_hand, taken, Money(1, cash_in_hand.held.currency), caller):
        return no_room
    household = await find_household(caller, appointment)
    if household is None:
        return NOT_FOUND
    if any(one.cash.number == household.number for one in taken):
        return _("{name} is in the list already.", name=household.head_name)
    stands = await look(standing, household, caller.at)
    if nothing := nothing_to_take(stands, caller):
        return nothing
    money = await cash_amount(stands)
    if no_room := has_no_room(cash_in_hand, taken, money, caller):
        return no_room
    day, agreed = await received(caller, appointment, stands, money)
    return Agreed(stands, CashGiven(household.number, money, day.on, appointment.role)) if agreed else NOTHING


def has_no_room(
    cash_in_hand: CashInHand, taken: list[Agreed], money: Money, caller: Caller
) -> Sentence | None:
    """Why the collector cannot hold this money too."""
    sums = [one.cash.amount.amount_minor for one in taken]
    try:
        expect_room(cash_in_hand, Money(sum(sums, money.amount_minor), money.currency), caller.at)
    except RefusedError as refused:
        return refused.sentence
    return None


def nothing_to_take(stands: Standing, caller: Caller) -> Sentence | None:
    """Why no cash is taken of this household now, by its name: the collector asks about another's."""
    name = stands.household.head_name
    if stands.own_payment and stands.own_payment.holds_up_cash(caller.at):
        return _("{name}: a mobile payment is under way. Take no cash now.", name=name)
    if stands.renews_by_credit:
        return _(
            "{name} has credit for the renewal: take nothing. The household dials and presses 2.", name=name
        )
    if stands.payable.amount_minor:
        return None
    if regime := stands.payer_of_all:
        return _("{name}: {payer} pays for this household. Take nothing.", name=name, payer=regime.payer_name)
    if stands.cover.state is CoverState.EXPIRED:
        return _("{name}: no cover is on sale for this household now. See the treasurer.", name=name)
    return _("{name} is up to date: take nothing.", name=name)


async def cash_amount(stands: Standing) -> Money:
    """How much, from the least that the mutuelle takes in cash; not asked where there is only one answer."""
    least, most = stands.least_cash, stands.payable
    if least == most:
        return most
    question = _(
        "{household}: how much? From {least} to {most}",
        household=found_as(stands.household),
        least=least,
        most=most,
    )
    step = gcd(stands.payable_product.amount_step_minor, least.amount_minor)  # the least is one of them
    money: Money = await ask(beside(stands, question), amount(least, most, step))
    return money


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
    return day, await confirm(terms(stands, money, day))


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


def terms(stands: Standing, money: Money, day: ReceiptDay | None = None) -> Sentence:
    """What was received, from whom, of which day if not of today, and the cover that it brings: she reads it out.

    Of the name the initials where it has no room.
    """
    facts = _facts(stands, money) | {"covered": if_paid(stands, money, day.on if day else None).said}
    if day:
        facts["day"] = day.short
    names = (stands.household.head_name, stands.household.initials)
    asked = _asked_of_day if day else _asked
    first, *shorter = [form for name in names for form in asked(stands, facts | {"name": name})]
    return beside(stands, first_fitting([first, *shorter]))


def _asked(stands: Standing, facts: dict[str, Fact]) -> list[Sentence]:
    """Where it begins a new period, with that period and its whole price, and then in short."""
    if stands.settles_debt:
        return [
            _(
                "Did {name}, number {number}, give you {amount} in cash? It settles a debt and covers nobody.",
                **facts,
            )
        ]
    if not stands.renews:
        return [_("Did {name}, number {number}, give you {amount} in cash: {covered}?", **facts)]
    return [
        _(
            "Renew {months} ({product}, {price}) for {name}, {number}: {amount} in cash, {covered}?",
            **facts,
        ),
        _("Renew {product} ({price}), {name}, {number}: {amount} in cash, {covered}?", **facts),
        _("{product}, {price}, {name}, {number}: {amount} in cash, {covered}?", **facts),
        _("{price}, {name}, {number}: {amount} in cash, {covered}?", **facts),
    ]


def _asked_of_day(stands: Standing, facts: dict[str, Fact]) -> list[Sentence]:
    """The same where it was received before today, and on which day."""
    if stands.settles_debt:
        return [
            _(
                "Did {name}, number {number}, give you {amount} cash on {day}? It settles a debt and covers nobody.",
                **facts,
            )
        ]
    if not stands.renews:
        return [_("Did {name}, number {number}, give you {amount} in cash on {day}: {covered}?", **facts)]
    return [
        _(
            "Renew {months} ({product}, {price}) for {name}, {number}: {amount} in cash on {day}, {covered}?",
            **facts,
        ),
        _("Renew {product} ({price}), {name}, {number}: {amount} in cash on {day}, {covered}?", **facts),
        _("{product}, {price}, {name}, {number}: {amount} in cash on {day}, {covered}?", **facts),
        _("{price}, {name}, {number}: {amount} in cash on {day}, {covered}?", **facts),
    ]


def _facts(stands: Standing, money: Money) -> dict[str, Fact]:
    product = stands.payable_product
    return {
        "amount": money,
        "number": stands.household.shown_number,
        "months": counts.months(product.insurance_period_months),
        "product": product.name,
        "price": price_asked(stands),
    }
