"""Cash: a collector records what a household gave, a treasurer what a collector gave; a household can dispute it."""

from dataclasses import dataclass, replace
from math import gcd

from locales import Fact, Money, Sentence, _, _n, counts
from menus.find import NOT_FOUND, find_household, found_as
from menus.pay import price_asked
from menus.treasurer import remark, treasuries
from menus.words import beside, work_pin
from mutuelle.contributions.standing import Standing, standing
from mutuelle.cover.rules import CoverState
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.cash import (
    CashDeposit,
    CashGiven,
    Recorded,
    deposit_cash,
    receive_all_cash,
    receive_cash,
    total_of,
)
from mutuelle.treasury.cash_disputes import (
    cash_receipt_of,
    dispute_cash,
    nearly_a_code,
    own_receipt_code,
    receipt_code_kind,
)
from mutuelle.treasury.cash_in_hand import (
    CashInHand,
    cash_in_hand_of,
    collectors_cash_in_hand,
    expect_room,
    is_own,
)
from mutuelle.treasury.receipt_days import ReceiptDay, ReceiptDays, earlier_day, receipt_days
from talk.answers import amount, reason_words
from talk.keywords import by_message
from talk.layout import longest
from talk.trouble import RefusedError
from talk.words import Caller, Consent, Option, ask, choose, confirm, do, look, order

NOTHING = _("Nothing was recorded.")
EARLIER, NOT_AT_ALL = "earlier", "not at all"
MORE, ENOUGH = "more", "enough"
CONSENT_ROOM = 114  # septets: the keys take the rest of the screen
MOST_AT_ONCE = 4  # households with one PIN: what one screen reads back
MOST_TRIES = 8  # households in one call, those that gave nothing too


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
    """A collector records cash that a household gave."""
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


async def receive_several(caller: Caller, appointment: Appointment) -> Sentence:
    """The same for several households one after the other: each is agreed to, then all of it, with one PIN."""
    taken: list[Agreed] = []
    for tries_left in range(MOST_TRIES - 1, -1, -1):
        one = await given(caller, appointment, taken)
        taken += [one] if isinstance(one, Agreed) else []
        if len(taken) == MOST_AT_ONCE:
            break
        said = listed(taken) if isinstance(one, Agreed) else one
        another = (Option(MORE, _("Another household"), "1"),) if tries_left else ()
        more = await choose(said, (*another, Option(ENOUGH, _("That is all"), "2")))
        if more.key == ENOUGH:
            break
    agreed = bool(taken) and await confirm(_("{listed} Record?", listed=listed(taken)))
    if not agreed:
        return NOTHING
    pin = await work_pin()
    done = await do(
        receive_all_cash,
        mutuelle=appointment.mutuelle_id,
        cash=tuple(one.cash for one in taken),
        terms=tuple(one.stands.payment_terms for one in taken),
        pin=pin,
    )
    return done if isinstance(done, Sentence) else recorded(taken, done)


def listed(taken: list[Agreed]) -> Sentence:
    return _n(
        "{total}, {n} household: {lines}.",
        "{total}, {n} households: {lines}.",
        len(taken),
        total=total_of([one.cash for one in taken]),
        lines=", ".join(one.line for one in taken),
    )


def recorded(taken: list[Agreed], done: tuple[Recorded, ...]) -> Sentence:
    facts: dict[str, Fact] = {"total": total_of([one.cash for one in taken]), "held": done[-1].held}
    on_paper = [f"{one.number[-3:]} {one.receipt_code}" for one in done if not one.notified]
    if not on_paper:
        return _("Recorded: {total}. Each household gets an SMS. You hold {held}.", **facts)
    return _(
        "Recorded: {total}. You hold {held}. Receipts to write on paper, no SMS reaches them: {receipts}",
        **facts,
        receipts=", ".join(on_paper),
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
    if nothing := nothing_to_take(stands):
        return nothing
    money = await cash_amount(stands)
    if no_room := has_no_room(cash_in_hand, taken, money, caller):
        return no_room
    day, agreed = await received(caller, appointment, stands, money)
    return Agreed(stands, CashGiven(household.number, money, day.on)) if agreed else NOTHING


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


def nothing_to_take(stands: Standing) -> Sentence | None:
    """Why no cash is taken of this household now, by its name: the collector asks about another's."""
    name = stands.household.head_name
    if stands.own_payment:
        return _("{name}: a mobile payment is under way. Take no cash now.", name=name)
    if stands.renews_by_credit:
        return _(
            "{name} has credit for the renewal: take nothing. The household dials and presses 2.", name=name
        )
    if stands.payable.amount_minor:
        return None
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
    agreed = await confirm(
        terms(stands, money, caller.language), yes=_("Yes, today"), no=_("No, or another day")
    )
    if agreed:
        return today, agreed
    days = await look(receipt_days, appointment, stands, caller.at)
    day = await another_day(days) if days.before_today else None
    if day is None:
        return today, None
    return day, await confirm(terms(stands, money, caller.language, day))


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


def terms(stands: Standing, money: Money, language: str, day: ReceiptDay | None = None) -> Sentence:
    """What was received, from whom, of which day if not of today; of the name the initials where it has no room."""
    names = (stands.household.head_name, stands.household.initials)
    forms = [
        _terms_of_day(stands, money, name, day) if day else _terms(stands, money, name) for name in names
    ]
    return longest([beside(stands, forms[0]), *forms], language, CONSENT_ROOM)


def _terms(stands: Standing, money: Money, name: str) -> Sentence:
    """Where it begins a new period, with that period and its whole price."""
    facts = _facts(stands, money, name)
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


def _terms_of_day(stands: Standing, money: Money, name: str, day: ReceiptDay) -> Sentence:
    """The same where it was received before today, and on which day."""
    facts = _facts(stands, money, name) | {"day": day.short}
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


def _facts(stands: Standing, money: Money, name: str) -> dict[str, Fact]:
    product = stands.payable_product
    return {
        "amount": money,
        "name": name,
        "number": stands.household.shown_number,
        "months": counts.months(product.insurance_period_months),
        "product": product.name,
        "price": price_asked(stands),
    }


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
        if not (code := await look(own_receipt_code, caller, said)) and await look(
            nearly_a_code, caller, said
        ):
            said = await ask(
                _(
                    "No receipt of yours has the code {code}. Send its code again, or say what is wrong.",
                    code=said,
                ),
                reason_words,
            )
            code = await look(own_receipt_code, caller, said)
        if not code:
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


dispute = replace(dispute, denied="HELP")
