"""One hop of a menu that reads nothing from PostgreSQL: a figure at the side, for no caller ever makes such a call.

Every answer is compared with the one screen that its caller may see. What is wanted is wanted of `calls`.
"""

from itertools import count, islice

from bench import cores
from bench.callers import name_of, request
from bench.measures import Measure, Size, alone, must_be_none, percentile
from bench.place import BenchPlace, Served, served
from bench.wire import Exchange, Load, WireHop, closed_loop, in_turn

OURS = "hop of a menu"
QUESTIONS = "bench.questions:create_app"
PATIENCE_S = 60.0
ANSWERS = ("2", "45 38 12", "1", "2", "2")  # behind her name: village, ages, cover, part, no
REHEARSING = 6_000_000  # far above every caller of the other benchmarks, whose calls are other calls
_people = count(REHEARSING + 1)


async def measure(place: BenchPlace, size: Size) -> list[Measure]:
    """Some seconds. Dials come first, unmeasured, for the service reads the caller's language there."""
    measured, rest = cores.two_cores()
    cores.move_family(place.pids["redis"], rest)
    loads, cpu_us = list[Load](), list[float]()
    with cores.on(rest):
        async with served(place, QUESTIONS, measured) as web:
            screens = await _rehearse(web)
            for _round in range(size.rounds):
                calls = [_hops(nth, screens) for nth in islice(_people, size.menu_calls)]
                loads.append(await _load(web, size, [call[:1] for call in calls]))
                before_s = cores.cpu_s(web.pid)
                loads.append(await _load(web, size, [call[1:] for call in calls]))
                after_s = cores.cpu_s(web.pid)
                if before_s is not None and after_s is not None:
                    cpu_us.append((after_s - before_s) / len(loads[-1].waits_s) * 1e6)
    told = loads[1::2]
    return [
        alone("menu", OURS, "hops/s", [load.hops_per_s for load in told]),
        *([alone("menu", f"{OURS}: core time", "us/hop", cpu_us)] if cpu_us else []),
        *(
            alone("menu", f"{OURS}: p{p}", "ms", [percentile(load.waits_s, p) * 1000 for load in told])
            for p in (50, 99)
        ),
        must_be_none("menu", "wrong screens", "screens", sum(load.crossed + load.bad for load in loads)),
    ]


async def _load(web: Served, size: Size, calls: list[list[WireHop]]) -> Load:
    waiting = iter(calls)
    return await closed_loop(web.port, [in_turn(waiting) for _caller in range(size.callers)], PATIENCE_S)


def _texts(name: str) -> list[str]:
    words = ["", name, *ANSWERS]
    return ["*".join(words[1 : nth + 1]) for nth in range(len(words))]


def _hops(nth: int, screens: list[bytes]) -> list[WireHop]:
    """The screens of the rehearsal, with the caller's own name."""
    name = name_of(nth)
    return [
        WireHop(request(nth, words), screen.replace(name_of(REHEARSING).encode(), name.encode()))
        for words, screen in zip(_texts(name), screens, strict=True)
    ]


async def _rehearse(web: Served) -> list[bytes]:
    """One caller plays the call."""
    exchange, name = Exchange(web.port), name_of(REHEARSING)
    screens = [(await exchange.ask(request(REHEARSING, words)))[1] for words in _texts(name)]
    exchange.close()
    return screens
