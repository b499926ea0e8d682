"""The benchmarks of the ledger in short: they run, and their books are right."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.backlog import AT_ONCE, HISTORY
from bench.databases import FOUNDED, as_owner, database, keep_founded
from bench.fill import fill
from bench.history import LongBook, unlike_the_sum
from bench.homes import join
from bench.measures import QUICK
from bench.place import BenchPlace, check, engines_in, found
from tests.conftest import open_folder

OF_THE_LEDGER = {"backlog", "history"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place for the benches and their engines."""
    made = open_folder("keneya-bench-")
    yield made
    shutil.rmtree(made)


def test_every_benchmark_of_the_ledger_runs_and_leaves_right_books(folder: Path) -> None:
    assert main(["--quick", *(f"--only={name}" for name in OF_THE_LEDGER)], folder) == 0
    rows: list[dict[str, Any]] = json.loads((folder / "latest.json").read_text())
    assert {row["bench"] for row in rows} == OF_THE_LEDGER
    found_rows = {row["metric"]: row for row in rows}
    settled = found_rows["payments settled in all"]["value"]
    assert settled == (HISTORY + len(AT_ONCE) * QUICK.rounds * QUICK.batches) * QUICK.batch
    assert all(row["value"] > 0 for row in rows if row["metric"].startswith("payments settled"))
    assert [path.name for path in folder.iterdir()] == ["latest.json"]


def test_what_is_measured_is_proven_right(folder: Path) -> None:
    with engines_in(folder) as place:
        asyncio.run(prove(place))


async def prove(place: BenchPlace) -> None:
    """Households by SQL are true ones; a day row that is wrong is noticed."""
    await found(place)
    await keep_founded(place)
    async with database(place, "homes", FOUNDED) as own:
        assert len({home.number for home in await join(own, 200)}) == 200
        assert await check(own.service_url) == []
    async with database(place, "history", FOUNDED) as own:
        book = LongBook(own.pool(1), await fill(own, 300))
        assert await unlike_the_sum(book) == 0
        await as_owner(own, "update ledger.account_day set cum_debits = cum_debits + 1")
        assert await unlike_the_sum(book) > 0
        await book.pool.dispose()
