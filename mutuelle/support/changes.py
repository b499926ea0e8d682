"""What support changes in a household: its phones, its head, whether it is open. One transaction each, or nothing.

The household is locked, the change noted beside it, the act written down, its phones told. Cover and money stay as
they are.
"""

from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence
from mutuelle.care.codes import end_code
from mutuelle.changes import Change, note_change
from mutuelle.cover import CoverState
from mutuelle.family import YOUNGEST_HEAD
from mutuelle.households import Household, add_phone, find_household, free_phone, lock_household, phones_of
from mutuelle.mutuelles import get_mutuelle
from mutuelle.people import Person, people_of
from mutuelle.schedule_tables import reminder_consent
from mutuelle.standing import standing
from mutuelle.support import acts, messages
from mutuelle.support.acts import By, SupportFault, last_act, open_household, refuse_while_paying, write_act
from mutuelle.tables import beneficiary, household
from mutuelle.telling import tell


def masked(phone: str) -> str:
    """All but the last two digits of a phone hidden."""
    return f"…{phone[-2:]}"


async def change_phone(
    db: AsyncConnection, number: str, by: By, *, new: str | None, old: str | None, also: bool = False
) -> Household:
    """`new` speaks for the household from now on, `old` no longer; both are told.

    Without `old` the only phone it has gives way, unless `also`: then `new` comes beside those that are there.
    """
    home = await open_household(db, number)
    mutuelle = await get_mutuelle(db, home.mutuelle_id)
    phones = await phones_of(db, home, unconfirmed=True)
    gone = None if also else _gives_way(home, phones, old)
    if new in phones:
        raise SupportFault(f"the phone {new} speaks for household {number} already")
    told: dict[str, Sentence] = {}
    if gone:
        await free_phone(db, home, gone)
        await _end_reminders(db, home, gone, by)
        await end_code(db, home, by.at)  # it may have been made on the lost phone
        await _note(db, home, Change.PHONE_REMOVED, masked(gone), by)
        told[gone] = messages.phone_lost(home, mutuelle)
    if new:
        await add_phone(db, home, new, by.at)
        await _note(db, home, Change.PHONE_ADDED, masked(new), by)
        told[new] = messages.phone_gained(home, mutuelle)
    act_id = await write_act(db, acts.PHONE, number, by, home=home, facts={"new": new, "old": gone})
    await tell(db, home.mutuelle_id, "phone changed", told, by.at, event=str(act_id))
    return home


def _gives_way(home: Household, phones: list[str], old: str | None) -> str | None:
    if old is not None:
        if old not in phones:
            raise SupportFault(f"the phone {old} does not speak for household {home.number}")
        return old
    if len(phones) > 1:
        raise SupportFault(
            f"household {home.number} has {len(phones)} phones: say which one goes with --old, or --also"
        )
    return phones[0] if phones else None


async def _end_reminders(db: AsyncConnection, home: Household, phone: str, by: By) -> None:
    agreed = (
        (reminder_consent.c.mutuelle_id == home.mutuelle_id)
        & (reminder_consent.c.number == home.number)
        & (reminder_consent.c.phone == phone)
        & reminder_consent.c.until.is_(None)
    )
    until = sa.func.greatest(reminder_consent.c.since, by.at)
    await db.execute(sa.update(reminder_consent).where(agreed).values(until=until))


