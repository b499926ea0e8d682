"""Payouts in the book: reserved before anything is sent, then posted by a voucher, or freed. One reference for ever.

Only a definite word of the operator, a statement or two treasurers end one: until then its money is neither spent
nor free.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.book import (
    Account,
    Movement,
    Posted,
    PostVerdict,
    Reservation,
    Voucher,
    journal_id,
    open_accounts,
    post,
)
from ledger.reservations import reserve, settle_reservation, void
from locales import Money, Sentence
from mutuelle.acts import By
from mutuelle.contributions.payments import (
    OPEN,
    PAYOUTS,
    KeptRow,
    PaymentState,
    correct_to_paid,
    move_row,
)
from mutuelle.notify import notify
from mutuelle.officers.joint_acts import TWO_TREASURERS, JointAct, find_act
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.tables import payout, payout_move
from mutuelle.treasury.messages import payout_failed, payout_paid
from mutuelle.treasury.own_money import free_in
from mutuelle.treasury.unmatched.kept import decide_found
from mutuelle.treasury.voucher_acts import households_of, lock_voucher, voucher_of_facts
from mutuelle.treasury.voucher_kinds import SOURCE as VOUCHER_SOURCE
from mutuelle.treasury.voucher_kinds import NewVoucher, NumberedVoucher, Signatures
from mutuelle.treasury.vouchers import number_voucher, only
from talk.trouble import RefusedError
from values import value

SOURCE, FREED = (
    "payout",
    "payout freed",
)  # of the journals that reserve and free; the key is the payout's reference
RESERVED = "payout reserved"
LET_GO: dict[str, Any] = {"lease_token": None, "lease_until": None}  # no worker holds the payout any more
S = PaymentState


@value
class Payout:
    """A payout as the worker claims and reads it; `account` is the mutuelle's at the operator, `credit` its money.

    `step_token` is what the first of two steps gave; `lease_token` names the worker that holds it until `lease_until`.
    """

    mutuelle_id: str
    reference: UUID
    act: UUID
    approved_by: str
    kind: str
    debit: str
    credit: str
    amount: Money
    party: str
    phone: str
    network: str
    operator: str
    account: str
    notice_token: str
    state: PaymentState
    asked_at: datetime
    due_at: datetime
    sent_at: datetime | None
    completed_at: datetime | None
    late_notified_at: datetime | None
    polls: int
    step_token: str | None = None
    lease_token: UUID | None = None
    lease_until: datetime | None = None

    @property
    def key(self) -> str:
        return str(self.reference)

    @property
    def row(self) -> KeptRow:
        return KeptRow(PAYOUTS, self.mutuelle_id, self.reference)

    @property
    def reservation(self) -> Reservation:
        """What holds its money in the book."""
        return Reservation(journal_id(self.mutuelle_id, SOURCE, self.key), 1)


# In the order of the fields; money is two columns.
COLUMNS = [
    payout.c[column]
    for name in Payout.__dataclass_fields__
    for column in (("amount_minor", "currency") if name == "amount" else (name,))
]


def payout_of_row(row: Sequence[Any]) -> Payout:
    """The payout in a row of COLUMNS."""
    facts = dict(zip((column.name for column in COLUMNS), row, strict=True))
    money = Money(facts.pop("amount_minor"), facts.pop("currency"))
    return Payout(**{**facts, "amount": money, "state": PaymentState(facts["state"])})


async def payouts_where(
    db: AsyncConnection, which: sa.ColumnElement[bool], *, newest: int | None = None
) -> list[Payout]:
    """The payouts for which `which` holds, the oldest first, or the `newest` so many."""
    order = payout.c.asked_at.desc() if newest else payout.c.asked_at
    rows = await db.execute(select(*COLUMNS).where(which).order_by(order, payout.c.reference).limit(newest))
    return [payout_of_row(row) for row in rows]


async def lock_payout(db: AsyncConnection, mutuelle_id: str, reference: UUID) -> Payout | None:
    """Lock what the payout is decided on, then the payout itself, and read it; None where there is none."""
    its = KeptRow(PAYOUTS, mutuelle_id, reference).is_it
    found = await payouts_where(db, its)
    if not found:
        return None
    new, _act = await voucher_of_payout(db, found[0])
    await lock_voucher(db, mutuelle_id, new)
    return await lock_payout_alone(db, found[0].row)


async def households_of_payouts(
    db: AsyncConnection, mutuelle_id: str, references: Collection[UUID]
) -> set[str]:
    """The numbers of the households that `lock_payout` locks for these payouts."""
    numbers: set[str] = set()
    for one in await payouts_where(
        db, (payout.c.mutuelle_id == mutuelle_id) & payout.c.reference.in_(references)
    ):
        new, _act = await voucher_of_payout(db, one)
        numbers |= households_of(new)
    return numbers


async def lock_payout_alone(db: AsyncConnection, row: KeptRow) -> Payout:
    """Lock and read the payout itself, for what does not end it: it waits for no voucher and no statement."""
    return payout_of_row((await db.execute(select(*COLUMNS).where(row.is_it).with_for_update())).one())


@dataclass(frozen=True)
class NewPayout:
    """A payout that two have signed: from which account at which operator, to a phone of which network."""

    voucher: NewVoucher
    operator: str
    account: str
    network: str


async def reserve_payout(
    db: AsyncConnection, mutuelle: Mutuelle, act: JointAct, new: NewPayout, by: By
) -> UUID:
    """Reserve the money and write the payout, to be sent from now on; its reference.

    The caller holds `lock_voucher`, and has looked whether it may be. RefusedError where less is free.
    """
    reference, of = uuid4(), new.voucher
    currency = of.amount.currency
    await open_accounts(db, [Account(mutuelle.id, code, currency) for code in (of.debit, of.credit)])
    why = By(TWO_TREASURERS, of.reason, by.at)
    row_key = KeptRow(PAYOUTS, mutuelle.id, reference)
    journal = _journal(row_key, SOURCE, RESERVED, mutuelle.today(by.at), why)
    posted, _held = await reserve(
        db, journal, [Movement(of.debit, of.credit, of.amount.amount_minor, currency)]
    )
    if posted.reason == "balance_too_low":
        raise RefusedError(only(await free_in(db, mutuelle.id, of.credit, currency)))
    _expect_created(posted)
    row = {
        "mutuelle_id": mutuelle.id,
        "reference": reference,
        "act": UUID(act.id),
        "approved_by": by.actor,
        "kind": of.kind,
        "debit": of.debit,
        "credit": of.credit,
        "amount_minor": of.amount.amount_minor,
        "currency": currency,
        "party": of.party,
        "phone": of.phone,
        "network": new.network,
        "operator": new.operator,
        "account": new.account,
        "found": of.found or None,
        "notice_token": secrets.token_hex(20),
        "state": S.ASKED,
        "asked_at": by.at,
        "due_at": by.at,
    }
    await db.execute(insert(payout), row)
    first = {"mutuelle_id": mutuelle.id, "reference": reference, "position": 1, "to_state": S.ASKED}
    first |= {"actor": TWO_TREASURERS, "reason": "signed by two, reserved in the book", "moved_at": by.at}
    await db.execute(insert(payout_move), first)
    return reference


async def voucher_of_payout(db: AsyncConnection, one: Payout) -> tuple[NewVoucher, JointAct]:
    """The voucher that two signed for this payout, and their act."""
    act = await find_act(db, one.mutuelle_id, one.act)
    return voucher_of_facts(act.facts, act.reason), act


async def settle_paid(
    db: AsyncConnection,
    one: Payout,
    *,
    by: By,
    completed_at: datetime,
    operator_reference: str | None = None,
) -> NumberedVoucher:
    """It was paid: post the reservation under a numbered voucher, notify who is paid, and the two who signed.

    The caller has locked it by `lock_payout`. Where it had failed, and its money was freed, it is posted anew:
    RefusedError where there is no longer so much. A clock may be wrong: it was not paid before it was signed, nor
    after now.
    """
    completed_at = min(max(completed_at, one.asked_at), by.at)
    mutuelle = await get_mutuelle(db, one.mutuelle_id)
    new, act = await voucher_of_payout(db, one)
    on = mutuelle.today(completed_at)
    journal = _journal(one.row, VOUCHER_SOURCE, one.kind, on, By(TWO_TREASURERS, act.reason, by.at))
    if one.state is S.FAILED:
        posted = await _post_anew(db, journal, one)
    else:
        posted = await settle_reservation(db, journal, one.reservation)
    _expect_created(posted)
    signed = Signatures(act.proposed_by, act.proposer, on, act=one.act)
    written = await number_voucher(db, mutuelle, one.reference, new, signed, by.at)
    if one.state is S.FAILED:
        await correct_to_paid(db, one.row, by=by)
    else:
        said = {"completed_at": completed_at, "operator_reference": operator_reference}
        await move_row(db, one.row, S.PAID, by=by, **said, **LET_GO)
    if new.found:
        await decide_found(db, act, new, by.at)
    sentence = payout_paid(mutuelle.name, one.amount, one.party, written.shown_number, written.code)
    await tell_signers(db, one, act, "payout paid", sentence, by.at)
    return written


async def _post_anew(db: AsyncConnection, journal: Voucher, one: Payout) -> Posted:
    money = Movement(one.debit, one.credit, one.amount.amount_minor, one.amount.currency)
    [posted] = await post(db, [journal.journal([money])])
    if posted.reason == "balance_too_low":
        raise RefusedError(only(await free_in(db, one.mutuelle_id, one.credit, one.amount.currency)))
    return posted


async def settle_failed(db: AsyncConnection, one: Payout, *, by: By) -> None:
    """Nothing was paid: free the reservation, and notify the two who signed. The caller has locked it."""
    mutuelle = await get_mutuelle(db, one.mutuelle_id)
    _new, act = await voucher_of_payout(db, one)
    why = By(by.actor, "the payout has failed", by.at)
    journal = _journal(one.row, FREED, FREED, mutuelle.today(by.at), why)
    _expect_created(await void(db, journal, one.reservation))
    await move_row(db, one.row, S.FAILED, by=by, **LET_GO)
    sentence = payout_failed(mutuelle.name, one.amount, one.party)
    await tell_signers(db, one, act, "payout failed", sentence, by.at)


async def note_reversed(db: AsyncConnection, of_voucher: NumberedVoucher, by: By) -> None:
    """Two took the voucher of a payout back, for the money came back: so it is REVERSED. Others are let alone."""
    row = KeptRow(PAYOUTS, of_voucher.mutuelle_id, of_voucher.reference)
    if await db.scalar(select(payout.c.reference).where(row.is_it)):
        await move_row(db, row, S.REVERSED, by=by)


async def tell_signers(
    db: AsyncConnection, one: Payout, act: JointAct, template: str, sentence: Sentence, at: datetime
) -> None:
    """Notify the two who signed."""
    both = dict.fromkeys((act.proposed_by, one.approved_by), sentence)
    await notify(db, one.mutuelle_id, template, both, at, event=one.key)


async def payouts_shown(db: AsyncConnection, mutuelle_id: str, most: int) -> list[Payout]:
    """Those under way, the oldest first; then the last ones that ended, the newest first: `most` in all."""
    of_mutuelle = payout.c.mutuelle_id == mutuelle_id
    under_way = (await payouts_where(db, of_mutuelle & payout.c.state.in_(OPEN)))[:most]
    ended = await payouts_where(db, of_mutuelle & payout.c.state.not_in(OPEN), newest=most)
    return [*under_way, *ended][:most]


def _journal(row: KeptRow, source: str, kind: str, on: date, by: By) -> Voucher:
    """A journal of this payout, without its movements."""
    return Voucher(
        mutuelle=row.mutuelle_id,
        source=source,
        key=str(row.reference),
        kind=kind,
        effective_on=on,
        actor=by.actor,
        reason=by.reason,
        memo={"payout": str(row.reference)},
    )


def _expect_created(posted: Posted) -> None:
    if posted.verdict is not PostVerdict.CREATED:
        raise RuntimeError(f"a payout's journal was refused: {posted.reason}")
