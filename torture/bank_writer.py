"""A writer of the bank, a process of its own: asks for its batches one after the other until it is told to stop.

Whatever goes wrong before the answer to the commit leaves the batch in doubt, and the same keys are asked for again.
"""

import asyncio
import json
import os
from pathlib import Path
from random import Random

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ledger.book import Journal, post
from torture import bank_deals
from torture.bank_log import Log, LoggedAnswer, read

ANSWER_TIMEOUT_S = 20.0
PAUSE_S = 0.05
AGAIN_PERCENT = 6  # of the batches: an old one is asked for once more


async def write(url: str, seed: str, writer: str, log_path: Path, stop_path: Path) -> None:
    """Go on after the last batch that was logged, until `stop_path` exists."""
    told = [answered.batch for answered in read(log_path)]
    number, chance = max(told, default=-1) + 1, Random()
    engine = create_async_engine(url, pool_size=1, max_overflow=0)
    with Log(log_path) as log:
        while not stop_path.exists():
            log.write(await _answered(engine, seed, writer, number, again=False))
            if chance.randrange(100) < AGAIN_PERCENT:
                log.write(await _answered(engine, seed, writer, chance.randint(0, number), again=True))
            number += 1
    await engine.dispose()


async def _answered(engine: AsyncEngine, seed: str, writer: str, number: int, *, again: bool) -> LoggedAnswer:
    journals = bank_deals.batch(seed, writer, number)
    faults: list[str] = []
    while True:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return LoggedAnswer(number, again, await _ask(engine, journals), faults)
        except (SQLAlchemyError, OSError, TimeoutError) as fault:
            faults.append(_name(fault))
            await engine.dispose()
            await asyncio.sleep(PAUSE_S)


async def _ask(engine: AsyncEngine, journals: list[Journal]) -> list[str]:
    db: AsyncConnection
    async with engine.begin() as db:
        answers = await post(db, journals)
    return [
        answer.verdict if answer.reason is None else f"{answer.verdict}: {answer.reason}"
        for answer in answers
    ]


def _name(fault: Exception) -> str:
    """The SQLSTATE where the server said one, else the kind of error."""
    cause = fault.orig if isinstance(fault, DBAPIError) else fault
    return str(getattr(cause, "sqlstate", None) or type(cause).__name__)


if __name__ == "__main__":
    wanted = json.loads(os.environ["BANK_WRITER"])
    asyncio.run(
        write(wanted["url"], wanted["seed"], wanted["writer"], Path(wanted["log"]), Path(wanted["stop"]))
    )
