"""Everybody who calls and writes in one proof; some phones do both at the same time."""

from collections.abc import Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from torture import town
from torture.callers import Caller
from torture.diary import Diary
from torture.place import Place
from torture.strikes import Executioner
from torture.treasurers import Treasurer
from torture.writers import Writer

PAYS_PART_EVERY = 4
WRITES_EVERY = 2  # so many callers for one writer; every other writer is a caller at the same time
NAMES = ("Awa Kone", "Moussa Diarra", "Fatou Sidibe", "Oumar Keita", "Nana Coulibaly")
Life = Coroutine[Any, Any, None]


@dataclass(frozen=True)
class People:
    """Where they live, and what they share."""

    place: Place
    http: httpx.AsyncClient
    diary: Diary
    chance: Random
    executioner: Executioner

    def lives(self, calls: int) -> dict[str, Life]:
        """Callers, writers and treasurers, by what they are called in a complaint."""
        both = range(0, calls, 2 * WRITES_EVERY)
        writers = [*both, *(calls + nth for nth in range(WRITES_EVERY, calls, 2 * WRITES_EVERY))]
        lives = {f"caller {town.phone_of(nth)}": Caller(**self._villager(nth)).live() for nth in range(calls)}
        lives |= {f"writer {town.phone_of(nth)}": Writer(**self._villager(nth)).live() for nth in writers}
        for officer in town.TREASURERS:
            lives[f"treasurer {officer.phone}"] = Treasurer(**self._person(officer.phone)).live()
        return lives

    def _villager(self, nth: int) -> dict[str, Any]:
        facts = {"name": NAMES[nth % len(NAMES)], "pays_part": nth % PAYS_PART_EVERY == 0}
        return self._person(town.phone_of(nth)) | facts

    def _person(self, phone: str) -> dict[str, Any]:
        return {
            "phone": phone,
            "http": self.http,
            "web": self.place.web,
            "simulator": self.place.simulator,
            "diary": self.diary,
            "chance": Random(self.chance.random()),
            "happened": self.executioner.happened,
        }
