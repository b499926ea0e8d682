"""How long a test waits on this machine, as busy as it is."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 60.0  # for what must happen, however busy the machine: a deadline that only a fault meets


def as_busy(quiet_s: float) -> float:
    """`quiet_s` of a machine with a core to spare for each process, stretched by how many wait for a core here."""
    return quiet_s * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


async def until(holds: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Look every 10 ms until it holds; TimeoutError when it does not in time."""
    for _look in range(round(within_s * 100)):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def once(look: Callable[[], Awaitable[T]], holds: Callable[[T], object]) -> T:
    """What `look` finds, looked at every 10 ms until it holds; TimeoutError when it does not in time."""
    for _look in range(round(PATIENCE_S * 100)):
        if holds(found := await look()):
            return found
        await asyncio.sleep(0.01)
    raise TimeoutError
