"""Work begun in the task that is there: what does not have to wait needs no timer, and what may be cancelled no task.

A timer costs a hop as much as its form, a task as much as its journal.
"""

from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _Apart:
    """What work yields that must not end with the task that began it."""

    def __await__(self) -> Generator["_Apart", None, None]:
        yield self


APART = _Apart()


class Begun(Generic[T]):
    """`work` as far as it got without waiting; awaited, as far as its end or the APART that it awaits.

    From there on it needs a task of its own: `asyncio.create_task(begun.work)`.
    """

    __slots__ = ("_waits_for", "ended", "result", "work")
    result: T

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self.work, self.ended = work, False
        self._go_on()

    def _go_on(self, fault: BaseException | None = None) -> None:
        try:
            self._waits_for = self.work.throw(fault) if fault else self.work.send(None)
        except StopIteration as stop:
            self.ended, self.result = True, stop.value

    def __await__(self) -> Generator[Any, None, None]:
        while not self.ended and self._waits_for is not APART:
            fault = None
            try:
                yield self._waits_for
            except BaseException as met:  # what it waited for failed, or it is cancelled: the work is told
                fault = met
            self._go_on(fault)
