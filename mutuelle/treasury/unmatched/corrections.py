"""What was wrong about money is set right by two people, with the reason that they typed.

MOVED: a receipt was another household's. TAKEN_BACK: the operator took the money of a receipt back. PAID: the operator
had said that a payment failed, and it was paid. Cash has its own way (`cash_disputes.py`).
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.accounts import parse
from ledger.book import Movement, Origin, PostVerdict, reverse
from locales import Fact, Money, Sentence, _
from mutuelle.acts import By
from mutuelle.contributions.payments import PAYMENTS, KeptRow, PaymentState, correct_to_paid, move
from mutuelle.contributions.received_money import ReceivedMoney
from mutuelle.contributions.settlement.receive import receive_all
from mutuelle.contributions.standing import standing
from mutuelle.household_key import HouseholdKey
from mutuelle.households.holders import notices
from mutuelle.households.households import Household, find_household, lock_households
from mutuelle.households.member_numbers import shown_number
from mutuelle.notify import notify
from mutuelle.officers.joint_acts import TWO_TREASURERS, ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.roles import Appointment
from mutuelle.posting import post_all
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import payment
from mutuelle.treasury.cash_disputes import expect_not_merged
from mutuelle.treasury.messages import receipt_cancelled
from mutuelle.treasury.receipt_codes import free_receipt_codes
from mutuelle.treasury.tables import statement_line
from mutuelle.treasury.unmatched.decisions import (
    SOURCE,
    MoneyDecision,
    MoneyOutcome,
    came_by,
    journal_and_debit,
    journal_voucher,
    write_decision,
)
from mutuelle.treasury.unmatched.matches import owner_of
from talk.trouble import RefusedError
from talk.words import Caller

FAILED_DAYS = 90  # so far back a payment that failed can be found paid
SUSPENSE, GONE = "suspense", "taken back by the operator"
CHANGED = _("This money is not there any more. Please look again.")


@dataclass(frozen=True)
class BookedMoney:
    """Money of a receipt, or (`is_failed`) a payment that failed; `source` and `key_of_journal` are its journal's."""

    source: str
    key_of_journal: str
    number: str
    amount: Money
    on: date
    code: str
    is_failed: bool = False

    @property
    def key(self) -> str:
        return self.code

    @property
    def label(self) -> str:
        return f"{self.on:%d/%m} {self.amount} {self.code}"


@dataclass(frozen=True)
class Correction:
    """What is set right, as it is at a signature: `to` is whose the money is then, if anybody's."""

    outcome: MoneyOutcome
    money: BookedMoney
    whose: Household
    to: Household | None


async def money_of_receipt(db: AsyncConnection, own: Appointment, code: str) -> BookedMoney:
    """The money of the receipt with this code. RefusedError: it is of cash, was cancelled, or there is none."""
    found = await _booked(db, own.mutuelle_id, code=code)
    if found:
        return found[0]
    was = await db.scalar(_WITH_CODE, {"mutuelle": own.mutuelle_id, "code": code})
    if was == "cash":
        raise RefusedError(_("The receipt {code} is of cash. The household sends FAUX {code}.", code=code))
    if was:
        raise RefusedError(_("The receipt {code} was cancelled already.", code=code))
    raise RefusedError(_("No receipt has the code {code}.", code=code))


async def failed_payments(
    db: AsyncConnection, caller: Caller, own: Appointment, number: str
) -> list[BookedMoney]:
    """The household's payments of the last FAILED_DAYS that their operator reported as failed, the newest first.

    Without those that a line of a statement names: their money is in the list of unmatched money, and is matched there.
    """
    p, mutuelle = payment.c, await get_mutuelle(db, own.mutuelle_id)
    rows = await db.execute(
        select(p.reference, p.number, p.amount_minor, p.currency, p.asked_at, p.receipt_code)
        .where(
            p.mutuelle_id == own.mutuelle_id,
            p.number == number,
            p.state == PaymentState.FAILED,
            p.asked_at > caller.at - timedelta(days=FAILED_DAYS),
            ~exists().where(
                statement_line.c.mutuelle_id == p.mutuelle_id, statement_line.c.payment == p.reference
            ),
        )
        .order_by(p.asked_at.desc())
    )
    return [
        BookedMoney(
            source="payment",
            key_of_journal=str(row.reference),
            number=row.number,
            amount=Money(row.amount_minor, row.currency),
            on=mutuelle.today(row.asked_at),
            code=row.receipt_code,
            is_failed=True,
        )
        for row in rows
    ]


