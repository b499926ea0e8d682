"""A household that an officer registered confirms it from its own phone, or denies it.

Until then the phone speaks for nobody and is shown no name: an officer may have mistyped or invented it.
"""

from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Fact, Sentence, _, _n
from mutuelle.acts import By
from mutuelle.dates import local_date
from mutuelle.household_key import of_household, same_household
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.holders import believe
from mutuelle.households.households import CONFIRMED, Household, free_phone, lock_household
from mutuelle.notify import notify
from mutuelle.officers.appointments import tell_treasurers
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import beneficiary, household_change, household_phone, officer, place
from mutuelle.tables import household as household_table
from mutuelle.tables import mutuelle as mutuelles
from sms.confirmations import as_asked, asked
from talk.phones import shown_phone
from talk.preferences import language_of
from talk.trouble import RefusedError
from talk.words import Caller, Confirm

CONFIRM = _("CONFIRM")  # the keyword
NOTHING_WAITS = _("Nothing waits for your answer. Thank you.")
LISTED = 40  # of the unconfirmed households: a list on a phone


@dataclass(frozen=True)
class Unconfirmed:
    """A household that is not confirmed: `officer` registered it on the day `on`; `denied`: a phone has said no.

    `by_phone`: the phone of a relative who registered it, with no office; `officer` is then empty.
    """

    household: Household
    place_name: str
    size: int
    officer: str
    on: date
    has_phone: bool
    denied: bool
    by_phone: str = ""

    @property
    def who(self) -> str:
        """Who registered it: an officer's name, or a relative's phone."""
        return self.officer or shown_phone(self.by_phone)

    @property
    def key(self) -> str:
        return self.household.number

    @property
    def label(self) -> str:
        return f"{self.household.head_name}, {self.place_name}"


async def unconfirmed_of(db: AsyncConnection, caller: Caller) -> Unconfirmed | None:
    """The oldest household that waits for the calling phone's confirmation, if any."""
    row = (await db.execute(waiting_for_phone(), {"phone": caller.phone})).one_or_none()
    return _unconfirmed(row) if row else None


async def number_asked_about(db: AsyncConnection, caller: Caller) -> str | None:
    """The number of that household."""
    waiting = await unconfirmed_of(db, caller)
    return waiting.household.number if waiting else None


async def unconfirmed_in(
    db: AsyncConnection, mutuelle_id: str, number: str | None = None
) -> list[Unconfirmed]:
    """The households of a mutuelle that nobody has confirmed yet, the oldest first; or the one of this number."""
    of = household_table.c.mutuelle_id == mutuelle_id
    if number is not None:
        of &= household_table.c.number == number
    rows = await db.execute(_waiting().where(of).limit(LISTED))
    return [_unconfirmed(row) for row in rows]


async def confirm_household(db: AsyncConnection, caller: Caller, *, number: str) -> Household:
    """The phone confirms: from now on it speaks for the household."""
    household = (await _asked(db, caller, number)).household
    await believe(db, household, caller.phone)
    await confirm_by(db, household, By(caller.phone, "its phone said yes", caller.at))
    return household


async def confirm_by(db: AsyncConnection, household: Household, by: By) -> None:
    """Confirm a locked household at somebody's word."""
    await db.execute(
        sa.update(household_table).where(of_household(household_table, household)).values(confirmed_at=by.at)
    )
    await note_change(db, household, Change.CONFIRMED, detail="", by=by)


async def deny_household(db: AsyncConnection, caller: Caller, *, number: str) -> None:
    """The phone denies: it is removed from the household at once, and the treasurers are notified."""
    waiting = await _asked(db, caller, number)
    household = waiting.household
    await free_phone(db, household, caller.phone)
    position = await note_change(
        db, household, Change.DENIED, detail="", by=By(caller.phone, "its phone said no", caller.at)
    )
    mutuelle, event = await get_mutuelle(db, household.mutuelle_id), f"{household.number} {position}"
    await tell_treasurers(db, mutuelle, "household denied", not_recognised(waiting), caller.at, event)


async def invite(db: AsyncConnection, caller: Caller, phone: str) -> None:
    """Ask the phone that the calling officer wrote down whether the household is its own; its yes has a code.

    Who is asked about several is asked about the oldest first.
    """
    waiting = await unconfirmed_of(db, replace(caller, phone=phone))
    if waiting is None:
        return
    household, language = waiting.household, await language_of(db, phone)
    question = Confirm(is_it_you(waiting), _("Yes"), _("No"))
    words = {phone: as_asked(caller.keyring, phone, asked(household.number), question, language)}
    event = f"{household.number} {caller.at.isoformat()}"
    await notify(db, household.mutuelle_id, "household registered", words, caller.at, event=event)


