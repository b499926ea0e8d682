"""Members are not found by trying numbers: what nobody has is counted, limited, told once, and reads like the rest."""

import random
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import func, select
from stdnum import damm

from locales import render
from locales.letters import fold
from menus.pay import NOT_PAYABLE
from mutuelle.households import households
from mutuelle.households.households import UNKNOWN_A_PHONE
from mutuelle.households.search import Sought, households_sought
from mutuelle.officers.roles import Appointment, Role
from talk.tables import limited_use
from talk.words import Caller
from tests.support.town import AWA, MARIAM, NOON, OUMAR, Clock, join
from ussd import calls
from ussd.hop import Hop

NOTHING = fold(render(NOT_PAYABLE, "fr"))
LIMIT = "Trop de numéros n'étaient pas justes"
_calls = count(1)


def numbers(seed: int, prefix: int = 199) -> list[str]:
    """Numbers with a right check digit, as a thief makes them."""
    bodies = [f"{prefix}{nth:05}" for nth in random.Random(seed).sample(range(10**5), 300)]
    return [body + str(damm.calc_check_digit(body)) for body in bodies]


async def asks(ussd_deps: calls.UssdDeps, phone: str, number: str) -> str:
    """What a caller reads who wants to pay 6 000 F for the household with this number."""
    call = f"ATUid_tried_{next(_calls)}"
    return (await calls.hop(ussd_deps, Hop("test", call, phone, "*384*57#", f"2*4*{number}*6000", None))).text


async def test_after_five_numbers_that_nobody_has_a_phone_finds_nobody_until_tomorrow(
    ussd_deps: calls.UssdDeps, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    home = await join(ussd_deps.pool, AWA, at=NOON)
    tried = numbers(1)
    same = [await asks(ussd_deps, OUMAR, tried[0]) for _again in range(UNKNOWN_A_PHONE)]
    read = [await asks(ussd_deps, OUMAR, number) for number in tried[1:40]]
    assert {*same, *read[: UNKNOWN_A_PHONE - 1]} == {NOTHING}
    assert all(LIMIT in words for words in read[UNKNOWN_A_PHONE - 1 :])
    assert LIMIT in await asks(ussd_deps, OUMAR, home.number), "nor one that somebody has"
    assert await asks(ussd_deps, MARIAM, home.number) == NOTHING, "a payment is under way: it reads the same"
    told = [one for one in caplog.records if one.getMessage() == "numbers_tried_by_one"]
    assert len(told) == 1
    async with ussd_deps.pool.connect() as db:
        assert await db.scalar(select(func.count()).select_from(limited_use)) == UNKNOWN_A_PHONE
    clock.now += timedelta(days=1)
    assert await asks(ussd_deps, OUMAR, tried[50]) == NOTHING


async def test_many_phones_together_are_stopped_too(
    ussd_deps: calls.UssdDeps, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(households, "UNKNOWN_AN_HOUR", 7)
    read = [
        await asks(ussd_deps, f"+223760001{nth:02}", number) for nth, number in enumerate(numbers(2)[:12])
    ]
    assert [NOTHING in words for words in read] == [True] * 7 + [False] * 5
    assert [one.getMessage() for one in caplog.records].count("numbers_tried_by_many") == 1
    async with ussd_deps.pool.connect() as db:
        appointment = Appointment("BEN", "Mutuelle Benso", Role.COLLECTOR, OUMAR, "Oumar Sow")
        officer, sought = Caller(OUMAR, "fr", "test", "c", NOON), Sought(numbers(4)[0], "", "")
        assert await households_sought(db, officer, appointment, sought) == [], (
            "the officer's limit is his own"
        )
    clock.now += timedelta(hours=1)
    assert await asks(ussd_deps, OUMAR, numbers(3)[0]) == NOTHING


async def test_a_number_typed_for_a_person_who_moves_counts_too(ussd_deps: calls.UssdDeps) -> None:
    await join(ussd_deps.pool, AWA, at=NOON)
    read = []
    for number in numbers(5)[: UNKNOWN_A_PHONE + 1]:
        call = f"ATUid_moves_{number}"
        read.append(
            (await calls.hop(ussd_deps, Hop("test", call, AWA, "*384*57#", f"4*3*1*3*{number}", None))).text
        )
    assert ["Aucun autre ménage" in words for words in read] == [True] * UNKNOWN_A_PHONE + [False]
    assert LIMIT in read[-1]
