"""The actions of a household about its own people: somebody comes, leaves, or was written down wrongly.

Each is noted, notified to the household's other phones, and changes only the price of the next period.
"""

from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from currencies import scaled
from locales import Money, Sentence, _, counts
from mutuelle.acts import By
from mutuelle.contributions.family import YOUNGEST_HEAD, Family, family_of
from mutuelle.contributions.payments import OPEN
from mutuelle.contributions.standing import Standing, standing
from mutuelle.cover.people import Person, entitled_on
from mutuelle.cover.rules import CoverState, current
from mutuelle.enrolment.enrolment import PRICE_CHANGED
from mutuelle.founding.rules import MAX_PRICE_MINOR
from mutuelle.household_key import of_household
from mutuelle.households.change_log import WORDS, Change, changes_since, note_change
from mutuelle.households.holders import notices
from mutuelle.households.households import (
    Household,
    household_named,
    lock_household,
    lock_own_household,
    refuse_frozen,
)
from mutuelle.households.member_numbers import shown_number
from mutuelle.households.pins import try_household_pin
from mutuelle.notify import notify
from mutuelle.tables import beneficiary, payment
from talk.answers import Secret
from talk.phones import shown_phone
from talk.questions import initials
from talk.trouble import RefusedError
from talk.words import Caller
from values import value

MOST_PEOPLE = 30
CHANGES_A_MONTH = 4
DAY, MONTH = timedelta(days=1), timedelta(days=30)
COUNTED = {Change.ADDED, Change.REMOVED, Change.CORRECTED}  # adding a missing name does not count


@value
class Joiner:
    """Who comes into a household: `age` in years."""

    name: str
    age: int


@value
class Gone:
    """The person `rank` is no longer there; `leaving` is a Leaving."""

    rank: int
    leaving: str


@value
class Born:
    """The person `rank` was born in `year`."""

    rank: int
    year: int


@value
class Move:
    """The person `rank` goes to the household `into`, covered there from today or the end of the waiting period."""

    rank: int
    into: str
    keeps_cover: bool


class Leaving(StrEnum):
    """Why a person is no longer in the household."""

    DIED = "died"
    LEFT = "left"
    MOVED = "moved"


async def add_person(
    db: AsyncConnection,
    caller: Caller,
    *,
    number: str,
    joiner: Joiner,
    next_price: Money | None,
    pin: Secret | None = None,
) -> Sentence | None:
    """Add a person to the household; `next_price` is the agreed price of its next period with them.

    Here and below: a sentence, and nothing is changed, where the household has a PIN and `pin` is not it.
    """
    family = await _changing(db, caller, number, pin)
    if isinstance(family, Sentence):
        return family
    await refuse_while_renewing(db, family.household)
    refuse_no_room(family)
    if is_there(family, joiner.name):
        raise RefusedError(_("{name} is already in your household.", name=joiner.name))
    person = family.joiner(joiner.name, joiner.age)
    _expect(family.price_with(person), next_price)
    await _add(db, caller, family, person)
    return None


async def remove_person(
    db: AsyncConnection,
    caller: Caller,
    *,
    number: str,
    gone: Gone,
    next_price: Money | None,
    pin: Secret | None = None,
) -> Sentence | None:
    """Remove a person who has left or died: covered until the end of today."""
    family = await _changing(db, caller, number, pin)
    if isinstance(family, Sentence):
        return family
    rank = gone.rank
    refuse_head(family.household, rank)
    person = _still_there(family, rank)
    _expect(family.price_without(rank), next_price)
    await db.execute(sa.update(beneficiary).where(*_is(family, rank)).values(removed_on=family.today))
    noted = _noted(person, person.birth_year)
    await _note(db, caller, family, Change.REMOVED, noted, reason=Leaving(gone.leaving))
    return None


