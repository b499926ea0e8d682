"""Money that comes in by hand and is no contribution: a subsidy, a gift, a restricted grant, a debt that is paid."""

from currencies import scaled
from locales import Money, Sentence, _
from menus.vouchers import WHY, how_much, one_place, record
from menus.words import one_of
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.own_money import (
    BANK,
    CASH,
    Grant,
    Owed,
    OwnMoney,
    banks_of,
    grants_of,
    owed_to_us,
    own_money,
)
from mutuelle.treasury.voucher_answers import party_kind, voucher_reason
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind, box_of, income_of
from talk.answers import amount
from talk.phones import region_of
from talk.words import Caller, Option, ask, choose, look

MOST_MINOR = 99_999_999  # in francs CFA
NEW = "new"
INTO = _("Where is this money?")
WHO_GAVE = _("Who gave it? The name")


async def given(caller: Caller, appointment: Appointment) -> Sentence:
    chosen = await choose(
        _("What was given?"),
        (
            Option(VoucherKind.SUBSIDY, _("A subsidy"), "1"),
            Option(VoucherKind.GIFT, _("A gift"), "2"),
            Option(VoucherKind.GRANT, _("A grant for one purpose"), "3"),
        ),
    )
    kind = VoucherKind(chosen.key)
    grant = await which_grant(appointment) if kind is VoucherKind.GRANT else None
    donor = grant.donor if grant else (await ask(WHO_GAVE, party_kind(region_of(caller.phone)))).name
    income = income_of(kind)
    place = await where(appointment, income.partition(":")[0])
    most = Money(scaled(MOST_MINOR, place.held.currency), place.held.currency)
    money = await ask(_("How much?"), amount(Money(1, most.currency), most))
    reason = grant.purpose if grant else await ask(WHY, voucher_reason)
    return await record(
        caller,
        appointment,
        NewVoucher(kind, place.account, income, money, reason, donor, grant=grant.key if grant else ""),
    )


async def which_grant(appointment: Appointment) -> Grant | None:
    """The grant of which one more part has come; None for a new one."""
    grants = {one.key: one for one in await look(grants_of, appointment.mutuelle_id)}
    if not grants:
        return None
    options = [Option(one.key, f"{one.donor}, {one.purpose}") for one in grants.values()]
    chosen = await one_of(_("Which grant?"), [Option(NEW, _("A new one")), *options])
    return grants.get(chosen.key)


async def where(appointment: Appointment, fund: str) -> OwnMoney:
    """Her own box, or a bank: of this fund."""
    own = await look(own_money, appointment, CASH, BANK)
    box = box_of(appointment.phone, fund)
    boxes = [one for one in own if one.account == box] or [
        OwnMoney(box, _("my box"), Money(0, own[0].held.currency))
    ]
    return await one_place(INTO, [*boxes, *banks_of(own, fund)])


async def debt_paid(caller: Caller, appointment: Appointment) -> Sentence:
    """The State, or another who owes the mutuelle, has paid."""
    owed = {one.key: one for one in await look(owed_to_us, appointment.mutuelle_id)}
    if not owed:
        return _("Nobody owes the mutuelle anything but contributions.")
    chosen = await one_of(_("Who paid?"), [Option(one.key, one.label) for one in owed.values()])
    debtor: Owed = owed[chosen.key]
    place = await where(appointment, debtor.account.partition(":")[0])
    question = _("{name} owes {owed}. How much was paid?", name=debtor.name, owed=debtor.amount)
    more = _("{name} owes only {owed}.", name=debtor.name, owed=debtor.amount)
    money = await how_much(question, debtor.amount, debtor.amount, more)
    reason = await ask(WHY, voucher_reason)
    return await record(
        caller,
        appointment,
        NewVoucher(VoucherKind.DEBTOR, place.account, debtor.account, money, reason, debtor.name),
    )
