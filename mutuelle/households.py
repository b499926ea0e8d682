"""Households: who they are, which phones are theirs, who is covered with them. Closed, never deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Account, open_accounts
from locales import _
from mutuelle.mutuelles import Mutuelle
from mutuelle.numbers import draw_number, shown_number
from mutuelle.tables import beneficiary, household, household_phone
from mutuelle.tables import mutuelle as mutuelles
from talk.trouble import Refused
from talk.words import Caller

DRAWS = 50  # of a number until one is free: enough until a mutuelle has used almost all of its 100 000


@dataclass(frozen=True)
class Household:
    """`number` is its member number; `head_name` who answers for it; `mutuelle_name` where it is insured."""

    mutuelle_id: str
    number: str
    head_name: str
    mutuelle_name: str

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
        """All that a stranger is told of its head."""
        return " ".join(f"{word[0]}." for word in self.head_name.split()[:3])


_COLUMNS = (household.c.mutuelle_id, household.c.number, household.c.head_name, mutuelles.c.name)
_OF_MUTUELLE = mutuelles.c.id == household.c.mutuelle_id


async def households_of(db: AsyncConnection, caller: Caller) -> list[Household]:
    """The open households whose phone is calling, the oldest first."""
    rows = await db.execute(
        select(*_COLUMNS)
        .join_from(
            household_phone,
            household,
            (household.c.mutuelle_id == household_phone.c.mutuelle_id)
            & (household.c.number == household_phone.c.number),
        )
        .join(mutuelles, _OF_MUTUELLE)
        .where(household_phone.c.phone == caller.phone, household.c.closed_at.is_(None))
        .order_by(household.c.enrolled_at, household.c.number)
    )
    return [Household(*row) for row in rows]


async def household_by_number(db: AsyncConnection, number: str) -> Household:
    """The open household with this member number; Refused if there is none."""
    home = await find_household(db, number)
    if home is None:
        raise Refused(_("No household has the number {number}.", number=shown_number(number)))
    return home


async def find_household(db: AsyncConnection, number: str, *, closed: bool = False) -> Household | None:
    """The household with this member number, if there is one; with `closed`, also one that was closed."""
    found = (
        select(*_COLUMNS).join_from(household, mutuelles, _OF_MUTUELLE).where(household.c.number == number)
    )
    row = (await db.execute(found if closed else found.where(household.c.closed_at.is_(None)))).one_or_none()
    return Household(*row) if row else None


async def phones_of(db: AsyncConnection, home: Household) -> list[str]:
    """The phones that speak for a household."""
    rows = await db.scalars(
        select(household_phone.c.phone)
        .where(household_phone.c.mutuelle_id == home.mutuelle_id, household_phone.c.number == home.number)
        .order_by(household_phone.c.since, household_phone.c.phone)
    )
    return list(rows)


async def ages_of(db: AsyncConnection, home: Household, today: date) -> tuple[int, ...]:
    """The ages, in full calendar years, of the people covered with a household today, its head first."""
    years = await db.scalars(
        select(beneficiary.c.birth_year)
        .where(
            beneficiary.c.mutuelle_id == home.mutuelle_id,
            beneficiary.c.number == home.number,
            sa.func.coalesce(beneficiary.c.removed_on, today) >= today,
        )
        .order_by(beneficiary.c.rank)
    )
    return tuple(today.year - year for year in years)


async def lock_household(db: AsyncConnection, home: Household) -> None:
    """Until the transaction ends, nobody else pays for or settles this household."""
    await db.execute(
        select(household.c.number)
        .where(household.c.mutuelle_id == home.mutuelle_id, household.c.number == home.number)
        .with_for_update()
    )


async def register_household(
    db: AsyncConnection,
    mutuelle: Mutuelle,
    *,
    head_name: str,
    place_id: str,
    phone: str,
    ages: Sequence[int],
    at: datetime,
) -> Household:
    """Write a new household with its phone, its people and its account in the health fund."""
    number = await _insert_household(db, mutuelle, head_name, place_id, at)
    home = Household(mutuelle.id, number, head_name, mutuelle.name)
    key = {"mutuelle_id": mutuelle.id, "number": number}
    today = mutuelle.today(at)
    people = [
        {
            **key,
            "rank": rank,
            "name": head_name if rank == 1 else None,
            "birth_year": today.year - age,
            "added_on": today,
        }
        for rank, age in enumerate(ages, start=1)
    ]
    await db.execute(insert(household_phone), {**key, "phone": phone, "since": at})
    await db.execute(insert(beneficiary), people)
    await open_accounts(db, [Account(mutuelle.id, home.account, mutuelle.currency)])
    return home


async def _insert_household(
    db: AsyncConnection, mutuelle: Mutuelle, head_name: str, place_id: str, at: datetime
) -> str:
    for _draw in range(DRAWS):
        number = draw_number(mutuelle.prefix)
        row = {
            "mutuelle_id": mutuelle.id,
            "number": number,
            "head_name": head_name,
            "place_id": place_id,
            "enrolled_at": at,
        }
        written = await db.scalar(
            insert(household).values(row).on_conflict_do_nothing().returning(household.c.number)
        )
        if written:
            return number
    raise RuntimeError(f"no free member number in {mutuelle.id}")
