"""A NO to a notice freezes people, phones and care codes of its household until a person has looked. Cover stays.

What a stranger or a thief did with a phone is told to the household's others, also to a phone that was taken off it:
whoever says NO to that stops the next act. Decision 0055.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.acts import By
from mutuelle.care.codes import end_code
from mutuelle.dates import local_date
from mutuelle.household_key import of_household
from mutuelle.households import support_acts
from mutuelle.households.change_log import WORDS, Change, note_change
from mutuelle.households.confirmation import NOTHING_WAITS
from mutuelle.households.holders import IS_DOUBTED, masked, notices
from mutuelle.households.households import KNOWN, OF_PHONE, Household, expect_household, lock_household
from mutuelle.households.member_numbers import shown_number
from mutuelle.households.support_acts import NewSupportAct, SupportError, write_act
from mutuelle.notify import notify
from mutuelle.officers.pins import try_pin
from mutuelle.scheme.mutuelles import get_mutuelle, treasurers
from mutuelle.support.households import before_officer, open_household
from mutuelle.tables import household as household_table
from mutuelle.tables import household_change
from mutuelle.tables import mutuelle as mutuelles
from prepared import Prepared
from talk.answers import Secret
from talk.trouble import RefusedError
from talk.words import Caller
from values import value

HEEDED = timedelta(days=7)  # so long a NO is about a notice
# The templates of the notices that a NO freezes, and what was told.
NOTICES: dict[str, Sentence] = {
    "household changed": _("a change"),
    "phone changed": _("another phone"),
    "head changed": WORDS[Change.HEAD_CHANGED],
    "households merged": WORDS[Change.MERGED],
    "household reopened": WORDS[Change.REOPENED],
    "cover checked": _("a check"),
    "card handed over": _("a card"),
    "card ended": _("a card that ended"),
    "code used again": _("a code tried again"),
    "renewed by credit": _("a renewal"),
    "household code locked": WORDS[Change.PIN_LOCKED],
}


@value
class Noticed:
    """The last notice that a phone got: of `template`, about the household `number`. `in_doubt`: the phone may be a
    stranger's, whose NO says that it is not theirs.
    """

    number: str
    template: str
    in_doubt: bool


async def noticed(db: AsyncConnection, caller: Caller) -> Noticed | None:
    """What a NO of the calling phone is about, if nothing has asked it: the last notice of the last week, if any."""
    facts = {"phone": caller.phone, "templates": list(NOTICES), "since": caller.at - HEEDED, "at": caller.at}
    if row := await _NOTICED.row(db, facts):
        return Noticed(*row)
    asked = sa.select(IS_DOUBTED & ~sa.exists(OF_PHONE))
    doubted = await db.scalar(asked, {"phone": caller.phone, "at": caller.at})
    return Noticed("", "", in_doubt=True) if doubted else None


# The key of a message is its template, its event and a count; the event begins with the member number, or is a check.
_NOTICED = Prepared(
    sa.text(
        """
    select h.number, o.template, coalesce(not (KNOWN), false) from mutuelle m
      join sms_outbox o on o.mutuelle_id = m.id and o.phone = :phone
     cross join lateral (select split_part(substr(o.key, length(o.template) + 2), ' ', 1)) event (named)
      left join eligibility_check c on o.template = 'cover checked'
                                   and c.mutuelle_id = m.id and c.reference = event.named
      join household h on h.mutuelle_id = m.id and h.number = coalesce(c.number, event.named)
      left join household_phone own on own.mutuelle_id = m.id and own.number = h.number and own.phone = :phone
     where o.template = any(cast(:templates as text[])) and o.created_at > :since and h.closed_at is null
     order by o.created_at desc limit 1
    """.replace("KNOWN", KNOWN.replace("PHONE", "own"))
    )
)


async def heeds_no(db: AsyncConnection, caller: Caller) -> str | None:
    """Something that is not "" where a NO of the calling phone means more than that nothing waits for it."""
    found = await noticed(db, caller)
    return (found.number or "in doubt") if found else None


async def freeze_household(db: AsyncConnection, caller: Caller, *, number: str) -> None:
    """Freeze the household about which the calling phone had a notice; its phones and the treasurers are told.

    RefusedError where it had none. A frozen one stays as it is.
    """
    household = expect_household(await lock_household(db, number), number)
    found = await noticed(db, caller)
    if found is None or found.in_doubt or found.number != number:
        raise RefusedError(NOTHING_WAITS)
    if household.is_frozen:
        return
    await _set(db, household, caller.at)
    await end_code(db, household, caller.at)
    detail = f"{masked(caller.phone)}, {found.template}"
    by = By(caller.phone, "said no to a notice", caller.at)
    position = await note_change(db, household, Change.FROZEN, detail=detail, by=by)
    mutuelle = await get_mutuelle(db, household.mutuelle_id)
    told = await notices(db, household, frozen(household, mutuelle.complaints), caller.at)
    told.pop(caller.phone, None)
    for officer in await treasurers(db, mutuelle.id, mutuelle.today(caller.at)):
        told[officer.phone] = to_look(household, NOTICES[found.template])
    await notify(db, mutuelle.id, "household frozen", told, caller.at, event=f"{number} {position}")


async def unfreeze_household(db: AsyncConnection, number: str, by: By) -> Household:
    """A person has looked: everything is possible again, and the phones are told. By command; SupportError if it is not
    frozen.
    """
    household = await open_household(db, number)
    if not household.is_frozen:
        raise SupportError(f"household {number} is not frozen")
    await _unfreeze(db, household, by)
    await write_act(db, NewSupportAct(support_acts.UNFREEZE, number, household), by)
    return household


async def unfreeze(
    db: AsyncConnection, caller: Caller, *, number: str, role: str, reason: str, pin: Secret
) -> Sentence | None:
    """The same by an officer who has spoken to the household; a sentence where the PIN is not right."""
    household = await before_officer(db, caller, number, role)
    if not household.is_frozen:
        raise RefusedError(_("Nothing is stopped for this household."))
    if wrong := await try_pin(db, caller, pin):
        return wrong
    await _unfreeze(db, household, By(caller.phone, reason, caller.at))
    return None


async def _unfreeze(db: AsyncConnection, household: Household, by: By) -> None:
    await _set(db, household, None)
    position = await note_change(db, household, Change.UNFROZEN, detail="", by=by)
    mutuelle = await get_mutuelle(db, household.mutuelle_id)
    told = await notices(db, household, unfrozen(household, mutuelle.complaints), by.at)
    await notify(db, mutuelle.id, "household unfrozen", told, by.at, event=f"{household.number} {position}")


async def _set(db: AsyncConnection, household: Household, at: datetime | None) -> None:
    await db.execute(
        sa.update(household_table).where(of_household(household_table, household)).values(frozen_at=at)
    )


@dataclass(frozen=True)
class FrozenHousehold:
    """A household that waits for a person to look: since when, and after a NO of which phone to what."""

    mutuelle_id: str
    number: str
    on: date
    about: str


async def frozen_households(db: AsyncConnection, limit: int) -> list[FrozenHousehold]:
    """The households that are frozen, the longest first."""
    last = (
        sa.select(household_change.c.detail)
        .where(
            household_change.c.mutuelle_id == household_table.c.mutuelle_id,
            household_change.c.number == household_table.c.number,
            household_change.c.what == Change.FROZEN.value,
        )
        .order_by(household_change.c.position.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = await db.execute(
        sa.select(
            household_table.c.mutuelle_id,
            household_table.c.number,
            household_table.c.frozen_at,
            mutuelles.c.timezone,
            last,
        )
        .join(mutuelles, mutuelles.c.id == household_table.c.mutuelle_id)
        .where(household_table.c.frozen_at.is_not(None), household_table.c.closed_at.is_(None))
        .order_by(household_table.c.frozen_at, household_table.c.number)
        .limit(limit)
    )
    return [
        FrozenHousehold(mutuelle_id, number, local_date(frozen_at, timezone), about)
        for mutuelle_id, number, frozen_at, timezone, about in rows
    ]


def frozen(household: Household, complaints: str) -> Sentence:
    """To the household's other phones."""
    return _(
        "Household {number}: a phone of yours said NO to our SMS. No change, no care code before the mutuelle has "
        "looked. Cover goes on. Questions: {phone}",
        number=household.shown_number,
        phone=complaints,
    )


def to_look(household: Household, about: Sentence) -> Sentence:
    """To the treasurers: whom to speak to, and where to say that it is settled."""
    return _(
        "Household {number} says NO to our SMS ({about}): changes and care codes wait. Speak to them, then dial, "
        "press 9, 7, 8.",
        number=shown_number(household.number),
        about=about,
    )


def unfrozen(household: Household, complaints: str) -> Sentence:
    return _(
        "Household {number}: the mutuelle has looked, changes and care codes are possible again. Not right? Call "
        "{phone}.",
        number=household.shown_number,
        phone=complaints,
    )
