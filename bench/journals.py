"""Journals: the rate of hops with few live calls in Redis and with many; it must not depend on how many there are."""

from collections.abc import Iterator

from redis.asyncio import Redis

from bench.callers import Play, name_of, phone_of, rehearse
from bench.measures import Measure, Size, against, alone, must_be_none
from bench.place import WEB, Place, served
from bench.wire import Load, closed_loop
from engines.embedded import MEMORY_LIMIT

CHUNK = 1000
LIMIT_BYTES = int(MEMORY_LIMIT.removesuffix("mb")) * 1024 * 1024
FIRST_COPY = 5_000_000  # far above every caller of the load


async def measure(place: Place, size: Size) -> list[Measure]:
    """About half a minute."""
    few, many = size.journals
    loads: dict[int, list[Load]] = {few: [], many: []}
    async with served(place, WEB) as web, Redis.from_url(place.redis_url, decode_responses=True) as redis:
        bytes_each = lost = 0
        for nth in range(size.rounds):
            for live, laps in list(loads.items())[:: -1 if nth % 2 else 1]:  # no lap is always the later one
                play, grown = await _fill(redis, web.port, live)
                laps.append(
                    await closed_loop(web.port, [play.joins() for _ in range(size.callers)], size.lap_s)
                )
                if live == many:
                    bytes_each = grown // many
                    lost += max(0, many * 2 - await redis.dbsize())
    return [*_rows(loads, few, many), *_room(bytes_each, lost)]


def _rows(loads: dict[int, list[Load]], few: int, many: int) -> Iterator[Measure]:
    rates = {live: [load.hops_per_s for load in laps] for live, laps in loads.items()}
    peer = f"with {few:,} live"
    yield alone("journals", f"joining calls {peer}", "hops/s", rates[few])
    yield against("journals", f"joining calls with {many:,} live", "hops/s", rates[many], peer, rates[few])
    wrong = sum(load.crossed + load.bad for laps in loads.values() for load in laps)
    yield must_be_none("journals", "wrong screens", "screens", wrong)


def _room(bytes_each: int, lost: int) -> Iterator[Measure]:
    yield Measure("journals", "memory of one call before its consent", bytes_each, "bytes")
    calls = LIMIT_BYTES // bytes_each if bytes_each else 0
    yield Measure("journals", f"such calls in {MEMORY_LIMIT}", calls, "calls")
    yield must_be_none("journals", "journals that Redis dropped", "journals", lost)


async def _fill(redis: Redis, web: int, live: int) -> tuple[Play, int]:
    """Leave the journals of `live` calls before their consent, copies of a real one; the bytes they take."""
    await redis.flushall()
    play = await rehearse(web)
    model = [(str(key), str(await redis.get(key))) for key in await redis.keys()]
    before = int((await redis.info("memory"))["used_memory"])
    for start in range(FIRST_COPY, FIRST_COPY + live, CHUNK):
        async with redis.pipeline(transaction=False) as pipe:
            for nth in range(start, min(start + CHUNK, FIRST_COPY + live)):
                for key, kept in model:
                    pipe.set(_as(nth, key), _as(nth, kept), ex=900)
            await pipe.execute()
    return play, int((await redis.info("memory"))["used_memory"]) - before


def _as(nth: int, words: str) -> str:
    """What is written of caller 0, as caller `nth` would have it."""
    words = words.replace(f"ATUid_{0:032x}", f"ATUid_{nth:032x}").replace(phone_of(0), phone_of(nth))
    return words.replace(name_of(0), name_of(nth))
