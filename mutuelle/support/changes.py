"""What support changes in a household: its phones, its head, whether it is open. One transaction each, or nothing.

The household is locked, the change noted, the act written down, its phones notified. Cover and money stay as they are.
"""

from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence
from mutuelle.acts import By
from mutuelle.care.codes import end_code
from mutuelle.contributions.family import YOUNGEST_HEAD
from mutuelle.contributions.standing import standing
from mutuelle.cover.people import Person, people_of
from mutuelle.cover.rules import CoverState
from mutuelle.household_key import of_household
from mutuelle.households import support_acts
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.holders import masked, notices
from mutuelle.households.households import (
    Household,
    add_phone,
    find_household,
    free_phone,
    lock_household,
    phones_of_all,
)
from mutuelle.households.support_acts import NewSupportAct, SupportError, last_act, write_act
from mutuelle.notify import notify
from mutuelle.schedules.tables import reminder_consent
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.support import messages
from mutuelle.support.households import cover_in_words, open_household, refuse_while_paying
from mutuelle.tables import beneficiary
from mutuelle.tables import household as household_table


async def change_phone(
    db: AsyncConnection, number: str, by: By, *, new: str | None, old: str | None, also: bool = False
) -> Household:
    """Let `new` speak for the household, and `old` no longer; both are notified.

    Without `old` its only phone is replaced, unless `also`: then `new` is added to the existing ones.
    """
    household = await open_household(db, number)
    refuse_guarded(household)
    mutuelle = await get_mutuelle(db, household.mutuelle_id)
    [doubts] = await phones_of_all(db, [household], by.at, unconfirmed=True)
    phones = list(doubts)
    gone = None if also else _gives_way(household, phones, old)
    if new in phones:
        raise SupportError(f"the phone {new} speaks for household {number} already")
    sentences: dict[str, Sentence] = {}
    if gone:
        await free_phone(db, household, gone)
        await _end_reminders(db, household, gone, by)
        await end_code(db, household, by.at)  # it may have been made on the lost phone
        await _note(db, household, Change.PHONE_REMOVED, masked(gone), by)
        if not doubts[gone]:  # else a stranger may hold it: the number is not for them
            sentences[gone] = messages.phone_lost(household, mutuelle)
    if new:
        await add_phone(db, household, new, by.at)
        await _note(db, household, Change.PHONE_ADDED, masked(new), by)
        sentences[new] = messages.phone_gained(household, mutuelle)
    act_id = await write_act(
        db, NewSupportAct(support_acts.PHONE, number, household, {"new": new, "old": gone}), by
    )
    await notify(db, household.mutuelle_id, "phone changed", sentences, by.at, event=f"{number} {act_id}")
    return household


def refuse_guarded(household: Household) -> None:
    """SupportError where a voice on the phone is not enough: after a NO, and where the household asked for a PIN."""
    if household.is_frozen:
        raise SupportError(
            f"household {household.number} said NO to an SMS: `keneya household unfreeze {household.number}` first"
        )
    if household.has_pin:
        raise SupportError(
            f"household {household.number} has asked for a PIN: an officer before whom it stands takes it away first"
        )


def _gives_way(household: Household, phones: list[str], old: str | None) -> str | None:
    if old is not None:
        if old not in phones:
            raise SupportError(f"the phone {old} does not speak for household {household.number}")
        return old
    if len(phones) > 1:
        raise SupportError(
            f"household {household.number} has {len(phones)} phones: say which one goes with --old, or --also"
        )
    return phones[0] if phones else None


async def _end_reminders(db: AsyncConnection, household: Household, phone: str, by: By) -> None:
    agreed = (
        of_household(reminder_consent, household)
        & (reminder_consent.c.phone == phone)
        & reminder_consent.c.until.is_(None)
    )
    until = sa.func.greatest(reminder_consent.c.since, by.at)
    await db.execute(sa.update(reminder_consent).where(agreed).values(until=until))


