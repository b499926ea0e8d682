"""The ledger against its model: random lives of a book, each answer compared whole.

`make torture` runs it longer: as many lives as MODEL_LIVES says, with what was counted written to MODEL_COUNTS. Then
both outside witnesses read the whole book too.
"""

import asyncio
import json
import os
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from invariants import examine
from ledger.invariants.book import INVARIANTS
from tests.conftest import Database
from tests.support.ledger_machine_readers import BookMachine
from torture import witnesses

WRITERS = 10
LIVES, STEPS = 40, 25


def test_the_ledger_answers_as_its_model(database: Database, tmp_path: Path) -> None:
    lives, counts = int(os.environ.get("MODEL_LIVES", LIVES)), os.environ.get("MODEL_COUNTS")
    few = settings(
        max_examples=lives, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
    )
    BookMachine.done.clear()
    with asyncio.Runner() as runner:
        BookMachine.runner = runner
        BookMachine.pool = create_async_engine(database.url, pool_size=WRITERS)
        run_state_machine_as_test(BookMachine, settings=few)
        assert runner.run(broken(BookMachine.pool)) == []
        if counts:
            told = runner.run(witnessed(BookMachine.pool, tmp_path))
            Path(counts).write_text(json.dumps(BookMachine.done | told.counts), encoding="utf-8")
            assert told.differences == []
        runner.run(BookMachine.pool.dispose())


async def broken(pool: AsyncEngine) -> list[str]:
    async with pool.connect() as db:
        return [f"{f.invariant.name}: {f.offenders}" for f in await examine(db, INVARIANTS) if not f.holds]


async def witnessed(pool: AsyncEngine, folder: Path) -> witnesses.Comparison:
    async with pool.connect() as db:
        return await witnesses.compare(db, folder)
