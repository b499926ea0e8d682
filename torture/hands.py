"""The two hands of a person who calls and writes at once: both agree at the same moment.

Only so do the two channels of one phone meet in the service; left to chance they would pass each other by.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from random import Random

WAITS_S = 4.0  # for the other hand, which may have nothing to agree to any more
APART_S = 0.3  # at most: an SMS waits as long for the worker's next round


@dataclass
class Hands:
    """Each hand calls `together` just before it agrees."""

    _other: asyncio.Event | None = None

    async def together(self) -> None:
        """Back when both hands are there, or after a while."""
        if self._other is not None:
            self._other.set()
            self._other = None
            return
        mine = self._other = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(WAITS_S):
                await mine.wait()
        if self._other is mine:
            self._other = None


async def press_together(hands: Hands | None, chance: Random) -> None:
    """For the hand on the keys: a moment after the other has written, or at once where there is no other."""
    if hands is not None:
        await hands.together()
        await asyncio.sleep(chance.uniform(0, APART_S))
