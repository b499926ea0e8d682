"""The long proof in short: a few calls and SMS, one kill, the books compared. `make torture` runs it whole."""

import shutil

import pytest

from tests.conftest import open_folder, wait_until_unlocked
from torture import operators, story


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


async def test_a_few_payments_and_payouts_over_every_operator_lose_and_double_nothing() -> None:
    folder = open_folder("keneya-torture-")
    try:
        verdict = await operators.prove(3, folder / "place", payments=24, payouts=8, per_s=4)
        assert verdict.broken == []
        assert verdict.counts["kills"] >= 3
        assert verdict.counts["payments"] == 24
        assert verdict.counts["paid"] > 6
        assert verdict.counts["signed"] == verdict.counts["payouts"] == 8
        assert verdict.counts["paid out"] > 3
    finally:
        wait_until_unlocked(folder / "place" / "var")
        shutil.rmtree(folder)