async def move_person(
    db: AsyncConnection,
    caller: Caller,
    *,
    number: str,
    going: Move,
    next_price: Money | None,
    pin: Secret | None = None,
) -> Sentence | None:
    """Move a person of the caller's household to another one, with the cover that was waited for.

    Covered here, they are covered there from today on, as that household is; still waiting here, they go on waiting
    there. Its phones are notified; its next period is priced with them.
    """
    rank, into = going.rank, going.into
    for each in sorted({number, into}):  # in one order: two moves at once cause no deadlock
        await lock_household(db, each)
    left = await _changing(db, caller, number, pin)
    if isinstance(left, Sentence):
        return left
    refuse_head(left.household, rank)
    person = _still_there(left, rank)
    _expect(left.price_without(rank), next_price)
    joined = await joinable(db, caller, left.household, into, person.name)
    covered_from = kept_cover(person, await standing(db, left.household, caller.at), left.today)
    if going.keeps_cover != (covered_from is not None):
        raise RefusedError(_("The cover of your household has changed. Please look again."))
    last_day = max(left.today - DAY, person.added_on)  # from today on they count in the other household
    await db.execute(sa.update(beneficiary).where(*_is(left, rank)).values(removed_on=last_day))
    detail = _noted(person, person.birth_year)
    await _note(db, caller, left, Change.REMOVED, detail, reason=Leaving.MOVED)
    await _add(db, caller, joined, joined.mover(person, number, covered_from))
    return None


def kept_cover(person: Person, stands: Standing, today: date) -> date | None:
    """The day from which a person who leaves is covered elsewhere; None where the household's cover does not hold."""
    since = entitled_on(person, current(stands.periods, today))
    if since is None or not (stands.cover.is_covered or stands.cover.state is CoverState.WAITING):
        return None
    return max(since, today)


async def joinable(
    db: AsyncConnection, caller: Caller, household: Household, number: str, name: str | None
) -> Family:
    """Another open household of the mutuelle with room for a person of this name; RefusedError if there is none."""
    found = await household_named(db, caller, number)
    if found is None or found.mutuelle_id != household.mutuelle_id or found.number == household.number:
        raise RefusedError(
            _("No other household of your mutuelle has the number {number}.", number=shown_number(number))
        )
    if found.is_frozen:  # what happened in it is for its own people
        raise RefusedError(
            _("Household {number} takes nobody now. Please see the treasurer.", number=found.shown_number)
        )
    joined = await family_of(db, found, caller.at)
    await refuse_while_renewing(db, found)
    refuse_no_room(joined)
    if name and is_there(joined, name):
        raise RefusedError(_("{name} is already in that household.", name=name))
    return joined


def is_there(family: Family, name: str) -> bool:
    """Whether somebody of this name is in the household now."""
    return any(initials(person.name or "") == initials(name) for person in family.present)


async def _add(db: AsyncConnection, caller: Caller, family: Family, person: Person) -> None:
    row = {
        "mutuelle_id": family.household.mutuelle_id,
        "number": family.household.number,
        "rank": person.rank,
        "name": person.name,
        "birth_year": person.birth_year,
        "added_on": person.added_on,
        "first_policy": person.first_policy,
        "covered_from": person.covered_from,
        "came_from": person.came_from,
    }
    await db.execute(insert(beneficiary), row)
    await _note(db, caller, family, Change.ADDED, _noted(person, person.birth_year))


async def correct_name(
    db: AsyncConnection, caller: Caller, *, number: str, rank: int, name: str, pin: Secret | None = None
) -> Sentence | None:
    """Correct the name of a person, or add it."""
    family = await _changing(db, caller, number, pin)
    if isinstance(family, Sentence):
        return family
    refuse_head(family.household, rank)
    person = _still_there(family, rank)
    await db.execute(sa.update(beneficiary).where(*_is(family, rank)).values(name=name))
    if person.name is None:
        await _note(db, caller, family, Change.NAMED, f"{name}, {person.birth_year}")
    else:
        await _note(db, caller, family, Change.CORRECTED, f"{person.name} > {name}")
    return None


async def correct_birth_year(
    db: AsyncConnection,
    caller: Caller,
    *,
    number: str,
    born: Born,
    next_price: Money | None,
    pin: Secret | None = None,
) -> Sentence | None:
    """Correct the year of birth of a person."""
    family = await _changing(db, caller, number, pin)
    if isinstance(family, Sentence):
        return family
    rank, birth_year = born.rank, born.year
    person = _still_there(family, rank)
    refuse_child_head(family, replace(person, birth_year=birth_year))
    _expect(family.price_corrected(rank, birth_year), next_price)
    await db.execute(sa.update(beneficiary).where(*_is(family, rank)).values(birth_year=birth_year))
    await _note(db, caller, family, Change.CORRECTED, _noted(person, f"{person.birth_year} > {birth_year}"))
    return None


