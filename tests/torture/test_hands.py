"""The two hands of one phone: they meet, and neither waits for ever."""

import asyncio

import pytest

from tests.support.patience import PATIENCE_S
from torture import hands
from torture.hands import Hands


async def test_both_hands_agree_at_the_same_moment() -> None:
    both = Hands()
    first = asyncio.create_task(both.together())
    await asyncio.sleep(0.01)
    assert not first.done()
    await both.together()
    await asyncio.wait_for(first, PATIENCE_S)


async def test_a_hand_alone_goes_on_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hands, "WAITS_S", 0.01)
    both = Hands()
    await both.together()
    later = asyncio.create_task(both.together())
    await asyncio.sleep(0)
    assert not later.done()  # the one that went on is not met any more
    await later
