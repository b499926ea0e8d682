"""Closing a year: the books are closed through 31 December, and the members of that day are counted."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Account, Movement, Origin, Voucher, open_accounts, post, reverse
from ledger.periods import close_period, closed_through
from mutuelle.acts import By
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.year_end.membership import DatedCover, Membership, insured_on, membership
from mutuelle.year_end.tables import closed_year

SOURCE = "year end"
SPREAD, PROVIDED = "income of the next year", "debts that may be lost"  # kinds of the entries of a year's end
BETWEEN = {SPREAD: ("contributions", "deferred"), PROVIDED: ("provisions", "allowance")}  # debit, credit


class YearEndError(Exception):
    """The year cannot be closed; `reason` is the ledger's word for it, or why this year is not closed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class ClosedYear:
    """A year whose books are closed, and its members at its end."""

    year: int
    members: Membership
    closed_at: datetime
    closed_by: str


def last_day_of(year: int) -> date:
    return date(year, 12, 31)


@dataclass(frozen=True)
class YearEndEntries:
    """What is booked on 31 December and taken back on 1 January, as an accountant may ask for it.

    `spread`: contributions called for days of the next year are no income of this one (477). `provide`: what is owed
    for covers that have ended is set aside as a loss (491).
    """

    spread: bool = False
    provide: bool = False

    def of(self, insured: Sequence[DatedCover], last: date) -> dict[str, int]:
        """The amount of each entry that was asked for, in minor units, by its kind; none of nothing."""
        later = sum(one.next_year_minor(last) for one in insured) if self.spread else 0
        doubtful = sum(one.doubtful_minor for one in insured) if self.provide else 0
        return {kind: minor for kind, minor in ((SPREAD, later), (PROVIDED, doubtful)) if minor}


async def close_year(
    db: AsyncConnection, mutuelle: Mutuelle, year: int, by: By, entries: YearEndEntries = YearEndEntries()
) -> ClosedYear:
    """Close a year that is over; a year that was closed before is given back as it was. YearEndError: not possible.

    Nothing can be dated in it any more: what comes late is booked on its own day. Its income and expenses are carried
    into `fund:result` by every report from 1 January on.
    """
    last = last_day_of(year)
    if last >= mutuelle.today(by.at):
        raise YearEndError("year_not_over")
    before, newest = (
        await find_closed_year(db, mutuelle.id, year),
        await find_closed_year(db, mutuelle.id),
    )
    if newest and newest.year > year and not before:
        raise YearEndError("later_year_closed")
    insured = await insured_on(db, mutuelle, last)
    through = await closed_through(db, mutuelle.id)
    if through is None or through < last:
        await _book(db, mutuelle, last, entries.of(insured, last), by)
        origin = Origin(SOURCE, f"close {year} {by.at.isoformat()}", by.actor, by.reason)
        closed = await close_period(db, mutuelle.id, last, origin)
        if not closed.stands:
            raise YearEndError(str(closed.reason))
    elif entries.of(insured, last):
        raise YearEndError("entries_too_late")
    if before:  # its books were perhaps opened again meanwhile
        return before
    members = await membership(db, mutuelle, last, insured)
    row = {"mutuelle_id": mutuelle.id, "year": year, "closed_at": by.at, "closed_by": by.actor}
    await db.execute(insert(closed_year), row | asdict(members))
    return ClosedYear(year, members, by.at, by.actor)


async def _book(db: AsyncConnection, mutuelle: Mutuelle, last: date, entries: dict[str, int], by: By) -> None:
    """Book the entries of a year's end, and their mirrors on the day after; once, however often the year is closed."""
    for kind, minor in entries.items():
        debit, credit = (accounts.unsplit(name) for name in BETWEEN[kind])
        await open_accounts(db, [Account(mutuelle.id, code, mutuelle.currency) for code in (debit, credit)])
        voucher = Voucher(mutuelle.id, SOURCE, f"{kind} {last.year}", kind, last, by.actor, by.reason)
        journal = voucher.journal([Movement(debit, credit, minor, mutuelle.currency)])
        origin = Origin(SOURCE, f"{kind} {last.year} back", by.actor, by.reason)
        [posted] = await post(db, [journal])
        if not posted.stands:
            raise YearEndError("entries_booked")
        back = await reverse(db, mutuelle.id, journal.id, last + timedelta(days=1), origin)
        if not back.stands:
            raise YearEndError(str(back.reason))


async def find_closed_year(
    db: AsyncConnection, mutuelle_id: str, year: int | None = None
) -> ClosedYear | None:
    """A year that was closed, else None; without `year` the last one."""
    c = closed_year.c
    of_year = (
        c.mutuelle_id == mutuelle_id if year is None else (c.mutuelle_id == mutuelle_id) & (c.year == year)
    )
    row = (
        await db.execute(select(closed_year).where(of_year).order_by(c.year.desc()).limit(1))
    ).one_or_none()
    if row is None:
        return None
    facts = row._mapping
    members = Membership(**{name: facts[name] for name in Membership.__dataclass_fields__})
    return ClosedYear(row.year, members, row.closed_at, row.closed_by)