async def refuse_many_changes(db: AsyncConnection, caller: Caller, household: Household) -> None:
    """Refused when the household has changed CHANGES_A_MONTH times this month, and while it is frozen."""
    refuse_frozen(household)
    if await changes_since(db, household, COUNTED, caller.at - MONTH) >= CHANGES_A_MONTH:
        raise RefusedError(_("Your household has changed often this month. Please see the treasurer."))


def refuse_no_room(family: Family) -> None:
    """Refused when the household's product takes no more people."""
    most = min(family.most, MOST_PEOPLE)
    if len(family.present) >= most:
        raise RefusedError(
            _(
                "Your cover takes {most} at most. Please see the treasurer for another.",
                most=counts.people(most),
            )
        )


def refuse_head(household: Household, rank: int) -> None:
    """Refused for the head, who is on every receipt: only the mutuelle changes the head."""
    if rank == household.head_rank:
        raise RefusedError(_("The head of a household is changed by the mutuelle. Please see the treasurer."))


def refuse_child_head(family: Family, person: Person) -> None:
    """Refused when a head would be a child."""
    if person.rank == family.household.head_rank and person.age(family.today) < YOUNGEST_HEAD:
        raise RefusedError(_("The head of the household comes first, aged 16 or more."))


async def refuse_while_renewing(db: AsyncConnection, household: Household) -> None:
    """Refused while a renewal is being paid: its price was agreed to for the people of that moment.

    One that another pays holds up nothing: it begins no period for more people than it was for (settlement).
    """
    renewing = select(payment.c.reference).where(
        of_household(payment, household),
        payment.c.state.in_(OPEN),
        payment.c.renews_code.is_not(None),
        ~payment.c.by_another,
    )
    if await db.scalar(renewing.limit(1)):
        raise RefusedError(
            _("Your renewal is being paid. Wait for the receipt, then dial again to add somebody.")
        )


async def _changing(
    db: AsyncConnection, caller: Caller, number: str, pin: Secret | None
) -> Family | Sentence:
    """The household of the caller, locked: nothing else changes it, pays for it or settles it meanwhile.

    A sentence where its PIN is not `pin`.
    """
    household = await lock_own_household(db, caller, number)
    await refuse_many_changes(db, caller, household)
    return await try_household_pin(db, caller, household, pin) or await family_of(db, household, caller.at)


def _still_there(family: Family, rank: int) -> Person:
    person = family.person(rank)
    if person is None:
        raise RefusedError(_("This person is no longer in your household."))
    return person


def _expect(price: Money | None, agreed_to: Money | None) -> None:
    if price != agreed_to:
        raise RefusedError(PRICE_CHANGED)
    if price and price.amount_minor > scaled(MAX_PRICE_MINOR, price.currency):
        raise RefusedError(_("This needs a cover of its own. Please see the treasurer."))


def _noted(person: Person, what: object) -> str:
    return f"{person.name}, {what}" if person.name else str(what)


async def _note(
    db: AsyncConnection, caller: Caller, family: Family, what: Change, detail: str, *, reason: str = "asked"
) -> None:
    position = await note_change(
        db, family.household, what, detail=detail, by=By(caller.phone, reason, caller.at)
    )
    changed = household_changed(family.household, what, family.mutuelle.complaints_phone)
    sentences = await notices(db, family.household, changed, caller.at)
    sentences.pop(caller.phone, None)
    event = f"{family.household.number} {position}"
    await notify(db, family.household.mutuelle_id, "household changed", sentences, caller.at, event=event)


def household_changed(household: Household, what: Change, complaints_phone: str) -> Sentence:
    """To the household's other phones: what kind of change, no name, and whom to call."""
    return _(
        "Your household {number} has changed: {what}. Not one of you? Send NO, or call {phone}.",
        number=household.shown_number,
        what=WORDS[what],
        phone=shown_phone(complaints_phone),
    )


def _is(family: Family, rank: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        of_household(beneficiary, family.household),
        beneficiary.c.rank == rank,
    )
