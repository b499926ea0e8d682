"""The book: journals posted one by one and in batches, beside commits of one small row, the limit of the disk."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import count

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bench.measures import Measure, Size, against, alone
from bench.place import BenchPlace
from ledger import accounts
from ledger.book import Account, Journal, Movement, open_accounts, post
from torture.town import DAN

MEMBERS = 1000
CALLERS = (1, 8)
MOST = max(CALLERS)
PAUSE_S = 0.1
_keys = count(1)
Work = Callable[[], Awaitable[int]]  # one commit; how many journals or rows it kept


def _member(nth: int) -> str:
    return accounts.member(f"bench-{nth % MEMBERS}")


def draft() -> Journal:
    """A contribution of an invented household: one movement, a key of its own."""
    nth = next(_keys)
    move = Movement(_member(nth), accounts.contributions(), 12_000, DAN.currency)
    today = datetime.now(UTC).date()
    return Journal(DAN.id, "bench", str(nth), "contribution called", today, "bench", "measured", [move])


async def measure(place: BenchPlace, size: Size) -> list[Measure]:
    """About half a minute."""
    async with AsyncExitStack() as stack:
        pool, limit = place.pool(MOST), create_async_engine(place.owner_url, pool_size=MOST)
        stack.push_async_callback(pool.dispose)
        stack.push_async_callback(limit.dispose)
        await _open(pool)
        await _make_row_table(limit)
        stack.push_async_callback(_drop_row_table, limit)
        opened = [await stack.enter_async_context(limit.connect()) for _caller in range(MOST)]
        works = {
            "commits of one row": [await _insert(connection) for connection in opened],
            "journals one by one": [_post(pool, 1)] * MOST,
            f"journals by {size.batch}": [_post(pool, size.batch)] * MOST,
        }
        return [row for callers in CALLERS for row in _compare(await _laps(works, callers, size), callers)]


async def _laps(works: dict[str, list[Work]], callers: int, size: Size) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {name: [] for name in works}
    for _round in range(size.rounds):
        for name, work in works.items():
            rates[name].append(await _rate(work[:callers], size.lap_s / 2))
            await asyncio.sleep(PAUSE_S)
    return rates


async def _rate(works: list[Work], seconds: float) -> float:
    """What all of `works` together kept in a second."""
    began = time.perf_counter()

    async def go_on(work: Work) -> int:
        done = await work()
        while time.perf_counter() < began + seconds:
            done += await work()
        return done

    kept = sum(await asyncio.gather(*(go_on(work) for work in works)))
    return kept / (time.perf_counter() - began)


def _compare(rates: dict[str, list[float]], callers: int) -> list[Measure]:
    by = "1 caller" if callers == 1 else f"{callers} callers"
    row, single, batch = rates
    return [
        alone("ledger", f"{row}, {by}", "commits/s", rates[row]),
        against("ledger", f"{single}, {by}", "journals/s", rates[single], row, rates[row]),
        against("ledger", f"{batch}, {by}", "journals/s", rates[batch], single, rates[single]),
    ]


async def _open(pool: AsyncEngine) -> None:
    codes = [_member(nth) for nth in range(MEMBERS)]
    async with pool.begin() as db:
        await open_accounts(db, [Account(DAN.id, code, DAN.currency) for code in codes])


def _post(pool: AsyncEngine, at_once: int) -> Work:
    async def work() -> int:
        drafts = [draft() for _ in range(at_once)]
        async with pool.begin() as db:
            answers = await post(db, drafts)
        assert all(answer.stands for answer in answers), answers[0]
        return at_once

    return work


async def _make_row_table(limit: AsyncEngine) -> None:
    async with limit.begin() as db:
        await db.execute(text("create table bench_row (id bigint primary key, amount bigint not null)"))


async def _drop_row_table(limit: AsyncEngine) -> None:
    """`keneya check` names whatever is in a schema beside what the service ships."""
    async with limit.begin() as db:
        await db.execute(text("drop table bench_row"))


async def _insert(connection: AsyncConnection) -> Work:
    """One statement of the bare driver: nothing that keeps a row can be quicker from here."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None

    async def work() -> int:
        await driver.execute("insert into bench_row values ($1, 12000)", next(_keys))
        return 1

    return work
