"""Cash in hand: what officers hold, since when, and its limits.

It is the balance of the holder's account in the ledger, which names the holder by an opaque reference.
"""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.balances import balance
from ledger.book import Account, PostVerdict, open_accounts
from ledger.tables import request
from locales import Money, _, counts
from mutuelle.free_codes import draw_digits, draw_free, insert_if_free
from mutuelle.locks import Lock, lock
from mutuelle.officers.roles import Appointment, Role
from mutuelle.officers.tables import cash_holder, cash_receipt
from mutuelle.scheme.mutuelles import Mutuelle, Officer, get_mutuelle
from mutuelle.tables import officer
from talk.questions import initials
from talk.trouble import RefusedError

MOST_HELD_MINOR = 200_000  # by one collector
MOST_DAYS = 5  # for the oldest of it
HOLDER_DIGITS = 8
REVERSAL = "cash reversal"  # the source of a journal that cancels a receipt
_OF_OFFICER = (
    (officer.c.mutuelle_id == cash_holder.c.mutuelle_id)
    & (officer.c.role == cash_holder.c.role)
    & (officer.c.phone == cash_holder.c.phone)
)


@dataclass(frozen=True)
class CashInHand:
    """The cash that an officer holds for a mutuelle. `since_on` is the day of the oldest of it; None without cash.

    `holder` is the opaque reference in the ledger, empty before the first cash.
    """

    mutuelle_id: str
    holder: str
    name: str
    phone: str
    held: Money
    since_on: date | None

    @property
    def key(self) -> str:
        return self.holder

    @property
    def label(self) -> str:
        return f"{self.name} {self.held}"

    @property
    def room(self) -> Money:
        """What may still be received before a deposit."""
        return Money(max(MOST_HELD_MINOR - self.held.amount_minor, 0), self.held.currency)

    def days(self, today: date) -> int:
        """For how many days the oldest of it has been held."""
        return (today - self.since_on).days if self.since_on else 0


async def cash_in_hand_of(db: AsyncConnection, appointment: Appointment) -> CashInHand:
    """The cash in hand of an officer."""
    mutuelle = await get_mutuelle(db, appointment.mutuelle_id)
    holder = await db.scalar(
        select(cash_holder.c.holder).where(
            cash_holder.c.mutuelle_id == appointment.mutuelle_id,
            cash_holder.c.role == appointment.role,
            cash_holder.c.phone == appointment.phone,
        )
    )
    if holder is None:
        return CashInHand(
            appointment.mutuelle_id,
            "",
            appointment.name,
            appointment.phone,
            Money(0, mutuelle.currency),
            None,
        )
    return await _cash_in_hand(db, mutuelle, holder, appointment.name, appointment.phone)


async def collectors_cash_in_hand(db: AsyncConnection, mutuelle_id: str) -> list[CashInHand]:
    """All collectors, in office or not, who have cash in hand, by name."""
    mutuelle = await get_mutuelle(db, mutuelle_id)
    rows = await db.execute(
        select(cash_holder.c.holder, officer.c.name, cash_holder.c.phone)
        .join(officer, _OF_OFFICER)
        .where(cash_holder.c.mutuelle_id == mutuelle_id, cash_holder.c.role == Role.COLLECTOR)
        .order_by(officer.c.name, cash_holder.c.holder)
    )
    found = [await _cash_in_hand(db, mutuelle, *row) for row in rows.all()]
    return [cash_in_hand for cash_in_hand in found if cash_in_hand.held.amount_minor > 0]


async def holders_of_cash(db: AsyncConnection, mutuelle_id: str) -> dict[str, Officer]:
    """The holder of each cash account, in office or not, by the account's code."""
    rows = await db.execute(
        select(cash_holder.c.holder, officer.c.role, officer.c.phone, officer.c.name)
        .join(officer, _OF_OFFICER)
        .where(cash_holder.c.mutuelle_id == mutuelle_id)
    )
    return {accounts.cash(holder): Officer(*of) for holder, *of in rows}


