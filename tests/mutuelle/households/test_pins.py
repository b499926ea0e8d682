"""The PIN of a household on a shared phone: drawn by the system, asked last, locked; an officer takes it away."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from locales import Sentence, render
from mutuelle.care.codes import NewCode, make_code
from mutuelle.contributions.family import family_of
from mutuelle.enrolment.edits import (
    Born,
    Gone,
    Joiner,
    Move,
    add_person,
    correct_birth_year,
    correct_name,
    move_person,
    remove_person,
)
from mutuelle.households.change_log import Change, changes_of
from mutuelle.households.households import Household, own_household
from mutuelle.households.pins import HOUSEHOLD_PIN, PURPOSE, draw_household_pin, end_household_pin
from mutuelle.households.support_acts import SupportError
from mutuelle.support.changes import change_phone
from mutuelle.support.phones import take_pin_away
from mutuelle.tables import household_pin
from sms.tables import outbox
from talk.answers import Secret
from talk.words import Caller
from tests.support.doctor_desk import covered_household
from tests.support.joined_households import broken, by
from tests.support.officer_acts import calling
from tests.support.officers import FANTA, PIN, SEALS, give_pin
from tests.support.town import AWA, MARIAM, NOON, OUMAR, Handset, join
from ussd import calls

GUESS = "99817"
HOUR = timedelta(hours=1)


@pytest.fixture
async def household(pool: AsyncEngine) -> Household:
    """Awa's household, covered at NOON."""
    return await covered_household(pool)


async def draws(pool: AsyncEngine, household: Household, pin: str | None = None) -> str | Sentence:
    async with pool.begin() as db:
        return await draw_household_pin(
            db, calling(AWA), number=household.number, pin=None if pin is None else Secret(pin)
        )


async def has_one(pool: AsyncEngine, household: Household) -> str:
    """The household asks for a PIN; which one."""
    drawn = await draws(pool, household)
    assert isinstance(drawn, str)
    return drawn


async def makes(
    pool: AsyncEngine, household: Household, pin: str | None, caller: Caller | None = None
) -> NewCode | Sentence:
    async with pool.begin() as db:
        secret = None if pin is None else Secret(pin)
        return await make_code(db, caller or calling(AWA), number=household.number, rank=1, pin=secret)


Edit = Callable[[AsyncConnection, Household, Secret | None], Awaitable[Sentence | None]]


async def adds(db: AsyncConnection, household: Household, pin: Secret | None) -> Sentence | None:
    family = await family_of(db, household, NOON)
    price = family.price_with(family.joiner("Ali Koné", 9))
    return await add_person(
        db, calling(AWA), number=household.number, joiner=Joiner("Ali Koné", 9), next_price=price, pin=pin
    )


async def removes(db: AsyncConnection, household: Household, pin: Secret | None) -> Sentence | None:
    price = (await family_of(db, household, NOON)).price_without(4)
    return await remove_person(
        db, calling(AWA), number=household.number, gone=Gone(4, "left"), next_price=price, pin=pin
    )


async def moves(db: AsyncConnection, household: Household, pin: Secret | None) -> Sentence | None:
    price = (await family_of(db, household, NOON)).price_without(4)
    other = (
        await db.execute(sa.text("select number from household where head_name = 'Oumar Diallo'"))
    ).scalar_one()
    going = Move(4, other, keeps_cover=True)
    return await move_person(
        db, calling(AWA), number=household.number, going=going, next_price=price, pin=pin
    )


async def renames(db: AsyncConnection, household: Household, pin: Secret | None) -> Sentence | None:
    return await correct_name(db, calling(AWA), number=household.number, rank=2, name="Ali Koné", pin=pin)


async def redates(db: AsyncConnection, household: Household, pin: Secret | None) -> Sentence | None:
    price = (await family_of(db, household, NOON)).price_corrected(2, 1990)
    return await correct_birth_year(
        db, calling(AWA), number=household.number, born=Born(2, 1990), next_price=price, pin=pin
    )


@pytest.mark.parametrize("edit", [adds, removes, moves, renames, redates])
async def test_where_there_is_one_every_edit_takes_it(
    pool: AsyncEngine, household: Household, edit: Edit
) -> None:
    await join(pool, OUMAR, at=NOON, name="Oumar Diallo", ages=(40,))
    pin = await has_one(pool, household)
    async with pool.connect() as db:
        before = len(await changes_of(db, household, 99))
    for wrong in (None, Secret(GUESS)):
        async with pool.begin() as db:
            assert await edit(db, household, wrong) == HOUSEHOLD_PIN.wrong
            assert len(await changes_of(db, household, 99)) == before
    async with pool.begin() as db:
        assert await edit(db, household, Secret(pin)) is None
        assert len(await changes_of(db, household, 99)) == before + 1
        assert await broken(db) == []


