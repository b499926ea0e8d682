"""More calls than are served in time: what comes back in time of them, and beside it the same without admission.

The knee is what one web process answers to as many callers as there are connections. Then dials arrive at their own
time, at the knee, twice and four times as many. Good is an answer that is the caller's screen and came within a second.
"""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random

from starlette.applications import Starlette

import webhooks
from bench import cores
from bench.kinds import Play, expect_same, newcomers, rehearse
from bench.measures import Measure, Size, against, alone
from bench.place import WEB, BenchPlace, Served, served
from bench.wire import Load, WireHop, closed_loop, in_turn, open_loop
from ussd import deps

UNLIMITED = "bench.overload:unlimited"
TIMES = (1, 2, 4)
IN_TIME_S = 1.0
KNEE = "knee: dials, closed loop"
SEED = 58


@dataclass
class Arrivals(Load):
    """What came back of dials that arrive at their own time."""

    good: int = 0

    def take(self, hop: WireHop, status: int, body: bytes, wait_s: float) -> None:
        super().take(hop, status, body, wait_s)
        self.good += status == 200 and wait_s <= IN_TIME_S and hop.is_answered_by(body)


def unlimited() -> Starlette:
    """The production application that refuses no hop."""
    deps.MOST_AT_ONCE = deps.MOST_FOR_A_DIAL = 1_000_000_000
    return webhooks.create_app()


async def measure(place: BenchPlace, size: Size) -> list[Measure]:
    """About two minutes."""
    measured, rest = cores.two_cores()
    knees: list[float] = []
    good: dict[tuple[str, int], list[float]] = {}
    with cores.on(rest):
        async with AsyncExitStack() as stack:
            ours = await stack.enter_async_context(served(place, WEB, measured))
            other = await stack.enter_async_context(served(place, UNLIMITED, measured))
            play = await rehearse(ours.port, "dial", next(newcomers))
            await expect_same(other.port, play, next(newcomers))
            for _round in range(size.rounds):
                knees.append(await _knee(ours, play, size))
                for times in TIMES:
                    for name, web in (("admitted", ours), ("without admission", other)):
                        rate = await _arriving(web, play, knees[-1] * times, size)
                        good.setdefault((name, times), []).append(rate)
    return [alone("overload", KNEE, "hops/s", knees), *_rows(good, knees)]


async def _knee(web: Served, play: Play, size: Size) -> float:
    load = await closed_loop(web.port, [in_turn(_dials(play)) for _caller in range(size.callers)], size.lap_s)
    return load.hops_per_s


async def _arriving(web: Served, play: Play, hops_per_s: float, size: Size) -> float:
    """Good answers a second, of the time in which dials arrived."""
    seconds = size.lap_s * 2
    load = await open_loop(web.port, _dials(play), hops_per_s, seconds, Random(SEED), Arrivals())
    return load.good / seconds


def _dials(play: Play) -> Iterator[list[WireHop]]:
    return map(play.call, newcomers)


def _rows(good: dict[tuple[str, int], list[float]], knees: list[float]) -> list[Measure]:
    return [
        against("overload", f"good at {times} x the knee, {name}", "hops/s", rates, "knee", knees)
        for (name, times), rates in good.items()
    ]
