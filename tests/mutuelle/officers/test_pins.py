"""PINs of officers: issued and shown once, counted, locked, sealed; never readable in the database."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Sentence, counts
from mutuelle.acts import By
from mutuelle.officers import pin_hashing, pins
from mutuelle.officers.colleagues import allow_colleague_pin
from mutuelle.officers.pins import (
    WRONG,
    draw_pin,
    is_trivial,
    lacks_pin,
    may_receive_pin,
    receive_pin,
    try_pin,
    unlock_pin,
)
from mutuelle.officers.roles import Role
from mutuelle.officers.tables import officer_pin, pin_change
from talk.answers import Secret
from talk.keyring import Keyring
from talk.trouble import RefusedError
from talk.words import Caller
from tests.support.officers import FANTA, OUMOU, PIN, SEALS, appoint, give_pin
from tests.support.town import NOON, found_town

CALLER = Caller(OUMOU, "fr", "test", "a call", NOON, SEALS)
GUESS = Secret("99817")


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR)
    return pool


async def tries(pool: AsyncEngine, pin: str = GUESS, caller: Caller = CALLER) -> Sentence | None:
    async with pool.begin() as db:
        return await try_pin(db, caller, Secret(pin))


async def kept(pool: AsyncEngine) -> Any:
    async with pool.connect() as db:
        return (await db.execute(select(officer_pin).where(officer_pin.c.phone == OUMOU))).one()


def later(**passed: float) -> Caller:
    return replace(CALLER, at=NOON + timedelta(**passed))


async def test_the_right_pin_passes_and_a_wrong_one_is_counted(town: AsyncEngine) -> None:
    assert await tries(town, PIN) is None
    assert await tries(town) == WRONG
    assert (await kept(town)).failures == 1
    assert await tries(town, PIN) is None
    assert (await kept(town)).failures == 0


async def test_three_wrong_ones_lock_it_for_fifteen_minutes(town: AsyncEngine) -> None:
    said = [await tries(town) for _guess in range(3)]
    assert said[:2] == [WRONG, WRONG]
    assert said[2] is not None
    assert dict(said[2].facts) == {"wait": counts.minutes(15)}
    locked = await tries(town, PIN, later(minutes=14, seconds=30))
    assert locked is not None
    assert dict(locked.facts) == {"wait": counts.minutes(1)}
    assert (await kept(town)).failures == 3, "nothing is counted while it is locked"
    assert await tries(town, PIN, later(minutes=15)) is None
    assert (await kept(town)).failures == 0


async def test_five_lock_it_for_a_day_and_ten_until_a_person_unlocks_it(town: AsyncEngine) -> None:
    for _guess in range(3):
        await tries(town)
    for _guess in range(2):
        said = await tries(town, GUESS, later(hours=1))
    assert said is not None
    assert dict(said.facts) == {"wait": counts.hours(24)}
    assert await tries(town, PIN, later(hours=24)) is not None
    for _guess in range(5):
        said = await tries(town, GUESS, later(hours=25, minutes=1))
    assert said == pins.BLOCKED
    assert await tries(town, PIN, later(days=3000)) == pins.BLOCKED
    async with town.begin() as db:
        assert await unlock_pin(db, OUMOU, by=By("the office", "asked in person", NOON))
    assert await tries(town, PIN, later(days=3000)) is None
    async with town.connect() as db:
        noted = list(
            await db.scalars(
                select(pin_change.c.what).where(pin_change.c.phone == OUMOU).order_by(pin_change.c.position)
            )
        )
        sent = list(await db.scalars(text("select template from sms_outbox order by template")))
    assert noted == ["received", "locked", "locked", "locked", "unlocked"]
    assert sent == ["pin locked", "pin locked", "pin locked", "pin unlocked", "role given"]


async def test_eight_guesses_at_once_count_eight(town: AsyncEngine) -> None:
    async def guess(pin: str) -> Sentence | None:
        return await tries(town, pin)

    said = await asyncio.gather(*(guess(f"9981{digit}") for digit in range(8)), guess(PIN))
    # Two may be wrong, the third locks it: whatever came after, the right one too, was not looked at.
    assert (await kept(town)).failures in (0, 1, 2, 3)
    if said[-1] is not None:
        assert (await kept(town)).failures == 3
        assert said.count(WRONG) == 2


async def test_guesses_at_once_are_each_counted(town: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "LOCKS", {})
    said = await asyncio.gather(*(tries(town, f"9981{digit}") for digit in range(8)))
    assert said == [WRONG] * 8
    assert (await kept(town)).failures == 8


async def test_a_phone_without_a_pin_costs_the_same_work_and_reads_the_same(
    town: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[bytes] = []

    async def watched(hashed: bytes, pin: str) -> bool:
        worked.append(hashed)
        return await pin_hashing.pin_matches(hashed, pin)

    monkeypatch.setattr(pins, "pin_matches", watched)
    assert await tries(town, PIN, replace(CALLER, phone="+22376000099")) == WRONG
    assert len(worked) == 1
    assert worked[0].startswith(b"$argon2id$v=19$m=19456,t=2,p=1$")


async def test_any_trouble_means_no(town: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await tries(town, PIN, replace(CALLER, keyring=Keyring((b"another key",)))) == pins.UNREADABLE

    async def broken(hashed: bytes, pin: str) -> bool:
        raise OSError("no memory")

    monkeypatch.setattr(pins, "pin_matches", broken)
    with pytest.raises(OSError, match="no memory"):
        await tries(town, PIN)


async def test_a_full_queue_turns_people_away(town: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pin_hashing, "MOST_WAITING", 0)
    with pytest.raises(RefusedError) as refused:
        await tries(town, PIN)
    assert refused.value.sentence == pin_hashing.BUSY
    assert (await kept(town)).failures == 0


async def test_hashing_leaves_the_loop_free() -> None:
    """While PINs are hashed, the loop that answers calls is not held up as long as one hash takes."""
    hashed = await pin_hashing.hash_pin(PIN)
    work = asyncio.gather(*(pin_hashing.pin_matches(hashed, PIN) for _check in range(10)))
    turns = 0
    while not work.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert all(await work)
    assert turns > 10


async def test_a_new_pin_is_shown_once_and_kept_sealed(pool: AsyncEngine) -> None:
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR, pin=None)
    async with pool.begin() as db:
        drawn = await receive_pin(db, CALLER)
    row = await kept(pool)
    assert drawn.encode() not in row.sealed
    assert b"argon2" not in row.sealed
    assert SEALS.open(pins.PURPOSE, row.sealed, OUMOU).startswith(b"$argon2id$v=19$m=19456,t=2,p=1$")
    with pytest.raises(LookupError):
        SEALS.open(pins.PURPOSE, row.sealed, "+22376000099")
    assert await tries(pool, drawn) is None
    async with pool.connect() as db:
        everything = str((await db.execute(text("select body, key from sms_outbox"))).all())
    assert drawn not in everything


async def test_a_pin_that_was_never_used_can_be_shown_again_but_a_used_one_not(pool: AsyncEngine) -> None:
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR, pin=None)
    async with pool.begin() as db:
        await receive_pin(db, CALLER)
    async with pool.begin() as db:
        assert await may_receive_pin(db, CALLER)
        drawn = await receive_pin(db, CALLER)
    assert await tries(pool, drawn) is None
    async with pool.begin() as db:
        assert not await may_receive_pin(db, CALLER)
        with pytest.raises(RefusedError):
            await receive_pin(db, CALLER)


async def test_a_slip_is_not_replaced_by_who_has_the_phone(town: AsyncEngine) -> None:
    async with town.begin() as db:
        await pins.issue_pin(db, OUMOU, SEALS, origin=pins.SLIP, by=By("the office", "forgotten", NOON))
    async with town.begin() as db:
        assert not await may_receive_pin(db, CALLER)


async def test_guesses_do_not_make_a_new_pin(pool: AsyncEngine) -> None:
    """Who never used a PIN and is blocked cannot begin anew by having another one shown."""
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR, pin=None)
    async with pool.begin() as db:
        await receive_pin(db, CALLER)
        await db.execute(officer_pin.update().values(failures=10))
        assert not await may_receive_pin(db, CALLER)


async def test_a_stranger_receives_no_pin(pool: AsyncEngine) -> None:
    await found_town(pool)
    async with pool.begin() as db:
        with pytest.raises(RefusedError):
            await receive_pin(db, CALLER)


async def test_an_allowed_new_pin_can_be_received_for_three_days(town: AsyncEngine) -> None:
    async with town.begin() as db:
        await pins.allow_new_pin(db, OUMOU, by=By("treasurer", "forgotten", NOON))
        assert await may_receive_pin(db, later(days=2.9))
        assert not await may_receive_pin(db, later(days=3))
    assert await tries(town, PIN) is None, "the old one holds until then"
    async with town.begin() as db:
        drawn = await receive_pin(db, CALLER)
    assert await tries(town, PIN) == WRONG
    assert await tries(town, drawn) is None


async def test_a_pin_sealed_by_an_old_key_is_sealed_anew_when_it_is_used(pool: AsyncEngine) -> None:
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR, pin=None)
    old, new = b"the old key", b"the new key"
    await give_pin(pool, OUMOU, keyring=Keyring((old,)))
    both = replace(CALLER, keyring=Keyring((new, old)))
    assert await tries(pool, GUESS, both) == WRONG
    with pytest.raises(LookupError):
        Keyring((new,)).open(pins.PURPOSE, (await kept(pool)).sealed, OUMOU)
    assert await tries(pool, PIN, both) is None
    assert await tries(pool, PIN, replace(CALLER, keyring=Keyring((new,)))) is None


@pytest.mark.parametrize("pin", ["11111", "12345", "98765", "90123", "12121", "12321", "11221", "00100"])
def test_what_people_guess_first_is_never_drawn(pin: str) -> None:
    assert is_trivial(pin)


def test_no_pin_is_a_part_of_the_phones_own_number() -> None:
    drawn = {draw_pin("+22376040713") for _draw in range(3000)}
    assert "40713" not in drawn
    assert "76040" not in drawn
    assert len(drawn) > 2800
    assert not any(is_trivial(pin) for pin in drawn)


async def test_a_first_pin_is_drawn_within_three_days_of_the_appointment(pool: AsyncEngine) -> None:
    """Later the number may be another's: nobody is shown a PIN because nobody drew it."""
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR, pin=None)
    async with pool.begin() as db:
        assert await may_receive_pin(db, later(days=2.9))
        assert not await may_receive_pin(db, later(days=3))
        assert await lacks_pin(db, later(days=3)), "who has none is told how to get it"
        with pytest.raises(RefusedError, match="within 3 days"):
            await receive_pin(db, later(days=3))


async def test_another_officers_word_lets_a_first_pin_be_drawn_later(pool: AsyncEngine) -> None:
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR, pin=None)
    await give_pin(pool, FANTA)
    late = later(days=40)
    async with pool.begin() as db:
        said = await allow_colleague_pin(
            db, replace(late, phone=FANTA), mutuelle="BEN", phone=OUMOU, pin=Secret(PIN)
        )
        assert said is None
    async with pool.begin() as db:
        assert not await may_receive_pin(db, later(days=43))
        drawn = await receive_pin(db, late)
    assert await tries(pool, drawn, late) is None


async def test_a_pin_that_was_shown_and_never_used_is_not_shown_again_for_ever(pool: AsyncEngine) -> None:
    await found_town(pool)
    await appoint(pool, OUMOU, Role.COLLECTOR, pin=None)
    async with pool.begin() as db:
        await receive_pin(db, CALLER)
        assert await may_receive_pin(db, later(days=2.9))
        assert not await may_receive_pin(db, later(days=3))
        assert not await lacks_pin(db, later(days=3))
