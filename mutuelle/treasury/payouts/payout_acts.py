"""Who signs a payout: always two treasurers. The second sees in whose name the phone is registered.

The operator is asked for that name by the worker (`payee_names.py`), between the two signatures: not during a call.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.accounts import parse
from locales import Fact, Money, Once, Sentence, _
from mobilemoney.accounts import capabilities_of, known_capabilities
from mobilemoney.networks import network_by_prefix, networks
from mobilemoney.operator import Capabilities
from mutuelle.acts import By
from mutuelle.contributions.payments import PaymentState, networks_said
from mutuelle.dates import day_bounds
from mutuelle.households.households import find_household, phones_of_all
from mutuelle.officers.joint_acts import ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.roles import Appointment
from mutuelle.scheme.limits import limits_of
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.sheets.letters import name_words
from mutuelle.tables import operator_account, payout
from mutuelle.treasury.own_money import OwnMoney, own_money
from mutuelle.treasury.payouts.payee_names import NAME_TRIES, told_name
from mutuelle.treasury.payouts.payouts import NewPayout, reserve_payout
from mutuelle.treasury.voucher_acts import facts_of_voucher, lock_voucher, look_at_voucher, voucher_of_facts
from mutuelle.treasury.voucher_kinds import DISBURSEMENT, NewVoucher, VoucherKind
from mutuelle.treasury.voucher_rules import CHANGED, Matter, label_of
from talk.phones import shown_phone
from talk.trouble import RefusedError
from talk.words import Caller

NOT_PAID_THERE = _("This phone cannot be paid from there. Please pay in another way.")
MOST_NAME = 24  # letters of a registered name, beside who is paid


@dataclass(frozen=True)
class PayoutMatter:
    """A payout as it is when `signer` signs. `registered` is the name behind the phone, None where nobody tells it;
    `is_told`: the operator was asked for it.
    """

    matter: Matter
    out: NewPayout
    signer: str
    registered: str | None = None
    is_told: bool = False


async def payout_places(db: AsyncConnection, own: Appointment, phone: str = "") -> list[OwnMoney]:
    """The accounts at operators from which this phone can be paid, with what is free in each; "": any phone."""
    network = await _network_of(db, phone) if phone else ""
    found = []
    for place in await own_money(db, own, DISBURSEMENT):
        can = await _account(db, own.mutuelle_id, place.account)
        pays = can is not None and (can[1].pays(network) if phone else can[1].pays_out)
        if pays and place.held.amount_minor > 0:
            found.append(place)
    return found


async def expect_paid_from(db: AsyncConnection, own: Appointment, code: str, phone: str) -> None:
    """RefusedError where the operator behind this account of the book does not pay this phone."""
    account = await _account(db, own.mutuelle_id, code)
    if account is None or not phone or not account[1].pays(await _network_of(db, phone)):
        raise RefusedError(NOT_PAID_THERE)


async def _network_of(db: AsyncConnection, phone: str) -> str:
    """The network of a phone: as its owner said, else by its prefix; "" if nobody knows it."""
    return (await networks_said(db, [phone])).get(phone) or network_by_prefix(phone)


async def _account(db: AsyncConnection, mutuelle_id: str, code: str) -> tuple[str, Capabilities] | None:
    """The operator of the account behind this code of the book, and what it can do; None where there is none."""
    a = operator_account.c
    its = (a.mutuelle_id == mutuelle_id) & (a.name == parse(code).sub)
    operator = await db.scalar(select(a.operator).where(its))
    can = known_capabilities(operator) if operator else None
    return (operator, can) if operator and can else None


async def payout_proposal(
    db: AsyncConnection, caller: Caller, own: Appointment, new: NewVoucher
) -> NewJointAct:
    """The proposal of this payout; RefusedError where the operator does not pay this phone so much."""
    out = await _expect_payable(db, own.mutuelle_id, new)
    today = (await get_mutuelle(db, own.mutuelle_id)).today(caller.at)
    facts = facts_of_voucher(own, new, today)
    facts |= {"operator": out.operator, "account": out.account, "network": out.network}
    return NewJointAct(PAYOUT.name, facts, new.reason)


async def _expect_payable(db: AsyncConnection, mutuelle_id: str, new: NewVoucher) -> NewPayout:
    account = await _account(db, mutuelle_id, new.credit)
    if account is None or not new.is_payout:
        raise RefusedError(CHANGED)
    operator, can = account
    network = await _network_of(db, new.phone)
    if not new.phone or not can.pays(network):
        raise RefusedError(NOT_PAID_THERE)
    limits = can.limits.get(new.amount.currency)
    if limits is None or not limits.allows(new.amount.amount_minor):
        least, most = (limits.least_minor, limits.most_minor) if limits else (0, 0)
        raise RefusedError(
            _(
                "The operator sends {least} to {most} at once.",
                least=Money(least, new.amount.currency),
                most=Money(most, new.amount.currency),
            )
        )
    return NewPayout(new, operator, parse(new.credit).sub, network)


async def _lock(db: AsyncConnection, own: Appointment, facts: Facts) -> None:
    await lock_voucher(db, own.mutuelle_id, voucher_of_facts(facts))


async def _look_again(db: AsyncConnection, caller: Caller, own: Appointment, facts: Facts) -> PayoutMatter:
    """RefusedError where it is not possible (any more), is beyond a limit, or while the operator is asked whose phone
    it is.
    """
    if facts["phone"] == facts["by"]:
        raise RefusedError(_("Nobody sends money to her own phone. Let another treasurer propose it."))
    matter = await look_at_voucher(db, caller, own, facts)
    out = await _expect_payable(db, own.mutuelle_id, matter.voucher)
    if (out.operator, out.account, out.network) != (facts["operator"], facts["account"], facts["network"]):
        raise RefusedError(CHANGED)
    await _expect_known_phone(db, caller, matter.voucher)
    await _expect_within_limits(db, caller, own, matter)
    if own.phone == facts["by"] or not capabilities_of(out.operator).tells_payee:
        return PayoutMatter(matter, out, own.phone)
    told = await told_name(db, own.mutuelle_id, out.account, matter.voucher.phone)
    if told is None or (told.name is None and told.times < NAME_TRIES):
        raise RefusedError(
            _("The operator is asked in whose name this phone is. Please look again in a minute.")
        )
    return PayoutMatter(matter, out, own.phone, told.name, is_told=True)


async def _expect_known_phone(db: AsyncConnection, caller: Caller, new: NewVoucher) -> None:
    """Refused where a household's money would go to a phone of which it is in doubt who holds it."""
    if new.kind is not VoucherKind.REFUND:
        return
    household = await find_household(db, parse(new.debit).sub, closed=True)
    if household is None:
        raise RefusedError(CHANGED)
    [phones] = await phones_of_all(db, [household], caller.at)
    if phones.get(new.phone) != "":
        raise RefusedError(_("It is not known who holds this phone now. Please pay in another way."))


