"""Lines that carry a payment's reference, ours or its operator's: they confirm it, or contradict it and open a case.

A statement never changes silently what an operator's answer has said.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from mobilemoney.operator import OperatorAnswer, Outcome
from mutuelle.contributions.payment_queue import QueuedPayment, lock_queued
from mutuelle.contributions.payments import Kept, PaymentState, open_case
from mutuelle.contributions.settlement.settle import SETTLED_AT_ONCE, difference_of, settle_locked
from mutuelle.dates import day_bounds
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.tables import payment_case
from mutuelle.treasury.statements.accounts import StatedAccount
from mutuelle.treasury.statements.files import AT_ONCE, DecidedLine
from mutuelle.treasury.statements.lines import StatementLine
from mutuelle.treasury.statements.numbers import references_in
from mutuelle.treasury.statements.reading import BETWEEN
from values import value

CASE = "statement"
PROOF = "line of a statement"
CONFIRMABLE = (PaymentState.SENT, PaymentState.PENDING, PaymentState.UNKNOWN)
SETTLED = (PaymentState.PAID, PaymentState.REVERSED)


@value
class BookedPayment:
    """A payment with a journal, of so much money; `confirmed`: another line has confirmed it."""

    reference: UUID
    amount_minor: int
    is_suspense: bool
    confirmed: bool


async def named_in(
    db: AsyncConnection, kept: Kept, account: StatedAccount, lines: Sequence[StatementLine]
) -> dict[int, set[UUID]]:
    """Which payments, or payouts of the account, each line names, by its place in `lines`."""
    found: dict[int, set[UUID]] = {}
    for start in range(0, len(lines), AT_ONCE):
        part = lines[start : start + AT_ONCE]
        ours = [
            (nth, one)
            for nth, line in enumerate(part)
            for one in references_in(f"{line.line_id} {line.note}")
        ]
        said = [
            (nth, one) for nth, line in enumerate(part) for one in (line.line_id, *line.note.split(BETWEEN))
        ]
        facts = {
            "mutuelle": account.mutuelle_id,
            "name": account.name,
            "ours_of": [nth for nth, _one in ours],
            "ours": [one for _nth, one in ours],
            "said_of": [nth for nth, _one in said],
            "said": [one for _nth, one in said],
        }
        for nth, reference in await db.execute(_NAMED[kept.rows.name], facts):
            found.setdefault(start + nth, set()).add(reference)
    return found


async def confirm_all(
    db: AsyncConnection,
    account: StatedAccount,
    mutuelle: Mutuelle,
    named: Sequence[tuple[DecidedLine, set[UUID]]],
    now: datetime,
) -> None:
    """Decide the lines that name payments, and settle those payments that wait for their operator's answer.

    The caller has locked the payments and their households.
    """
    keys = sorted({(account.mutuelle_id, one) for _line, found in named for one in found})
    queued = await lock_queued(db, keys)
    booked = await _booked(db, account, [reference for _mutuelle, reference in keys])
    confirmed: set[UUID] = {reference for reference, one in booked.items() if one.confirmed}
    settles: list[tuple[DecidedLine, QueuedPayment, OperatorAnswer]] = []
    for one, references in named:
        payment = queued[account.mutuelle_id, min(references)]
        one.payment = payment.reference
        trouble = _trouble(one, payment, booked.get(payment.reference), account)
        if len(references) > 1:
            trouble = "contradiction", "it names several payments"
        elif trouble is None and payment.reference in confirmed:
            trouble = "unmatched", "another line has confirmed it"
        if trouble is not None:
            one.kind = trouble[0]
            case = f"{_said(account, one.line)}: {trouble[1]}"
            await open_case(db, account.mutuelle_id, payment.reference, CASE, case, now)
            await _open_again(db, account.mutuelle_id, payment.reference)
            continue
        confirmed.add(payment.reference)
        one.by_payment = True
        is_suspense = payment.reference in booked and booked[payment.reference].is_suspense
        one.kind = "unmatched" if is_suspense else "payment"
        if payment.state in CONFIRMABLE:
            settles.append((one, payment, _answer(one.line, payment, mutuelle, now)))
    await _settle(db, settles, now)


def _trouble(
    one: DecidedLine,
    payment: QueuedPayment,
    booked: BookedPayment | None,
    account: StatedAccount,
) -> tuple[str, str] | None:
    """Why this line does not confirm that payment, and what the line is then."""
    money = one.line.amount_minor
    if accounts.collections(payment.account) != account.code:
        return "unmatched", f"the payment went to {payment.account}"
    if payment.state in SETTLED:
        if booked is None or booked.amount_minor != money:
            return "contradiction", f"in the book it is {booked.amount_minor if booked else 0}"
        return None
    return None if payment.state in CONFIRMABLE else ("unmatched", f"the payment is {payment.state}")


async def _open_again(db: AsyncConnection, mutuelle_id: str, reference: UUID) -> None:
    """Open a case that was closed before another line contradicted the payment."""
    of_payment = (payment_case.c.mutuelle_id == mutuelle_id) & (payment_case.c.reference == reference)
    again = update(payment_case).where(of_payment, payment_case.c.kind == CASE).values(closed_at=None)
    await db.execute(again)


def _said(account: StatedAccount, line: StatementLine) -> str:
    return f"line {line.line_id} of {account.name}, {line.on}, {line.amount_minor} {line.currency}"


def moment_of(line: StatementLine, asked_at: datetime, mutuelle: Mutuelle, now: datetime) -> datetime:
    """When a line's money was moved that was asked for then; of a day without a time, the likeliest moment."""
    begins, ends = day_bounds(line.on, mutuelle.timezone)
    return line.at or min(max(asked_at, begins), ends, now)


