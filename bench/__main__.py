"""`make bench`: every benchmark beside its peers, a table and `var/bench/latest.json`; exit 1 if one is broken."""

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import uvloop

from bench import (
    backlog,
    book,
    calls,
    gateways,
    history,
    hops,
    measures,
    menu,
    operators,
    overload,
    quote,
    statement,
)
from bench.databases import keep_founded
from bench.measures import QUICK, WHOLE, Measure, Size
from bench.place import BenchPlace, engines_in, found
from engines import run
from service import metrics

FOLDER = run.HOME / "var" / "bench"
BENCHES: dict[str, Callable[[BenchPlace, Size], Awaitable[list[Measure]]]] = {
    "calls": calls.measure,
    "quote": quote.measure,
    "menu": menu.measure,
    "hops": hops.measure,
    "gateways": gateways.measure,
    "overload": overload.measure,
    "ledger": book.measure,
    "backlog": backlog.measure,
    "statement": statement.measure,
    "operators": operators.measure,
    "history": history.measure,
}


def main(argv: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Measure what is asked for; 0, or 1 if something came out that must not be."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds: to see that it works")
    parser.add_argument("--only", action="append", choices=BENCHES, help="only this one; may be repeated")
    parser.add_argument(
        "--households", type=int, help="so many in the federation of `calls` and `quote`: 1000000"
    )
    given = parser.parse_args(argv)
    size = QUICK if given.quick else WHOLE
    size = replace(size, households=given.households or size.households)
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}: trust the ratios", flush=True)
    with engines_in(folder) as place, asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        found_all = loop.run(_measure(place, size, given.only or list(BENCHES)))
    measures.write(found_all, folder / "latest.json")
    return 1 if any(one.broken for one in found_all) else 0


async def _measure(place: BenchPlace, size: Size, names: list[str]) -> list[Measure]:
    await found(place)
    await keep_founded(place)
    metrics.settle_garbage_collector()  # the client's pauses are not the server's
    everything: list[Measure] = []
    for name in names:
        new = await BENCHES[name](place, size)
        measures.tell(new)
        everything += new
    return everything


if __name__ == "__main__":
    sys.exit(main())
