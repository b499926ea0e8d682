"""The last receipts of a household, for its members; and which SMS are sent to a phone.

Only for phones of the household: a receipt says what it paid. Who checked its cover: `care/eligibility_history.py`.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Money
from mutuelle.contributions.payments import PaymentState
from mutuelle.dates import local_date
from mutuelle.household_key import of_household
from mutuelle.households.households import Household
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import payment, payment_case
from mutuelle.treasury.cash_in_hand import is_cancelled
from mutuelle.treasury.statements.files import of_file
from mutuelle.treasury.tables import (
    cash_receipt,
    group_list,
    group_part,
    money_decision,
    statement_file,
    statement_line,
)
from mutuelle.treasury.unmatched.decisions import SOURCE, is_set_right
from sms.delivery import opt_in, opt_out
from sms.tables import MENU, OWN_STOPS, optout
from talk.words import Caller


class SmsTaken(StrEnum):
    """Which SMS are sent to a phone: all, all but those that its own STOP ends, or none (stopped by the provider)."""

    ALL = "all"
    IMPORTANT = "important"
    NONE = "none"


@dataclass(frozen=True)
class PastReceipt:
    """Money received from the household, on a day in the mutuelle's time zone.

    `paid_by`: who paid it among others, for many households at once; "" for all other money.
    """

    on: date
    amount: Money
    code: str
    paid_by: str = ""

    def line(self, most_letters: int) -> str:
        """In a list; of who paid it so many letters."""
        return f"{self.on:%d/%m/%y} {self.amount} {self.code} {self.paid_by[:most_letters]}".strip()


async def last_receipts(db: AsyncConnection, household: Household, limit: int) -> list[PastReceipt]:
    """The last `limit` receipts that stand, the newest first; money that waits in suspense has none."""
    is_mismatch = sa.exists().where(
        payment_case.c.mutuelle_id == payment.c.mutuelle_id,
        payment_case.c.reference == payment.c.reference,
        payment_case.c.kind == "mismatch",
    )
    by_phone = _receipts(payment, payment.c.completed_at, sa.null().cast(sa.Date)).where(
        of_household(payment, household),
        payment.c.state == PaymentState.PAID,
        ~is_mismatch,
        ~is_set_right("payment", payment.c.reference),
    )
    in_cash = _receipts(cash_receipt, cash_receipt.c.received_at, cash_receipt.c.received_on).where(
        of_household(cash_receipt, household), ~is_cancelled()
    )
    by_statement = (
        _receipts(statement_line, statement_file.c.taken_at, statement_line.c.occurred_on)
        .join(statement_file, of_file())
        .where(
            of_household(statement_line, household), ~is_set_right("statement", statement_line.c.reference)
        )
    )
    by_two = _receipts(money_decision, money_decision.c.decided_at, money_decision.c.occurred_on).where(
        of_household(money_decision, household),
        money_decision.c.receipt_code.is_not(None),
        ~is_set_right(SOURCE, money_decision.c.act),
    )
    when = money_decision.c.decided_at, money_decision.c.occurred_on
    by_group = (
        _receipts(group_part, *when, paid_by=group_list.c.payer)
        .join(group_list, _is_list(group_list.c.receipt_code))
        .join(money_decision, _is_list(money_decision.c.list))
        .where(of_household(group_part, household), ~is_set_right(SOURCE, group_part.c.reference))
    )
    every = by_phone.union_all(in_cash, by_statement, by_two, by_group).subquery()
    rows = await db.execute(select(every).order_by(every.c.at.desc(), every.c.receipt_code).limit(limit))
    zone = (await get_mutuelle(db, household.mutuelle_id)).timezone
    return [
        PastReceipt(
            row.on or local_date(row.at, zone),
            Money(row.amount_minor, row.currency),
            row.receipt_code,
            row.paid_by,
        )
        for row in rows
    ]


def _receipts(
    table: sa.Table,
    at: sa.ColumnElement[Any],
    on: sa.ColumnElement[Any],
    paid_by: sa.ColumnElement[Any] | None = None,
) -> sa.Select[Any]:
    """The receipts in a table: recorded `at`, for money of the day `on` (null: the day of its recording)."""
    own, payer = table.c, sa.literal("") if paid_by is None else paid_by
    return select(
        at.label("at"),
        on.label("on"),
        own.amount_minor,
        own.currency,
        own.receipt_code,
        payer.label("paid_by"),
    ).select_from(table)


def _is_list(code: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """The condition: the part is of the list with this code."""
    return sa.and_(code.table.c.mutuelle_id == group_part.c.mutuelle_id, code == group_part.c.list)


async def messages_taken(db: AsyncConnection, caller: Caller) -> SmsTaken:
    """Which SMS are sent to the caller's phone."""
    stopped = select(optout.c.source).where(optout.c.phone == caller.phone, optout.c.until.is_(None))
    source = await db.scalar(stopped)
    if source is None:
        return SmsTaken.ALL
    return SmsTaken.IMPORTANT if source in OWN_STOPS else SmsTaken.NONE


async def stop_messages(db: AsyncConnection, caller: Caller) -> None:
    """Send only receipts, warnings and answers to the caller's phone."""
    await opt_out(db, caller.phone, MENU, caller.at)


async def start_messages(db: AsyncConnection, caller: Caller) -> None:
    """Send all SMS to the caller's phone again."""
    await opt_in(db, caller.phone, caller.at)
