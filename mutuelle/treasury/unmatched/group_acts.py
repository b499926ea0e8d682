"""A sum is split among the households of a list: an act of two people. Each household gets the receipt of its part.

Every part is posted as money of the day on which the sum came, by the path of all other money: the result is what it
would have been, had each household's part come alone on that day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.book import Voucher
from locales import Fact, Money, Sentence, _, counts
from mutuelle.contributions.receipts import household_receipt, received_of
from mutuelle.contributions.received_money import ReceivedMoney
from mutuelle.contributions.settlement.reads import SettlementReads, lock_and_read
from mutuelle.contributions.settlement.receive import receive_all
from mutuelle.contributions.standing import opening_of, reckon
from mutuelle.household_key import HouseholdKey
from mutuelle.households.households import lock_households
from mutuelle.households.member_numbers import shown_number
from mutuelle.notify import notify
from mutuelle.officers.joint_acts import ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.roles import Appointment
from mutuelle.posting import RECEIVED
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.treasury.unmatched.decisions import (
    SOURCE,
    MoneyDecision,
    MoneyOutcome,
    journal_voucher,
    write_decision,
)
from mutuelle.treasury.unmatched.groups import (
    GROUP_PAYMENT,
    GroupList,
    GroupPart,
    current_list,
    group_label,
    parts_of,
)
from mutuelle.treasury.unmatched.matches import close_case
from mutuelle.treasury.unmatched.money import DECIDED_BY_NOW, Unmatched, find_unmatched
from talk.answers import LONGEST_NAME
from talk.questions import initials
from talk.trouble import RefusedError
from talk.words import Caller

POSTED_AT_ONCE = 500  # households of one pass
REPLACED = _("Another list came for this money, or its owner is known by now. Please look again.")


@dataclass(frozen=True)
class GroupMatter:
    """A list and its sum, as they are at a signature; `own` is what the signer's own households get of it."""

    listed: GroupList
    money: Unmatched
    own: Money


def group_payment(listed: GroupList) -> NewJointAct:
    """The proposal to split the sum by this list; why is what was said when it was typed."""
    facts = {
        "list": listed.code,
        "source": listed.source,
        "key": listed.key_of_journal,
        "payer": listed.payer,
        "amount_minor": listed.amount.amount_minor,
        "currency": listed.amount.currency,
        "households": listed.households,
    }
    return NewJointAct(GROUP_PAYMENT, facts, listed.reason)


def _label(facts: Facts) -> Sentence:
    return group_label(facts["payer"], Money(facts["amount_minor"], facts["currency"]), facts["households"])


async def _lock(db: AsyncConnection, own: Appointment, facts: Facts) -> None:
    """Every household of the list, in one order."""
    listed = {"mutuelle": own.mutuelle_id, "list": facts["list"]}
    numbers = await db.scalars(_NUMBERS, listed)
    await lock_households(db, {HouseholdKey(own.mutuelle_id, number) for number in numbers})


async def _look_again(db: AsyncConnection, caller: Caller, own: Appointment, facts: Facts) -> GroupMatter:
    """RefusedError where a newer list came, the sum is decided, or a household of it was closed meanwhile.

    And for who typed the list: three people look at it.
    """
    listed = await current_list(db, own.mutuelle_id, facts["list"])
    if listed is None:
        raise RefusedError(REPLACED)
    if initials(own.name) == initials(listed.actor):
        raise RefusedError(_("Who typed the list does not sign it. Ask another treasurer."))
    money = await find_unmatched(db, own.mutuelle_id, listed.source, listed.key_of_journal)
    if money is None or money.amount != listed.amount:
        raise RefusedError(DECIDED_BY_NOW)
    asked = {"mutuelle": own.mutuelle_id, "list": listed.code, "phone": caller.phone}
    closed, own_minor = (await db.execute(_LOOKED_AT, asked)).one()
    if closed:
        number = shown_number(closed)
        raise RefusedError(
            _("{number} of the list was closed meanwhile: a new list is needed.", number=number)
        )
    return GroupMatter(listed, money, Money(own_minor, listed.amount.currency))


