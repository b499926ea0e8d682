"""The limits of a mutuelle: each day has its own, nothing of the past is changed by a later one."""

from dataclasses import asdict, fields, replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.scheme.limits import BOUNDS, USUAL, LimitChanges, Limits, limits_of
from tests.support.officers import set_limit
from tests.support.town import NOON, found

TODAY, DAY = NOON.date(), timedelta(days=1)
names = st.sampled_from([field.name for field in fields(Limits)])
changes = st.lists(st.tuples(names, st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.integers(0, 10**6)))


async def on(pool: AsyncEngine, day: date, code: str = "BEN") -> Limits:
    async with pool.connect() as db:
        return await limits_of(db, code, day)


def test_every_limit_has_bounds_and_its_usual_value_is_within_them() -> None:
    assert BOUNDS.keys() == asdict(USUAL).keys()
    assert all(value in BOUNDS[name] for name, value in asdict(USUAL).items())


async def test_without_a_change_they_are_the_usual_ones(pool: AsyncEngine) -> None:
    assert await on(pool, TODAY) == USUAL == Limits()


async def test_a_change_counts_from_its_day_and_the_past_stays(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        await found(db)
        await found(db, code="ZAN", prefix=198, name="Mutuelle Zantiéla")
    await set_limit(pool, "cash_days", 9, since=TODAY)
    await set_limit(pool, "cash_days", 7, since=TODAY + 3 * DAY)
    await set_limit(pool, "cash_held_minor", 90_000, since=TODAY)
    assert [(await on(pool, TODAY + nth * DAY)).cash_days for nth in (-1, 0, 2, 3, 99)] == [5, 9, 9, 7, 7]
    assert await on(pool, TODAY) == replace(USUAL, cash_days=9, cash_held_minor=90_000)
    assert await on(pool, TODAY, "ZAN") == USUAL, "another mutuelle's own"


async def test_the_last_word_of_a_day_counts(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        await found(db)
    for value in (9, 20, 3):
        await set_limit(pool, "cash_days", value)
    assert (await on(pool, TODAY)).cash_days == 3


async def test_a_limit_of_a_newer_program_is_left_out(pool: AsyncEngine) -> None:
    async with pool.begin() as db:
        await found(db)
    await set_limit(pool, "what_comes_later", 1)
    assert await on(pool, TODAY) == USUAL


async def test_nobody_overwrites_a_limit(pool: AsyncEngine) -> None:
    async with pool.connect() as db:
        for right in ("update", "delete", "truncate"):
            asked = text(f"select has_table_privilege('mutuelle_limit', '{right}')")
            assert not await db.scalar(asked)


@given(changes, st.dates(date(2026, 1, 1), date(2026, 12, 31)))
def test_what_is_decided_later_changes_no_day_before_it(
    decided: list[tuple[str, date, int]], day: date
) -> None:
    in_order = sorted(decided, key=lambda one: one[1])
    known = LimitChanges(tuple(one for one in in_order if one[1] <= day))
    assert LimitChanges(tuple(in_order)).on(day) == known.on(day)