async def test_where_there_is_none_nothing_is_asked(pool: AsyncEngine, household: Household) -> None:
    assert isinstance(await makes(pool, household, None), NewCode)
    async with pool.begin() as db:
        assert await renames(db, household, None) is None


async def test_a_care_code_takes_it_and_no_other_households(pool: AsyncEngine, household: Household) -> None:
    other = await join(pool, OUMAR, at=NOON, name="Oumar Diallo", ages=(40,))
    pin = await has_one(pool, household)
    assert await makes(pool, household, None) == HOUSEHOLD_PIN.wrong
    assert isinstance(await makes(pool, household, pin), NewCode)
    async with pool.begin() as db:
        assert isinstance(await make_code(db, calling(OUMAR), number=other.number, rank=1), NewCode)


async def test_it_is_sealed_and_nowhere_as_it_was_shown(pool: AsyncEngine, household: Household) -> None:
    pin = await has_one(pool, household)
    async with pool.connect() as db:
        [sealed] = await db.scalars(sa.select(household_pin.c.sealed))
        noted = await changes_of(db, household, 1)
        assert await broken(db) == []
    assert pin.encode() not in sealed
    assert SEALS.open(PURPOSE, sealed, household.number).startswith(b"$argon2id$")
    with pytest.raises(LookupError):
        SEALS.open(PURPOSE, sealed, "199000010")
    assert pin not in repr(noted)


async def test_it_is_locked_after_three_wrong_ones_and_its_phones_are_told(
    pool: AsyncEngine, household: Household
) -> None:
    pin = await has_one(pool, household)
    for nth in range(3):
        said = await makes(pool, household, GUESS)
        assert (said == HOUSEHOLD_PIN.wrong) is (nth < 2)
    closed = await makes(pool, household, pin)
    assert isinstance(closed, Sentence)
    assert "bloqué" in render(closed, "fr")
    async with pool.connect() as db:
        [told] = await db.scalars(
            sa.select(outbox.c.body).where(
                outbox.c.template == "household code locked", outbox.c.phone == AWA
            )
        )
        assert "3 fois" in told
        assert (await changes_of(db, household, 1))[0].what is Change.PIN_LOCKED
        assert await broken(db) == []
    assert isinstance(await makes(pool, household, pin, calling(AWA, NOON + HOUR)), NewCode)


async def test_another_one_and_none_any_more_take_the_old_one(
    pool: AsyncEngine, household: Household
) -> None:
    pin = await has_one(pool, household)
    assert await draws(pool, household, GUESS) == HOUSEHOLD_PIN.wrong
    new = await draws(pool, household, pin)
    assert isinstance(new, str)
    async with pool.begin() as db:
        facts = {"number": household.number}
        assert await end_household_pin(db, calling(AWA), **facts, pin=Secret(pin)) == HOUSEHOLD_PIN.wrong
        assert await end_household_pin(db, calling(AWA), **facts, pin=Secret(new)) is None
        assert not (await own_household(db, calling(AWA), household.number)).has_pin
        assert await broken(db) == []


async def test_a_voice_on_the_phone_gets_no_other_phone_before_an_officer_takes_it_away(
    pool: AsyncEngine, household: Household
) -> None:
    await has_one(pool, household)
    await give_pin(pool, FANTA)
    async with pool.begin() as db:
        with pytest.raises(SupportError, match="asked for a PIN"):
            await change_phone(db, household.number, by(), new=MARIAM, old=None)
    for pin, wrong in ((GUESS, True), (PIN, False)):
        async with pool.begin() as db:
            facts = {"role": "treasurer", "number": household.number}
            said = await take_pin_away(db, calling(FANTA), **facts, pin=Secret(pin))
        assert (said is not None) is wrong
    async with pool.begin() as db:
        await change_phone(db, household.number, by(NOON + HOUR), new=MARIAM, old=None)
        assert await broken(db) == []


async def test_a_call_asks_for_it_last_and_keeps_it_nowhere(
    pool: AsyncEngine, ussd_deps: calls.UssdDeps
) -> None:
    household = await join(pool, AWA, at=NOON)
    handset = Handset(ussd_deps)
    for typed in ("dial", "4", "7", "1"):
        shown = await (handset.dial() if typed == "dial" else handset.type(typed))
    pin = "".join(letter for letter in shown if letter.isdecimal())
    assert len(pin) == 5
    async with pool.connect() as db:
        kept = sa.text("select count(*) from action where screen like '%' || :pin || '%'")
        assert await db.scalar(kept, {"pin": pin}) == 0
    for typed in ("dial", "5", "2", "1"):
        shown = await (handset.dial() if typed == "dial" else handset.type(typed))
    assert "code de votre ménage" in shown
    assert "Pas reconnu" in await handset.type(GUESS)
    shown = await handset.type(pin)
    assert household.shown_number in shown
    assert "Dites au médecin" in shown
