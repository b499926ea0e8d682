"""Who holds a phone: a number is given to somebody else, a SIM is swapped, a phone is found. Decision 0055.

After IDLE_DAYS in which it neither called nor wrote, after "not me", and where a person of the service doubts it, a
phone of a household is in doubt: it is shown and told nothing of the household, as if it were a stranger's. It is known
again by one thing of the household (its number and a year of birth), or by an officer's word.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.acts import By
from mutuelle.household_key import of_household, same_household
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.households import CONFIRMED, KNOWN, Household, lock_household, phones_of_all
from mutuelle.households.member_numbers import LENGTH, member_number
from mutuelle.officers.appointments import tell_treasurers
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import household as household_table
from mutuelle.tables import household_phone
from prepared import Prepared
from talk.answers import OLDEST, Kind
from talk.figures import groups
from talk.limits import Limited, alarm_once, note_use
from talk.trouble import InvalidError, RefusedError
from talk.words import Caller

MOST_WRONG, WRONG_WITHIN = (
    3,
    timedelta(days=30),
)  # wrong answers of one phone; then an officer's word is needed
NOT_PROVEN = _(
    "Nothing was changed: the number and the year do not go together with this phone, or were wrong too often. "
    "See an officer, your card at hand."
)
NOTHING_DOUBTED = _("This phone is not in doubt. Dial again to see your household.")


def number_and_year(today: date) -> Kind[tuple[str, int]]:
    """A member number and a year of birth behind it, in one message."""

    def parse(typed: str) -> tuple[str, int]:
        digits = "".join(groups(typed))
        number = member_number.parse(digits[:LENGTH])
        if len(digits) != LENGTH + 4 or not today.year - OLDEST <= int(digits[LENGTH:]) <= today.year:
            raise InvalidError(_("The nine figures of the number, then the four of the year."))
        return number, int(digits[LENGTH:])

    good, bad = ("101 000 000 1981",), ("", "101000000", "101000001 1981", "101000000 0081")
    return Kind("number and year", parse, good=good, bad=bad, takes_rest=True)


class Doubt(StrEnum):
    """Why it is not known who holds a phone."""

    IDLE = "idle"
    NOT_ME = "not me"  # who holds it said so: it is told nothing any more
    NEW_SIM = "new sim"
    SUPPORT = "support"


# The phone calls or writes: its day is kept, at most one write a day. Where it was idle too long, it is in doubt from
# now on. To stand in a larger statement, which still reads the rows as they were.
HEARD = """
    update household_phone own
       set heard_on = today.day,
           doubted_at = case when IS_KNOWN then null else coalesce(own.doubted_at, cast(:at as timestamptz)) end,
           doubt = case when IS_KNOWN then null else coalesce(own.doubt, 'idle') end
      from (select (cast(:at as timestamptz) at time zone 'UTC')::date) today (day)
     where own.phone = :phone and coalesce(own.heard_on < today.day, true)
""".replace("IS_KNOWN", KNOWN.replace("PHONE", "own"))
HEARD_OF_CALLER = sa.text(f"{HEARD} returning own.phone").columns(phone=sa.Text).cte("heard")

IN_DOUBT = sa.text(f"not ({KNOWN.replace('PHONE', 'household_phone')})")
# Whether `phone` is of an open household and in doubt: one exists, to be asked with more.
IS_DOUBTED = sa.exists().where(
    same_household(household_table, household_phone),
    household_phone.c.phone == sa.bindparam("phone"),
    household_table.c.closed_at.is_(None),
    CONFIRMED,
    IN_DOUBT,
)


def told(phones: Mapping[str, str], sentence: Sentence, instead: Sentence) -> dict[str, Sentence]:
    """What each phone of a household is told: `instead` where it is in doubt, nothing where it is somebody else's."""
    return {phone: instead if doubt else sentence for phone, doubt in phones.items() if doubt != Doubt.NOT_ME}


async def notices(
    db: AsyncConnection, household: Household, sentence: Sentence, at: datetime, *, unconfirmed: bool = False
) -> dict[str, Sentence]:
    """What the phones of a household are told of an event; one in doubt only that there is something to read."""
    [phones] = await phones_of_all(db, [household], at, unconfirmed=unconfirmed)
    return told(phones, sentence, something_waits(household.mutuelle_name))


def something_waits(mutuelle_name: str) -> Sentence:
    """To a phone that may be a stranger's: no name, number, amount or day."""
    return _(
        "{mutuelle}: a message waits for you. Call the service and press 4, your member number at hand. "
        "Not for you? Send NO.",
        mutuelle=mutuelle_name,
    )


