"""Cards: ten codes for care on paper, for a household without a phone in reach.

A card is printed by command, handed over by an officer and ended by her or by the next card. Its codes work while it is
in hand, each once, for any person of the household. They are drawn in memory and go onto the paper only: the database
keeps keyed digests (decision 0051).
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from locales import Sentence, _
from mutuelle.acts import By
from mutuelle.care import messages
from mutuelle.care.codes import DIGITS, digests
from mutuelle.care.tables import care_card, care_code
from mutuelle.free_codes import draw_digits, draw_free
from mutuelle.household_key import of_household, same_household
from mutuelle.households.holders import notices
from mutuelle.households.households import (
    Household,
    expect_household,
    find_household,
    lock_household,
)
from mutuelle.notify import notify
from mutuelle.officers.pins import try_pin
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.scheme.mutuelles import Mutuelle, get_mutuelle
from mutuelle.tables import household as household_table
from mutuelle.tables import household_phone
from mutuelle.tables import mutuelle as mutuelles
from talk.answers import Secret
from talk.keyring import Keyring
from talk.trouble import RefusedError
from talk.words import Caller
from values import value

CODES = 10  # of a card
HAND_OUT = (Role.ENROLMENT, Role.TREASURER)
CHANGED = _("This card has changed meanwhile. Please look again.")


@dataclass(frozen=True)
class HouseholdCard:
    """The `card`th card of a household; `left` of its codes have not served."""

    card: int
    printed_at: datetime
    handed_at: datetime | None
    left: int


@value
class PrintedCard:
    """What goes onto the paper, and nowhere else: the codes in the order of their lines."""

    household: Household
    card: int
    codes: tuple[Secret, ...]


async def card_of(db: AsyncConnection, household: Household) -> HouseholdCard | None:
    """The household's card that has not ended, handed over or not."""
    left = select(sa.func.count()).where(
        same_household(care_code, care_card),
        care_code.c.card == care_card.c.card,
        care_code.c.used_at.is_(None),
    )
    row = (
        await db.execute(
            select(
                care_card.c.card, care_card.c.printed_at, care_card.c.handed_at, left.scalar_subquery()
            ).where(of_household(care_card, household), care_card.c.ended_at.is_(None))
        )
    ).one_or_none()
    return HouseholdCard(*row) if row else None


async def households_to_print(
    db: AsyncConnection, mutuelle: Mutuelle, place_id: str | None, *, without_phone: bool, most: int
) -> list[Household]:
    """At most so many open households that have no card in hand with a code left: of a place, or without a phone.

    They come in the order in which households are locked.
    """
    wanted = (household_table.c.mutuelle_id == mutuelle.id) & household_table.c.closed_at.is_(None)
    if place_id is not None:
        wanted &= household_table.c.place_id == place_id
    if without_phone:
        wanted &= ~sa.exists().where(same_household(household_phone, household_table))
    of_card = same_household(care_code, care_card) & (care_code.c.card == care_card.c.card)
    in_hand = sa.exists().where(
        same_household(care_card, household_table),
        care_card.c.handed_at.is_not(None),
        care_card.c.ended_at.is_(None),
        sa.exists().where(of_card, care_code.c.used_at.is_(None)),
    )
    rows = await db.execute(
        select(
            household_table.c.mutuelle_id,
            household_table.c.number,
            household_table.c.head_name,
            mutuelles.c.name,
            household_table.c.head_rank,
        )
        .join(mutuelles, mutuelles.c.id == household_table.c.mutuelle_id)
        .where(wanted, ~in_hand)
        .order_by(household_table.c.number)
        .limit(most)
    )
    return [Household(*row) for row in rows]


