"""Real calls on the real home: each kind beside a bare route and Express, which read and write the same.

All answer from one federation. Each has the same core to itself in turn; PostgreSQL, Redis and the load share the
other. Every screen is compared with the one its caller may see. What each says to PostgreSQL and Redis is counted once
more, hop by hop, by `bench.wiretap`: these figures are the same at every run.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from random import Random

import locales
from bench import cores, rows, verif
from bench.contenders import CONTENDERS, LIMIT, OURS, PEER, start
from bench.databases import FOUNDED, database
from bench.federation import COLLECTORS, MOST_HERE, found_federation
from bench.homes import MOST, Joined, join_only
from bench.kinds import ACTS, TYPED, Play, UnexpectedAnswerError, Who, expect_same, member, newcomer, rehearse
from bench.measures import Measure, Size, against, alone, must_be_none, percentile
from bench.place import BenchPlace, Served
from bench.verif import SEALS, VERIF
from bench.wire import Exchange, Load, WireHop, closed_loop, in_turn
from bench.wiretap import Count, Tap, fewest, tapped
from locales import _
from ussd import calls

Written = dict[str, dict[str, dict[str, int]]]  # the rows of one action by kind, contender and table
KINDS = (*TYPED, VERIF)
REPEATS = 3  # calls of a kind before its statements are counted: then each is prepared
QUIET_S = 0.03  # after a hop: what is said late is said by then
PATIENCE_S = 120.0
FIRST_NEWCOMER = 7_000_000  # far above every caller of the other benchmarks
SEED = 71
WANTED = {LIMIT: 0.6, PEER: 0.8}  # of the rate of each
MOST_P99_TO_P50 = 4.0
SESSION = re.compile(rb"sessionId=(\w+)")
MOST_DIAL, MOST_LATER, MOST_COVER, MOST_ACTION = 1, 2, 2, 15  # statements


@dataclass
class Callers:
    """Who has not called yet. A household that owes pays once; a newcomer joins once; the others may call again."""

    homes: Sequence[Joined]
    owing: list[Joined]
    chance: Random = field(default_factory=lambda: Random(SEED))
    newcomers: Iterator[int] = field(default_factory=lambda: count(FIRST_NEWCOMER))
    turns: Iterator[int] = field(default_factory=count)

    def draw(self, kind: str) -> Who:
        """Who makes the next call of this kind."""
        if kind == "join":
            return newcomer(next(self.newcomers))
        if kind == "pay":
            return member(self.owing.pop())
        if kind == "cash":
            home = self.owing.pop()
            return Who(COLLECTORS[next(self.turns) % len(COLLECTORS)], home.name, home.number)
        return member(self.chance.choice(self.homes))


@cache
def excuses() -> tuple[bytes, ...]:
    """What is said past the deadline, past the limit of hops under way, and to whom dials after that."""
    locales.load()
    said = (calls.SLOW, calls.BUSY, _("Your last call was cut off."))
    return tuple(locales.render(one, "fr").encode() for one in said)


@dataclass
class Calls(Load):
    """What came back of calls. `excused`: the service said that it was slow or busy, and the call is not judged on."""

    excused: int = 0
    gone: set[bytes] = field(default_factory=set)  # calls that were excused

    def take(self, hop: WireHop, status: int, body: bytes, wait_s: float) -> None:
        call = SESSION.findall(hop.request)[0]
        if call in self.gone or body[4:].startswith(excuses()):
            self.gone.add(call)
            self.excused += 1
            self.waits_s.append(wait_s)
        else:
            super().take(hop, status, body, wait_s)


@dataclass
class Laps:
    """What one contender did with one kind, round by round."""

    loads: list[Load] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)  # of a hop
    postgres_us: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)

    @property
    def rates(self) -> list[float]:
        return [load.hops_per_s for load in self.loads]

    def waits_ms(self, percent: float) -> list[float]:
        return [percentile(load.waits_s, percent) * 1000 for load in self.loads]


async def measure(place: BenchPlace, size: Size) -> list[Measure]:
    """Some minutes; with a million households as many more to write them."""
    measured, rest = cores.two_cores()
    async with database(place, "calls", FOUNDED) as own:
        for engine in own.pids.values():
            cores.move_family(engine, rest)
        callers = await _callers(own, size)
        with cores.on(rest):
            counts, written = await count_statements(own, callers)
            laps = await _race(own, callers, size, measured)
    found = [*_counted(counts), *_unlike(written), *(row for kind in KINDS for row in _compared(kind, laps))]
    loads = [load for one in laps.values() for load in one.loads]
    excused = sum(load.excused for load in loads if isinstance(load, Calls))
    found.append(Measure("calls", "screens that said slow or busy, and those behind", excused, "screens"))
    wrong = sum(load.crossed + load.bad for load in loads)
    return [*found, must_be_none("calls", "wrong screens and answers", "screens", wrong)]


async def _callers(own: BenchPlace, size: Size) -> Callers:
    homes = await found_federation(own, size.households, SEALS)
    each = len(CONTENDERS) * (size.call_rounds * size.acting_calls + 3 * REPEATS)
    first = -(-size.households // MOST) * MOST + MOST_HERE  # phones and numbers that nobody has
    return Callers(homes, await join_only(own, 2 * each, first))


async def count_statements(
    own: BenchPlace, callers: Callers
) -> tuple[dict[tuple[str, str], list[Count]], Written]:
    """What each contender says for each hop of each kind, once its statements are prepared, and the rows it writes."""
    found: dict[tuple[str, str], list[Count]] = {}
    written: Written = {}
    plays: dict[str, Play] = {}
    async with tapped(own) as (heard, tap):
        for name, contender in CONTENDERS.items():
            async with start(contender, heard) as process:
                if process is None:
                    continue
                for kind in TYPED:
                    plays[kind] = plays.get(kind) or await rehearse(process.port, kind, callers.draw(kind))
                    await expect_same(process.port, plays[kind], callers.draw(kind))
                    for nth in range(REPEATS):
                        before = await rows.count(own) if nth == REPEATS - 1 and kind in ACTS else None
                        call = plays[kind].call(callers.draw(kind))
                        counted = [await _count_hop(process, hop, tap) for hop in call]
                        found[kind, name] = fewest(found.get((kind, name)), counted)
                        if before:
                            written.setdefault(kind, {})[name] = await rows.grown(own, before)
                before = await rows.count(own)
                found[VERIF, name] = await verif.count(contender, process, heard, tap, callers.homes)
                written.setdefault(VERIF, {})[name] = await rows.grown(own, before)
    return found, written


def _unlike(written: Written) -> Iterator[Measure]:
    """Whether an action leaves the same rows in each contender; else the tables that differ are printed."""
    for kind, by_name in written.items():
        ours = by_name[OURS]
        for name, theirs in by_name.items():
            unlike = sorted(
                table for table in ours.keys() | theirs.keys() if ours.get(table) != theirs.get(table)
            )
            if unlike:
                print(f"calls: {kind}, {name}: other rows in {', '.join(unlike)}", flush=True)
            if name != OURS:
                metric = f"{kind}, {name}: tables filled otherwise"
                yield must_be_none("calls", metric, "tables", len(unlike))


async def _count_hop(process: Served, hop: WireHop, tap: Tap) -> Count:
    before, exchange = tap.count, Exchange(process.port)
    status, body = await exchange.ask(hop.request)
    await asyncio.sleep(QUIET_S)
    exchange.close()
    if status != 200 or not hop.is_answered_by(body):
        raise UnexpectedAnswerError(f"{body.decode(errors='replace')} where {hop.expected!r} is right")
    return tap.count - before


async def _race(
    own: BenchPlace, callers: Callers, size: Size, core: cores.Core
) -> dict[tuple[str, str], Laps]:
    """Every kind by every contender in turn, round by round; nobody is always the later one."""
    laps: dict[tuple[str, str], Laps] = {}
    async with AsyncExitStack() as stack:
        running: dict[str, Served] = {}
        for name, contender in CONTENDERS.items():
            if process := await stack.enter_async_context(start(contender, own, core)):
                running[name] = process
        plays = {kind: await rehearse(running[OURS].port, kind, callers.draw(kind)) for kind in TYPED}
        for nth in range(size.call_rounds):
            print(f"calls: round {nth + 1} of {size.call_rounds} …", flush=True)
            for kind in KINDS:
                for name in list(running)[:: -1 if nth % 2 else 1]:
                    lap = laps.setdefault((kind, name), Laps())
                    if kind == VERIF:
                        async with verif.answering(
                            CONTENDERS[name], own, running[name], core, callers.homes[0]
                        ) as pids:
                            with _clocked(own, pids, lap):
                                lap.loads.append(await verif.lap(own, running[name], callers.homes, size))
                    else:
                        calls = [plays[kind].call(callers.draw(kind)) for _ in range(_many(kind, size))]
                        with _clocked(own, [running[name].pid], lap):
                            lap.loads.append(await _lap(running[name], calls, size))
    return laps


def _many(kind: str, size: Size) -> int:
    return size.acting_calls if kind in ACTS else size.reading_calls


async def _lap(process: Served, calls: list[list[WireHop]], size: Size) -> Load:
    waiting = iter(calls)
    callers = [in_turn(waiting) for _ in range(size.callers)]
    return await closed_loop(process.port, callers, PATIENCE_S, Calls())


@contextmanager
def _clocked(own: BenchPlace, pids: Sequence[int], lap: Laps) -> Iterator[None]:
    """What a hop of the lap takes of a core, where the system tells."""
    postgres = own.pids["postgres"]
    before = [cores.cpu_s(pid) for pid in pids], cores.family_cpu_s(postgres)
    yield
    after = [cores.cpu_s(pid) for pid in pids], cores.family_cpu_s(postgres)
    hops, memory = len(lap.loads[-1].waits_s), [cores.memory_mb(pid) for pid in pids]
    spent = [now - then for then, now in zip(before[0], after[0], strict=True) if then is not None and now]
    if hops and spent and before[1] is not None and after[1] is not None:
        lap.cpu_us.append(sum(spent) / hops * 1e6)
        lap.postgres_us.append((after[1] - before[1]) / hops * 1e6)
        lap.memory_mb.append(sum(filter(None, memory)))


def _counted(counts: dict[tuple[str, str], list[Count]]) -> Iterator[Measure]:
    """Statements of each call in all, hop by hop in words; of ours beside what is wanted."""
    for kind in KINDS:
        for name in CONTENDERS:
            if hops := counts.get((kind, name)):
                yield from _counted_call(kind, name, hops)


def _counted_call(kind: str, name: str, hops: list[Count]) -> Iterator[Measure]:
    each = "+".join(map(_said, hops))
    total = sum(hop.statements for hop in hops)
    yield Measure("calls", f"{kind}, {name}: statements {each}", total, "statements")
    trips = "+".join(str(hop.round_trips) for hop in hops)
    yield Measure(
        "calls", f"{kind}, {name}: round trips {trips}", sum(hop.round_trips for hop in hops), "round trips"
    )
    control, redis = sum(hop.control for hop in hops), sum(hop.redis_commands for hop in hops)
    yield Measure("calls", f"{kind}, {name}: BEGIN, COMMIT, pings", control, "statements")
    yield Measure("calls", f"{kind}, {name}: commands to Redis", redis, "commands")
    if name == OURS:
        for metric, found, most in wanted_statements(kind, hops):
            yield Measure("calls", f"{kind}: {metric}", found, "statements", f"{most} wanted", found / most)


def _said(hop: Count) -> str:
    """How many statements; those of the action's transaction apart, with a t."""
    if not hop.acting:
        return str(hop.statements)
    return (
        f"{hop.acting}t" if hop.acting == hop.statements else f"{hop.statements - hop.acting}+{hop.acting}t"
    )