async def prove_holder(
    db: AsyncConnection, caller: Caller, *, number: str, birth_year: int
) -> Sentence | None:
    """The calling phone is known again if this is the number of its household, and the year of birth of one of its
    people; else one sentence, whatever is wrong. A wrong answer is counted, so the transaction must commit.
    """
    household = await lock_household(db, number)
    facts = {"phone": caller.phone, "number": number, "year": birth_year}
    facts |= {"what": Limited.HOLDER_NOT_PROVEN, "since": caller.at - WRONG_WITHIN}
    [(wrong, is_right)] = await _PROVEN.rows(db, facts)
    if household is None or not is_right or wrong >= MOST_WRONG:
        await note_use(db, Limited.HOLDER_NOT_PROVEN, caller.phone, caller.at.isoformat(), caller.at)
        alarm_once("holder_not_proven", wrong + 1, MOST_WRONG, phone=caller.phone)
        return NOT_PROVEN
    await trust_phone(db, household, caller.phone, by=By(caller.phone, "number and year of birth", caller.at))
    return None


_PROVEN = Prepared(
    sa.text("""
    select (select count(*) from limited_use u where u.what = :what and u.subject = :phone and u.used_at > :since),
           exists (select from household_phone p
                     join household h on h.mutuelle_id = p.mutuelle_id and h.number = p.number
                     join beneficiary b on b.mutuelle_id = p.mutuelle_id and b.number = p.number
                    where p.phone = :phone and p.number = :number and b.birth_year = :year and b.removed_on is null
                      and h.closed_at is null and (h.registered_by is null or h.confirmed_at is not null))
    """)
)


async def trust_phone(db: AsyncConnection, household: Household, phone: str, *, by: By) -> None:
    """It is known again who holds `phone`; RefusedError where it is not in doubt. The caller holds the lock."""
    [phones] = await phones_of_all(db, [household], by.at)
    if not phones.get(phone):
        raise RefusedError(NOTHING_DOUBTED)
    await believe(db, household, phone, heard_on=by.at.astimezone(UTC).date())
    await note_change(db, household, Change.PHONE_KNOWN, detail=masked(phone), by=by)


async def believe(db: AsyncConnection, household: Household, phone: str, **heard: date) -> None:
    """Take away the doubt who holds `phone`. The caller notes why."""
    await _set(db, household, phone, doubted_at=None, doubt=None, **heard)


async def doubt_phone(db: AsyncConnection, phone: str, doubt: Doubt, *, by: By) -> list[Household]:
    """Who holds `phone` is not known from now on; returns the open households that it spoke for. Nobody is told."""
    facts = {"phone": phone, "at": by.at}
    of_phone = select(household_phone.c.number).where(household_phone.c.phone == phone)
    if doubt is Doubt.NOT_ME and await db.scalar(select(IS_DOUBTED), facts):
        of_phone = of_phone.where(IN_DOUBT)  # not those that it has proven, or joined since
    numbers = await db.scalars(of_phone.order_by(household_phone.c.number), facts)
    locked = [await lock_household(db, number) for number in list(numbers)]
    households = [household for household in locked if household is not None]
    for household in households:
        await _set(db, household, phone, doubted_at=by.at, doubt=doubt)
        what = Change.DENIED if doubt is Doubt.NOT_ME else Change.PHONE_DOUBTED
        await note_change(db, household, what, detail=masked(phone), by=by)
    return households


async def deny_phone(db: AsyncConnection, caller: Caller) -> None:
    """Who holds the calling phone says that it is not theirs: nothing more is told to it, and the treasurers look."""
    by = By(caller.phone, "its holder said: not me", caller.at)
    for household in await doubt_phone(db, caller.phone, Doubt.NOT_ME, by=by):
        mutuelle = await get_mutuelle(db, household.mutuelle_id)
        await tell_treasurers(db, mutuelle, "phone denied", denied(household), caller.at)


def denied(household: Household) -> Sentence:
    """For the treasurers."""
    return _(
        "Household {number}: who holds its phone says that it is not theirs. It is told nothing more. "
        "Please ask them for their new number.",
        number=household.shown_number,
    )


def masked(phone: str) -> str:
    """All but the last two digits of a phone hidden."""
    return f"…{phone[-2:]}"


async def _set(db: AsyncConnection, household: Household, phone: str, **values: object) -> None:
    own = of_household(household_phone, household) & (household_phone.c.phone == phone)
    await db.execute(sa.update(household_phone).where(own).values(values))


def phones_of_open(mutuelle_id: str) -> sa.Select[str]:
    """The query of the phones of a mutuelle's open households, each once; none that said "not me"."""
    is_open = same_household(household_table, household_phone) & household_table.c.closed_at.is_(None)
    is_open &= household_phone.c.doubt.is_distinct_from(Doubt.NOT_ME)
    return (
        select(household_phone.c.phone)
        .join(household_table, is_open)
        .where(household_phone.c.mutuelle_id == mutuelle_id)
        .distinct()
    )