def correction_of(outcome: MoneyOutcome, money: BookedMoney, reason: str, to: str = "") -> NewJointAct:
    """The proposal to set `money` right; `to` is the number of the household whose it is, of MOVED."""
    facts = {
        "outcome": str(outcome),
        "source": money.source,
        "key": money.key_of_journal,
        "code": money.code,
        "number": money.number,
        "to": to,
        "amount_minor": money.amount.amount_minor,
        "currency": money.amount.currency,
        "on": money.on.isoformat(),
    }
    return NewJointAct(CORRECTION.name, facts, reason)


async def _lock(db: AsyncConnection, own: Appointment, facts: Facts) -> None:
    numbers = {number for number in (facts["number"], facts["to"]) if number}
    await lock_households(db, {HouseholdKey(own.mutuelle_id, number) for number in numbers})


async def _look_again(db: AsyncConnection, caller: Caller, own: Appointment, facts: Facts) -> Correction:
    """RefusedError where the money was set right already, its household was joined with another, or is the signer's."""
    outcome = MoneyOutcome(facts["outcome"])
    if outcome is MoneyOutcome.PAID:
        found = [
            one
            for one in await failed_payments(db, caller, own, facts["number"])
            if one.key_of_journal == facts["key"]
        ]
    else:
        found = await _booked(db, own.mutuelle_id, code=facts["code"])
    if not found or found[0].key_of_journal != facts["key"]:
        raise RefusedError(CHANGED)
    money = found[0]
    whose = await owner_of(db, caller, own, money.number, money.amount.currency)
    if whose.number != money.number:
        await _expect_not_joined(db, money.number)
    await expect_not_merged(db, whose)
    to = None
    if outcome is MoneyOutcome.MOVED:
        to = await owner_of(db, caller, own, facts["to"], money.amount.currency)
        if to.number == money.number:
            raise RefusedError(_("This receipt is of that household already."))
    return Correction(outcome, money, whose, to)


async def _expect_not_joined(db: AsyncConnection, number: str) -> None:
    joined = await find_household(db, number, closed=True)
    if joined is not None:
        await expect_not_merged(db, joined)


def _said(facts: Facts) -> dict[str, Fact]:
    return {
        "amount": Money(facts["amount_minor"], facts["currency"]),
        "code": facts["code"],
        "number": shown_number(facts["number"]),
    }


def _label(facts: Facts) -> Sentence:
    outcome = MoneyOutcome(facts["outcome"])
    if outcome is MoneyOutcome.MOVED:
        return _("{amount}, receipt {code}: for {to}", to=shown_number(facts["to"]), **_said(facts))
    if outcome is MoneyOutcome.TAKEN_BACK:
        return _("{amount}, receipt {code}: taken back by the operator", **_said(facts))
    return _("{amount} of {number}, failed: it was paid", **_said(facts))


def _words(found: Correction, reason: str) -> Sentence:
    money, whose = found.money, found.whose
    said: dict[str, Fact] = {
        "amount": money.amount,
        "day": f"{money.on:%d/%m}",
        "code": money.code,
        "name": whose.head_name,
        "number": whose.shown_number,
        "reason": reason,
    }
    if found.to is not None:
        more: dict[str, Fact] = {"other": found.to.head_name, "to": found.to.shown_number}
        return _(
            "{amount} of {day}, {code}: not for {number} but for {other}, {to}. {reason}", **said, **more
        )
    if found.outcome is MoneyOutcome.TAKEN_BACK:
        return _("{amount} of {day}, {code}, {name}: the operator took it back. {reason}", **said)
    return _("{amount} of {day}, {name}, {number}: had failed, was paid. {reason}", **said)


