"""An officer finds a household of her mutuelle by its number, by a phone of it, by its head's name or a part of it.

A number that nobody has is counted and limited as everywhere; what is looked up by name or phone is written down.
"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from stdnum import damm

from locales import _
from mutuelle.household_key import same_household
from mutuelle.households.duplicates import Head, called_nearly, open_heads
from mutuelle.households.households import Household, household_named
from mutuelle.households.lookups import FOUND, note_lookup, note_read
from mutuelle.households.member_numbers import LENGTH, NOT_RIGHT
from mutuelle.officers.roles import Appointment
from mutuelle.tables import household as household_table
from mutuelle.tables import household_phone
from talk.answers import Kind
from talk.figures import groups
from talk.phones import typed_phone
from talk.questions import initials
from talk.trouble import InvalidError
from talk.words import Caller
from values import value

MOST_FOUND = 24  # of one name: who finds more types more of it
SHORTEST_NAME = 2  # letters


@value
class Sought:
    """What an officer typed. Nine figures may be a number and a phone at once, where phones have nine."""

    number: str
    phone: str
    name: str

    @property
    def shown(self) -> str:
        """What is said of it where nobody is found: figures by the caller's own eye, so a name only."""
        return self.name[:20].title() or self.number or self.phone


@value
class Found:
    """A household in the list of those that may be meant."""

    household: Household
    place_name: str

    @property
    def key(self) -> str:
        return self.household.number

    @property
    def label(self) -> str:
        """The last three digits tell two of one name and village apart."""
        return f"{self.household.head_name}, {self.place_name} ..{self.household.number[-3:]}"


def household_sought(region: str) -> Kind[Sought]:
    """A member number, a phone of `region`, or a name."""

    def parse(typed: str) -> Sought:
        digits = "".join(groups(typed))
        number = digits if len(digits) == LENGTH and damm.is_valid(digits) else ""
        phone = _phone(typed, region)
        name = "" if digits else initials(typed)
        if not (number or phone) and len(digits) == LENGTH:
            raise InvalidError(NOT_RIGHT)
        if not (number or phone or len(name) >= SHORTEST_NAME):
            raise InvalidError(_("Type all digits of the number or the phone, or the name in letters."))
        return Sought(number, phone, name)

    return Kind(
        "household sought",
        parse,
        good=("awa*kone", "101 000 000"),
        bad=("", "x", "101 000 001", "101 000 001 2", "7"),
    )


def _phone(typed: str, region: str) -> str:
    try:
        return typed_phone(typed, region)
    except InvalidError:
        return ""


async def households_sought(
    db: AsyncConnection, caller: Caller, appointment: Appointment, sought: Sought
) -> list[Found]:
    """The open households of the officer's mutuelle that she may mean, the likeliest first.

    More than MOST_FOUND are too many to choose from.
    """
    if sought.number:
        household = await household_named(db, caller, sought.number, appointment.mutuelle_id)
        if household:
            return [Found(household, "")]
        if not sought.phone:
            return []
    await note_lookup(db, caller, sought.phone or sought.name)
    if sought.phone:
        theirs = sa.exists().where(
            same_household(household_phone, household_table), household_phone.c.phone == sought.phone
        )
        rows = await open_heads(db, appointment.mutuelle_id, theirs)
    else:
        everybody = await open_heads(db, appointment.mutuelle_id, sa.true())
        rows = [row for row, _near in await called_nearly(everybody, sought.name)]
    if len(rows) <= MOST_FOUND:  # of more nothing is shown
        await note_read(db, caller, appointment.mutuelle_id, FOUND, [row.number for row in rows])
    return [_found(appointment, row) for row in rows[: MOST_FOUND + 1]]


def _found(appointment: Appointment, row: Head) -> Found:
    household = Household(
        appointment.mutuelle_id, row.number, row.head_name, appointment.mutuelle_name, row.head_rank
    )
    return Found(household, row.name)
