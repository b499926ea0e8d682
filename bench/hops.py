"""Hops: one web process beside a constant answer under the same server; then callers who come at their own time.

No caller ever sees the screen of another: in both kinds of load, each answer is compared with the caller's own.
"""

from collections.abc import Callable, Iterator
from random import Random

from sqlalchemy import func, select

from bench.callers import HOPS_OF_ENROLMENT, HOPS_OF_MIXED, Play, rehearse, rehearse_welcome
from bench.constant import SCREEN
from bench.measures import Measure, Size, against, alone, must_be_none, percentile
from bench.place import CONSTANT, PLAIN, WEB, Place, served
from bench.wire import Hop, Load, closed_loop, open_loop
from mutuelle.tables import household_phone

P95_GATE_MS, P99_GATE_MS = 300.0, 1000.0  # at 200 hops a second, engines and load on the same two cores
LIMIT = "constant answer"
ENROLMENT = "call to join with its deed"
SEED = 57


async def measure(place: Place, size: Size) -> list[Measure]:
    """About a minute and a half."""
    async with served(place, WEB) as web, served(place, CONSTANT, options=PLAIN) as constant:
        play, welcome = await rehearse(web.port), await rehearse_welcome(web.port)
        agreed: list[str] = []
        kinds: dict[str, Callable[[], Iterator[Hop]]] = {
            "dial": play.dials,
            "joining call": play.joins,
            ENROLMENT: lambda: play.enrolments(welcome, agreed),
        }
        ours: dict[str, list[Load]] = {kind: [] for kind in kinds}
        limit: dict[str, list[Load]] = {kind: [] for kind in kinds}
        for _round in range(size.rounds):
            for kind, hops in kinds.items():
                limit[kind].append(await _lap(constant.port, lambda: _constant(play.joins()), size))
                ours[kind].append(await _lap(web.port, hops, size))
        arriving = await _arrivals(web.port, play, size)
    every = [load for kind in kinds for load in (*ours[kind], *limit[kind])]
    rows = [row for kind in kinds for row in _compare(kind, ours[kind], limit[kind])]
    calls_per_s = [load.hops_per_s / HOPS_OF_ENROLMENT for load in ours[ENROLMENT]]
    rows.append(alone("hops", f"{ENROLMENT}: whole calls", "calls/s", calls_per_s))
    wrong = abs(await _households(place, agreed) - len(agreed))
    rows.append(must_be_none("hops", "households too many or too few", "households", wrong))
    return [*rows, *_promises(arriving, every, size)]


async def _households(place: Place, phones: list[str]) -> int:
    """How many households these phones speak for."""
    pool = place.pool(1)
    async with pool.connect() as db:
        found = await db.scalar(select(func.count()).where(household_phone.c.phone.in_(phones)))
    await pool.dispose()
    return int(found or 0)


async def _lap(port: int, hops: Callable[[], Iterator[Hop]], size: Size) -> Load:
    return await closed_loop(port, [hops() for _caller in range(size.callers)], size.lap_s)


def _constant(hops: Iterator[Hop]) -> Iterator[Hop]:
    """The same requests, for the server that has one answer."""
    return (hop._replace(expected=SCREEN) for hop in hops)


async def _arrivals(web: int, play: Play, size: Size) -> Load:
    calls_per_s = size.open_hops_per_s / HOPS_OF_MIXED
    return await open_loop(web, play.mixed(), calls_per_s, size.open_s, Random(SEED))


def _compare(kind: str, ours: list[Load], limit: list[Load]) -> list[Measure]:
    rates, limits = ([load.hops_per_s for load in loads] for loads in (ours, limit))
    rows = [
        alone("hops", f"{kind}: {LIMIT}", "hops/s", limits),
        against("hops", kind, "hops/s", rates, LIMIT, limits),
    ]
    for percent in (50, 99):
        waits, fastest = (
            [percentile(load.waits_s, percent) * 1000 for load in loads] for loads in (ours, limit)
        )
        rows.append(against("hops", f"{kind}: p{percent}", "ms", waits, LIMIT, fastest))
    return rows


def _promises(arriving: Load, every: list[Load], size: Size) -> list[Measure]:
    """What is promised at the expected peak, and what must never happen at any load."""
    title = f"calls arriving, {size.open_hops_per_s} hops/s"
    rows = [Measure("hops", f"{title}: hops", len(arriving.waits_s), "hops")]
    for percent, gate_ms in ((50, None), (95, P95_GATE_MS), (99, P99_GATE_MS)):
        wait_ms = percentile(arriving.waits_s, percent) * 1000
        told = (f"{gate_ms:g} ms promised", wait_ms / gate_ms) if gate_ms else (None, None)
        rows.append(Measure("hops", f"{title}: p{percent}", wait_ms, "ms", *told))
    rows.append(must_be_none("hops", "crossed, calls arriving", "screens", arriving.crossed))
    rows.append(must_be_none("hops", "crossed, all other loads", "screens", sum(o.crossed for o in every)))
    bad = sum(load.bad for load in (*every, arriving))
    return [*rows, must_be_none("hops", "answers without CON or END", "answers", bad)]