def wanted_statements(kind: str, hops: list[Count]) -> list[tuple[str, int, int]]:
    """What is wanted of our statements: what of, how many there are, how many there may be."""
    said = [hop.statements for hop in hops]
    action = ("the action", hops[-1].acting or said[-1], MOST_ACTION)
    if kind == VERIF:
        return [action]
    found = [("the dial", said[0], MOST_DIAL)]
    if kind == "cover":
        found.append(("in all", sum(said), MOST_COVER))
    later = said[1:-1] if kind in ACTS else said[1:]
    if later:
        found.append(("most of a later hop", max(later), MOST_LATER))
    if kind in ACTS:
        found.append(action)
    return found


def _compared(kind: str, laps: dict[tuple[str, str], Laps]) -> Iterator[Measure]:
    found = {name: laps[kind, name] for name in CONTENDERS if (kind, name) in laps}
    ours = found.pop(OURS)
    unit = "answers/s" if kind == VERIF else "hops/s"
    for name, one in found.items():
        yield alone("calls", f"{kind}, {name}", unit, one.rates)
        yield against("calls", kind, unit, ours.rates, f"{name} ({WANTED[name]:g} wanted)", one.rates)
    for what in ("cpu_us", "postgres_us"):
        title = "core time" if what == "cpu_us" else "PostgreSQL's core time"
        for name, one in found.items():
            if getattr(ours, what):
                yield alone("calls", f"{kind}, {name}: {title}", "us/hop", getattr(one, what))
                yield against(
                    "calls", f"{kind}: {title}", "us/hop", getattr(ours, what), name, getattr(one, what)
                )
    for name, one in ((OURS, ours), *found.items()):
        p50, p99 = one.waits_ms(50), one.waits_ms(99)
        yield alone("calls", f"{kind}, {name}: p50", "ms", p50)
        peer = f"p50 ({MOST_P99_TO_P50:g} wanted)" if name == OURS else "p50"
        yield against("calls", f"{kind}, {name}: p99", "ms", p99, peer, p50)
        if one.memory_mb:
            yield alone("calls", f"{kind}, {name}: memory", "MB", one.memory_mb)
