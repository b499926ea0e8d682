"""Households: who they are and which phones speak for them. Closed, never deleted.

A phone that an officer wrote down speaks for nobody until its holder has confirmed the household.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Account, open_accounts
from locales import _
from mutuelle.free_codes import draw_free, insert_if_free
from mutuelle.household_key import HouseholdKey, keys_of, of_household, same_household
from mutuelle.households.member_numbers import draw_number, shown_number
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.tables import beneficiary, household_phone
from mutuelle.tables import household as household_table
from mutuelle.tables import mutuelle as mutuelles
from talk.limits import DAY, HOUR, Limited, alarm_once, begun, note_use, uses_since
from talk.trouble import RefusedError
from talk.words import Caller
from values import value

UNKNOWN_A_PHONE = 5  # unknown numbers, a day; the check digit catches mistyped ones before
UNKNOWN_AN_HOUR = 100  # of all phones together


@dataclass(frozen=True)
class Household:
    """`number` is its member number; `head_name` who answers for it, with that rank among its people.

    `mutuelle_name` is where it is insured.
    """

    mutuelle_id: str
    number: str
    head_name: str
    mutuelle_name: str
    head_rank: int = 1

    @property
    def key(self) -> str:
        return self.number

    @property
    def label(self) -> str:
        return f"{self.mutuelle_name}, {self.head_name}"

    @property
    def shown_number(self) -> str:
        return shown_number(self.number)

    @property
    def account(self) -> str:
        """Its account in the health fund."""
        return accounts.member(self.number)

    @property
    def initials(self) -> str:
        """All that a stranger sees of its head."""
        return initials_of(self.head_name)


@value
class NewHousehold:
    """A household that joins: where it lives, its head, and the age of each person in years, the head first."""

    place_id: str
    head_name: str
    ages: tuple[int, ...]


def initials_of(name: str) -> str:
    """A. K. for Awa Koné."""
    return " ".join(f"{word[0]}." for word in name.split()[:3])


_COLUMNS = (
    household_table.c.mutuelle_id,
    household_table.c.number,
    household_table.c.head_name,
    mutuelles.c.name,
    household_table.c.head_rank,
)
_OF_MUTUELLE = mutuelles.c.id == household_table.c.mutuelle_id
CONFIRMED = household_table.c.registered_by.is_(None) | household_table.c.confirmed_at.is_not(None)


OF_PHONE = (  # made once
    select(*_COLUMNS)
    .join_from(
        household_phone,
        household_table,
        same_household(household_table, household_phone),
    )
    .join(mutuelles, _OF_MUTUELLE)
    .where(household_phone.c.phone == sa.bindparam("phone"), household_table.c.closed_at.is_(None), CONFIRMED)
    .order_by(household_table.c.enrolled_at, household_table.c.number)
)


async def households_of(db: AsyncConnection, caller: Caller) -> list[Household]:
    """The open households that the calling phone speaks for, the oldest first."""
    rows = await db.execute(OF_PHONE, {"phone": caller.phone})
    return [Household(*row) for row in rows]


async def own_household(db: AsyncConnection, caller: Caller, number: str) -> Household:
    """The household with this number that the calling phone speaks for; Refused if it does not."""
    for household in await households_of(db, caller):
        if household.number == number:
            return household
    raise RefusedError(_("This phone does not speak for this household."))


async def household_by_number(db: AsyncConnection, number: str) -> Household:
    """The open household with this member number; Refused if there is none."""
    household = await find_household(db, number)
    if household is None:
        raise RefusedError(_("No household has the number {number}.", number=shown_number(number)))
    return household


async def household_named(
    db: AsyncConnection, caller: Caller, number: str, mutuelle_id: str | None = None
) -> Household | None:
    """The open household whose number the caller typed, of this mutuelle if one is given; None if there is none.

    Refused, for any number, after too many unknown ones of this phone today or of all phones this hour: members must
    not be found by trying numbers. The limit of all phones does not apply to officers, who name their mutuelle. A
    number counts once, however often the hop is replayed.
    """
    day, hour = begun(caller.at, DAY), begun(caller.at, HOUR)
    mine = await uses_since(db, Limited.NUMBER_NOT_FOUND, day, subject=caller.phone)
    everybody = await uses_since(db, Limited.NUMBER_NOT_FOUND, hour)
    if mine >= UNKNOWN_A_PHONE or (mutuelle_id is None and everybody >= UNKNOWN_AN_HOUR):
        raise RefusedError(
            _("Too many numbers were not right. Please try again tomorrow, or see the treasurer.")
        )
    household = await find_household(db, number)
    if household is not None and mutuelle_id in (None, household.mutuelle_id):
        return household
    if await note_use(db, Limited.NUMBER_NOT_FOUND, caller.phone, number, caller.at):
        alarm_once("numbers_tried_by_one", mine + 1, UNKNOWN_A_PHONE, phone=caller.phone)
        alarm_once("numbers_tried_by_many", everybody + 1, UNKNOWN_AN_HOUR)
    return None


async def find_household(db: AsyncConnection, number: str, *, closed: bool = False) -> Household | None:
    """The household with this member number, if there is one; with `closed`, also one that was closed."""
    found = (
        select(*_COLUMNS)
        .join_from(household_table, mutuelles, _OF_MUTUELLE)
        .where(household_table.c.number == number)
    )
    row = (
        await db.execute(found if closed else found.where(household_table.c.closed_at.is_(None)))
    ).one_or_none()
    return Household(*row) if row else None


async def phones_of(db: AsyncConnection, household: Household, *, unconfirmed: bool = False) -> list[str]:
    """The phones that speak for a household; with `unconfirmed`, also those that have not confirmed."""
    return (await phones_of_all(db, [household], unconfirmed=unconfirmed))[0]


_PHONES = sa.text(
    """
    select home.nth, p.phone
      from unnest(cast(:mutuelles as text[]), cast(:numbers as text[])) with ordinality as home (mutuelle, number, nth)
     cross join lateral (select * from household found
                          where found.mutuelle_id = home.mutuelle and found.number = home.number limit 1) h
     cross join lateral (select * from household_phone own
                          where own.mutuelle_id = home.mutuelle and own.number = home.number offset 0) p
     where :unconfirmed or h.registered_by is null or h.confirmed_at is not null
     order by home.nth, p.since, p.phone
    """
)


async def phones_of_all(
    db: AsyncConnection, households: Sequence[Household], *, unconfirmed: bool = False
) -> list[list[str]]:
    """The phones that speak for each of these households, the first it had first."""
    found: list[list[str]] = [[] for _household in households]
    facts = {**keys_of(households), "unconfirmed": unconfirmed}
    for nth, phone in (await db.execute(_PHONES, facts)).all():
        found[nth - 1].append(phone)
    return found


async def add_phone(db: AsyncConnection, household: Household, phone: str, at: datetime) -> None:
    """Add `phone` to the household. The caller holds its lock and notes the change."""
    row = {"mutuelle_id": household.mutuelle_id, "number": household.number, "phone": phone, "since": at}
    await db.execute(insert(household_phone).values(row).on_conflict_do_nothing())


async def free_phone(db: AsyncConnection, household: Household, phone: str) -> None:
    """Remove `phone` from the household. The caller holds its lock and notes the change."""
    await db.execute(
        sa.delete(household_phone).where(
            of_household(household_phone, household),
            household_phone.c.phone == phone,
        )
    )


async def lock_household(db: AsyncConnection, number: str) -> None:
    """Lock the household with this number, if any, until the transaction ends: against changes, payments, settlement.

    Lock first and read afterwards: what was read before may have changed meanwhile.
    """
    await db.execute(
        select(household_table.c.number).where(household_table.c.number == number).with_for_update()
    )


_LOCK = sa.text(
    """
    select h.closed_at is not null, h.mutuelle_id, h.number, h.head_name, m.name, h.head_rank
      from unnest(cast(:mutuelles as text[]), cast(:numbers as text[])) with ordinality as home (mutuelle, number, nth)
     cross join lateral (select * from household locked
                          where locked.mutuelle_id = home.mutuelle and locked.number = home.number for update) h
      join mutuelle m on m.id = h.mutuelle_id
     order by home.nth
    """
)


async def lock_households(
    db: AsyncConnection, keys: Collection[HouseholdKey]
) -> list[tuple[Household, bool]]:
    """Lock these households, all in one order, as `lock_household` locks one.

    Returns each as it is after it is locked, and whether it is closed.
    """
    rows = await db.execute(_LOCK, keys_of(sorted(keys)))
    return [(Household(*facts), is_closed) for is_closed, *facts in rows.all()]


async def register_household(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    new: NewHousehold,
    *,
    phone: str | None,
    at: datetime,
    registered_by: str | None = None,
) -> Household:
    """Write a new household with its phone if it has one, its people and its account in the health fund.

    `registered_by` is the phone of the officer who registers it: then it is not confirmed yet.
    """
    facts = {
        "mutuelle_id": mutuelle.id,
        "head_name": new.head_name,
        "place_id": new.place_id,
        "enrolled_at": at,
        "registered_by": registered_by,
    }
    number = await _insert_household(db, mutuelle, facts)
    household = Household(mutuelle.id, number, new.head_name, mutuelle.name)
    key = {"mutuelle_id": mutuelle.id, "number": number}
    today = mutuelle.today(at)
    people = [
        {
            **key,
            "rank": rank,
            "name": new.head_name if rank == 1 else None,
            "birth_year": today.year - age,
            "added_on": today,
        }
        for rank, age in enumerate(new.ages, start=1)
    ]
    if phone is not None:
        await add_phone(db, household, phone, at)
    await db.execute(insert(beneficiary), people)
    await open_accounts(db, [Account(mutuelle.id, household.account, mutuelle.currency)])
    return household


async def _insert_household(db: AsyncConnection, mutuelle: Mutuelle, facts: dict[str, object]) -> str:
    async def write(number: str) -> bool:
        return await insert_if_free(db, household_table, {**facts, "number": number})

    return await draw_free(f"member number in {mutuelle.id}", lambda: draw_number(mutuelle.prefix), write)
