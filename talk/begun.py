"""Work led by what it waits for: as long as that may be given up, it needs no task and no timer.

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


@dataclass(slots=True)
class Led(Generic[T]):
    """`work`, which raises nothing, driven as far as its end or the APART that it awaits; who is told is the other two.

    At its end `ended` is given the result, at once where nothing had to be waited for. At APART `apart` is given the
    work, to be gone on with in a task. Before that it waits for futures only, and knows no current task.
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
