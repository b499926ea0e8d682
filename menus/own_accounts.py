"""A treasurer's bank and own accounts: deposits, withdrawals, cash for another treasurer, moves between accounts."""

from locales import Sentence, _
from menus.money_in import debt_paid, given
from menus.payouts import payouts
from menus.voucher_list import last
from menus.vouchers import FROM, NO_MONEY, WHY, how_much, one_place, record
from menus.words import one_of
from mutuelle.officers.colleagues import holders_of
from mutuelle.officers.roles import Appointment, Role
from mutuelle.treasury.own_money import BANK, CASH, FLOAT, OwnMoney, banks_of, own_money, places_of
from mutuelle.treasury.voucher_answers import slip_number, voucher_reason
from mutuelle.treasury.voucher_kinds import (
    BOX,
    DISBURSEMENT,
    NewVoucher,
    NumberedVoucher,
    VoucherKind,
    box_of,
    transit_of,
)
from mutuelle.treasury.voucher_reads import on_the_way
from mutuelle.treasury.voucher_rules import label_of_sent
from talk.words import Caller, Option, ask, choose, look

SLIP = _("The number on the bank's paper?")
PAPER = _("The number on the paper of the bank or operator?")
NO_BANK = _("The mutuelle has no bank in our book. Your federation adds it.")
NEW = "new"


async def own_accounts(caller: Caller, appointment: Appointment) -> Sentence:
    what = await choose(
        _("Bank, accounts"),
        (
            Option("deposit", _("Deposit in a bank"), "1"),
            Option("withdraw", _("Withdraw"), "2"),
            Option("hand", _("Cash to a treasurer"), "3"),
            Option("move", _("Between accounts"), "4"),
            Option("given", _("Subsidy, gift"), "5"),
            Option("debt", _("Debt to us paid"), "6"),
            Option("vouchers", _("Last vouchers"), "7"),
            Option("payouts", _("Payouts"), "8"),
        ),
    )
    duties = {
        "deposit": deposit,
        "withdraw": withdraw,
        "hand": hand_over,
        "move": move,
        "given": given,
        "debt": debt_paid,
        "vouchers": last,
        "payouts": payouts,
    }
    return await duties[what.key](caller, appointment)


async def deposit(caller: Caller, appointment: Appointment) -> Sentence:
    """From her box, or a box of a village, into a bank: the bank's paper proves it."""
    boxes = [one for one in await look(own_money, appointment, CASH) if one.held.amount_minor > 0]
    if not boxes:
        return NO_MONEY
    box = await one_place(FROM, boxes)
    banks = banks_of(await look(own_money, appointment, BANK), box.fund)
    if not banks:
        return NO_BANK
    bank = await one_place(_("Into which bank?"), banks)
    money = await how_much(_("How much? {name} has {held}", name=box.name, held=box.held), box.held)
    slip = await ask(SLIP, slip_number)
    return await record(
        caller,
        appointment,
        NewVoucher(VoucherKind.DEPOSIT, bank.account, box.account, money, slip, slip=slip),
    )


async def withdraw(caller: Caller, appointment: Appointment) -> Sentence:
    """From a bank into her box."""
    banks = [one for one in await look(own_money, appointment, BANK) if one.held.amount_minor > 0]
    if not banks:
        return NO_MONEY
    bank = await one_place(FROM, banks)
    money = await how_much(_("How much? {name} has {held}", name=bank.name, held=bank.held), bank.held)
    slip = await ask(SLIP, slip_number)
    box = box_of(appointment.phone, bank.fund)
    return await record(
        caller,
        appointment,
        NewVoucher(VoucherKind.WITHDRAWAL, box, bank.account, money, slip, slip=slip),
    )


async def hand_over(caller: Caller, appointment: Appointment) -> Sentence:
    """From her box into another treasurer's, who signs that she has it."""
    boxes = [one for one in await look(own_money, appointment, CASH) if one.held.amount_minor > 0]
    own = [one for one in boxes if one.account.split(":")[1] == BOX]
    if not own:
        return NO_MONEY
    others = await look(holders_of, caller, appointment.mutuelle_id, Role.TREASURER)
    options = [Option(one.phone, one.name) for one in others if one.phone != caller.phone]
    if not options:
        return _("There is no other treasurer.")
    box = await one_place(FROM, own)
    to = options[0] if len(options) == 1 else await one_of(_("To whom?"), options)
    question = _("Cash for {name}. How much? You have {held}", name=to.label, held=box.held)
    money = await how_much(question, box.held)
    reason = await ask(WHY, voucher_reason)
    return await record(
        caller,
        appointment,
        NewVoucher(
            VoucherKind.HANDED, box_of(to.key, box.fund), box.account, money, reason, party=str(to.label)
        ),
    )


async def move(caller: Caller, appointment: Appointment) -> Sentence:
    """Between a bank, an operator's account and the one for payouts: sent first; who sees it arrive says so."""
    waiting = {one.key: one for one in await look(on_the_way, appointment.mutuelle_id)}
    if waiting:
        arrived = [Option(one.key, _("Arrived: {what}", what=label_of_sent(one))) for one in waiting.values()]
        chosen = await one_of(_("Between accounts"), [*arrived, Option(NEW, _("Send more"))])
        if chosen.key != NEW:
            return await arrival(caller, appointment, waiting[chosen.key])
    return await send(caller, appointment)


async def arrival(caller: Caller, appointment: Appointment, sent: NumberedVoucher) -> Sentence:
    slip = await ask(PAPER, slip_number)
    return await record(caller, appointment, arrived(sent, slip))


def arrived(sent: NumberedVoucher, slip: str) -> NewVoucher:
    transit = transit_of(sent.fund)
    return NewVoucher(
        VoucherKind.ARRIVED, sent.toward, transit, sent.amount, slip, slip=slip, completes=sent.key
    )


async def send(caller: Caller, appointment: Appointment) -> Sentence:
    every = await look(own_money, appointment, BANK, FLOAT, DISBURSEMENT)
    places = [one for one in every if one.held.amount_minor > 0]
    if not places:
        return _("There is no money at a bank or an operator.")
    place = await one_place(FROM, places)
    of_fund = {one.account: one for one in every if one.fund == place.fund}
    of_fund |= {one.account: one for one in places_of(DISBURSEMENT, every, place.fund)}
    to = [one for one in of_fund.values() if one.account != place.account]
    if not to:
        return _("There is no other account to send it to.")
    toward: OwnMoney = await one_place(_("To which account?"), to)
    money = await how_much(_("How much? {name} has {held}", name=place.name, held=place.held), place.held)
    reason = await ask(WHY, voucher_reason)
    transit = transit_of(place.fund)
    return await record(
        caller,
        appointment,
        NewVoucher(VoucherKind.SENT, transit, place.account, money, reason, toward=toward.account),
    )