async def change_head(
    db: AsyncConnection, number: str, by: By, *, name: str, rank: int, left: bool
) -> Household:
    """Make the person of `rank` head of the household, under `name`; its number and cover stay.

    `left`: the former head has died or gone, and is covered until the end of today. Undone by naming the former head
    again, who is then covered as before.
    """
    household = await open_household(db, number)
    if household.is_frozen:
        refuse_guarded(household)
    mutuelle = await get_mutuelle(db, household.mutuelle_id)
    today = mutuelle.today(by.at)
    if rank == household.head_rank:
        raise SupportError(f"person {rank} is the head of household {number} already")
    people = {person.rank: person for person in await people_of(db, household)}
    comes_back = await _comes_back(db, household, people.get(rank))
    _expect_head(household, people.get(rank), comes_back, today)
    person = _person(household, rank)
    returns: Mapping[str, object] = {"removed_on": None} if comes_back else {}
    await db.execute(sa.update(beneficiary).where(person).values(name=name, **returns))
    if left:
        await db.execute(
            sa.update(beneficiary).where(_person(household, household.head_rank)).values(removed_on=today)
        )
    await db.execute(
        sa.update(household_table)
        .where(of_household(household_table, household))
        .values(head_name=name, head_rank=rank)
    )
    await _note(db, household, Change.HEAD_CHANGED, f"{household.head_name} > {name}", by)
    facts = {"rank": rank, "from_rank": household.head_rank, "from_name": household.head_name, "left": left}
    act_id = await write_act(db, NewSupportAct(support_acts.HEAD, number, household, facts), by)
    sentences = await notices(db, household, messages.head_changed(household, mutuelle), by.at)
    await notify(db, household.mutuelle_id, "head changed", sentences, by.at, event=f"{number} {act_id}")
    return household


async def _comes_back(db: AsyncConnection, household: Household, person: Person | None) -> bool:
    """Whether this is the head whom the last change of head took out of the household."""
    before = await last_act(db, household, support_acts.HEAD)
    if person is None or person.removed_on is None or before is None:
        return False
    return before.facts["left"] is True and before.facts["from_rank"] == person.rank


def _expect_head(household: Household, person: Person | None, comes_back: bool, today: date) -> None:
    if person is None or (person.removed_on is not None and not comes_back):
        raise SupportError(
            f"household {household.number} has no person {person.rank if person else 'of that rank'}"
        )
    if person.age(today) < YOUNGEST_HEAD:
        raise SupportError(f"person {person.rank} of household {household.number} is under {YOUNGEST_HEAD}")


def _person(household: Household, rank: int) -> sa.ColumnElement[bool]:
    return of_household(beneficiary, household) & (beneficiary.c.rank == rank)


async def close_household(db: AsyncConnection, number: str, by: By, *, although_covered: bool) -> Household:
    """Close a household: no action is possible for it until it is reopened; late money is kept for it."""
    household = await open_household(db, number)
    await refuse_while_paying(db, household)
    stands = await standing(db, household, by.at)
    runs = stands.cover.is_covered or stands.cover.state is CoverState.WAITING
    if runs and not although_covered:
        raise SupportError(
            f"household {number} is {cover_in_words(stands.cover)}: add --although-covered to close it"
        )
    await set_closed(db, household, by)
    await _note(db, household, Change.CLOSED, "", by)
    act_id = await write_act(db, NewSupportAct(support_acts.CLOSE, number, household), by)
    sentences = await notices(db, household, messages.closed(household, stands.mutuelle), by.at)
    await notify(db, household.mutuelle_id, "household closed", sentences, by.at, event=f"{number} {act_id}")
    return household


async def closed_household(db: AsyncConnection, number: str) -> Household:
    """The closed household with this number, locked."""
    await lock_household(db, number)
    household = await find_household(db, number, closed=True)
    if household is None:
        raise SupportError(f"no household has the number {number}")
    if await find_household(db, number):
        raise SupportError(f"household {number} is open")
    if await db.scalar(
        sa.select(household_table.c.erased_at).where(of_household(household_table, household))
    ):
        raise SupportError(f"household {number} was erased: nobody knows any more who it was")
    return household


async def set_closed(db: AsyncConnection, household: Household, by: By | None) -> None:
    """Close a household at `by`, or open it again without one."""
    await db.execute(
        sa.update(household_table)
        .where(of_household(household_table, household))
        .values(closed_at=by and by.at)
    )


async def _note(db: AsyncConnection, household: Household, what: Change, detail: str, by: By) -> None:
    await note_change(db, household, what, detail=detail, by=by)