async def _expect_within_limits(
    db: AsyncConnection, caller: Caller, own: Appointment, matter: Matter
) -> None:
    """Refused beyond what the mutuelle lets operators send a day, and beyond what one treasurer signs as second."""
    mutuelle, new = await get_mutuelle(db, own.mutuelle_id), matter.voucher
    limits = await limits_of(db, mutuelle.id, mutuelle.today(caller.at))
    in_all, signed = await _sent_today(db, own, day_bounds(mutuelle.today(caller.at), mutuelle.timezone))
    left = [limits.payouts_a_day_minor - in_all]
    if own.phone != matter.phone:  # who proposes signs for nothing yet
        left.append(limits.payouts_by_one_minor - signed)
    if new.amount.amount_minor > min(left):
        raise RefusedError(
            _(
                "Payouts: only {left} more today, by the limits of the mutuelle.",
                left=Money(max(0, min(left)), new.amount.currency),
            )
        )


async def _sent_today(
    db: AsyncConnection, own: Appointment, today: tuple[datetime, datetime]
) -> tuple[int, int]:
    """What the mutuelle's two signed today, and what this treasurer signed as the second, but for what failed."""
    p, (begins, ends) = payout.c, today
    mine = sa.func.sum(p.amount_minor).filter(p.approved_by == own.phone)
    row = await db.execute(
        select(sa.func.coalesce(sa.func.sum(p.amount_minor), 0), sa.func.coalesce(mine, 0)).where(
            p.mutuelle_id == own.mutuelle_id,
            p.asked_at >= begins,
            p.asked_at < ends,
            p.state != PaymentState.FAILED,
        )
    )
    in_all, signed = row.one()
    return int(in_all), int(signed)


def _words(found: PayoutMatter, reason: str) -> Sentence:
    new, network = found.matter.voucher, networks().get(found.out.network)
    facts: dict[str, Fact] = {"amount": new.amount, "party": new.party, "phone": shown_phone(new.phone)}
    facts |= {"network": network.name if network else "", "reason": reason}
    if not found.is_told:
        return _("Send {amount} to {party}, {phone}, {network}? {reason}", **facts)
    if found.registered is None:
        return _("Send {amount} to {party}, {phone}? The operator tells no name. {reason}", **facts)
    facts["registered"] = Once(found.registered[:MOST_NAME])  # read by the second who signs, kept by nobody
    if not name_words(found.registered) & name_words(new.party):
        return _("Send {amount} to {party}, {phone}? OTHER NAME: {registered}. {reason}", **facts).or_else(
            in_another_name(facts)
        )
    return _("Send {amount} to {party}, {phone}, in the name of {registered}? {reason}", **facts).or_else(
        in_the_name_of(facts)
    )


def in_the_name_of(facts: Mapping[str, Fact]) -> Sentence:
    """What is signed, without the reason, where the operator tells whose phone it is."""
    return _("Send {amount} to {party}, {phone}, in the name of {registered}?", **facts)


def in_another_name(facts: Mapping[str, Fact]) -> Sentence:
    """The same where no word of that name is in the payee's: a warning."""
    return _("Send {amount} to {party}, {phone}? OTHER NAME: {registered}.", **facts)


async def _carry_out(db: AsyncConnection, act: JointAct, found: PayoutMatter, at: datetime) -> None:
    """Reserve the money; the worker sends it."""
    mutuelle = await get_mutuelle(db, act.mutuelle_id)
    out = replace(found.out, voucher=voucher_of_facts(act.facts, act.reason))
    await reserve_payout(db, mutuelle, act, out, By(found.signer, act.reason, at))


def _label(facts: Facts) -> Sentence:
    return _("{payment}, by mobile money", payment=label_of(voucher_of_facts(facts)))


PAYOUT = known(
    ActKind(
        "payout",
        label=_label,
        look_again=_look_again,
        words=_words,
        carry_out=_carry_out,
        done=lambda facts: _(
            "Signed: {payment}. You both get an SMS when it has arrived.",
            payment=label_of(voucher_of_facts(facts)),
        ),
        lock=_lock,
        about=lambda facts: facts["phone"] or None,
    )
)