def _words(matter: GroupMatter, _reason: str) -> Sentence:
    """The amount, who paid, for how many, and who typed the list; of her own household what it gets."""
    listed = matter.listed
    said: dict[str, Fact] = {
        "payer": listed.payer,
        "amount": listed.amount,
        "day": f"{matter.money.on:%d/%m}",
        "households": counts.households(listed.households),
        "actor": listed.actor[:LONGEST_NAME],
    }
    if matter.own.amount_minor:
        return _(
            "{payer}: {amount} of {day} for {households}, list of {actor}. Your own household: {own}?",
            **said,
            own=matter.own,
        )
    return _("{payer}: {amount} of {day} for {households}, by the list of {actor}?", **said)


async def _carry_out(db: AsyncConnection, act: JointAct, matter: GroupMatter, at: datetime) -> None:
    """Post every part, tell who paid if the phone is known, write one decision, close the case of a payment."""
    listed, money = matter.listed, matter.money
    await post_parts(db, listed, money, await parts_of(db, listed), journal_voucher(act, money.on), at)
    decided = MoneyDecision(
        act.mutuelle_id,
        money.source,
        money.key_of_journal,
        MoneyOutcome.GROUP,
        money.amount,
        money.on,
        list=listed.code,
    )
    await write_decision(db, decided, act.id, at)
    await close_case(db, money, at)
    if money.payer:
        sentence = group_receipt(listed)
        await notify(db, act.mutuelle_id, "receipt", {money.payer: sentence}, at, event=act.id)


def group_receipt(listed: GroupList) -> Sentence:
    """To the phone that paid: no number of a household."""
    return _(
        "Receipt {code}: you paid {amount} for {households}. Each has its receipt. Thank you.",
        code=listed.code,
        amount=listed.amount,
        households=counts.households(listed.households),
    )


async def post_parts(
    db: AsyncConnection,
    listed: GroupList,
    money: Unmatched,
    parts: Sequence[GroupPart],
    voucher: Voucher,
    at: datetime,
) -> None:
    """Post the sum out of suspense to the households; `voucher` is what each journal says, under the part's own key."""
    moneys = [
        ReceivedMoney(
            number=part.number,
            amount=part.amount,
            debit=money.account,
            voucher=replace(voucher, key=str(part.reference)),
            receipt_code=part.receipt_code,
            paid_by=listed.payer,
        )
        for part in parts
    ]
    for start in range(0, len(moneys), POSTED_AT_ONCE):
        await receive_all(db, moneys[start : start + POSTED_AT_ONCE], at)


async def try_list(
    db: AsyncConnection, mutuelle: Mutuelle, listed: GroupList, money: Unmatched
) -> list[Sentence]:
    """The receipt that each household would get today. It is really posted: the caller rolls the transaction back."""
    parts, at = await parts_of(db, listed), listed.listed_at
    voucher = Voucher(
        mutuelle=mutuelle.id,
        source=SOURCE,
        key=listed.code,
        kind=RECEIVED,
        effective_on=money.on,
        actor=listed.actor,
        reason=listed.reason,
    )
    await post_parts(db, listed, money, parts, voucher, at)
    reads = await lock_and_read(db, {HouseholdKey(mutuelle.id, part.number) for part in parts}, at)
    return [_receipt(reads[part.number], part, listed.payer, mutuelle.today(at)) for part in parts]


def _receipt(household: SettlementReads, part: GroupPart, payer: str, today: date) -> Sentence:
    """What the household reads of its part, which has no receipt yet."""
    policies = household.policies
    stands = reckon([policy.terms for policy in policies], household.receipts, today, part.amount.currency)
    received = received_of(household.household, part.amount, "-", payer)
    return household_receipt(stands, opening_of(stands.periods, policies[-1].product), received)


_NUMBERS = text(
    "select number from group_part where mutuelle_id = :mutuelle and list = :list order by number"
)
_LOOKED_AT = text("""
select min(h.number) filter (where h.closed_at is not null),
       coalesce(sum(p.amount_minor) filter (where exists (
           select from household_phone f where f.mutuelle_id = p.mutuelle_id and f.number = p.number
              and f.phone = :phone)), 0)::bigint
  from group_part p join household h on h.mutuelle_id = p.mutuelle_id and h.number = p.number
 where p.mutuelle_id = :mutuelle and p.list = :list
""")

GROUP_ACT = known(
    ActKind(
        GROUP_PAYMENT,
        label=_label,
        look_again=_look_again,
        words=_words,
        carry_out=_carry_out,
        done=lambda facts: _("Done. {what}: their receipts leave by SMS.", what=_label(facts)),
        lock=_lock,
        subject=("list",),
    )
)
