"""The PIN of a household, where it asks for one: on a phone that others use too, an edit of its people and a care code
take it.

Issued, kept and locked as the work PINs of officers are (`officers/pins.py`); an officer takes away a forgotten one.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.acts import By
from mutuelle.household_key import of_household
from mutuelle.households.change_log import Change, note_change
from mutuelle.households.holders import masked, notices
from mutuelle.households.households import Household, lock_own_household
from mutuelle.locks import LOCK
from mutuelle.notify import notify
from mutuelle.officers.pin_hashing import hash_pin
from mutuelle.officers.pins import PinKind, draw_pin, try_kept
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import household_pin
from prepared import Prepared
from talk.answers import Secret, wrong_secret
from talk.words import Caller

PURPOSE = "household pin"
HOUSEHOLD_PIN = PinKind(
    PURPOSE,
    Prepared(
        sa.text(
            """
    with turn as materialized (select LOCK)
    select p.sealed, p.failures, p.locked_until
      from turn, household h join household_pin p on p.mutuelle_id = h.mutuelle_id and p.number = h.number
     where h.number = :name for update of p
    """.replace("LOCK", LOCK)
        )
    ),
    Prepared(
        sa.text("""
    update household_pin p set failures = :failures, locked_until = :locked_until, sealed = coalesce(:sealed, p.sealed)
      from household h
     where h.number = :name and p.mutuelle_id = h.mutuelle_id and p.number = h.number
    """)
    ),
    wrong_secret(_("This household code is not right. Nothing was done.")),
    _("Household code blocked after 10 mistakes. Nothing was done. Please see an officer of the mutuelle."),
    _("Your household code cannot be checked now. Nothing was done. Please see your mutuelle."),
    lambda wait: _("Household code locked after mistakes. Nothing was done. Try again in {wait}.", wait=wait),
)


async def try_household_pin(
    db: AsyncConnection, caller: Caller, household: Household, pin: Secret | None
) -> Sentence | None:
    """None if the household has no PIN or this is it; else what the action returns at once, doing nothing more.

    The caller holds the household's lock. A PIN that is locked is noted, and told to the household's phones.
    """
    if not household.has_pin:
        return None
    wrong, failures = await try_kept(db, caller, HOUSEHOLD_PIN, household.number, pin or Secret(""))
    if failures:
        by = By("service", f"{failures} wrong ones", caller.at)
        position = await note_change(db, household, Change.PIN_LOCKED, detail=masked(caller.phone), by=by)
        mutuelle = await get_mutuelle(db, household.mutuelle_id)
        told = await notices(db, household, pin_locked(household, failures, mutuelle.complaints), caller.at)
        event = f"{household.number} {position}"
        await notify(db, mutuelle.id, "household code locked", told, caller.at, event=event)
    return wrong


async def own_household_by_pin(
    db: AsyncConnection, caller: Caller, number: str, pin: Secret | None
) -> Household | Sentence:
    """The caller's household, locked and not frozen; a sentence where it has a PIN and `pin` is not it."""
    household = await lock_own_household(db, caller, number)
    return await try_household_pin(db, caller, household, pin) or household


async def draw_household_pin(
    db: AsyncConnection, caller: Caller, *, number: str, pin: Secret | None
) -> str | Sentence:
    """A new PIN for the household of the calling phone, shown once; a sentence where `pin` is not the one it has."""
    household = await own_household_by_pin(db, caller, number, pin)
    if isinstance(household, Sentence):
        return household
    drawn = draw_pin(caller.phone)
    sealed = caller.keyring.seal(PURPOSE, await hash_pin(drawn), household.number)
    kept = {"sealed": sealed, "issued_at": caller.at, "failures": 0, "locked_until": None}
    key = {"mutuelle_id": household.mutuelle_id, "number": household.number}
    statement = insert(household_pin).values(**key, **kept)
    await db.execute(
        statement.on_conflict_do_update(index_elements=household_pin.primary_key.columns, set_=kept)
    )
    await _note(db, household, Change.PIN_GIVEN, By(caller.phone, "asked", caller.at))
    return drawn


async def end_household_pin(
    db: AsyncConnection, caller: Caller, *, number: str, pin: Secret | None
) -> Sentence | None:
    """The household of the calling phone has a PIN no longer; a sentence where `pin` is not the one."""
    household = await own_household_by_pin(db, caller, number, pin)
    if isinstance(household, Sentence):
        return household
    await take_pin(db, household, By(caller.phone, "asked", caller.at))
    return None


async def take_pin(db: AsyncConnection, household: Household, by: By) -> None:
    """Take away the household's PIN. The caller holds its lock, and knows who asks."""
    await db.execute(sa.delete(household_pin).where(of_household(household_pin, household)))
    await _note(db, household, Change.PIN_TAKEN, by)


async def _note(db: AsyncConnection, household: Household, what: Change, by: By) -> None:
    """Note the change, and tell the household's other phones: somebody may ask for a PIN to shut them out."""
    position = await note_change(db, household, what, detail="", by=by)
    mutuelle = await get_mutuelle(db, household.mutuelle_id)
    told = await notices(db, household, pin_changed(household, what, mutuelle.complaints), by.at)
    told.pop(by.actor, None)
    event = f"{household.number} {position}"
    await notify(db, mutuelle.id, "household changed", told, by.at, event=event)


def pin_changed(household: Household, what: Change, complaints: str) -> Sentence:
    """To the other phones of the household."""
    if what is Change.PIN_GIVEN:
        return _(
            "Household {number} asks for a code now before its people change and for a care code. Not you? Send NO, or "
            "call {phone}.",
            number=household.shown_number,
            phone=complaints,
        )
    return _(
        "Household {number} asks for no code any more. Not you? Send NO, or call {phone}.",
        number=household.shown_number,
        phone=complaints,
    )


def pin_locked(household: Household, failures: int, complaints: str) -> Sentence:
    return _(
        "Household {number}: a wrong household code was typed {n} times. Not you? Send NO, or call {phone}.",
        number=household.shown_number,
        n=str(failures),
        phone=complaints,
    )
