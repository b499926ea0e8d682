"""One hop of a menu that reads nothing: beside a bare route that keeps a journal, and beside Express.

The three take turns in one run. Each has the same core to itself while it is asked; load and Redis share the other.
Every answer is compared with the one screen that its caller may see.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count, islice

from bench import cores, express
from bench.callers import name_of, request
from bench.measures import Measure, Size, against, alone, must_be_none, percentile, promised
from bench.place import PLAIN, Place, Served, served
from bench.wire import Exchange, Hop, Load, closed_loop

OURS, LIMIT, PEER = "hop of a menu", "limit: bare route, GET and SETEX", "peer: Express, ussd-menu-builder"
QUESTIONS, BARE = "bench.questions:create_app", "bench.limit:create_app"
LEAST_OF_LIMIT, LEAST_OF_PEER = 0.6, 1.5
P99_MS, MEMORY_MB = 50.0, 150.0
PATIENCE_S = 60.0
ANSWERS = ("2", "45 38 12", "1", "2", "2")  # behind her name: village, ages, cover, part, no
REHEARSING = 6_000_000  # far above every caller of the other benchmarks, whose calls are other calls
_people = count(REHEARSING + 1)


class Unexpected(Exception):
    """A rehearsed call was not answered as the questions are."""


@dataclass
class Contender:
    """One of those compared: where it answers, what it should answer, and what it did in each round."""

    process: Served
    hops: Callable[[int], list[Hop]]  # of caller nth, the dial first
    loads: list[Load] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(
        default_factory=list
    )  # of one hop: tells more than the rate where others are at work

    async def lap(self, size: Size) -> None:
        """Dials first, unmeasured, for the service reads the caller's language there; then all that follows."""
        calls = [self.hops(nth) for nth in islice(_people, size.menu_calls)]
        await self._load(size, [call[:1] for call in calls])
        pid, before_s = self.process.pid, cores.cpu_s(self.process.pid)
        load = await self._load(size, [call[1:] for call in calls])
        self.loads.append(load)
        after_s, memory_mb = cores.cpu_s(pid), cores.memory_mb(pid)
        if before_s is not None and after_s is not None and memory_mb is not None:
            self.cpu_us.append((after_s - before_s) / len(load.waits_s) * 1e6)
            self.memory_mb.append(memory_mb)

    async def _load(self, size: Size, calls: list[list[Hop]]) -> Load:
        waiting = iter(calls)
        callers = [_in_turn(waiting) for _caller in range(size.callers)]
        return await closed_loop(self.process.port, callers, PATIENCE_S)

    @property
    def rates(self) -> list[float]:
        return [load.hops_per_s for load in self.loads]

    def waits_ms(self, percent: float) -> list[float]:
        return [percentile(load.waits_s, percent) * 1000 for load in self.loads]


def _in_turn(calls: Iterator[list[Hop]]) -> Iterator[Hop]:
    for call in calls:
        yield from call


async def measure(place: Place, size: Size) -> list[Measure]:
    """About half a minute; the peer is left out, and said to be, where npm cannot bring it."""
    measured, rest = cores.two_cores()
    if rest is None:
        print("menu: nothing can be pinned to a core here, so all share what there is", flush=True)
    cores.move(place.pids["redis"], rest)
    with cores.on(rest):
        async with _contenders(place, measured) as contenders:
            for _round in range(size.rounds):
                for contender in contenders.values():
                    await contender.lap(size)
    return _rows(contenders)


@asynccontextmanager
async def _contenders(place: Place, core: cores.Core) -> AsyncIterator[dict[str, Contender]]:
    async with AsyncExitStack() as stack:
        bare = await stack.enter_async_context(served(place, BARE, core, PLAIN))
        ours = await stack.enter_async_context(served(place, QUESTIONS, core))
        screens = await _rehearse(ours)
        found = {LIMIT: Contender(bare, _named), OURS: Contender(ours, _playing(screens))}
        if command := express.command():
            peer = await stack.enter_async_context(express.served(place, command, core))
            if await _rehearse(peer) != screens:
                raise Unexpected("the peer does not ask the same questions")
            found[PEER] = Contender(peer, _playing(screens))
        yield found


def _texts(name: str) -> list[str]:
    words = ["", name, *ANSWERS]
    return ["*".join(words[1 : nth + 1]) for nth in range(len(words))]


def _named(nth: int) -> list[Hop]:
    """What the bare route answers: the name of the call, whatever was typed."""
    expected = f"CON ATUid_{nth:032x}".encode()
    return [Hop(request(nth, words), expected) for words in _texts(name_of(nth))]


def _playing(screens: list[bytes]) -> Callable[[int], list[Hop]]:
    """The screens of the rehearsal, with each caller's own name."""

    def hops(nth: int) -> list[Hop]:
        name = name_of(nth)
        return [
            Hop(request(nth, words), screen.replace(name_of(REHEARSING).encode(), name.encode()))
            for words, screen in zip(_texts(name), screens, strict=True)
        ]

    return hops


async def _rehearse(process: Served) -> list[bytes]:
    """One caller plays the call; each screen behind the first must be another, and name her."""
    exchange, name = Exchange(process.port), name_of(REHEARSING)
    screens = [(await exchange.ask(request(REHEARSING, words)))[1] for words in _texts(name)]
    exchange.close()
    named = all(name.encode() in screen for screen in screens[1:])
    if not named or len(set(screens)) < len(screens) or not screens[-1].startswith(b"END "):
        raise Unexpected(" / ".join(screen.decode(errors="replace") for screen in screens))
    return screens


def _rows(found: dict[str, Contender]) -> list[Measure]:
    ours, limit, peer = found[OURS], found[LIMIT], found.get(PEER)
    rows = [alone("menu", name, "hops/s", one.rates) for name, one in found.items() if one is not ours]
    rows.append(against("menu", OURS, "hops/s", ours.rates, LIMIT, limit.rates))
    if peer:
        rows.append(against("menu", OURS, "hops/s", ours.rates, PEER, peer.rates))
    if ours.cpu_us:
        rows.append(alone("menu", f"{LIMIT}: core time", "us/hop", limit.cpu_us))
        rows.append(against("menu", f"{OURS}: core time", "us/hop", ours.cpu_us, LIMIT, limit.cpu_us))
    if ours.cpu_us and peer:
        rows.append(against("menu", f"{OURS}: core time", "us/hop", ours.cpu_us, PEER, peer.cpu_us))
    for name, one in found.items():
        rows.append(alone("menu", f"{name}: p50", "ms", one.waits_ms(50)))
        rows.append(promised("menu", f"{name}: p99", "ms", one.waits_ms(99), P99_MS if one is ours else None))
        if one.memory_mb:
            promise = MEMORY_MB if one is ours else None
            rows.append(promised("menu", f"{name}: memory", "MB", one.memory_mb, promise))
    loads = [load for one in found.values() for load in one.loads]
    return [*rows, must_be_none("menu", "wrong screens", "screens", sum(o.crossed + o.bad for o in loads))]