async def print_card(db: AsyncConnection, keyring: Keyring, number: str, by: By) -> PrintedCard:
    """Write a new card of this household, which ends the one before; its codes work once it is handed over."""
    household = expect_household(await lock_household(db, number), number)
    await _end(db, household, by.actor, by.at)
    newest = select(sa.func.max(care_card.c.card)).where(of_household(care_card, household))
    last = select(sa.func.max(care_code.c.position)).where(of_household(care_code, household))
    card, position = (await db.scalar(newest) or 0) + 1, await db.scalar(last) or 0
    key = {"mutuelle_id": household.mutuelle_id, "number": household.number}
    row = {"card": card, "printed_at": by.at, "printed_by": by.actor}
    await db.execute(insert(care_card), key | row)
    codes = await _draw(db, keyring, household)
    made = {"made_by": by.actor, "made_at": by.at, "card": card}
    rows = [
        {
            **key,
            **made,
            "line": line,
            "position": position + line,
            "digest": digests(keyring, number, code)[0],
        }
        for line, code in enumerate(codes, start=1)
    ]
    await db.execute(insert(care_code), rows)
    return PrintedCard(household, card, codes)


async def _draw(db: AsyncConnection, keyring: Keyring, household: Household) -> tuple[Secret, ...]:
    """Ten codes that differ from each other and from every code that the household has had."""
    had = set(await db.scalars(select(care_code.c.digest).where(of_household(care_code, household))))
    codes: list[Secret] = []

    async def is_fresh(words: str) -> bool:
        return words not in codes and had.isdisjoint(digests(keyring, household.number, words))

    for _line in range(CODES):
        code: str = await draw_free("code of a card", partial(draw_digits, DIGITS), is_fresh)
        codes.append(Secret(code))
    return tuple(codes)


async def hand_over(
    db: AsyncConnection, caller: Caller, *, number: str, card: int, role: Role, pin: Secret
) -> Sentence | None:
    """The officer has given the card into the household's hands: from now on its codes work."""
    household = await _of_officer(db, caller, number, role)
    found = await card_of(db, household)
    if found is None or found.card != card or found.handed_at is not None:
        raise RefusedError(CHANGED)
    if wrong := await try_pin(db, caller, pin):
        return wrong
    handed = {"handed_at": sa.func.greatest(caller.at, care_card.c.printed_at), "handed_by": caller.phone}
    await db.execute(_card(household, card).values(**handed))
    await _notify(db, household, "card handed over", messages.card_given, caller)
    return None


async def end_card(
    db: AsyncConnection, caller: Caller, *, number: str, card: int, role: Role, pin: Secret
) -> Sentence | None:
    """The card is lost or must not serve any more: from now on its codes are refused."""
    household = await _of_officer(db, caller, number, role)
    found = await card_of(db, household)
    if found is None or found.card != card:
        raise RefusedError(CHANGED)
    if wrong := await try_pin(db, caller, pin):
        return wrong
    await _end(db, household, caller.phone, caller.at)
    await _notify(db, household, "card ended", messages.card_ended, caller)
    return None


async def _of_officer(db: AsyncConnection, caller: Caller, number: str, role: Role) -> Household:
    """The household, locked, of the mutuelle in which the caller has this role; locked before the PIN, as for cash."""
    if role not in HAND_OUT:
        raise ValueError(role)
    household = expect_household(await find_household(db, number), number)
    await appointment_of(db, caller, household.mutuelle_id, role)
    return expect_household(await lock_household(db, number), number)


def _card(household: Household, card: int) -> sa.Update:
    return sa.update(care_card).where(of_household(care_card, household), care_card.c.card == card)


async def _end(db: AsyncConnection, household: Household, actor: str, at: datetime) -> None:
    """End the household's card, if it has one: after whatever was done with it, by any machine's clock."""
    in_force = of_household(care_card, household), care_card.c.ended_at.is_(None)
    used = select(sa.func.max(care_code.c.used_at)).where(
        same_household(care_code, care_card), care_code.c.card == care_card.c.card
    )
    ended_at = sa.func.greatest(
        at, care_card.c.printed_at, care_card.c.handed_at, used.correlate(care_card).scalar_subquery()
    )
    await db.execute(sa.update(care_card).where(*in_force).values(ended_at=ended_at, ended_by=actor))


async def _notify(
    db: AsyncConnection, household: Household, template: str, said: messages.AboutCard, caller: Caller
) -> None:
    """Notify the phones of the household; where it has none the officer tells the person."""
    mutuelle = await get_mutuelle(db, household.mutuelle_id)
    sentences = await notices(db, household, said(mutuelle, caller.at), caller.at)
    event = f"{household.number} {caller.at.isoformat()}"
    await notify(db, mutuelle.id, template, sentences, caller.at, event=event)
