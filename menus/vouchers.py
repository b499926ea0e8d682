"""A voucher is recorded by one treasurer, or proposed to another; and what every such conversation asks."""

from collections.abc import Sequence

from locales import Fact, Money, Sentence, _
from menus.sign import NOTHING, propose
from menus.words import one_of, work_pin
from mutuelle.officers.roles import Appointment
from mutuelle.treasury.own_money import BANK, CASH, OwnMoney, money_to_spend
from mutuelle.treasury.payouts.payout_acts import expect_paid_from, payout_places, payout_proposal
from mutuelle.treasury.voucher_acts import VoucherReceipt, proposal_of, record_voucher, words_to_record
from mutuelle.treasury.voucher_answers import Party, party_kind
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from mutuelle.treasury.vouchers import only
from talk.answers import amount
from talk.phones import region_of
from talk.words import Caller, Option, ask, confirm, do, look

FROM = _("From which money?")
NO_MONEY = _("There is no money in your box or at a bank.")
WHY = _("What for? In a few words")


async def record(caller: Caller, appointment: Appointment, new: NewVoucher) -> Sentence:
    """Read back, agreed to and done; where two have to sign it, proposed."""
    act = await look(payout_proposal if new.is_payout else proposal_of, caller, appointment, new)
    if act is not None:
        return await propose(caller, appointment, act)
    words: Sentence = await look(words_to_record, caller, appointment, new)
    agreed = await confirm(words)
    if not agreed:
        return NOTHING
    secret = await work_pin()
    done: VoucherReceipt | Sentence = await do(
        record_voucher, mutuelle=appointment.mutuelle_id, voucher=new, pin=secret
    )
    if isinstance(done, Sentence):
        return done
    facts: dict[str, Fact] = {"number": done.number, "code": done.code}
    if new.kind is VoucherKind.SENT:
        return _(
            "Recorded. Write on the paper: voucher {number}, code {code}. When it arrives, note it: 9, 8, 4, then 4.",
            **facts,
        )
    return _("Recorded. Write on the paper: voucher {number}, code {code}.", **facts)


async def places_to_pay(
    caller: Caller, appointment: Appointment, phone: str | None, *also: str, fund: str = ""
) -> list[OwnMoney]:
    """Where there is money for whom is paid: her box, banks, and what an operator sends to this phone (""  where it is
    not known yet; None where there is none). `also`: other kinds of accounts; `fund`: of this one only.
    """
    places: list[OwnMoney] = await look(money_to_spend, appointment, CASH, BANK, *also)
    if phone is not None:
        places = [*places, *await look(payout_places, appointment, phone)]
    return [one for one in places if not fund or one.fund == fund]


async def who_is_paid(
    caller: Caller, appointment: Appointment, place: OwnMoney, question: Sentence, with_phone: Sentence
) -> Party:
    """A name, and a phone: where an operator pays, one that it can pay (`with_phone` asks so)."""
    region, needs_phone = region_of(caller.phone), place.is_for_payouts
    asked = with_phone if needs_phone else question
    to: Party = await ask(asked, party_kind(region, with_phone=needs_phone))
    if needs_phone:
        await look(expect_paid_from, appointment, place.account, to.phone)
    return to


async def one_place(question: Sentence, places: Sequence[OwnMoney]) -> OwnMoney:
    """One of our accounts; not asked where there is only one."""
    if len(places) == 1:
        return places[0]
    chosen = await one_of(question, [Option(one.key, one.label) for one in places])
    return next(one for one in places if one.key == chosen.key)


async def how_much(
    question: Sentence, held: Money, owed: Money | None = None, more: Sentence | None = None
) -> Money:
    """An amount of at most `held`, which is what there is, and of at most `owed`; `more` is said beyond that."""
    most, outside = (owed, more) if owed and owed <= held else (held, None)
    kind = amount(Money(1, most.currency), most, outside=outside or only(most))
    money: Money = await ask(question, kind)
    return money
