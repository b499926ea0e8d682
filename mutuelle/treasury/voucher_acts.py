"""Who signs a voucher: one treasurer with her PIN up to an amount, two from there on.

Two always sign cash that goes from one treasurer to another (who gets it signs), what is paid to the treasurer who
records it, and whatever is taken back.
"""

from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import parse
from ledger.balances import balance
from locales import Fact, Money, Sentence, _
from mutuelle.benefits.bills import CareOfBill
from mutuelle.household_key import HouseholdKey
from mutuelle.households.households import lock_households
from mutuelle.locks import Lock, lock
from mutuelle.notify import notify
from mutuelle.officers.joint_acts import ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.pins import try_pin
from mutuelle.officers.roles import Appointment, Role, appointment_of
from mutuelle.scheme.limits import limits_of
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.treasury.messages import voucher_signed
from mutuelle.treasury.unmatched.kept import STATED, decide_found
from mutuelle.treasury.voucher_kinds import NewVoucher, NumberedVoucher, Signatures, VoucherKind
from mutuelle.treasury.voucher_rules import CHANGED, Matter, expect_possible, label_of, words_of
from mutuelle.treasury.vouchers import lock_vouchers, write_voucher
from talk.answers import Secret
from talk.questions import initials
from talk.trouble import RefusedError
from talk.words import Caller
from values import value


@value
class VoucherReceipt:
    """A voucher that one treasurer has written: its number and code, and what is left where the money came from."""

    number: str
    code: str
    left: Money


async def proposal_of(
    db: AsyncConnection, caller: Caller, own: Appointment, new: NewVoucher
) -> NewJointAct | None:
    """The proposal of this voucher, where two treasurers have to sign it; None where its treasurer signs alone."""
    mutuelle = await get_mutuelle(db, own.mutuelle_id)
    today = mutuelle.today(caller.at)
    limits = await limits_of(db, mutuelle.id, today)
    if new.amount.amount_minor < limits.two_signatures_from_minor and not _always_two(own, new):
        return None
    return NewJointAct(VOUCHER.name, facts_of_voucher(own, new, today), new.reason)


def facts_of_voucher(own: Appointment, new: NewVoucher, on: date) -> dict[str, Any]:
    """What an act about this voucher keeps."""
    return {
        "kind": str(new.kind),
        "debit": new.debit,
        "credit": new.credit,
        "amount_minor": new.amount.amount_minor,
        "currency": new.amount.currency,
        "party": new.party,
        "phone": new.phone,
        "slip": new.slip,
        "toward": new.toward,
        "completes": new.completes,
        "grant": new.grant,
        "found": new.found,
        "care": asdict(new.care) if new.care else None,
        "by": own.phone,
        "name": own.name,
        "on": on.isoformat(),
    }


def _always_two(own: Appointment, new: NewVoucher) -> bool:
    """Whether she hands on cash, decides about unmatched money, has an operator send some, or pays herself, perhaps
    under another phone.
    """
    pays_herself = new.phone == own.phone or initials(new.party) == initials(own.name)
    return new.kind is VoucherKind.HANDED or bool(new.found) or new.is_payout or pays_herself


async def words_to_record(db: AsyncConnection, caller: Caller, own: Appointment, new: NewVoucher) -> Sentence:
    """All that a treasurer who signs alone agrees to; RefusedError where it cannot be."""
    mutuelle = await get_mutuelle(db, own.mutuelle_id)
    matter = Matter(new, own.phone, own.name, mutuelle.today(caller.at))
    matter = await expect_possible(db, caller, own, matter)
    return words_of(replace(matter, name=""), new.reason)  # to herself it is "my box", as the menu says


async def record_voucher(
    db: AsyncConnection, caller: Caller, *, mutuelle: str, voucher: NewVoucher, pin: Secret
) -> VoucherReceipt | Sentence:
    """Write a voucher that one treasurer signs alone; a sentence where the PIN is not right.

    1. Lock the vouchers of the mutuelle, and the household whose account changes.
    2. Look at everything again. Only then check the PIN.
    3. Write it, with its journal and its SMS.
    """
    own = await appointment_of(db, caller, mutuelle, Role.TREASURER)
    await lock_voucher(db, mutuelle, voucher)
    if await proposal_of(db, caller, own, voucher):
        raise RefusedError(CHANGED)
    owner = await get_mutuelle(db, mutuelle)
    today = owner.today(caller.at)
    await expect_possible(db, caller, own, Matter(voucher, own.phone, own.name, today))
    if wrong := await try_pin(db, caller, pin):
        return wrong
    limits = await limits_of(db, mutuelle, today)
    signed = Signatures(own.phone, own.name, today, two_from_minor=limits.two_signatures_from_minor)
    written = await write_voucher(db, owner, voucher, signed, caller.at)
    left = await balance(db, mutuelle, written.credit)
    return VoucherReceipt(written.shown_number, written.code, Money(left.net, written.amount.currency))


