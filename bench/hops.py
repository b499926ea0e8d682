"""Calls to join that come at their own time, to the real home: what is promised at the expected peak.

No caller ever sees the screen of another: each answer is compared with the caller's own. What a hop costs is measured
by `calls`.
"""

from random import Random

from bench.kinds import newcomer, newcomers, rehearse
from bench.measures import Measure, Size, must_be_none, percentile
from bench.place import WEB, BenchPlace, served
from bench.wire import Load, open_loop

P95_GATE_MS, P99_GATE_MS = 300.0, 1000.0  # at 200 hops a second, engines and load on the same two cores
REHEARSING = 6_900_000  # far above every other caller
SEED = 57


async def measure(place: BenchPlace, size: Size) -> list[Measure]:
    """Some seconds; nobody agrees in the end."""
    async with served(place, WEB) as web:
        play = await rehearse(web.port, "join", newcomer(REHEARSING))
        calls = (play.call(who)[:-1] for who in newcomers)
        calls_per_s = size.open_hops_per_s / (len(play.screens) - 1)
        arriving: Load = await open_loop(web.port, calls, calls_per_s, size.open_s, Random(SEED))
    return _promises(arriving, size)


def _promises(arriving: Load, size: Size) -> list[Measure]:
    """What is promised at the expected peak, and what must never happen at any load."""
    title = f"calls arriving, {size.open_hops_per_s} hops/s"
    rows = [Measure("hops", f"{title}: hops", len(arriving.waits_s), "hops")]
    for percent, gate_ms in ((50, None), (95, P95_GATE_MS), (99, P99_GATE_MS)):
        wait_ms = percentile(arriving.waits_s, percent) * 1000
        told = (f"{gate_ms:g} ms promised", wait_ms / gate_ms) if gate_ms else (None, None)
        rows.append(Measure("hops", f"{title}: p{percent}", wait_ms, "ms", *told))
    rows.append(must_be_none("hops", "crossed, calls arriving", "screens", arriving.crossed))
    return [*rows, must_be_none("hops", "answers without CON or END", "answers", arriving.bad)]