def is_it_you(waiting: Unconfirmed) -> Sentence:
    """The question to a phone that may be a stranger's: initials and place only, no name of the household."""
    facts: dict[str, Fact] = {
        "mutuelle": waiting.household.mutuelle_name,
        "initials": waiting.household.initials,
        "place": waiting.place_name,
    }
    if not waiting.officer:
        return _n(
            "The phone {phone} has registered you with {mutuelle}: {initials}, {place}, {n} person. Is it you?",
            "The phone {phone} has registered you with {mutuelle}: {initials}, {place}, {n} people. Is it you?",
            waiting.size,
            phone=waiting.who,
            **facts,
        )
    return _n(
        "The agent {officer} ({mutuelle}) has registered you: {initials}, {place}, {n} person. Is it you?",
        "The agent {officer} ({mutuelle}) has registered you: {initials}, {place}, {n} people. Is it you?",
        waiting.size,
        officer=waiting.officer,
        **facts,
    )


def not_recognised(waiting: Unconfirmed) -> Sentence:
    """For the treasurers."""
    return _(
        "Household {number}, registered by {officer} on {date}: its phone says that it is not theirs. Please check.",
        number=waiting.household.shown_number,
        officer=waiting.who,
        date=waiting.on,
    )


async def _asked(db: AsyncConnection, caller: Caller, number: str) -> Unconfirmed:
    """The household, locked, if it still waits for this phone's confirmation; RefusedError if not."""
    await lock_household(db, number)
    waiting = await unconfirmed_of(db, caller)
    if waiting is None or waiting.household.number != number:
        raise RefusedError(NOTHING_WAITS)
    return waiting


def _waiting() -> Select[Any]:
    """The open households that an officer registered and nobody has confirmed, the oldest first."""
    denials = sa.exists().where(
        same_household(household_change, household_table), household_change.c.what == Change.DENIED.value
    )
    size = (
        select(sa.func.count())
        .select_from(beneficiary)
        .where(same_household(beneficiary, household_table), beneficiary.c.removed_on.is_(None))
    )
    names = select(sa.func.min(officer.c.name)).where(
        officer.c.mutuelle_id == household_table.c.mutuelle_id,
        officer.c.phone == household_table.c.registered_by,
    )
    return (
        select(
            household_table.c.mutuelle_id,
            household_table.c.number,
            household_table.c.head_name,
            household_table.c.enrolled_at,
            mutuelles.c.name.label("mutuelle_name"),
            mutuelles.c.timezone,
            place.c.name.label("place_name"),
            size.scalar_subquery().label("size"),
            sa.func.coalesce(names.scalar_subquery(), "").label("officer"),
            household_table.c.registered_by,
            sa.exists().where(same_household(household_phone, household_table)).label("has_phone"),
            denials.label("denied"),
        )
        .select_from(household_table)
        .join(mutuelles, mutuelles.c.id == household_table.c.mutuelle_id)
        .join(
            place,
            (place.c.mutuelle_id == household_table.c.mutuelle_id)
            & (place.c.id == household_table.c.place_id),
        )
        .where(sa.not_(CONFIRMED), household_table.c.closed_at.is_(None))
        .order_by(household_table.c.enrolled_at, household_table.c.number)
    )


@cache  # built once: the home menu runs it at every hop
def waiting_for_phone() -> Select[Any]:
    """The query: the oldest household that waits for the confirmation of `phone`."""
    theirs = select(household_phone.c.number).where(
        household_phone.c.mutuelle_id == household_table.c.mutuelle_id,
        household_phone.c.phone == sa.bindparam("phone"),
    )
    return _waiting().where(household_table.c.number.in_(theirs)).limit(1)


def _unconfirmed(row: Row[Any]) -> Unconfirmed:
    return Unconfirmed(
        household=Household(row.mutuelle_id, row.number, row.head_name, row.mutuelle_name),
        place_name=row.place_name,
        size=row.size,
        officer=row.officer,
        on=local_date(row.enrolled_at, row.timezone),
        has_phone=row.has_phone,
        denied=row.denied,
        by_phone=row.registered_by if not row.officer else "",
    )