async def lock_voucher(db: AsyncConnection, mutuelle_id: str, of: NewVoucher | NumberedVoucher) -> None:
    """Lock what a voucher is decided on until the transaction ends.

    Into an account of which statements come, it waits for a statement that is taken in: both would book one sum.
    """
    await lock_vouchers(db, mutuelle_id)
    if of.debit.split(":")[1] in STATED:
        await lock(db, Lock.STATEMENT, mutuelle_id, of.debit)
    if numbers := households_of(of):
        await lock_households(db, {HouseholdKey(mutuelle_id, number) for number in numbers})


def households_of(of: NewVoucher | NumberedVoucher) -> set[str]:
    """The numbers of the households that a voucher is decided on: whose account it changes, of whose care it pays."""
    numbers = {parse(code).sub for code in (of.debit, of.credit) if code.split(":")[1] == "member"}
    if isinstance(of, NewVoucher) and of.care:  # no other bill passes a ceiling meanwhile
        numbers.add(of.care.number)
    return numbers


def voucher_of_facts(facts: Facts, reason: str = "") -> NewVoucher:
    """The voucher that an act is about."""
    kept = {name: facts[name] for name in NewVoucher.__dataclass_fields__ if name in facts}
    amount = Money(facts["amount_minor"], facts["currency"])
    care = CareOfBill(**facts["care"]) if facts.get("care") else None
    return NewVoucher(
        **{**kept, "kind": VoucherKind(facts["kind"]), "care": care}, amount=amount, reason=reason
    )


async def _lock(db: AsyncConnection, own: Appointment, facts: Facts) -> None:
    await lock_voucher(db, own.mutuelle_id, voucher_of_facts(facts))


async def look_at_voucher(db: AsyncConnection, caller: Caller, own: Appointment, facts: Facts) -> Matter:
    """The voucher of an act as it is now; RefusedError where it is not possible (any more)."""
    on = date.fromisoformat(facts["on"])
    matter = Matter(voucher_of_facts(facts), facts["by"], facts["name"], on)
    return await expect_possible(db, caller, own, matter)


async def _look_again(db: AsyncConnection, caller: Caller, own: Appointment, facts: Facts) -> Matter:
    if voucher_of_facts(facts).is_payout:  # an act of its own kind: `payouts/payout_acts.py`
        raise RefusedError(CHANGED)
    return await look_at_voucher(db, caller, own, facts)


async def _carry_out(db: AsyncConnection, act: JointAct, matter: Matter, at: datetime) -> None:
    """Write the voucher, for the day on which it was proposed, and tell its number to who proposed it."""
    mutuelle = await get_mutuelle(db, act.mutuelle_id)
    signed = Signatures(act.proposed_by, act.proposer, matter.on, act=UUID(act.id))
    new = voucher_of_facts(act.facts, act.reason)
    written = await write_voucher(db, mutuelle, new, signed, at)
    if new.found:
        await decide_found(db, act, new, at)
    await tell_number(db, mutuelle, act, written, at)


async def tell_number(
    db: AsyncConnection, mutuelle: Mutuelle, act: JointAct, written: NumberedVoucher, at: datetime
) -> None:
    """Tell the proposer that it is signed, and the number for the paper."""
    sentence = voucher_signed(mutuelle.name, act.label, written.shown_number, written.code)
    await notify(db, mutuelle.id, "voucher signed", {act.proposed_by: sentence}, at, event=written.key)


def _done(facts: Facts) -> Sentence:
    """What was signed; of money that is on its way, that somebody must note its arrival."""
    new = voucher_of_facts(facts)
    said: dict[str, Fact] = {"voucher": label_of(new, facts["name"]), "name": facts["name"]}
    short = _("Done: {voucher}. {name} gets its number by SMS.", **said)
    if new.kind is not VoucherKind.SENT:
        return short
    return _(
        "Done: {voucher}. {name} gets its number by SMS. When it arrives, note it: 9, 8, 4, then 4.", **said
    ).or_else(short)


VOUCHER = known(
    ActKind(
        "voucher",
        label=lambda facts: label_of(voucher_of_facts(facts), facts["name"]),
        look_again=_look_again,
        words=words_of,
        carry_out=_carry_out,
        done=_done,
        lock=_lock,
        about=lambda facts: facts["phone"] or None,
        tells_proposer=True,
    )
)
