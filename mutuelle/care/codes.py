"""Care codes: a patient makes one on her own phone and shows it to the doctor, who checks the cover with it.

Only a digest of the code is kept, bound to the member number, under a key that never enters the database. A household
has one valid code at a time, for fifteen minutes and one check. Codes of its card (`cards`) stand in the same table.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Once, Sentence, _
from mutuelle.care.tables import care_code
from mutuelle.cover.people import people_of, present
from mutuelle.dates import local_time
from mutuelle.free_codes import draw_digits, draw_free
from mutuelle.household_key import OfHousehold, of_household
from mutuelle.households.households import Household, lock_own_household
from mutuelle.households.pins import try_household_pin
from mutuelle.scheme.limits import changes_of, read_changes
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from prepared import Prepared
from talk.answers import Secret
from talk.keyring import Keyring
from talk.trouble import RefusedError
from talk.words import Caller

PURPOSE = "care code"
DIGITS = 6
ALIVE = timedelta(minutes=15)
DAY = timedelta(days=1)
REMEMBERED = DAY  # so long a used or late code is not taken for a wrong one


@dataclass(frozen=True)
class NewCode:
    """`words` is the code, shown once; `until` the time of day, in the mutuelle's zone, at which it ends."""

    words: Once
    until: str

    @property
    def shown(self) -> Once:
        """The code in two groups of figures, as it is told."""
        code = str(self.words)
        return Once(f"{code[:3]} {code[3:]}")


@dataclass(frozen=True)
class KeptCode:
    """A row of the table: for whom the code was made, when, and how it was used.

    A code of a card has no rank (it is for any person of the household) and no end of its own; `in_hand` is whether its
    card was handed over and has not ended, `is_frozen` whether its household said NO: that may be about the card.
    """

    position: int
    rank: int | None
    made_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    used_at: datetime | None
    in_hand: bool
    is_frozen: bool

    @property
    def of_card(self) -> bool:
        return self.rank is None

    def is_alive(self, at: datetime) -> bool:
        """Whether a check may use it at `at`."""
        ends = self.expires_at is None or at <= self.expires_at
        return self.ended_at is None and self.used_at is None and self.in_hand and not self.is_frozen and ends


@dataclass(frozen=True)
class FoundProof:
    """What the household has of a proof: the code, and who of its people (by rank) was born in the year."""

    code: KeptCode | None
    born: tuple[int, ...] = ()


async def make_code(
    db: AsyncConnection, caller: Caller, *, number: str, rank: int, pin: Secret | None = None
) -> NewCode | Sentence:
    """A new code for the person of that rank; the household's code before it ends. Refused past the day's limit.

    A sentence where the household has a PIN and `pin` is not it.
    """
    household = await lock_own_household(db, caller, number)
    if rank not in {person.rank for person in present(await people_of(db, household))}:
        raise RefusedError(_("This person is no longer in the household."))
    mutuelle = await get_mutuelle(db, household.mutuelle_id)
    await _expect_fewer(db, household, mutuelle, caller.at)
    if wrong := await try_household_pin(db, caller, household, pin):
        return wrong
    words = await _write(db, caller, household, rank)
    return NewCode(Once(words), local_time(caller.at + ALIVE, mutuelle.timezone))


async def _expect_fewer(db: AsyncConnection, household: Household, mutuelle: Mutuelle, at: datetime) -> None:
    """Refused past the limit of codes a day."""
    asked = {"mutuelle": household.mutuelle_id, "number": household.number, "since": at - DAY}
    made, changes = await _MADE.row(db, asked)
    most = read_changes(changes).on(mutuelle.today(at)).codes_a_day
    if made >= most:
        raise RefusedError(
            _("You have made {most} codes today. Please make the next one tomorrow.", most=most)
        )


