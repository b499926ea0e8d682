"""Counts of a treasurer's box: what lies in it beside what our book says.

A count that agrees is written down by the treasurer alone. A difference is booked as found or missing by two, with its
reason: an act of two people.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Account, Journal, Movement, open_accounts
from locales import Fact, Money, Sentence, _
from mutuelle.officers.joint_acts import TWO_TREASURERS, ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.pins import try_pin
from mutuelle.officers.roles import Appointment, Role, appointment_of
from mutuelle.posting import post_all
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.treasury.cash_in_hand import CashInHand, cash_in_hand_of, holder_of, lock_cash_in_hand
from mutuelle.treasury.tables import cash_count
from talk.answers import Secret
from talk.trouble import RefusedError
from talk.words import Caller
from values import value

FOUND, MISSING = "cash found", "cash missing"
CHANGED = _("The box has changed since it was counted. Please count it again.")


@value
class BoxCount:
    """What a treasurer counted in her box, and what our book said then."""

    counted: Money
    held: Money


@dataclass(frozen=True)
class CountedBox:
    """A box whose count differs from our book, as it is at a signature."""

    box: CashInHand
    counted: Money

    @property
    def difference(self) -> Money:
        """How much is missing, or was found."""
        return Money(abs(self.counted.amount_minor - self.box.held.amount_minor), self.box.held.currency)


async def last_count(db: AsyncConnection, mutuelle: Mutuelle) -> date | None:
    """The day on which a box of this mutuelle was last counted."""
    of_mutuelle = cash_count.c.mutuelle_id == mutuelle.id
    at = await db.scalar(select(sa.func.max(cash_count.c.counted_at)).where(of_mutuelle))
    return at and mutuelle.today(at)


async def write_count(
    db: AsyncConnection, caller: Caller, *, mutuelle: str, count: BoxCount, pin: Secret
) -> Sentence | None:
    """Write down a count that agrees with our book; a sentence where the PIN is not right."""
    appointment = await appointment_of(db, caller, mutuelle, Role.TREASURER)
    await lock_cash_in_hand(db, appointment)
    box = await cash_in_hand_of(db, appointment)
    if box.held != count.held or box.held != count.counted:
        raise RefusedError(CHANGED)
    if wrong := await try_pin(db, caller, pin):
        return wrong
    holder = await holder_of(db, box, appointment, caller.at)
    await _write(db, mutuelle, holder, CountedBox(box, count.counted), caller.at)
    return None


def difference_of(appointment: Appointment, count: BoxCount, reason: str) -> NewJointAct:
    """The proposal to book the difference of this treasurer's count."""
    facts = {
        "phone": appointment.phone,
        "name": appointment.name,
        "counted_minor": count.counted.amount_minor,
        "held_minor": count.held.amount_minor,
        "currency": count.held.currency,
    }
    return NewJointAct(CASH_COUNT.name, facts, reason)


def _label(facts: Facts) -> Sentence:
    minor = facts["counted_minor"] - facts["held_minor"]
    said: dict[str, Fact] = {"name": facts["name"], "amount": Money(abs(minor), facts["currency"])}
    if minor < 0:
        return _("{amount} missing, box of {name}", **said)
    return _("{amount} found, box of {name}", **said)


def _box_of(own: Appointment, facts: Facts) -> Appointment:
    return Appointment(own.mutuelle_id, own.mutuelle_name, Role.TREASURER, facts["phone"], facts["name"])


async def _lock(db: AsyncConnection, own: Appointment, facts: Facts) -> None:
    await lock_cash_in_hand(db, _box_of(own, facts))


async def _look_again(db: AsyncConnection, _caller: Caller, own: Appointment, facts: Facts) -> CountedBox:
    """RefusedError where the book of this box is another by now."""
    box = await cash_in_hand_of(db, _box_of(own, facts))
    if (box.held.amount_minor, box.held.currency) != (facts["held_minor"], facts["currency"]):
        raise RefusedError(CHANGED)
    return CountedBox(box, Money(facts["counted_minor"], facts["currency"]))


def _words(found: CountedBox, reason: str) -> Sentence:
    return _(
        "Box of {name}: {counted} instead of {held}. {reason}",
        name=found.box.name,
        counted=found.counted,
        held=found.box.held,
        reason=reason,
    )


async def _book(db: AsyncConnection, act: JointAct, found: CountedBox, at: datetime) -> None:
    """Write the count, and post its difference: our book then says what lies in the box."""
    of = Appointment(act.mutuelle_id, "", Role.TREASURER, found.box.phone, found.box.name)
    holder = await holder_of(db, found.box, of, at)
    await _write(db, act.mutuelle_id, holder, found, at, act=UUID(act.id))
    is_missing = found.counted < found.box.held
    other = accounts.shortage() if is_missing else accounts.surplus()
    box, currency = accounts.cash(holder), found.counted.currency
    await open_accounts(db, [Account(act.mutuelle_id, other, currency)])
    pair = (other, box) if is_missing else (box, other)
    mutuelle = await get_mutuelle(db, act.mutuelle_id)
    journal = Journal(
        mutuelle=act.mutuelle_id,
        source=CASH_COUNT.name,
        key=act.id,
        kind=MISSING if is_missing else FOUND,
        effective_on=mutuelle.today(at),
        actor=TWO_TREASURERS,
        reason="the box was counted",
        movements=[Movement(*pair, found.difference.amount_minor, currency)],
        memo={"act": act.id},
    )
    await post_all(db, [journal])


async def _write(
    db: AsyncConnection,
    mutuelle_id: str,
    holder: str,
    found: CountedBox,
    at: datetime,
    *,
    act: UUID | None = None,
) -> None:
    row: dict[str, Any] = {
        "mutuelle_id": mutuelle_id,
        "reference": uuid4(),
        "holder": holder,
        "counted_minor": found.counted.amount_minor,
        "held_minor": found.box.held.amount_minor,
        "currency": found.counted.currency,
        "counted_at": at,
        "act": act,
    }
    await db.execute(insert(cash_count), row)


CASH_COUNT = known(
    ActKind(
        "cash count",
        label=_label,
        look_again=_look_again,
        words=_words,
        carry_out=_book,
        done=lambda facts: _(
            "Done. Our book of the box is {held}.", held=Money(facts["counted_minor"], facts["currency"])
        ),
        lock=_lock,
        subject=("phone",),
    )
)
