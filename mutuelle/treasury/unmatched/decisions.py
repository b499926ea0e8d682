"""What two treasurers decided about money is written once for each journal that brought it."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.book import PostVerdict, Voucher
from ledger.tables import movement, request
from locales import Money
from mutuelle.officers.joint_acts import TWO_TREASURERS, JointAct
from mutuelle.posting import RECEIVED
from mutuelle.treasury.tables import group_part, money_decision

SOURCE = "decision"  # of the journals that carry a decision out; their key is the act's id, or the part's of a group


class MoneyOutcome(StrEnum):
    """HOUSEHOLD, GROUP, RETURNED, GIFT, OWN: of unmatched money. MOVED, TAKEN_BACK: of a receipt.

    PAID: of a failed payment. GROUP: it was paid for the households of a list. OWN: it is the mutuelle's own, what a
    voucher would have booked.
    """

    HOUSEHOLD = "household"
    GROUP = "group"
    RETURNED = "returned"
    GIFT = "gift"
    OWN = "own"
    MOVED = "moved"
    TAKEN_BACK = "taken back"
    PAID = "paid"


@dataclass(frozen=True)
class MoneyDecision:
    """The decision about the money of the journal `source`, `key`; `number` and `receipt_code` of whose it is now.

    `list`: the code of the list by which it was split.
    """

    mutuelle_id: str
    source: str
    key: str
    outcome: MoneyOutcome
    amount: Money
    on: date
    number: str | None = None
    receipt_code: str | None = None
    list: str | None = None


async def write_decision(db: AsyncConnection, decision: MoneyDecision, act: str, at: datetime) -> None:
    """IntegrityError where one was written before: the caller has looked."""
    row = {
        "mutuelle_id": decision.mutuelle_id,
        "source": decision.source,
        "key": decision.key,
        "act": UUID(act),
        "outcome": decision.outcome,
        "number": decision.number,
        "receipt_code": decision.receipt_code,
        "list": decision.list,
        "amount_minor": decision.amount.amount_minor,
        "currency": decision.amount.currency,
        "occurred_on": decision.on,
        "decided_at": at,
    }
    await db.execute(insert(money_decision), row)


def journal_voucher(act: JointAct, on: date) -> Voucher:
    """What the journal says that gives a household its money by this act: of the day of the money, why two said."""
    return Voucher(
        mutuelle=act.mutuelle_id,
        source=SOURCE,
        key=act.id,
        kind=RECEIVED,
        effective_on=on,
        actor=TWO_TREASURERS,
        reason=act.reason,
        memo={"act": act.id},
    )


def is_set_right(source: str, key: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """The condition: the receipt whose journal is (`source`, `key`) of its table is no longer its household's."""
    return is_decided(source, key, MoneyOutcome.MOVED, MoneyOutcome.TAKEN_BACK)


def is_decided(source: str, key: sa.ColumnElement[UUID], *outcomes: MoneyOutcome) -> sa.ColumnElement[bool]:
    """The condition: two have decided about the money whose journal is (`source`, `key`), with one of `outcomes`."""
    later = money_decision.alias()
    return sa.exists().where(
        later.c.mutuelle_id == key.table.c.mutuelle_id,
        later.c.source == source,
        later.c.key == sa.cast(key, sa.Text),
        later.c.outcome.in_(outcomes or tuple(MoneyOutcome)),
    )


async def journal_and_debit(db: AsyncConnection, mutuelle_id: str, source: str, key: str) -> tuple[UUID, str]:
    """The journal with this key, and the account into which it brought the money. LookupError: there is none."""
    q, m = request.c, movement.c
    row = (
        await db.execute(
            select(q.journal_id, m.debit_account)
            .join(movement, (m.mutuelle_id == q.mutuelle_id) & (m.journal_id == q.journal_id))
            .where(
                q.mutuelle_id == mutuelle_id,
                q.source == source,
                q.key == key,
                q.verdict == PostVerdict.CREATED,
            )
        )
    ).one_or_none()
    if row is None:
        raise LookupError(f"{source} {key}")
    return row.journal_id, row.debit_account


async def came_by(db: AsyncConnection, mutuelle_id: str, key: str) -> str:
    """The account at an operator or a bank by which the money of this journal (SOURCE, `key`) had come."""
    d, p = money_decision.c, group_part.c
    while True:
        listed = (
            select(p.list).where(p.mutuelle_id == mutuelle_id, p.reference == UUID(key)).scalar_subquery()
        )
        decided = (d.mutuelle_id == mutuelle_id) & ((d.act == UUID(key)) | (d.list == listed))
        row = (await db.execute(select(d.source, d.key).where(decided))).one()
        if row.source != SOURCE:
            _journal, account = await journal_and_debit(db, mutuelle_id, row.source, row.key)
            return account
        key = row.key