def is_own(cash_in_hand: CashInHand, appointment: Appointment) -> bool:
    """Whether this officer holds the cash herself, perhaps under another phone."""
    return cash_in_hand.phone == appointment.phone or initials(cash_in_hand.name) == initials(
        appointment.name
    )


async def expect_room(db: AsyncConnection, appointment: Appointment, amount: Money, at: datetime) -> None:
    """Refused where the collector must deposit before `amount` more is received."""
    cash_in_hand = await cash_in_hand_of(db, appointment)
    days = cash_in_hand.days((await get_mutuelle(db, appointment.mutuelle_id)).today(at))
    if days >= MOST_DAYS:
        raise RefusedError(
            _(
                "You have held {held} for {days}. Give it to a treasurer first.",
                held=cash_in_hand.held,
                days=counts.days(days),
            )
        )
    if amount > cash_in_hand.room:
        raise RefusedError(
            _(
                "You hold {held}, of {most} at most. Give it to a treasurer first.",
                held=cash_in_hand.held,
                most=Money(MOST_HELD_MINOR, amount.currency),
            )
        )


async def lock_cash_in_hand(db: AsyncConnection, appointment: Appointment) -> None:
    """Lock this officer's cash in hand until the transaction ends, against receipts and deposits."""
    await lock(db, Lock.CASH, appointment.mutuelle_id, appointment.role, appointment.phone)


async def holder_of(db: AsyncConnection, mutuelle: Mutuelle, appointment: Appointment, at: datetime) -> str:
    """The opaque reference of an officer's cash; the first time it is drawn and its account opened, under the lock."""
    if (cash_in_hand := await cash_in_hand_of(db, appointment)).holder:
        return cash_in_hand.holder
    row = {"mutuelle_id": mutuelle.id, "role": appointment.role, "phone": appointment.phone, "since": at}

    async def write(holder: str) -> bool:
        return await insert_if_free(db, cash_holder, {**row, "holder": holder})

    what = f"reference for cash in {mutuelle.id}"
    holder = await draw_free(what, lambda: draw_digits(HOLDER_DIGITS), write)
    await open_accounts(db, [Account(mutuelle.id, accounts.cash(holder), mutuelle.currency)])
    return holder


def is_cancelled() -> sa.ColumnElement[bool]:
    """The condition: a row of cash_receipt was cancelled in the book."""
    return sa.exists().where(
        request.c.mutuelle_id == cash_receipt.c.mutuelle_id,
        request.c.source == REVERSAL,
        request.c.key == sa.cast(cash_receipt.c.reference, sa.Text),
        request.c.verdict == PostVerdict.CREATED,
    )


async def _cash_in_hand(
    db: AsyncConnection, mutuelle: Mutuelle, holder: str, name: str, phone: str
) -> CashInHand:
    sums = await balance(db, mutuelle.id, accounts.cash(holder))
    held = Money(sums.debits - sums.credits, mutuelle.currency)
    oldest = await _oldest(db, mutuelle.id, holder, held)
    return CashInHand(mutuelle.id, holder, name, phone, held, mutuelle.today(oldest) if oldest else None)


async def _oldest(db: AsyncConnection, mutuelle_id: str, holder: str, held: Money) -> datetime | None:
    """When the oldest franc in hand was received; the first received is the first deposited."""
    if held.amount_minor <= 0:
        return None
    received = cash_receipt.c
    newer = sa.func.sum(received.amount_minor).over(
        order_by=(received.received_at.desc(), received.reference)
    )
    every = (
        select(received.received_at, (newer - received.amount_minor).label("newer"))
        .where(received.mutuelle_id == mutuelle_id, received.holder == holder, ~is_cancelled())
        .subquery()
    )
    oldest = select(sa.func.min(every.c.received_at)).where(every.c.newer < held.amount_minor)
    found: datetime | None = await db.scalar(oldest)
    return found
