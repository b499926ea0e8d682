"""Work led by what it waits for: until it reaches what must not be lost, it needs no task and no timer.

A task costs a hop as much as its form does, and a timer a third of that.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _Apart:
    """What work yields that from there on is to be a task."""

    def __await__(self) -> Generator["_Apart", None, None]:
        yield self


APART = _Apart()


# In no words of its own: a loop that tells of a fault tells its callback, and nobody's call is for a log.
@dataclass(slots=True, repr=False)
class Led(Generic[T]):
    """`work` driven until it has ended or awaits APART; the one or the other is told to `ended` or to `apart`.

    `ended` is given the result, at once where nothing had to be waited for; `apart` the work, to be gone on with in a
    task. Until then it waits for futures only, and knows no current task. It handles its faults itself; cancelled with
    what it waits for, as the process ends, it is dropped.
    """

    work: Coroutine[Any, Any, T]
    ended: Callable[[T], None]
    apart: Callable[[Coroutine[Any, Any, T]], None]

    def __post_init__(self) -> None:
        self._go_on()

    def _go_on(self, _done: object = None) -> None:
        try:
            waits_for = self.work.send(None)
        except StopIteration as stop:
            result = stop.value
        except asyncio.CancelledError:
            return None
        else:
            return self._wait(waits_for)
        return self.ended(result)

    def _wait(self, waits_for: Any) -> None:
        if waits_for is APART:
            self.apart(self.work)
        elif waits_for is None:  # a turn of the loop
            asyncio.get_running_loop().call_soon(self._go_on)
        else:
            waits_for._asyncio_future_blocking = False  # as asyncio's own tasks say that they have heard
            waits_for.add_done_callback(self._go_on)
