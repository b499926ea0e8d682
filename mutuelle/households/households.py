"""Households: who they are and which phones speak for them. Closed, never deleted.

A phone that an officer wrote down speaks for nobody until its holder has confirmed the household; one of which nobody
knows who holds it (`KNOWN`) until it is proven (`holders.py`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger import accounts
from ledger.book import Account, open_accounts
from locales import _
from mutuelle.free_codes import draw_free
from mutuelle.household_key import UNNESTED_KEYS, HouseholdKey, keys_of, of_household, same_household
from mutuelle.households.member_numbers import draw_number, shown_number
from mutuelle.households.tables import officer_lookup
from mutuelle.rows import rows_of
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.tables import household as household_table
from mutuelle.tables import household_phone, household_pin
from mutuelle.tables import mutuelle as mutuelles
from prepared import Prepared
from talk.limits import DAY, HOUR, Limited, alarm_once, begun, note_use
from talk.tables import limited_use
from talk.trouble import RefusedError
from talk.words import Caller
from values import value

UNKNOWN_A_PHONE = 5  # unknown numbers, a day; the check digit catches mistyped ones before
UNKNOWN_AN_HOUR = 100  # of all phones together


@dataclass(frozen=True)
class Household:
    """`number` is its member number; `head_name` who answers for it, with that rank among its people.

    `mutuelle_name` is where it is insured. `is_frozen`: nothing of it changes until a person has looked; `has_pin`: an
    edit of its people and a care code take its PIN. What a search lists has neither.
    """

    mutuelle_id: str
    number: str
    head_name: str
    mutuelle_name: str
    head_rank: int = 1
    is_frozen: bool = False
    has_pin: bool = False

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
    household_table.c.frozen_at.is_not(None),
    sa.exists().where(same_household(household_pin, household_table)),
)
_OF_MUTUELLE = mutuelles.c.id == household_table.c.mutuelle_id
CONFIRMED = household_table.c.registered_by.is_(None) | household_table.c.confirmed_at.is_not(None)

IDLE_DAYS = 90  # whole days without a call or an SMS from a phone: then its number may have another owner
# Whether it is known at `:at` who holds the phone in the row `PHONE` of household_phone: the one place of the rule.
KNOWN = f"""PHONE.doubted_at is null
       and (cast(:at as timestamptz) at time zone 'UTC')::date - {IDLE_DAYS + 1}
           < coalesce(PHONE.heard_on, (PHONE.since at time zone 'UTC')::date)"""
_IS_KNOWN = sa.text(KNOWN.replace("PHONE", "household_phone"))


OF_PHONE = (  # made once
    select(*_COLUMNS)
    .join_from(
        household_phone,
        household_table,
        same_household(household_table, household_phone),
    )
    .join(mutuelles, _OF_MUTUELLE)
    .where(household_phone.c.phone == sa.bindparam("phone"), household_table.c.closed_at.is_(None), CONFIRMED)
    .where(_IS_KNOWN)
    .order_by(household_table.c.enrolled_at, household_table.c.number)
)


async def households_of(db: AsyncConnection, caller: Caller) -> list[Household]:
    """The open households that the calling phone speaks for, the oldest first."""
    rows = await db.execute(OF_PHONE, {"phone": caller.phone, "at": caller.at})
    return [Household(*row) for row in rows]


async def own_household(db: AsyncConnection, caller: Caller, number: str) -> Household:
    """The household with this number that the calling phone speaks for; RefusedError if it does not."""
    for household in await households_of(db, caller):
        if household.number == number:
            return household
    raise RefusedError(_("This phone does not speak for this household."))


async def lock_own_household(db: AsyncConnection, caller: Caller, number: str) -> Household:
    """The same, locked until the transaction ends; RefusedError while it is frozen too."""
    await lock_household(db, number)
    household = await own_household(db, caller, number)
    refuse_frozen(household)
    return household


def refuse_frozen(household: Household) -> None:
    """Refused while one of its phones has said NO and no person has looked."""
    if household.is_frozen:
        raise RefusedError(
            _(
                "Your household said NO to one of our SMS: nothing changes before the mutuelle has looked. "
                "Your cover goes on. Please see the treasurer."
            )
        )


async def household_by_number(db: AsyncConnection, number: str) -> Household:
    """The open household with this member number; RefusedError if there is none."""
    return expect_household(await find_household(db, number), number)


def expect_household(household: Household | None, number: str, mutuelle_id: str | None = None) -> Household:
    """`household`, found by its number; RefusedError if there is none, in this mutuelle if one is given."""
    if household is None or mutuelle_id not in (None, household.mutuelle_id):
        raise RefusedError(_("No household has the number {number}.", number=shown_number(number)))
    return household


async def household_named(
    db: AsyncConnection, caller: Caller, number: str, mutuelle_id: str | None = None
) -> Household | None:
    """The open household whose number the caller typed, of this mutuelle if one is given; None if there is none.

    RefusedError, for any number, after too many unknown ones of this phone today or of all phones this hour: members
    must not be found by trying numbers. The limit of all phones does not apply to officers, who name their mutuelle:
    that one of them has found it is written down for the household. A number counts once, however often it is replayed.
    """
    asked = {"phone": caller.phone, "number": number, "what": Limited.NUMBER_NOT_FOUND}
    since = {"day": begun(caller.at, DAY), "hour": begun(caller.at, HOUR)}
    officer = {"mutuelle": mutuelle_id, "at": caller.at, "today": since["day"].date()}
    [(mine, everybody, found)] = await _NAMED.rows(db, {**asked, **since, **officer})
    if mine >= UNKNOWN_A_PHONE or (mutuelle_id is None and everybody >= UNKNOWN_AN_HOUR):
        raise RefusedError(
            _("Too many numbers were not right. Please try again tomorrow, or see the treasurer.")
        )
    household = Household(*found[0]) if found else None
    if household is not None and mutuelle_id in (None, household.mutuelle_id):
        return household
    if await note_use(db, Limited.NUMBER_NOT_FOUND, caller.phone, number, caller.at):
        alarm_once("numbers_tried_by_one", mine + 1, UNKNOWN_A_PHONE, phone=caller.phone)
        alarm_once("numbers_tried_by_many", everybody + 1, UNKNOWN_AN_HOUR)
    return None


def _named() -> sa.Select[Any]:
    """How many numbers `phone` since `day`, and all phones since `hour`, typed that nobody has; the household.

    Where `mutuelle` is given, the caller is its officer: the same statement notes the look-up.
    """
    used = limited_use.c.what == sa.bindparam("what")
    mine = used & (limited_use.c.subject == sa.bindparam("phone"))
    household = (
        select(*_COLUMNS)
        .join_from(household_table, mutuelles, _OF_MUTUELLE)
        .where(household_table.c.number == sa.bindparam("number"), household_table.c.closed_at.is_(None))
    )
    found_by_officer = select(
        household_table.c.mutuelle_id,
        household_table.c.number,
        sa.bindparam("phone", type_=sa.Text()),
        sa.literal_column("'found'"),
        sa.bindparam("today", type_=sa.Date()),
        sa.bindparam("at", type_=sa.DateTime(timezone=True)),
    ).where(
        household_table.c.number == sa.bindparam("number"),
        household_table.c.mutuelle_id == sa.bindparam("mutuelle", type_=sa.Text()),
        household_table.c.closed_at.is_(None),
    )
    columns = ["mutuelle_id", "subject", "looked_by", "kind", "looked_on", "looked_at"]
    noted = insert(officer_lookup).from_select(columns, found_by_officer).on_conflict_do_nothing()
    said = select(_uses(mine, "day"), _uses(used, "hour"), rows_of(household))
    return said.add_cte(noted.returning(officer_lookup.c.subject).cte("noted"))


def _uses(which: sa.ColumnElement[bool], since: str) -> sa.ScalarSelect[int]:
    begun_at = sa.bindparam(since, type_=sa.DateTime(timezone=True))
    return select(sa.func.count()).where(which, limited_use.c.used_at >= begun_at).scalar_subquery()


_NAMED = Prepared(_named())


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
    """The phones that speak for a household, also those in doubt; with `unconfirmed`, also those that have not
    confirmed.
    """
    facts = {**keys_of([household]), "unconfirmed": unconfirmed, "at": None}
    return [phone for _nth, phone, _doubt in await _PHONES.rows(db, facts)]


_PHONES = Prepared(
    sa.text(
        """
    select home.nth, p.phone, case when KNOWN then '' else coalesce(p.doubt, 'idle') end
      from KEYS with ordinality as home (mutuelle, number, nth)
     cross join lateral (select * from household found
                          where found.mutuelle_id = home.mutuelle and found.number = home.number limit 1) h
     cross join lateral (select * from household_phone own
                          where own.mutuelle_id = home.mutuelle and own.number = home.number offset 0) p
     where cast(:unconfirmed as boolean) or h.registered_by is null or h.confirmed_at is not null
     order by home.nth, p.since, p.phone
    """.replace("KEYS", UNNESTED_KEYS).replace("KNOWN", KNOWN.replace("PHONE", "p"))
    )
)


async def phones_of_all(
    db: AsyncConnection, households: Sequence[Household], at: datetime, *, unconfirmed: bool = False
) -> list[dict[str, str]]:
    """The phones that speak for each of these households, the first it had first, each with the doubt who holds it.

    No doubt is "".
    """
    found: list[dict[str, str]] = [{} for _household in households]
    facts = {**keys_of(households), "unconfirmed": unconfirmed, "at": at}
    for nth, phone, doubt in await _PHONES.rows(db, facts):
        found[nth - 1][phone] = doubt
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


async def lock_household(db: AsyncConnection, number: str) -> Household | None:
    """Lock the household with this number, if any, until the transaction ends: against changes, payments, settlement.

    Lock first and read afterwards: what was read before may have changed meanwhile. Returns the household as it is
    once it is locked; None if there is none, or it is closed.
    """
    row = await _LOCK_ONE.row(db, {"number": number})
    if row is None or row[-1] is not None:
        return None
    return Household(*row[:-1])


_LOCK_ONE = Prepared(
    select(*_COLUMNS, household_table.c.closed_at)
    .join_from(household_table, mutuelles, _OF_MUTUELLE)
    .where(household_table.c.number == sa.bindparam("number"))
    .with_for_update(of=household_table)
)


_LOCK = Prepared(
    sa.text(
        """
    select h.closed_at is not null, h.mutuelle_id, h.number, h.head_name, m.name, h.head_rank,
           h.frozen_at is not null,
           exists (select from household_pin k where k.mutuelle_id = h.mutuelle_id and k.number = h.number)
      from unnest(cast(:mutuelles as text[]), cast(:numbers as text[])) with ordinality as home (mutuelle, number, nth)
     cross join lateral (select * from household locked
                          where locked.mutuelle_id = home.mutuelle and locked.number = home.number for update) h
      join mutuelle m on m.id = h.mutuelle_id
     order by home.nth
    """
    )
)


async def lock_households(
    db: AsyncConnection, keys: Collection[HouseholdKey]
) -> list[tuple[Household, bool]]:
    """Lock these households, all in one order, as `lock_household` locks one.

    Returns each as it is after it is locked, and whether it is closed.
    """
    rows = await _LOCK.rows(db, keys_of(sorted(keys)))
    return [(Household(*facts), is_closed) for is_closed, *facts in rows]


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
    today = mutuelle.today(at)
    facts: dict[str, object] = {
        "mutuelle": mutuelle.id,
        "head": new.head_name,
        "place": new.place_id,
        "phone": phone,
        "births": [today.year - age for age in new.ages],
        "today": today,
        "at": at,
        "officer": registered_by,
    }
    number = await _insert_household(db, mutuelle, facts)
    household = Household(mutuelle.id, number, new.head_name, mutuelle.name)
    await open_accounts(db, [Account(mutuelle.id, household.account, mutuelle.currency)])
    return household


async def _insert_household(db: AsyncConnection, mutuelle: Mutuelle, facts: dict[str, object]) -> str:
    async def write(number: str) -> bool:
        return bool(await _REGISTER.value(db, facts | {"number": number}))

    return await draw_free(f"member number in {mutuelle.id}", lambda: draw_number(mutuelle.prefix), write)


# Nothing where the number is taken.
_REGISTER = Prepared(
    sa.text("""
    with written as (
        insert into household (mutuelle_id, number, head_name, place_id, enrolled_at, registered_by)
        values (:mutuelle, :number, :head, :place, :at, :officer)
        on conflict do nothing returning mutuelle_id, number),
    spoken as (
        insert into household_phone (mutuelle_id, number, phone, since)
        select mutuelle_id, number, cast(:phone as text), :at from written where cast(:phone as text) is not null),
    people as (
        insert into beneficiary (mutuelle_id, number, rank, name, birth_year, added_on)
        select written.mutuelle_id, written.number, person.rank, case person.rank when 1 then cast(:head as text) end,
               person.birth_year, cast(:today as date)
          from written, unnest(cast(:births as int[])) with ordinality as person (birth_year, rank))
    select number from written
    """)
)
