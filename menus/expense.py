"""A treasurer pays by hand: what was bought, transport, people who work for the mutuelle, what a facility is owed."""

from locales import Sentence, _
from menus.care_bill import care_bill
from menus.find import NOT_FOUND, find_number
from menus.vouchers import FROM, NO_MONEY, WHY, how_much, one_place, places_to_pay, record, who_is_paid
from menus.words import one_of
from mutuelle.officers.colleagues import colleagues_of
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.own_money import Owed, owed_to_facilities
from mutuelle.treasury.payouts.payout_acts import expect_paid_from
from mutuelle.treasury.voucher_answers import Party, voucher_reason
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from mutuelle.treasury.voucher_rules import EXPENSES, Credit, credit_of, no_more
from talk.words import Caller, Option, ask, choose, look

WHO = _("Who is paid? The name, and the phone if you have it")
WHO_WITH_PHONE = _("Who is paid? The name, then the phone that gets the money")
STAFF, REFUND, BILL, OTHER = "staff", "refund", "bill", "other"


async def spend(caller: Caller, appointment: Appointment) -> Sentence:
    kinds = [Option(kind, label, str(nth)) for nth, (kind, label) in enumerate(EXPENSES.items(), start=1)]
    what = await choose(
        _("Expense"),
        [*kinds, Option(REFUND, _("Give an advance back"), "7"), Option(BILL, _("Bill of care"), "8")],
    )
    if what.key == BILL:
        return await care_bill(caller, appointment)
    if what.key == REFUND:
        return await give_back(caller, appointment)
    places = await places_to_pay(caller, appointment, "")
    if not places:
        return NO_MONEY
    place = await one_place(FROM, places)
    to = await paid_officer(caller, appointment) if what.key == STAFF else None
    if to is None:
        to = await who_is_paid(caller, appointment, place, WHO, WHO_WITH_PHONE)
    elif place.is_for_payouts:
        await look(expect_paid_from, appointment, place.account, to.phone)
    question = _("How much? {name} has {held}", name=place.name, held=place.held)
    money = await how_much(question, place.held)
    reason = await ask(WHY, voucher_reason)
    debit = f"{place.fund}:{what.key}"
    new = NewVoucher(
        VoucherKind.EXPENSE, debit, place.account, money, reason, to.name, to.phone, grant=place.grant
    )
    return await record(caller, appointment, new)


async def give_back(caller: Caller, appointment: Appointment) -> Sentence:
    """A household gets back what it has paid too much, and no more."""
    number = await find_number(caller, appointment)
    if number is None:
        return NOT_FOUND
    credit: Credit = await look(credit_of, caller, appointment, number)
    places = await places_to_pay(caller, appointment, credit.phone or None, fund=credit.fund)
    if not places:
        return NO_MONEY
    place = await one_place(FROM, places)
    question = _("{name}: {credit} too much paid. How much back?", name=credit.name, credit=credit.amount)
    money = await how_much(question, place.held, credit.amount, no_more(credit.amount))
    reason = await ask(WHY, voucher_reason)
    return await record(
        caller,
        appointment,
        NewVoucher(
            VoucherKind.REFUND, credit.account, place.account, money, reason, credit.initials, credit.phone
        ),
    )


async def paid_officer(caller: Caller, appointment: Appointment) -> Party | None:
    """The officer who gets an allowance; None for somebody else."""
    officers = await look(colleagues_of, caller, appointment.mutuelle_id)
    if not officers:
        return None
    options = [Option(one.phone, one.name) for one in officers]
    chosen = await one_of(_("Who is paid?"), [*options, Option(OTHER, _("Somebody else"))])
    return None if chosen.key == OTHER else Party(str(chosen.label), chosen.key)


async def pay_facility(caller: Caller, appointment: Appointment) -> Sentence:
    owed = {one.key: one for one in await look(owed_to_facilities, appointment.mutuelle_id)}
    if not owed:
        return _("The mutuelle owes nothing to a facility.")
    chosen = await one_of(_("Which facility?"), [Option(one.key, one.label) for one in owed.values()])
    facility: Owed = owed[chosen.key]
    fund = facility.account.partition(":")[0]
    places = await places_to_pay(caller, appointment, facility.phone or None, fund=fund)
    if not places:
        return NO_MONEY
    place = await one_place(FROM, places)
    question = _("{name}: {owed} owed. How much do you pay?", name=facility.name, owed=facility.amount)
    more = _("The mutuelle owes only {owed}.", owed=facility.amount)
    money = await how_much(question, place.held, facility.amount, more)
    reason = await ask(WHY, voucher_reason)
    return await record(
        caller,
        appointment,
        NewVoucher(
            VoucherKind.FACILITY,
            facility.account,
            place.account,
            money,
            reason,
            facility.name,
            facility.phone,
        ),
    )
