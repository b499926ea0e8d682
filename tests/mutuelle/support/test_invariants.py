"""Each invariant of support is broken by what it is there to find."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from mutuelle.support.changes import change_phone, close_household
from mutuelle.support.merging import merge_households
from tests.support.clinic import DR_ROKIA
from tests.support.joined_households import broken, by, joined, unpaid
from tests.support.town import AWA, MARIAM, OUMAR, found_town

MUTANTS = {
    "support_act_is_noted": "update support_act set reason = 'another' where act = 'household phone'",
    "support_closing_lasts": "update household set closed_at = null where number = '{double}'",
    "support_merge_is_posted": "update support_act set facts = facts || jsonb_build_object('journal',"
    " gen_random_uuid()) where act = 'household merge'",
    "household_head_is_of_it": "update household set head_rank = 9 where number = '{kept}'",
    "referent_sequence_has_no_gap": "update referent set sequence = 7 where number = '{kept}'",
}


@pytest.mark.parametrize("name", MUTANTS)
async def test_a_broken_row_is_found(pool: AsyncEngine, owner: AsyncEngine, name: str) -> None:
    await found_town(pool)
    kept, double = await joined(pool, AWA), await joined(pool, MARIAM, pay_minor=3_000)
    async with pool.begin() as db:
        await change_phone(db, kept.number, by(), new=OUMAR, old=None)
        await merge_households(db, double.number, kept.number, by())
        row = f"('BEN', '{kept.number}', 1, '{DR_ROKIA}', now(), '{AWA}')"
        await db.execute(text(f"insert into referent values {row}"))
        assert await broken(db) == []
    async with owner.begin() as db:
        await db.execute(text(MUTANTS[name].format(kept=kept.number, double=double.number)))
        assert set(await broken(db)) - {"cover_as_recorded"} == {name}  # the record finds some too


async def test_a_household_closed_by_hand_is_found(pool: AsyncEngine, owner: AsyncEngine) -> None:
    await found_town(pool)
    household = await unpaid(pool, AWA)
    async with owner.begin() as db:
        await db.execute(text("update household set closed_at = now()"))
        assert await broken(db) == ["cover_as_recorded", "support_closing_lasts"]
        await db.execute(text("update household set closed_at = null"))
    async with pool.begin() as db:
        await close_household(db, household.number, by(), although_covered=False)
        assert await broken(db) == []