_MADE = Prepared(
    sa.text(
        """
    select count(*), CHANGES from care_code
     where mutuelle_id = :mutuelle and number = :number and made_at > :since and card is null
    """.replace("CHANGES", changes_of("cast(:mutuelle as text)"))
    )
)


async def _write(db: AsyncConnection, caller: Caller, household: Household, rank: int) -> str:
    await end_code(db, household, caller.at)
    newest = await db.scalar(
        select(sa.func.max(care_code.c.position)).where(of_household(care_code, household))
    )
    words = await _draw(db, caller, household)
    row = {
        "mutuelle_id": household.mutuelle_id,
        "number": household.number,
        "position": (newest or 0) + 1,
        "rank": rank,
        "digest": digests(caller.keyring, household.number, words)[0],
        "made_by": caller.phone,
        "made_at": caller.at,
        "expires_at": caller.at + ALIVE,
    }
    await db.execute(insert(care_code), row)
    return words


async def end_code(db: AsyncConnection, household: Household, at: datetime) -> None:
    """End the household's valid code, if it has one; the codes of its card stay."""
    alive = care_code.c.ended_at.is_(None), care_code.c.used_at.is_(None), care_code.c.card.is_(None)
    await db.execute(
        sa.update(care_code).where(of_household(care_code, household), *alive).values(ended_at=at)
    )


async def _draw(db: AsyncConnection, caller: Caller, household: Household) -> str:
    """A code that differs from all that are remembered, so that a used code is never valid again."""

    async def is_fresh(words: str) -> bool:
        kept = digests(caller.keyring, household.number, words)
        return (await find_proof(db, household, kept, None, caller.at)).code is None

    return await draw_free("code for care", lambda: draw_digits(DIGITS), is_fresh)


def digests(keyring: Keyring, number: str, words: str) -> tuple[bytes, ...]:
    """The digest of a code of this household under each key in force, the newest key first."""
    return keyring.digests(PURPOSE, f"{number} {words}")


async def find_proof(
    db: AsyncConnection, household: OfHousehold, kept: Collection[bytes], year: int | None, at: datetime
) -> FoundProof:
    """The household's code with one of these digests, if it is valid or remembered at `at`; who was born in `year`.

    One question, whatever is asked: the answer to a code and to a year take the same time.
    """
    key = {"mutuelle": household.mutuelle_id, "number": household.number}
    asked = {"since": at - REMEMBERED, "kept": list(kept), "year": year}
    born, position, *facts = await _PROOF.row(db, key | asked)
    return FoundProof(KeptCode(position, *facts) if position else None, tuple(born))


_PROOF = Prepared(
    sa.text("""
    select array(select rank from beneficiary
                  where mutuelle_id = :mutuelle and number = :number and removed_on is null
                    and birth_year = cast(:year as integer) order by rank),
           found.*
      from (select 1) one
      left join lateral (
        select c.position, c.rank, c.made_at, c.expires_at, c.ended_at, c.used_at,
               c.card is null or k.handed_at is not null and k.ended_at is null,
               c.card is not null and h.frozen_at is not null
          from care_code c
          join household h on h.mutuelle_id = c.mutuelle_id and h.number = c.number
          left join care_card k on k.mutuelle_id = c.mutuelle_id and k.number = c.number and k.card = c.card
         where c.mutuelle_id = :mutuelle and c.number = :number and (c.card is not null or c.made_at > :since)
           and c.digest = any(cast(:kept as bytea[]))
         order by c.position desc limit 1) found on true
    """)
)


async def use_code(db: AsyncConnection, household: Household, code: KeptCode, at: datetime) -> None:
    """Mark the code as used. The caller holds the household's lock and has checked that it is valid."""
    key = {"mutuelle": household.mutuelle_id, "number": household.number, "position": code.position}
    await _USE.rows(db, key | {"at": at})


_USE = Prepared(
    sa.text("""
    update care_code set used_at = :at where mutuelle_id = :mutuelle and number = :number and position = :position
    """)
)
