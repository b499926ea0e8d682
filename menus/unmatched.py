"""Unmatched money and receipts that were wrong: a treasurer finds them, another signs what is right."""

from collections.abc import Sequence
from dataclasses import replace

from locales import Fact, Money, Sentence, _, _n, counts
from menus.find import NOT_FOUND, find_household, find_number
from menus.money_in import WHO_GAVE
from menus.own_accounts import PAPER, SLIP, arrived
from menus.sign import WHY, propose_with_reason
from menus.vouchers import FROM, NO_MONEY, one_place, places_to_pay, record, who_is_paid
from menus.words import one_of
from mutuelle.officers.roles import Appointment
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.cash_disputes import receipt_code_kind
from mutuelle.treasury.own_money import CASH, FLOAT, owed_to_us, own_money
from mutuelle.treasury.unmatched.corrections import (
    BookedMoney,
    correction_of,
    failed_payments,
    money_of_receipt,
)
from mutuelle.treasury.unmatched.decisions import MoneyOutcome
from mutuelle.treasury.unmatched.matches import match_of
from mutuelle.treasury.unmatched.money import Unmatched, matching, money_sought, unmatched_money
from mutuelle.treasury.voucher_acts import words_to_record
from mutuelle.treasury.voucher_answers import Party, party_kind, slip_number, voucher_reason
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind, income_of
from mutuelle.treasury.voucher_reads import on_the_way
from mutuelle.treasury.voucher_rules import label_of_sent, stated_first
from talk.phones import region_of
from talk.words import Caller, Option, ask, choose, look

OLDEST, SEARCH, RECEIPT, FAILED = "oldest", "search", "receipt", "failed"
HOUSEHOLD, RETURN, GIFT, OURS = "household", "return", "gift", "ours"
MOVED, TAKEN_BACK = "moved", "taken back"


async def unmatched(caller: Caller, appointment: Appointment) -> Sentence:
    found: list[Unmatched] = await look(unmatched_money, appointment.mutuelle_id)
    what = await choose(
        _summary(found),
        (
            *((Option(OLDEST, _("The oldest"), "1"), Option(SEARCH, _("Search"), "2")) if found else ()),
            Option(RECEIPT, _("Correct a receipt"), "3"),
            Option(FAILED, _("Failed, but paid"), "4"),
        ),
    )
    if what.key == RECEIPT:
        return await correct(caller, appointment)
    if what.key == FAILED:
        return await failed_but_paid(caller, appointment)
    if what.key == SEARCH:
        sought = await ask(_("Its amount, day, phone or reference?"), money_sought(found))
        found = matching(found, sought)
    return await whose(caller, appointment, found)


def _summary(found: Sequence[Unmatched]) -> Sentence:
    if not found:
        return _("No money waits for its owner.")
    currency = found[0].amount.currency
    total = Money(sum(one.amount.amount_minor for one in found if one.amount.currency == currency), currency)
    return _n(
        "{n} sum waits for its owner: {total}",
        "{n} sums wait for their owner: {total}",
        len(found),
        total=total,
    )


async def whose(caller: Caller, appointment: Appointment, found: Sequence[Unmatched]) -> Sentence:
    money = found[0]
    if len(found) > 1:
        chosen = await one_of(_("Which one?"), [Option(one.key, one.label) for one in found])
        [money] = [one for one in found if one.key == chosen.key]
    mutuelle = await look(get_mutuelle, appointment.mutuelle_id)
    days = money.days(mutuelle.today(caller.at))
    what = await choose(
        _said(money, counts.days(days) if days else _("today")),
        (
            Option(HOUSEHOLD, _("For a household"), "1"),
            Option(RETURN, _("Give it back"), "2"),
            Option(GIFT, _("Keep it as a gift"), "3"),
            Option(OURS, _("It is ours"), "4"),
        ),
    )
    if what.key == RETURN:
        return await give_back(caller, appointment, money)
    if what.key == GIFT:
        return await keep(caller, appointment, money)
    if what.key == OURS:
        return await ours(caller, appointment, money)
    number = await find_number(caller, appointment)
    if number is None:
        return NOT_FOUND
    return await propose_with_reason(caller, appointment, match_of(money, number, ""))


async def give_back(caller: Caller, appointment: Appointment, money: Unmatched) -> Sentence:
    """To who paid it, in cash or through the account by which it came."""
    places = [
        one
        for one in await places_to_pay(caller, appointment, "", FLOAT, fund=money.account.partition(":")[0])
        if one.held >= money.amount and not one.grant
    ]
    if not places:
        return NO_MONEY
    place = await one_place(FROM, places)
    to = await who_is_paid(
        caller,
        appointment,
        place,
        _("Who gets it back? The name, and the phone if you have it"),
        _("Who gets it back? The name, then the phone that gets the money"),
    )
    reason = await ask(WHY, voucher_reason)
    new = NewVoucher(
        VoucherKind.RETURNED,
        money.account,
        place.account,
        money.amount,
        reason,
        to.name,
        to.phone,
        found=money.key,
    )
    return await record(caller, appointment, new)


