"""A doctor's VERIF: an SMS over HTTP, and the answer that stands in the outbox for him.

The service takes the SMS in one process and answers in another, the worker's loop; the bare route and Express do both.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import count as counter
from signal import SIGTERM
from time import perf_counter

from sqlalchemy import text

import settings
import worker
from bench.callers import sms_request
from bench.contenders import Contender
from bench.cores import Core, on
from bench.federation import DOCTORS, MOST_HERE, make_codes
from bench.homes import Joined
from bench.measures import Size
from bench.place import STOP_TIMEOUT_S, BenchPlace, Served, environment
from bench.wire import Exchange, Load
from bench.wiretap import Count, Tap, fewest
from engines import processes, run
from mutuelle.households.households import initials_of
from service.database import open_pool
from settings import DEMO_SECRET
from sms.inbox_worker import answer_next
from talk.keyring import Keyring
from timing import Clock

VERIF = "verif"
SEALS = Keyring((DEMO_SECRET.encode(),))
REPEATS = 3
QUIET_S = 0.5  # after an SMS: who answers in the same process has done so
LOOKS_EVERY_S = 0.02  # what the looks cost PostgreSQL is counted as the answers' own
PATIENCE_S = 20.0
RIGHT = re.compile(
    r"([A-Z]\. K\.) : COUVERT le [\d/]{10}, jusqu'au [\d/]{10}\. Mutuelle Danaya, référence [A-Z0-9]{6}\."
)
_messages, _positions = counter(1), counter(1)
Sms = tuple[str, str, bytes]  # its id, the initials in its answer, its request


async def _written(place: BenchPlace, homes: Sequence[Joined]) -> list[Sms]:
    """An SMS about each of these households, with a code that is alive, by the doctors in turn."""
    codes, found = await make_codes(place, homes, SEALS, next(_positions)), []
    for home in homes:
        nth = next(_messages)
        words = f"VERIF {home.number} {codes[home.number]}"
        found.append(
            (f"bench-{nth}", initials_of(home.name), sms_request(DOCTORS[nth % len(DOCTORS)], nth, words))
        )
    return found


@asynccontextmanager
async def answering(
    contender: Contender, place: BenchPlace, process: Served, core: Core, home: Joined
) -> AsyncIterator[Sequence[int]]:
    """The processes that take SMS and answer them, as long as they are needed."""
    if not contender.has_worker:
        yield [process.pid]
        return
    with (place.home / "answers.log").open("ab") as output, on(core):
        child = processes.start(
            [sys.executable, "-m", "bench.answers"],
            output=output,
            directory=run.HOME,
            environment=environment(place),
        )
    try:
        await _send(place, process, await _written(place, [home]), 1)  # it is there once it has answered
        yield [process.pid, child.pid]
    finally:
        await asyncio.to_thread(processes.stop, child, SIGTERM, STOP_TIMEOUT_S)


async def lap(place: BenchPlace, process: Served, homes: Sequence[Joined], size: Size) -> Load:
    """Doctors who each send the next SMS when the last is answered; a wait is that for the answer."""
    asked = homes[: min(size.acting_calls, len(homes), MOST_HERE)]
    return await _send(place, process, await _written(place, asked), size.callers)


async def _send(place: BenchPlace, process: Served, written: Sequence[Sms], doctors: int) -> Load:
    left, load, waiting = list(written), Load(), dict[str, asyncio.Future[None]]()
    exchange, began = Exchange(process.port), perf_counter()

    async def doctor() -> None:
        while left:
            name, _initials, request = left.pop()
            sent, waiting[name] = perf_counter(), asyncio.get_running_loop().create_future()
            answered = waiting[name]
            await exchange.ask(request)
            await asyncio.wait_for(answered, PATIENCE_S)
            load.waits_s.append(perf_counter() - sent)

    watcher = asyncio.create_task(_watch(place, waiting))
    await asyncio.gather(*(doctor() for _nth in range(doctors)))
    load.took_s = perf_counter() - began
    exchange.close()
    watcher.cancel()
    load.crossed = await _wrong(place, written)
    return load


async def _watch(place: BenchPlace, waiting: dict[str, "asyncio.Future[None]"]) -> None:
    """Tell who waits as soon as the answer stands in the outbox."""
    pool = place.pool(1)
    try:
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            async with pool.connect() as db:
                keys = {"keys": [_key(name) for name in waiting]}
                for key in await db.scalars(text("select key from sms_outbox where key = any(:keys)"), keys):
                    waiting.pop(key.rpartition(" ")[2]).set_result(None)
    finally:
        await pool.dispose()


def _key(name: str) -> str:
    return f"reply africastalking {name}"


async def _wrong(place: BenchPlace, written: Sequence[Sms]) -> int:
    """How many were not answered as they should be: covered, under the initials of the household asked about."""
    pool = place.pool(1)
    async with pool.connect() as db:
        keys = {"keys": [_key(name) for name, _initials, _request in written]}
        rows = await db.execute(text("select key, body from sms_outbox where key = any(:keys)"), keys)
        bodies = {str(key): str(body) for key, body in rows}
    await pool.dispose()
    answers = [
        (RIGHT.fullmatch(bodies.get(_key(name), "")), initials) for name, initials, _request in written
    ]
    return sum(answer is None or answer[1] != initials for answer, initials in answers)


async def count(
    contender: Contender, process: Served, heard: BenchPlace, tap: Tap, homes: Sequence[Joined]
) -> list[Count]:
    """What the SMS says to PostgreSQL and Redis, then what its answer says; one where one process does both."""
    pool, found = open_pool(heard.service_url), list[Count]()
    wanted = settings.read(environment(heard))
    box = worker.sms_deps(wanted, pool, Clock(partial(datetime.now, UTC)))
    exchange = Exchange(process.port)
    for _name, _initials, request in await _written(heard, homes[:REPEATS]):
        before = tap.count
        await exchange.ask(request)
        await asyncio.sleep(QUIET_S)
        counted = [tap.count - before]
        if contender.has_worker:
            before = tap.count
            await answer_next(box)
            counted.append(tap.count - before)
        found = fewest(found, counted)
    exchange.close()
    await pool.dispose()
    return found
