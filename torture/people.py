"""Everybody who calls and writes in one proof; some phones do both at the same time."""

from collections.abc import Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from torture import town
from torture.callers import SHAPES, RandomCaller
from torture.diary import Diary
from torture.hands import Hands
from torture.place import RunningPlace
from torture.strikes import Executioner
from torture.treasurers import Treasurer, TreasurerOnCall
from torture.writers import Writer

PAYS_PART_EVERY = 4
BOTH_EVERY = 4  # callers for one who writes at the same time, and for one more who only writes
NAMES = ("Awa Kone", "Moussa Diarra", "Fatou Sidibe", "Oumar Keita", "Nana Coulibaly")
Life = Coroutine[Any, Any, None]


@dataclass(frozen=True)
class People:
    """Where they live, and what they share.

    The chances of a phone are its own, so that who calls and writes at once begins both at the same moment.
    """

    place: RunningPlace
    http: httpx.AsyncClient
    diary: Diary
    seed: str
    executioner: Executioner

    def lives(self, calls: int) -> dict[str, Life]:
        """Callers, writers and treasurers, by what they are called in a complaint."""
        hands = {nth: Hands() for nth in range(0, calls, BOTH_EVERY)}
        writers = [*hands, *range(calls, calls + len(hands))]
        lives = {
            f"caller {town.phone_of(nth)}": RandomCaller(
                **self._villager(nth, hands), gateway=SHAPES[nth % len(SHAPES)]
            ).live()
            for nth in range(calls)
        }
        for nth in writers:
            lives[f"writer {town.phone_of(nth)}"] = Writer(**self._villager(nth, hands)).live()
        for officer in town.TREASURERS:
            lives[f"treasurer {officer.phone}"] = Treasurer(**self._person(officer.phone)).live()
            caller = TreasurerOnCall(**self._person(officer.phone), name=officer.name, pays_part=False)
            lives[f"treasurer on call {officer.phone}"] = caller.live()
        return lives

    def _villager(self, nth: int, hands: dict[int, Hands]) -> dict[str, Any]:
        facts = {"name": NAMES[nth % len(NAMES)], "pays_part": nth % PAYS_PART_EVERY == 0}
        return self._person(town.phone_of(nth)) | facts | {"hands": hands.get(nth)}

    def _person(self, phone: str) -> dict[str, Any]:
        return {
            "phone": phone,
            "http": self.http,
            "web": self.place.web,
            "simulator": self.place.simulator,
            "diary": self.diary,
            "chance": Random(f"{self.seed} {phone}"),
            "happened": self.executioner.happened,
        }
