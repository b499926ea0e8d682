"""The proof "mutants", proven: its story finds nothing in a sound ledger; the right one catches what is spoilt."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.conftest import wait_until_unlocked
from torture import battery, mutants
from torture.mutants import Mutant, MutantError, catchers, read_mutants


async def test_a_sound_ledger_plays_the_story_as_it_is_written(pool: AsyncEngine, owner: AsyncEngine) -> None:
    await battery.begin(pool, owner)
    assert await battery.play(pool) == []


def test_every_mutant_has_a_name_of_its_own_and_one_change() -> None:
    every = read_mutants()
    assert len(every) >= 24
    assert len({mutant.name for mutant in every}) == len(every)
    assert all(bool(mutant.function or mutant.also) != bool(mutant.rows) for mutant in every)
    assert not [mutant.name for mutant in every if "{re" in mutant.rows]


async def test_who_must_notice_does(data: Path) -> None:
    by_name = {mutant.name: mutant for mutant in read_mutants()}
    async with mutants.started(data) as place:
        assert place.blamed == []
        assert "tests" in await catchers(place, by_name["a limit is not looked at, the constraint stays"])
        assert "check" in await catchers(place, by_name["a balance row edited"])
        assert await catchers(place, by_name["an amount raised by a careful forger"]) == ["seals", "verifier"]
        assert await catchers(place, by_name["an amount raised by a careful forger who seals anew"]) == [
            "told"
        ]
        for forged in (
            "a voucher posted twice by a careful forger",
            "one signature instead of two",
            "a proposer who signs her own act",
            "a limit that nobody signed",
            "a difference booked by one beyond the limit",
            "a line of a statement posted twice by a careful forger",
        ):
            assert await catchers(place, by_name[forged]) == ["check"], forged
        with pytest.raises(MutantError):
            await catchers(place, Mutant("no such text", function="ledger.post(jsonb)", old="no such text"))
        with pytest.raises(MutantError, match="changes nothing"):
            await catchers(place, Mutant("nothing", rows="select 1"))
    wait_until_unlocked(data / "var")
