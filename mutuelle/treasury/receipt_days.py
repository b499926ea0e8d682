"""The day on which a collector received cash: today as a rule, an earlier one where it could not be recorded then.

Cover and renewals are dated by it, so it has limits; the household's receipt shows it, and the treasurers' digest
counts late records.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.positions import Mark
from locales import Sentence, _
from mutuelle.contributions.standing import RENEWAL_OPENS, Standing
from mutuelle.officers.roles import Appointment
from talk.answers import Kind
from talk.figures import day_in
from talk.trouble import InvalidError, RefusedError

MOST_DAYS_BACK = 14  # fewer than any month has days: a day of the month is never two days
LATE_AFTER_DAYS = 3  # between receipt and record: later ones are in the treasurers' digest
NAMED = (_("Yesterday"), _("The day before"))


@dataclass(frozen=True)
class ReceiptDay:
    """The day of a receipt, as a choice of a list."""

    on: date
    label: Sentence | str = ""
    digit: str | None = None

    @property
    def key(self) -> str:
        return self.on.isoformat()

    @property
    def short(self) -> str:
        """Day and month: 18/11."""
        return f"{self.on:%d/%m}"


@dataclass(frozen=True)
class ReceiptDays:
    """The days, from `first` to `today`, on which cash that is recorded today can have been received."""

    first: date
    today: date

    @property
    def before_today(self) -> list[date]:
        """The days before today, the newest first."""
        return [self.today - timedelta(days=back) for back in range(1, (self.today - self.first).days + 1)]

    @property
    def near(self) -> list[ReceiptDay]:
        """Those that have a name."""
        named = zip(self.before_today, NAMED, strict=False)
        return [ReceiptDay(day, label, str(nth)) for nth, (day, label) in enumerate(named, start=1)]


_KNOWN_SINCE = text(
    """
    select greatest((h.enrolled_at at time zone m.timezone)::date, o.since, p.agreed_on, x.sold_from)
      from household h
      join mutuelle m on m.id = h.mutuelle_id
      join officer o on o.mutuelle_id = h.mutuelle_id and o.role = :role and o.phone = :phone
      left join policy p on p.mutuelle_id = h.mutuelle_id and p.number = h.number and p.sequence = :sequence
      left join product x on x.mutuelle_id = h.mutuelle_id and x.code = :renews_code and x.version = :renews_version
     where h.mutuelle_id = :mutuelle and h.number = :number
    """
)


async def receipt_days(
    db: AsyncConnection, appointment: Appointment, stands: Standing, at: datetime
) -> ReceiptDays:
    """The days on which this collector can have received what the household pays now.

    None is before the household joined, before it agreed to what it pays (where it renews: before it could), or
    before the collector's appointment.
    """
    today = stands.mutuelle.today(at)
    due = next((period.terms.sequence for period in stands.periods if period.due_minor), None)
    product = stands.payable_product if stands.renews else None
    facts = {
        "role": appointment.role,
        "phone": appointment.phone,
        "mutuelle": appointment.mutuelle_id,
        "number": stands.household.number,
        "sequence": due,
        "renews_code": product and product.code,
        "renews_version": product and product.version,
    }
    first = max((await db.execute(_KNOWN_SINCE, facts)).scalar_one(), today - timedelta(days=MOST_DAYS_BACK))
    ends_on = stands.periods[-1].expires_on
    if stands.renews and ends_on:
        first = max(first, ends_on - RENEWAL_OPENS)
    return ReceiptDays(min(first, today), today)


async def expect_receipt_day(
    db: AsyncConnection, appointment: Appointment, stands: Standing, on: date, at: datetime
) -> None:
    """Refused where the collector cannot have received the cash on that day."""
    if on == stands.mutuelle.today(at):
        return
    days = await receipt_days(db, appointment, stands, at)
    if not days.first <= on < days.today:
        raise RefusedError(_("Cash of {day} cannot be recorded today. Please see your mutuelle.", day=on))


_LATE = text(
    """
    select count(*), min(r.received_on)
      from cash_receipt r
      join mutuelle m on m.id = r.mutuelle_id
      join ledger.request q on q.mutuelle_id = r.mutuelle_id and q.source = 'cash' and q.key = r.reference::text
      join ledger.journal j on j.mutuelle_id = q.mutuelle_id and j.id = q.journal_id
     where r.mutuelle_id = :mutuelle and (r.received_at at time zone m.timezone)::date - r.received_on > :days
       and not pg_visible_in_snapshot(j.xid, cast(cast(:since as text) as pg_snapshot))
       and not exists (select from ledger.journal back
                        where back.mutuelle_id = j.mutuelle_id and back.reverses_id = j.id)
    """
)


async def recorded_late(db: AsyncConnection, mutuelle_id: str, since: Mark) -> tuple[int, date | None]:
    """How many receipts of cash were recorded more than LATE_AFTER_DAYS late since a mark, and the oldest one's day.

    By the marks of digests, like the money in them: none is left out, none counted twice.
    """
    facts = {"mutuelle": mutuelle_id, "days": LATE_AFTER_DAYS, "since": since.snapshot}
    count, oldest = (await db.execute(_LATE, facts)).one()
    return count, oldest


def earlier_day(days: ReceiptDays) -> Kind[ReceiptDay]:
    """A day before today, typed as 18, le 18, 18/11, 18.11.2026 or 18 novembre."""

    def parse(typed: str) -> ReceiptDay:
        said = day_in(typed)
        shapes = ((day.day, day.month, day.year) for day in days.before_today)
        found = [day for day, shape in zip(days.before_today, shapes, strict=True) if _says(said, shape)]
        if not found:
            raise InvalidError(
                _("Please type a day from {first} to {last}.", first=days.first, last=days.before_today[0])
            )
        return ReceiptDay(found[0])

    last = days.before_today[0]
    good = (f"le {last.day}", f"{days.first:%d/%m}")
    return Kind("earlier day", parse, good=good, bad=("", "hier", str(days.today.day), "99/99"))


def _says(said: list[int], shape: tuple[int, int, int]) -> bool:
    """Whether the typed numbers match (day, month, year), as many as were typed."""
    day, month, year = shape
    return bool(said) and said in ([day], [day, month], [day, month, year], [day, month, year % 100])
