"""Kills: with -9, at moments drawn from the seed, while calls and payments are under way."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import httpx

from torture.place import RunningPlace

# moment -> how many of twenty calls' worth may pass before the kill
MOMENTS = {"hop": 110, "action": 18, "prompt answered": 18, "sms": 30, "yes": 10}
DIGESTS = 2  # the latest that a kill aims at: they come by the clock, however many call
# Up to, after such a moment. An SMS waits for the worker's next round, so does a digest.
DELAY_S = {"hop": 0.05, "action": 0.02, "prompt answered": 0.3, "sms": 0.4, "yes": 0.4, "digest": 0.35}
KINDS = ("action", "yes", "digest", "hop", "sms", "prompt answered")
SETTLED_S = 0.4  # a process that was only just brought back is left alone that long


@dataclass(frozen=True)
class Strike:
    """A kill `delay_s` after the `nth` such moment; `whole_family` takes PostgreSQL's backends along."""

    moment: str
    nth: int
    delay_s: float
    whole_family: bool


def draw(chance: Random, kills: int, calls: int) -> list[Strike]:
    """`kills` strikes, each aimed at the next kind of moment, spread over `calls` calls."""
    strikes = []
    for number in range(kills):
        moment = KINDS[number % len(KINDS)]
        latest = DIGESTS if moment == "digest" else max(2, MOMENTS[moment] * calls // 20)
        nth, delay_s = chance.randint(1, latest), chance.uniform(0, DELAY_S[moment])
        strikes.append(Strike(moment, nth, delay_s, chance.random() < 0.5))
    return strikes


@dataclass
class Executioner:
    """Hears of moments and kills `victim` when a strike is due; one kill at a time."""

    place: RunningPlace
    victim: str
    strikes: list[Strike]
    http: httpx.AsyncClient
    kills: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)
    _one_by_one: asyncio.Lock = field(default_factory=asyncio.Lock)

    def happened(self, moment: str) -> None:
        """Count a moment; the strikes that wait for it begin."""
        self.seen[moment] += 1
        for strike in self.strikes:
            if (strike.moment, strike.nth) == (moment, self.seen[moment]):
                self._under_way.add(asyncio.create_task(self._strike(strike)))

    async def finish(self) -> None:
        """Wait for the strikes that have begun."""
        if self._under_way:
            await asyncio.gather(*self._under_way)

    async def _strike(self, strike: Strike) -> None:
        await asyncio.sleep(strike.delay_s)
        async with self._one_by_one:
            if self.kills:
                await self.place.wait_until_whole(self.http)
            _kill(self._pids(strike))
            self.kills += 1
            await asyncio.sleep(SETTLED_S)

    def _pids(self, strike: Strike) -> list[int]:
        pid = self.place.pid(self.victim)
        if strike.whole_family:
            return self.place.family(self.victim)
        return [pid] if pid else []


def _kill(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


Heard = Callable[[str], None]