def _answer(line: StatementLine, payment: QueuedPayment, mutuelle: Mutuelle, now: datetime) -> OperatorAnswer:
    """What the line says, as an answer of the operator."""
    at = moment_of(line, payment.asked_at, mutuelle, now)
    own = None if references_in(line.line_id) else line.line_id
    return OperatorAnswer(
        Outcome.PAID, line.amount_minor, line.currency, line.payer or payment.payer_phone, own, at
    )


async def _settle(
    db: AsyncConnection, settles: Sequence[tuple[DecidedLine, QueuedPayment, OperatorAnswer]], now: datetime
) -> None:
    for start in range(0, len(settles), SETTLED_AT_ONCE):
        part = settles[start : start + SETTLED_AT_ONCE]
        settled = await settle_locked(db, [(paid, answer) for _one, paid, answer in part], now, PROOF)
        for (one, payment, answer), was_settled in zip(part, settled, strict=True):
            one.by_payment = one.is_settled = was_settled
            if not was_settled:  # the answer contradicts another, and has its case
                one.kind = "contradiction"
            elif difference_of(payment, answer):
                one.kind = "unmatched"


async def _booked(
    db: AsyncConnection, account: StatedAccount, references: Sequence[UUID]
) -> dict[UUID, BookedPayment]:
    facts = {"mutuelle": account.mutuelle_id, "account": account.code, "references": list(references)}
    rows = await db.execute(_BOOKED, facts)
    return {row.reference: BookedPayment(*row) for row in rows}


_NAMED_ROWS = """
    select asked.nth, p.reference
      from unnest(cast(:ours_of as int[]), cast(:ours as uuid[])) as asked (nth, reference)
     cross join lateral (select reference from ROWS found where found.mutuelle_id = :mutuelle
                            and found.reference = asked.reference OURS offset 0) p
    union
    select asked.nth, p.reference
      from unnest(cast(:said_of as int[]), cast(:said as text[])) as asked (nth, said)
     cross join lateral (select reference from ROWS found where found.mutuelle_id = :mutuelle
                            and found.account = :name and found.operator_reference = asked.said offset 0) p
"""
# A payment that a statement of another account names contradicts it; to a payout it is nothing.
_NAMED = {
    "payment": text(_NAMED_ROWS.replace("ROWS", "payment").replace("OURS", "")),
    "payout": text(_NAMED_ROWS.replace("ROWS", "payout").replace("OURS", "and found.account = :name")),
}
_BOOKED = text(
    """
    select asked.reference, m.amount, q.source = 'suspense',
           exists (select from statement_line s where s.mutuelle_id = :mutuelle and s.payment = asked.reference
                      and (s.kind = 'payment' or (s.kind = 'unmatched' and s.account = :account)))
      from unnest(cast(:references as uuid[])) as asked (reference)
     cross join lateral (select * from ledger.request spent where spent.mutuelle_id = :mutuelle
                            and spent.source in ('payment', 'suspense') and spent.key = asked.reference::text
                            and spent.verdict = 'created' limit 1) q
     cross join lateral (select * from ledger.movement made where made.mutuelle_id = q.mutuelle_id
                            and made.journal_id = q.journal_id limit 1) m
    """
)
