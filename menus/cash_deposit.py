"""A treasurer records cash that a collector gave."""

from locales import Money, Sentence, _
from menus.cash import NOTHING
from menus.words import work_pin
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.cash import CashDeposit, deposit_cash
from mutuelle.treasury.cash_in_hand import CashInHand, collectors_cash_in_hand, is_own
from talk.answers import amount
from talk.words import Caller, ask, choose, confirm, do, look


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
