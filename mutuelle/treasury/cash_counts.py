"""Counts of a treasurer's box: what lies in it beside what our book says.

A count that agrees is written down by the treasurer alone. A difference is booked as found or missing, with its reason:
by two, or by herself where all that she has booked alone on that day is within the limit of her mutuelle.
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
from mutuelle.dates import local_date
from mutuelle.officers.joint_acts import TWO_TREASURERS, ActKind, Facts, JointAct, NewJointAct, known
from mutuelle.officers.pins import try_pin
from mutuelle.officers.roles import Appointment, Role, appointment_of
from mutuelle.posting import post_all
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.treasury.cash_in_hand import CashInHand, cash_in_hand_of, holder_of, lock_cash_in_hand
from mutuelle.treasury.tables import cash_count
from prepared import Prepared
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
    """A box as it is now, and what was counted in it."""

    box: CashInHand
    counted: Money
    takes_one: bool = False  # the difference is within what its treasurer books alone

    @property
    def agrees(self) -> bool:
        """Whether the count is what our book says."""
        return self.counted == self.box.held

    @property
    def difference(self) -> Money:
        """How much is missing, or was found."""
        return Money(abs(self.counted.amount_minor - self.box.held.amount_minor), self.box.held.currency)


async def last_count(db: AsyncConnection, mutuelle: Mutuelle) -> date | None:
    """The day on which a box of this mutuelle was last counted."""
    of_mutuelle = cash_count.c.mutuelle_id == mutuelle.id
    at = await db.scalar(select(sa.func.max(cash_count.c.counted_at)).where(of_mutuelle))
    return at and mutuelle.today(at)


async def counted_box(
    db: AsyncConnection, caller: Caller, appointment: Appointment, counted: Money
) -> CountedBox:
    """The caller's box beside what she counted, and whether that takes her signature alone."""
    box = await cash_in_hand_of(db, appointment)
    today = local_date(caller.at, box.timezone)
    asked = {"mutuelle": box.mutuelle_id, "holder": box.holder, "today": today, "zone": box.timezone}
    alone = await _BOOKED_ALONE.value(db, asked) + abs(counted.amount_minor - box.held.amount_minor)
    most = box.limit_changes.on(today).count_difference_minor
    return CountedBox(box, counted, counted == box.held or alone <= most)


@dataclass(frozen=True)
class CountDone:
    """A count that was written down: who counted, who signed the difference, and why there was one."""

    at: datetime
    name: str
    counted: Money
    held: Money
    signed_by: str
    reason: str

    @property
    def difference_minor(self) -> int:
        """What was found; below zero what was missing."""
        return self.counted.amount_minor - self.held.amount_minor


async def counts_between(db: AsyncConnection, mutuelle: Mutuelle, first: date, last: date) -> list[CountDone]:
    """The counts of these days, by the mutuelle's own calendar, in their order."""
    asked = {"mutuelle": mutuelle.id, "zone": mutuelle.timezone, "first": first, "last": last}
    return [
        CountDone(at, name, Money(counted, currency), Money(held, currency), signed_by, reason)
        for at, name, counted, held, currency, signed_by, reason in await _BETWEEN.rows(db, asked)
    ]


_BETWEEN = Prepared(
    sa.text("""
    select c.counted_at, coalesce(a.proposer_name, o.name, h.holder), c.counted_minor, c.held_minor, c.currency,
           coalesce(a.answerer_name, ''), coalesce(a.reason, c.reason, '')
      from cash_count c
      join cash_holder h on h.mutuelle_id = c.mutuelle_id and h.holder = c.holder
      left join officer o on o.mutuelle_id = h.mutuelle_id and o.role = h.role and o.phone = h.phone
      left join joint_act a on a.mutuelle_id = c.mutuelle_id and a.id = c.act
     where c.mutuelle_id = :mutuelle
       and timezone(:zone, c.counted_at)::date between cast(:first as date) and cast(:last as date)
     order by c.counted_at, c.reference
    """)
)


# A difference that is too large for one may not be booked in pieces.
_BOOKED_ALONE = Prepared(
    sa.text("""
    select coalesce(sum(abs(counted_minor - held_minor)), 0)::bigint from cash_count
     where mutuelle_id = :mutuelle and holder = :holder and reason is not null
       and timezone(:zone, counted_at)::date = :today
    """)
)


async def write_count(
    db: AsyncConnection,
    caller: Caller,
    *,
    mutuelle: str,
    count: BoxCount,
    pin: Secret,
    reason: str | None = None,
) -> Sentence | None:
    """Write down a count that takes no second signature; a sentence where the PIN is not right.

    `reason`: of a difference, which is booked too. RefusedError where the book is another by now, or it takes two.
    """
    appointment = await appointment_of(db, caller, mutuelle, Role.TREASURER)
    await lock_cash_in_hand(db, appointment)
    found = await counted_box(db, caller, appointment, count.counted)
    if found.box.held != count.held or not found.takes_one or (reason is None) != found.agrees:
        raise RefusedError(CHANGED)
    if wrong := await try_pin(db, caller, pin):
        return wrong
    holder, at = await holder_of(db, found.box, appointment, caller.at), caller.at
    reference = await _write(db, mutuelle, holder, found, at, reason=reason)
    if not found.agrees:
        actor = f"{Role.TREASURER} {holder}"
        await _post(db, mutuelle, holder, found, _Origin(str(reference), actor, at))
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
    """Write the count that two have signed, and post its difference."""
    of = Appointment(act.mutuelle_id, "", Role.TREASURER, found.box.phone, found.box.name)
    holder = await holder_of(db, found.box, of, at)
    await _write(db, act.mutuelle_id, holder, found, at, act=UUID(act.id))
    await _post(db, act.mutuelle_id, holder, found, _Origin(act.id, TWO_TREASURERS, at))


@dataclass(frozen=True)
class _Origin:
    """Who books a difference, when, and under which key."""

    key: str
    actor: str
    at: datetime


async def _post(
    db: AsyncConnection, mutuelle_id: str, holder: str, found: CountedBox, origin: _Origin
) -> None:
    """Post the difference: our book then says what lies in the box."""
    is_missing = found.counted < found.box.held
    other = accounts.shortage() if is_missing else accounts.surplus()
    box, currency = accounts.cash(holder), found.counted.currency
    await open_accounts(db, [Account(mutuelle_id, other, currency)])
    pair = (other, box) if is_missing else (box, other)
    journal = Journal(
        mutuelle=mutuelle_id,
        source=CASH_COUNT.name,
        key=origin.key,
        kind=MISSING if is_missing else FOUND,
        effective_on=local_date(origin.at, found.box.timezone),
        actor=origin.actor,
        reason="the box was counted",
        movements=[Movement(*pair, found.difference.amount_minor, currency)],
        memo={"act": origin.key} if origin.actor == TWO_TREASURERS else {},
    )
    await post_all(db, [journal])


async def _write(
    db: AsyncConnection,
    mutuelle_id: str,
    holder: str,
    found: CountedBox,
    at: datetime,
    **proof: UUID | str | None,
) -> UUID:
    """Write the row of a count, with `proof` of a difference: the `act` or the `reason`; its reference."""
    row: dict[str, Any] = {
        "mutuelle_id": mutuelle_id,
        "reference": uuid4(),
        "holder": holder,
        "counted_minor": found.counted.amount_minor,
        "held_minor": found.box.held.amount_minor,
        "currency": found.counted.currency,
        "counted_at": at,
        **proof,
    }
    await db.execute(insert(cash_count), row)
    return UUID(str(row["reference"]))


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