async def _carry_out(db: AsyncConnection, act: JointAct, found: Correction, at: datetime) -> None:
    """Reverse the journal that was wrong, post the one that is right, tell the households, write the decision."""
    if found.outcome is MoneyOutcome.PAID:
        await _pay(db, act, found, at)
        return
    money, mutuelle = found.money, await get_mutuelle(db, act.mutuelle_id)
    journal, debit = await journal_and_debit(db, act.mutuelle_id, money.source, money.key_of_journal)
    taken_back = found.to is None
    # Moved money was there all the time, on its day; what an operator takes back goes today.
    on = mutuelle.today(at) if taken_back else money.on
    origin = Origin(SOURCE, f"{act.id} back", TWO_TREASURERS, act.reason)
    if (await reverse(db, act.mutuelle_id, journal, on, origin)).verdict is not PostVerdict.CREATED:
        raise RefusedError(CHANGED)
    if taken_back and parse(debit).kind.name == SUSPENSE:
        await _leave_account(db, act, found, debit, on)
    if taken_back and money.source == "payment":
        by = By(TWO_TREASURERS, act.reason, at)
        await move(db, act.mutuelle_id, UUID(money.key_of_journal), PaymentState.REVERSED, by=by)
    due = (await standing(db, found.whose, at)).due
    said = (mutuelle, money.amount, money.code)
    paid_by = await db.scalars(
        _PAYERS, {"mutuelle": act.mutuelle_id, "source": money.source, "key": money.key_of_journal}
    )
    sentences = dict.fromkeys(paid_by, receipt_cancelled(*said, taken_back=taken_back))
    cancelled = receipt_cancelled(*said, taken_back=taken_back, due=due)
    told = await notices(db, found.whose, cancelled, at, unconfirmed=True)
    sentences |= {phone: said for phone, said in told.items() if said == cancelled or phone not in sentences}
    await notify(db, act.mutuelle_id, "receipt cancelled", sentences, at)
    code = None
    if found.to is not None:
        [code] = await free_receipt_codes(db, act.mutuelle_id, 1)
        voucher = journal_voucher(act, money.on)
        await receive_all(db, [ReceivedMoney(found.to.number, money.amount, debit, voucher, code)], at)
    whose = found.to.number if found.to else None
    decided = (found.outcome, money.amount, money.on, whose, code)
    await write_decision(
        db, MoneyDecision(act.mutuelle_id, money.source, money.key_of_journal, *decided), act.id, at
    )


async def _leave_account(
    db: AsyncConnection, act: JointAct, found: Correction, suspense: str, on: date
) -> None:
    """The money had been matched: reversed, it lies in suspense again, and leaves the account by which it had come."""
    amount, account = found.money.amount, await came_by(db, act.mutuelle_id, found.money.key_of_journal)
    voucher = replace(journal_voucher(act, on), key=f"{act.id} gone", kind=GONE)
    await post_all(db, [voucher.journal([Movement(suspense, account, amount.amount_minor, amount.currency)])])


async def _pay(db: AsyncConnection, act: JointAct, found: Correction, at: datetime) -> None:
    """The failed payment is PAID: its money is posted under its own reference, as an operator's answer would have."""
    money, reference = found.money, UUID(found.money.key_of_journal)
    of_payment = (payment.c.mutuelle_id == act.mutuelle_id) & (payment.c.reference == reference)
    asked = (
        await db.execute(
            select(payment.c.account, payment.c.payer_phone, payment.c.asked_by).where(of_payment)
        )
    ).one()
    by = By(TWO_TREASURERS, act.reason, at)
    await correct_to_paid(db, KeptRow(PAYMENTS, act.mutuelle_id, reference), by=by)
    received = ReceivedMoney(
        number=money.number,
        amount=money.amount,
        debit=accounts.collections(asked.account),
        voucher=replace(journal_voucher(act, money.on), source="payment", key=money.key_of_journal),
        receipt_code=money.code,
        payer_phone=asked.payer_phone,
        asked_by=asked.asked_by,
    )
    await receive_all(db, [received], at)
    decided = (MoneyOutcome.PAID, money.amount, money.on, money.number)
    await write_decision(db, MoneyDecision(act.mutuelle_id, "payment", str(reference), *decided), act.id, at)