async def keep(caller: Caller, appointment: Appointment, money: Unmatched) -> Sentence:
    gifts = income_of(VoucherKind.GIFT)
    new = NewVoucher(VoucherKind.KEPT, money.account, gifts, money.amount, "", found=money.key)
    await look(words_to_record, caller, appointment, new)  # refused before she types why
    reason = await ask(WHY, voucher_reason)
    return await record(caller, appointment, replace(new, reason=reason))


async def ours(caller: Caller, appointment: Appointment, money: Unmatched) -> Sentence:
    """It is the mutuelle's own: sent before, brought to the bank, given to us, or paid by who owes us."""
    fund = money.account.partition(":")[0]
    sent = {
        one.key: one
        for one in await look(on_the_way, appointment.mutuelle_id)
        if stated_first(one) == money.account and one.amount == money.amount
    }
    boxes = [
        one
        for one in await look(own_money, appointment, CASH)
        if one.fund == fund and one.held >= money.amount
    ]
    owed = [
        one
        for one in await look(owed_to_us, appointment.mutuelle_id)
        if one.account.partition(":")[0] == fund and one.amount >= money.amount
    ]
    what = await one_of(
        _("What is it?"),
        [
            *(Option(one.key, _("Arrived: {what}", what=label_of_sent(one))) for one in sent.values()),
            *((Option(VoucherKind.DEPOSIT, _("Deposit in a bank")),) if boxes else ()),
            Option(VoucherKind.SUBSIDY, _("A subsidy")),
            Option(VoucherKind.GIFT, _("A gift")),
            *((Option(VoucherKind.DEBTOR, _("Debt to us paid")),) if owed else ()),
        ],
    )
    if what.key in sent:
        new = arrived(sent[what.key], await ask(PAPER, slip_number))
    elif what.key == VoucherKind.DEPOSIT:
        box, slip = await one_place(FROM, boxes), await ask(SLIP, slip_number)
        new = NewVoucher(VoucherKind.DEPOSIT, "", box.account, money.amount, slip, slip=slip)
    elif what.key == VoucherKind.DEBTOR:
        who = await one_of(_("Who paid?"), [Option(one.key, one.label) for one in owed])
        [debtor] = [one for one in owed if one.key == who.key]
        reason = await ask(WHY, voucher_reason)
        new = NewVoucher(VoucherKind.DEBTOR, "", debtor.account, money.amount, reason, debtor.name)
    else:
        kind = VoucherKind(what.key)
        donor: Party = await ask(WHO_GAVE, party_kind(region_of(caller.phone)))
        reason = await ask(WHY, voucher_reason)
        new = NewVoucher(kind, "", income_of(kind), money.amount, reason, donor.name)
    return await record(caller, appointment, replace(new, debit=money.account, found=money.key))


def _said(money: Unmatched, days: Sentence) -> Sentence:
    facts: dict[str, Fact] = {
        "amount": money.amount,
        "day": f"{money.on:%d/%m}",
        "days": days,
        "place": money.place,
    }
    alone = _("{amount} of {day} ({days}), {place}", **facts)
    told = " ".join(
        word
        for word in (f"…{money.payer[-4:]}" if money.payer else "", money.note or money.reference)
        if word
    )
    if not told:
        return alone
    return _("{amount} of {day} ({days}), {place}: {told}", **facts, told=told[:40]).or_else(alone)


async def correct(caller: Caller, appointment: Appointment) -> Sentence:
    code = await ask(_("The code of the receipt?"), receipt_code_kind)
    money: BookedMoney = await look(money_of_receipt, appointment, code)
    what = await choose(
        _(
            "{amount} of {day}, receipt {code}:",
            amount=money.amount,
            day=f"{money.on:%d/%m}",
            code=money.code,
        ),
        (
            Option(MOVED, _("For another household"), "1"),
            Option(TAKEN_BACK, _("The operator took it back"), "2"),
        ),
    )
    to = ""
    if what.key == MOVED:
        found = await find_household(caller, appointment)
        if found is None:
            return NOT_FOUND
        to = found.number
    act = correction_of(MoneyOutcome(what.key), money, "", to)
    return await propose_with_reason(caller, appointment, act)


async def failed_but_paid(caller: Caller, appointment: Appointment) -> Sentence:
    household = await find_household(caller, appointment)
    if household is None:
        return NOT_FOUND
    found: list[BookedMoney] = await look(failed_payments, caller, appointment, household.number)
    if not found:
        return _("No payment of this household has failed lately. Look at the money without an owner too.")
    chosen = await one_of(
        _("Which payment was paid after all?"), [Option(one.key, one.label) for one in found]
    )
    [money] = [one for one in found if one.key == chosen.key]
    return await propose_with_reason(caller, appointment, correction_of(MoneyOutcome.PAID, money, ""))
