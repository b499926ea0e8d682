"""Cash in hand: what officers hold, since when, and its limits.

It is the balance of the holder's account in the ledger, which names the holder by an opaque reference.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Account, PostVerdict, open_accounts
from ledger.tables import request
from locales import Money, _, counts
from mutuelle.dates import local_date
from mutuelle.free_codes import draw_digits, draw_free, insert_if_free
from mutuelle.locks import Lock, lock
from mutuelle.officers.roles import Appointment, Role
from mutuelle.scheme.limits import NO_CHANGE, LimitChanges, changes_of, limit_changes, read_changes
from mutuelle.scheme.mutuelles import Officer, get_mutuelle
from mutuelle.tables import officer
from mutuelle.treasury.tables import cash_holder, cash_receipt
from prepared import Prepared
from talk.questions import initials
from talk.trouble import RefusedError

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
    timezone: str  # of the mutuelle
    role: Role = Role.COLLECTOR
    limit_changes: LimitChanges = NO_CHANGE

    @property
    def key(self) -> str:
        return self.holder

    @property
    def label(self) -> str:
        return f"{self.name} {self.held}"

    def days(self, today: date) -> int:
        """For how many days the oldest of it has been held."""
        return (today - self.since_on).days if self.since_on else 0


async def cash_in_hand_of(db: AsyncConnection, appointment: Appointment) -> CashInHand:
    """The cash in hand of an officer."""
    found = await _held_by(db, appointment.mutuelle_id, appointment.role, appointment.phone)
    if found:
        return replace(found[0], name=appointment.name)
    mutuelle = await get_mutuelle(db, appointment.mutuelle_id)
    nothing = Money(0, mutuelle.currency)
    of = (appointment.name, appointment.phone, nothing, None, mutuelle.timezone, appointment.role)
    return CashInHand(mutuelle.id, "", *of, await limit_changes(db, mutuelle.id))


async def collectors_cash_in_hand(db: AsyncConnection, mutuelle_id: str) -> list[CashInHand]:
    """All collectors, in office or not, who have cash in hand, by name."""
    found = await _held_by(db, mutuelle_id, Role.COLLECTOR)
    return [cash_in_hand for cash_in_hand in found if cash_in_hand.held.amount_minor > 0]


# Cash is a kind of account whose balance is exact at once (`ledger.balance`). The oldest franc in hand came with the
# first receipt, from the newest back, that brings the sum to what is held: the first received is the first deposited.
_HELD = Prepared(
    sa.text(
        """
    select h.holder, coalesce(o.name, ''), h.phone,
           coalesce(b.debits_posted - b.credits_posted, 0)::bigint, m.currency, m.timezone,
           (select min(every.received_at)
              from (select r.received_at, r.amount_minor,
                           sum(r.amount_minor) over (order by r.received_at desc, r.reference) as with_newer
                      from cash_receipt r
                     where r.mutuelle_id = h.mutuelle_id and r.holder = h.holder
                       and not exists (select from ledger.request q
                                        where q.mutuelle_id = r.mutuelle_id and q.source = :reversal
                                          and q.key = r.reference::text and q.verdict = :created)) every
             where every.with_newer - every.amount_minor < b.debits_posted - b.credits_posted),
           LIMIT_CHANGES
      from cash_holder h
      join mutuelle m on m.id = h.mutuelle_id
      left join officer o on o.mutuelle_id = h.mutuelle_id and o.role = h.role and o.phone = h.phone
      left join ledger.balance b on b.mutuelle_id = h.mutuelle_id and b.account = :cash || h.holder
     where h.mutuelle_id = :mutuelle and h.role = :role and (cast(:phone as text) is null or h.phone = :phone)
     order by o.name, h.holder
    """.replace("LIMIT_CHANGES", changes_of("h.mutuelle_id"))
    )
)


async def _held_by(
    db: AsyncConnection, mutuelle_id: str, role: Role, phone: str | None = None
) -> list[CashInHand]:
    """The cash in hand of those who hold some in this role, by name; only that of `phone`, if one is given."""
    asked = {"mutuelle": mutuelle_id, "role": role, "phone": phone, "cash": accounts.cash("0")[:-1]}
    rows = await _HELD.rows(db, asked | {"reversal": REVERSAL, "created": PostVerdict.CREATED})
    return [
        CashInHand(
            mutuelle_id,
            holder,
            name,
            whose,
            Money(held, currency),
            oldest and local_date(oldest, zone),
            zone,
            role,
            read_changes(changes),
        )
        for holder, name, whose, held, currency, zone, oldest, changes in rows
    ]


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


def expect_room(cash_in_hand: CashInHand, amount: Money, at: datetime) -> None:
    """Refused where a collector must deposit before `amount` more is received; a treasurer's box has no limit."""
    if cash_in_hand.role is not Role.COLLECTOR:
        return
    today = local_date(at, cash_in_hand.timezone)
    days, limits = cash_in_hand.days(today), cash_in_hand.limit_changes.on(today)
    if days >= limits.cash_days:
        raise RefusedError(
            _(
                "You have held {held} for {days}. Give it to a treasurer first.",
                held=cash_in_hand.held,
                days=counts.days(days),
            )
        )
    if cash_in_hand.held.amount_minor + amount.amount_minor > limits.cash_held_minor:
        raise RefusedError(
            _(
                "You hold {held}, of {most} at most. Give it to a treasurer first.",
                held=cash_in_hand.held,
                most=Money(limits.cash_held_minor, amount.currency),
            )
        )


async def lock_cash_in_hand(db: AsyncConnection, appointment: Appointment) -> None:
    """Lock this officer's cash in hand until the transaction ends, against receipts and deposits."""
    await lock(db, Lock.CASH, appointment.mutuelle_id, appointment.role, appointment.phone)


async def holder_of(
    db: AsyncConnection, cash_in_hand: CashInHand, appointment: Appointment, at: datetime
) -> str:
    """The opaque reference of an officer's cash; the first time it is drawn and its account opened, under the lock."""
    if cash_in_hand.holder:
        return cash_in_hand.holder
    row = {
        "mutuelle_id": appointment.mutuelle_id,
        "role": appointment.role,
        "phone": appointment.phone,
        "since": at,
    }

    async def write(holder: str) -> bool:
        return await insert_if_free(db, cash_holder, {**row, "holder": holder})

    what = f"reference for cash in {appointment.mutuelle_id}"
    holder = await draw_free(what, lambda: draw_digits(HOLDER_DIGITS), write)
    currency = cash_in_hand.held.currency
    await open_accounts(db, [Account(appointment.mutuelle_id, accounts.cash(holder), currency)])
    return holder


def is_cancelled() -> sa.ColumnElement[bool]:
    """The condition: a row of cash_receipt was cancelled in the book."""
    return sa.exists().where(
        request.c.mutuelle_id == cash_receipt.c.mutuelle_id,
        request.c.source == REVERSAL,
        request.c.key == sa.cast(cash_receipt.c.reference, sa.Text),
        request.c.verdict == PostVerdict.CREATED,
    )
