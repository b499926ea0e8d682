"""How an officer finds a household of her mutuelle: in words that people say, never one of another mutuelle."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.households.lookups import LOOKUPS_A_DAY
from mutuelle.households.search import Sought, household_sought, households_sought
from mutuelle.officers.roles import Appointment, Role
from talk.limits import DAY, Limited, uses_since
from talk.trouble import InvalidError, RefusedError
from talk.words import Caller
from tests.support.officers import OUMOU
from tests.support.town import AWA, MARIAM, NOON, OUMAR, found, found_town, join

HERE = Appointment("BEN", "Mutuelle Benso", Role.COLLECTOR, OUMOU, "Oumou Traoré")
NUMBER = "199000010"  # with its check digit


def caller(call: str = "call") -> Caller:
    return Caller(OUMOU, "fr", "test", call, NOON)


@pytest.mark.parametrize(
    ("typed", "sought"),
    [
        (NUMBER, Sought(NUMBER, "", "")),
        ("199 000 010", Sought(NUMBER, "", "")),
        ("76 00 00 01", Sought("", "+22376000001", "")),
        ("+223 76000001", Sought("", "+22376000001", "")),
        ("Awa Koné", Sought("", "", "AWA KONE")),
        ("koulibali", Sought("", "", "KOULIBALI")),
    ],
)
def test_figures_and_letters(typed: str, sought: Sought) -> None:
    assert household_sought("ML").parse(typed) == sought


def test_nine_figures_may_be_a_number_and_a_phone_at_once() -> None:
    assert household_sought("CM").parse("670000007") == Sought("670000007", "+237670000007", "")


@pytest.mark.parametrize("typed", ["", "7", "x", "199 000 011", "1990000", "*144#"])
def test_what_is_neither_is_asked_again(typed: str) -> None:
    with pytest.raises(InvalidError):
        household_sought("ML").parse(typed)


@pytest.fixture
async def town(pool: AsyncEngine) -> AsyncEngine:
    await found_town(pool)
    async with pool.begin() as db:
        await found(db, code="ZAN", prefix=198, name="Mutuelle Zantiéla")
    for phone, name in ((AWA, "Awa Koné"), (MARIAM, "Mariam Coulibaly"), (OUMAR, "Oumar Koné")):
        await join(pool, phone, at=NOON, name=name)
    await join(pool, "+22376000099", at=NOON, name="Fatoumata Koné", code="ZAN")
    return pool


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("koné", ["Awa Koné", "Oumar Koné"]),
        ("awa kone", ["Awa Koné"]),
        ("Kone Awa", ["Awa Koné"]),
        ("koulibali", ["Mariam Coulibaly"]),
        ("mariame", ["Mariam Coulibaly"]),
        ("76 00 00 03", ["Oumar Koné"]),
        ("Bintou Sidibé", []),
        ("Fatoumata", []),
        ("76 00 00 99", []),
        ("198 000 015", []),
    ],
)
async def test_who_is_found(town: AsyncEngine, typed: str, names: list[str]) -> None:
    """Fatoumata is of another mutuelle: here nobody finds her."""
    async with town.begin() as db:
        found_ = await households_sought(db, caller(), HERE, household_sought("ML").parse(typed))
    assert [one.household.head_name for one in found_] == names


async def test_each_look_up_is_written_down_once_and_they_have_an_end(town: AsyncEngine) -> None:
    async with town.begin() as db:
        for _again in range(3):
            await households_sought(db, caller(), HERE, Sought("", "", "KONE"))
        assert await uses_since(db, Limited.MEMBER_LOOKED_UP, NOON - DAY, subject=OUMOU) == 1
        for nth in range(LOOKUPS_A_DAY - 1):
            await households_sought(db, caller(), HERE, Sought("", "", f"NAME {nth}"))
        with pytest.raises(RefusedError):
            await households_sought(db, caller(), HERE, Sought("", "", "ANOTHER"))
        # The call goes on with what it had looked up: each confirmation reads it afresh.
        assert await households_sought(db, caller(), HERE, Sought("", "", "KONE"))
