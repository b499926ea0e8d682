"""What people lived through: each screen that a caller was shown, each SMS that a phone wrote.

Whatever was shown is written down: a promise is compared with the books afterwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count


@dataclass(frozen=True)
class Told:
    """A screen that a caller was shown: `again` where the gateway repeated a hop that had been answered."""

    phone: str
    call: str
    text: str
    screen: str
    again: bool = False


@dataclass
class Written:
    """An SMS that a phone wrote, and how often the service said 200 to the gateway that brought it."""

    id: str
    phone: str
    text: str
    accepted: int = 0


@dataclass
class Diary:
    """What all callers and writers lived through."""

    told: list[Told] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    hops: int = 0
    unanswered: int = 0
    calls: int = 0
    cut: int = 0  # acting hops that were not answered with their action's screen at once
    brought: int = 0  # how often the gateway brought an SMS, answered or not
    asked_again: int = 0  # how often a writer wrote anew because no answer had come
    strange: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def complain(self, trouble: str) -> None:
        """Write down, once, what must not happen to anybody."""
        if (line := trouble.replace("\n", " / ")) not in self.strange:
            self.strange.append(line)