async def _booked(db: AsyncConnection, mutuelle_id: str, *, code: str) -> list[BookedMoney]:
    rows = await db.execute(_BOOKED, {"mutuelle": mutuelle_id, "code": code})
    return [BookedMoney(row[0], row[1], row[2], Money(int(row[3]), row[4]), row[5], row[6]) for row in rows]


# Who paid and who asked for the money of a journal: the phones that have its receipt beside the household's own.
_PAYERS = text("""
select payer_phone from payment where mutuelle_id = :mutuelle and :source = 'payment' and reference::text = :key
union
select asked_by from payment where mutuelle_id = :mutuelle and :source = 'payment' and reference::text = :key
union
select payer from statement_line
 where mutuelle_id = :mutuelle and :source = 'statement' and reference::text = :key and payer is not null
union
select s.payer from money_decision d
  join statement_line s on s.mutuelle_id = d.mutuelle_id and d.source = 'statement' and s.reference::text = d.key
 where d.mutuelle_id = :mutuelle and :source = 'decision' and d.act::text = :key and s.payer is not null
union
select p.payer_phone from money_decision d
  join payment p on p.mutuelle_id = d.mutuelle_id and d.source = 'suspense' and p.reference::text = d.key
 where d.mutuelle_id = :mutuelle and :source = 'decision' and d.act::text = :key
""")


# Money with a receipt of this code that nobody has set right yet: (source, key) are its journal's.
_BOOKED = text("""
select came.source, came.key, came.number, m.amount, m.currency, coalesce(j.occurred_on, j.effective_on), :code
  from (select 'payment' as source, reference::text as key, number from payment
         where mutuelle_id = :mutuelle and receipt_code = :code and state = 'PAID'
        union all
        select 'statement', reference::text, number from statement_line
         where mutuelle_id = :mutuelle and receipt_code = :code and kind = 'receipt'
        union all
        select 'decision', act::text, number from money_decision
         where mutuelle_id = :mutuelle and receipt_code = :code
        union all
        select 'decision', reference::text, number from group_part
         where mutuelle_id = :mutuelle and receipt_code = :code) came
  join ledger.request q on q.mutuelle_id = :mutuelle and q.source = came.source and q.key = came.key
       and q.verdict = 'created'
  join ledger.journal j on j.mutuelle_id = q.mutuelle_id and j.id = q.journal_id
  join ledger.movement m on m.mutuelle_id = q.mutuelle_id and m.journal_id = q.journal_id
 where not exists (select from money_decision d where d.mutuelle_id = :mutuelle
                      and d.source = came.source and d.key = came.key and d.outcome in ('moved', 'taken back'))
""")

# Which receipt of this code there is or was: of cash that stands, or one that was cancelled.
_WITH_CODE = text("""
select case when receipt.source = 'cash' and not exists (
         select from ledger.request q where q.mutuelle_id = :mutuelle and q.source = 'cash reversal'
            and q.key = receipt.key and q.verdict = 'created') then 'cash' else 'cancelled' end
  from (select 'cash' as source, reference::text as key from cash_receipt
         where mutuelle_id = :mutuelle and receipt_code = :code
        union all
        select 'payment', reference::text from payment
         where mutuelle_id = :mutuelle and receipt_code = :code and state in ('PAID', 'REVERSED')
        union all
        select 'statement', reference::text from statement_line
         where mutuelle_id = :mutuelle and receipt_code = :code
        union all
        select 'decision', act::text from money_decision
         where mutuelle_id = :mutuelle and receipt_code = :code
        union all
        select 'decision', p.reference::text from group_part p
          join money_decision d on d.mutuelle_id = p.mutuelle_id and d.list = p.list
         where p.mutuelle_id = :mutuelle and p.receipt_code = :code) receipt
""")


CORRECTION = known(
    ActKind(
        "money correction",
        label=_label,
        look_again=_look_again,
        words=_words,
        carry_out=_carry_out,
        done=lambda facts: _("Done: {correction}. The households are told by SMS.", correction=_label(facts)),
        lock=_lock,
        subject=("source", "key"),
    )
)
