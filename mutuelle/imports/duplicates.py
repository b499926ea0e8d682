"""Possible duplicates: households written twice in the register, or on the service already. Reported, never decided.

Two families of one name in one village are common, so this is a note for a person and not a fault.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import ARRAY, Text, any_, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle import tables
from mutuelle.household_key import same_household
from mutuelle.households.member_numbers import shown_number
from mutuelle.imports.household_rows import PaperHousehold
from mutuelle.scheme.mutuelles import Mutuelle
from mutuelle.sheets.letters import folded

Alike = tuple[str, ...]


async def look_alikes(
    db: AsyncConnection, mutuelle: Mutuelle, households: Sequence[PaperHousehold]
) -> list[Sentence]:
    """A sentence for each new household that looks like another one."""
    return [*_twice(households), *await _on_the_service(db, mutuelle, households)]


def _twice(households: Sequence[PaperHousehold]) -> Iterator[Sentence]:
    """Of one name and village, and of one year of birth or one phone."""
    first: dict[Alike, str] = {}
    for household in households:
        who = (_name(household.head_name), household.place_id)
        marks = [(*who, str(household.people[0][1].year)), *((*who, phone) for phone in household.phones)]
        other = next((first[mark] for mark in marks if mark in first), None)
        if other:
            yield _(
                "The households {one} and {other} look alike: are they one?",
                one=other,
                other=household.register_number,
            )
        for mark in marks:
            first.setdefault(mark, household.register_number)


async def _on_the_service(
    db: AsyncConnection, mutuelle: Mutuelle, households: Sequence[PaperHousehold]
) -> list[Sentence]:
    """Of one name and phone with a household that joined by itself."""
    by_phone = {
        (phone, _name(household.head_name)): household
        for household in households
        for phone in household.phones
    }
    phones = literal(sorted({phone for phone, _name in by_phone}), ARRAY(Text))
    household, household_phone = tables.household, tables.household_phone
    rows = await db.execute(
        select(household_phone.c.phone, household.c.head_name, household.c.number)
        .join(
            household,
            same_household(household, household_phone),
        )
        .where(household_phone.c.mutuelle_id == mutuelle.id, household_phone.c.phone == any_(phones))
    )
    return [
        _(
            "The household {one} looks like {number}, which is on the service already: are they one?",
            one=by_phone[phone, _name(name)].register_number,
            number=shown_number(number),
        )
        for phone, name, number in rows
        if (phone, _name(name)) in by_phone
    ]


def _name(head_name: str) -> str:
    """A name by its words: KONE Awa is Awa Koné."""
    return " ".join(sorted(folded(head_name).split()))
