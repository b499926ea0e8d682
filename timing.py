"""The time as a process hands it down, once: what it is now, and how much shorter waits are than they say."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Clock:
    """Call it for the time (aware). `scale` divides every wait: 1, or TIME_SCALE of a demonstration.

    Leases are not scaled, nor is what a person feels during a call: they do not ask here.
    """

    read: Callable[[], datetime]
    scale: float = 1.0

    @classmethod
    def at(cls, now: datetime, scale: float = 1.0) -> "Clock":
        """A clock that stands still."""
        return cls(lambda: now, scale)

    def __call__(self) -> datetime:
        return self.read()

    def stopped(self) -> "Clock":
        """The same, standing still: all that is done in one pass is of one time."""
        return Clock.at(self.read(), self.scale)

    def scaled(self, wait: timedelta) -> timedelta:
        """How long `wait` is here."""
        return wait / self.scale

    def until(self, wait: timedelta) -> datetime:
        """When a wait that begins now is over."""
        return self.read() + wait / self.scale

    def ago(self, wait: timedelta) -> datetime:
        """When a wait that is over now began."""
        return self.read() - wait / self.scale