async def change_head(
    db: AsyncConnection, number: str, by: By, *, name: str, rank: int, left: bool
) -> Household:
    """The person of `rank` answers for the household from now on, under `name`; its number and cover stay.

    `left`: who was its head has died or gone, and is covered until the end of today. Taken back by naming the former
    head again, who is then covered as before.
    """
    home = await open_household(db, number)
    mutuelle = await get_mutuelle(db, home.mutuelle_id)
    today = mutuelle.today(by.at)
    if rank == home.head_rank:
        raise SupportFault(f"person {rank} is the head of household {number} already")
    people = {person.rank: person for person in await people_of(db, home)}
    comes_back = await _comes_back(db, home, people.get(rank))
    _expect_head(home, people.get(rank), comes_back, today)
    person = _person(home, rank)
    returns: Mapping[str, object] = {"removed_on": None} if comes_back else {}
    await db.execute(sa.update(beneficiary).where(person).values(name=name, **returns))
    if left:
        await db.execute(sa.update(beneficiary).where(_person(home, home.head_rank)).values(removed_on=today))
    await db.execute(
        sa.update(household)
        .where(household.c.mutuelle_id == home.mutuelle_id, household.c.number == number)
        .values(head_name=name, head_rank=rank)
    )
    await _note(db, home, Change.HEAD_CHANGED, f"{home.head_name} > {name}", by)
    facts = {"rank": rank, "from_rank": home.head_rank, "from_name": home.head_name, "left": left}
    act_id = await write_act(db, acts.HEAD, number, by, home=home, facts=facts)
    told = dict.fromkeys(await phones_of(db, home), messages.head_changed(home, mutuelle))
    await tell(db, home.mutuelle_id, "head changed", told, by.at, event=str(act_id))
    return home


async def _comes_back(db: AsyncConnection, home: Household, person: Person | None) -> bool:
    """Whether this is the head whom the last change of head took out of the household."""
    before = await last_act(db, home, acts.HEAD)
    if person is None or person.removed_on is None or before is None:
        return False
    return before.facts["left"] is True and before.facts["from_rank"] == person.rank


def _expect_head(home: Household, person: Person | None, comes_back: bool, today: date) -> None:
    if person is None or (person.removed_on is not None and not comes_back):
        raise SupportFault(
            f"household {home.number} has no person {person.rank if person else 'of that rank'}"
        )
    if person.age(today) < YOUNGEST_HEAD:
        raise SupportFault(f"person {person.rank} of household {home.number} is under {YOUNGEST_HEAD}")


def _person(home: Household, rank: int) -> sa.ColumnElement[bool]:
    return (
        (beneficiary.c.mutuelle_id == home.mutuelle_id)
        & (beneficiary.c.number == home.number)
        & (beneficiary.c.rank == rank)
    )


async def close_household(db: AsyncConnection, number: str, by: By, *, although_covered: bool) -> Household:
    """Nothing can be done for this household from now on, until it is reopened; late money is kept for it."""
    home = await open_household(db, number)
    await refuse_while_paying(db, home)
    stands = await standing(db, home, by.at)
    runs = stands.cover.is_covered or stands.cover.state is CoverState.WAITING
    if runs and not although_covered:
        raise SupportFault(
            f"household {number} is {stands.cover.state} until {stands.cover.until_on}: "
            "add --although-covered to close it"
        )
    await set_closed(db, home, by)
    await _note(db, home, Change.CLOSED, "", by)
    act_id = await write_act(db, acts.CLOSE, number, by, home=home)
    told = dict.fromkeys(await phones_of(db, home), messages.closed(home, stands.mutuelle))
    await tell(db, home.mutuelle_id, "household closed", told, by.at, event=str(act_id))
    return home


async def closed_household(db: AsyncConnection, number: str) -> Household:
    """The closed household with this number, locked."""
    await lock_household(db, number)
    home = await find_household(db, number, closed=True)
    if home is None:
        raise SupportFault(f"no household has the number {number}")
    if await find_household(db, number):
        raise SupportFault(f"household {number} is open")
    return home


async def set_closed(db: AsyncConnection, home: Household, by: By | None) -> None:
    """Close a household at `by`, or open it again without one."""
    await db.execute(
        sa.update(household)
        .where(household.c.mutuelle_id == home.mutuelle_id, household.c.number == home.number)
        .values(closed_at=by and by.at)
    )


async def _note(db: AsyncConnection, home: Household, what: Change, detail: str, by: By) -> None:
    await note_change(db, home, what, detail=detail, actor=by.actor, reason=by.reason, at=by.at)
