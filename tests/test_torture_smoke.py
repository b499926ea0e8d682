"""The long proof in short: a few calls and SMS, one kill, the books compared. `make torture` runs it whole."""

import shutil

import pytest

from tests.conftest import open_folder, wait_until_unlocked
from torture import story


@pytest.mark.parametrize("victim", ["worker"])
async def test_a_few_calls_and_sms_and_a_kill_lose_and_double_nothing(victim: str) -> None:
    folder = open_folder("keneya-torture-")
    try:
        verdict = await story.tell(victim, seed=1, calls=4, kills=1, home=folder / "place")
        assert verdict.broken == []
        assert verdict.counts["kills"] == 1
        assert verdict.counts["joined"] == 4 + 1  # of the two who write one calls at the same time
        assert verdict.counts["SMS in"] > 8
        assert verdict.counts["digests"] > 0
        assert verdict.counts["vouchers"] > 0
        assert verdict.counts["paid"] == verdict.counts["posted"] > 0
    finally:
        wait_until_unlocked(folder / "place" / "var")
        shutil.rmtree(folder)
