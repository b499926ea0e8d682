"""Who owes in a place: the most first, in one segment whatever the number of names, each look-up written down."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from locales import Money, languages, render
from locales.letters import fold, septets
from mutuelle.households.lookups import LOOKUPS_A_DAY, note_lookup
from mutuelle.scheme.mutuelles import Place, places_of
from mutuelle.treasury.arrears import Arrears, Owing, arrears_by_place, where_is_owed, who_owes
from talk.layout import longest
from talk.limits import DAY, Limited, uses_since
from talk.trouble import RefusedError
from talk.words import Caller
from tests.support.messages_digest import NAME
from tests.support.officers import FANTA
from tests.support.town import AWA, MARIAM, OUMAR, found_town, join, paid

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLACE = Place("BEN", "p1", "Kafara-Koungodjan-Missirik")
TREASURER = Caller(FANTA, "fr", "sms", "message", NOON)


def said(forms: list[object], language: str) -> str:
    return fold(render(longest(forms, language, 160), language))  # type: ignore[arg-type]


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("count", [1, 2, 5, 300])
def test_any_number_of_names_is_one_segment_and_the_rest_is_counted(language: str, count: int) -> None:
    owing = tuple(Owing(NAME, Money(999_999, "XOF")) for _nth in range(count))
    owed = Arrears(PLACE, owing, Money(999_999 * count, "XOF"))
    words = said([*who_owes(owed)], language)
    assert septets(words) <= 160, words
    shown = words.count(fold(NAME))
    assert shown >= 1
    assert shown == count or f" {count - shown} " in words
    words = said([*where_is_owed([owed] * count, "RETARDS")], language)
    assert septets(words) <= 160, words


async def test_who_owes_most_comes_first_and_the_look_up_is_written_down(pool: AsyncEngine) -> None:
    await found_town(pool)
    await paid(pool, await join(pool, AWA, at=NOON), at=NOON)
    await paid(pool, await join(pool, MARIAM, at=NOON, name="Mariam Diarra", pay_minor=3_000), at=NOON)
    await join(pool, OUMAR, at=NOON, name="Oumar Sow")
    later = replace(TREASURER, at=NOON + 95 * DAY)
    async with pool.begin() as db:
        places = await places_of(db, ["BEN"])
        assert await arrears_by_place(db, TREASURER, places) == [], "they joined today"
        found = await arrears_by_place(db, later, places)
        again = await arrears_by_place(db, later, [found[0].place])
        noted = await uses_since(db, Limited.MEMBER_LOOKED_UP, later.at - DAY, subject=FANTA)
    assert [[(one.head_name, one.due.amount_minor) for one in place.owing] for place in found] == [
        [("Oumar Sow", 12_000), ("Mariam Diarra", 9_000)]
    ]
    assert again == found
    assert noted == 2


async def test_nobody_looks_up_members_without_end(pool: AsyncEngine) -> None:
    await found_town(pool)
    async with pool.begin() as db:
        for nth in range(LOOKUPS_A_DAY):
            await note_lookup(db, TREASURER, f"name {nth}")
        with pytest.raises(RefusedError, match="looked up many"):
            await note_lookup(db, TREASURER, "one more")
