"""Sends payouts to operators, and asks how each went, until a definite word ends it. Nothing is ever sent twice.

A payout is sent again only where its operator honours references, knows nothing of it, and that at once. What nobody
can say stays UNKNOWN, with its age and a case: it is neither paid nor free.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mobilemoney.accounts import capabilities_of
from mobilemoney.operator import (
    Capabilities,
    OperatorAccount,
    OperatorAnswer,
    Outcome,
    PaymentRequest,
    PayoutOperator,
    our_word,
)
from mutuelle.contributions.collection import (
    LEASE,
    LOST_LEASE,
    OLD_AFTER,
    ROW_IS_DUE,
    Round,
    accounts_named,
    by_answer,
    deal_with_what_is_due,
    due_again,
    is_proven_lost,
    may_send_again,
    of_every_sending,
)
from mutuelle.contributions.payment_queue import keep_step_token, lease_rows
from mutuelle.contributions.payments import OPEN, PAYOUTS, PaymentState, move_row, open_case_of
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import payout
from mutuelle.treasury.messages import payout_late
from mutuelle.treasury.payouts.payouts import (
    COLUMNS,
    LET_GO,
    Payout,
    lock_payout,
    lock_payout_alone,
    payout_of_row,
    settle_failed,
    settle_paid,
    tell_signers,
    voucher_of_payout,
)

log = logging.getLogger("keneya.payouts")

TOLD_LATE_AFTER = timedelta(minutes=10)  # then the two who signed read that it is not confirmed yet
S = PaymentState
IS_DUE = ROW_IS_DUE.replace("TABLE", "payout")


@dataclass(frozen=True)
class ClaimedPayout:
    """A payout that this worker holds under the lease `token`, and the account that sends it."""

    one: Payout
    token: UUID
    account: OperatorAccount

    @property
    def capabilities(self) -> Capabilities:
        return capabilities_of(self.one.operator)


async def send_payouts(house: Round, going_on: Callable[[], bool] = lambda: False) -> int:
    """Process the payouts that are due; returns how many there were.

    1. Claim them under a lease: ASKED becomes SENT, committed before the operator is called.
    2. Outside any transaction, send new ones and ask for the status of the others.
    3. Record each answer in a transaction of its own.
    """
    return await deal_with_what_is_due(
        lambda room: _claim(house, room), lambda claimed: _deal(house, claimed), going_on
    )


async def _claim(house: Round, room: int) -> list[ClaimedPayout]:
    token, now = uuid4(), house.clock()
    if not room:
        return []
    async with house.pool.begin() as db:
        ready = select(*COLUMNS).where(sa.text(IS_DUE)).order_by(payout.c.due_at).limit(room)
        rows = await db.execute(
            ready.with_for_update(skip_locked=True), {"now": now, "operators": list(house.operators)}
        )
        taken = [payout_of_row(row) for row in rows]
        keys = [(one.mutuelle_id, one.account) for one in taken]
        accounts = await accounts_named(db, keys, house.accounts.credentials)
        if taken:
            states = [(one.mutuelle_id, one.reference, one.state) for one in taken]
            await lease_rows(db, states, token, now + LEASE, now, kept=PAYOUTS)
    return [ClaimedPayout(one, token, accounts[one.mutuelle_id, one.account]) for one in taken]


async def _deal(house: Round, claimed: ClaimedPayout) -> None:
    """An error of one payout stops no other; it is retried when its lease ends."""
    told = {"payout": str(claimed.one.reference)}
    try:
        answer = await _consult(house, claimed)
    except Exception:
        log.exception("payout.not_asked", extra=told)
        answer = our_word(Outcome.UNKNOWN, "a fault of ours")
    house.heard.note(claimed.one.mutuelle_id, claimed.one.account, answer, house.clock)
    try:
        async with house.pool.begin() as db:
            await _record(db, house, claimed, answer)
    except Exception:
        log.exception("payout.not_recorded", extra=told)
    else:
        log.info("payout.answer", extra={**told, "outcome": str(answer.outcome)})


async def _consult(house: Round, claimed: ClaimedPayout) -> OperatorAnswer:
    """Send a new payout; ask for the status of any other."""
    one, can = claimed.one, claimed.capabilities
    operator, out = house.accounts.connect(claimed.account), request_of(claimed, house.public_url)
    if not isinstance(operator, PayoutOperator):
        return our_word(Outcome.UNKNOWN, "this version sends no money there")
    if can.two_steps and one.step_token is None:
        return await _in_two_steps(house, claimed, operator, out)
    if one.state is S.ASKED:
        return await operator.pay_out(out)
    answer = await operator.payout_status(out)
    if may_send_again(can, answer, one.sent_at or one.asked_at, house.clock()):
        return of_every_sending(await operator.pay_out(out))
    return answer


async def _in_two_steps(
    house: Round, claimed: ClaimedPayout, operator: PayoutOperator, out: PaymentRequest
) -> OperatorAnswer:
    """The first step, its token committed, then the second. Without a token no money has moved: it may be repeated."""
    answer = await operator.prepare_payout(out)
    if answer.token is None:
        return answer if answer.outcome is Outcome.FAILED else replace(answer, outcome=Outcome.UNKNOWN)
    async with house.pool.begin() as db:
        kept = await keep_step_token(db, claimed.one.row, claimed.token, answer.token)
    if not kept:
        return our_word(Outcome.UNKNOWN, LOST_LEASE)
    return await operator.pay_out(replace(out, token=answer.token))


def request_of(claimed: ClaimedPayout, public_url: str) -> PaymentRequest:
    """The payout as its operator is asked for it."""
    one = claimed.one
    token = claimed.account.notice_token if claimed.capabilities.notices_by_account else one.notice_token
    return PaymentRequest(
        reference=one.reference,
        phone=one.phone,
        amount_minor=one.amount.amount_minor,
        currency=one.amount.currency,
        note="Mutuelle",
        notice_url=f"{public_url}/money/{one.operator}/{token}",
        network=one.network,
        token=one.step_token,
    )


async def _record(db: AsyncConnection, house: Round, claimed: ClaimedPayout, answer: OperatorAnswer) -> None:
    """Write down what the answer says, unless the lease is another's by now or the payout has ended.

    What ends it locks the vouchers first, as a voucher does; any other answer locks the payout alone.
    """
    now, can, one = house.clock(), claimed.capabilities, claimed.one
    is_paid, sent = answer.outcome is Outcome.PAID, one.amount
    wrong = answer.difference_from(sent.amount_minor, sent.currency, one.phone) if is_paid else None
    is_paid = is_paid and not wrong
    has_failed = answer.outcome is Outcome.FAILED or await is_proven_lost(
        db, house, can, one.row, one.sent_at, answer
    )
    if is_paid or has_failed:
        current = await lock_payout(db, one.mutuelle_id, one.reference)
    else:
        current = await lock_payout_alone(db, one.row)
    if current is None:
        return
    if current.state is S.FAILED and answer.outcome in (Outcome.ACCEPTED, Outcome.PAID):
        detail = "the operator took it, or paid it, after it was said to have failed"
        await open_case_of(db, current.row, "contradiction", detail, now)
    if current.lease_token != claimed.token or current.state not in OPEN:
        return
    by = by_answer(current.operator, answer, now)
    if wrong:
        detail = f"the operator says that it paid another {wrong}"
        await open_case_of(db, current.row, "mismatch", detail, now)
        answer = OperatorAnswer(Outcome.UNKNOWN, reason=f"paid, with another {wrong}")
    if is_paid:
        await settle_paid(
            db,
            current,
            by=by,
            completed_at=answer.completed_at or now,
            operator_reference=answer.operator_reference,
        )
    elif has_failed:
        await settle_failed(db, current, by=by)
    else:
        await _ask_again(db, house, claimed, current, answer)


async def _ask_again(
    db: AsyncConnection, house: Round, claimed: ClaimedPayout, current: Payout, answer: OperatorAnswer
) -> None:
    """Plan the next question; tell the two who signed once that it takes long, and open a case once it is old."""
    now = house.clock()
    to = S.PENDING if answer.outcome in (Outcome.ACCEPTED, Outcome.PENDING) else S.UNKNOWN
    rung = current.due_at != claimed.one.due_at
    changes = due_again(house, claimed.capabilities, current.polls, rung=rung) | LET_GO
    if current.late_notified_at is None and not house.within(current.asked_at, TOLD_LATE_AFTER):
        changes["late_notified_at"] = now
        mutuelle = await get_mutuelle(db, current.mutuelle_id)
        _new, act = await voucher_of_payout(db, current)
        late = payout_late(mutuelle.name, current.amount, current.party)
        await tell_signers(db, current, act, "payout late", late, now)
    if not house.within(current.asked_at, OLD_AFTER):
        detail = "the operator cannot say what became of it"
        await open_case_of(db, current.row, "old", detail, now)
    by = by_answer(current.operator, answer, now)
    await move_row(db, current.row, to, by=by, **changes)
