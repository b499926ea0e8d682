"""The worker's loop that answers SMS, in a process of its own: the others have nothing to do with a doctor's answer."""

import asyncio
import os

import locales
import settings
import worker
from service.clock import DatabaseClock
from service.database import open_pool
from sms.inbox_worker import answer_waiting
from timing import Clock


async def _answer() -> None:
    wanted, clock = settings.read(os.environ), DatabaseClock()
    pool = open_pool(wanted.database_url)
    box = worker.sms_deps(wanted, pool, Clock(clock))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(clock.follow(pool))
        while True:
            if not await answer_waiting(box):
                await asyncio.sleep(worker.PAUSE_S)


if __name__ == "__main__":
    locales.load()
    worker.spare_collections()
    asyncio.run(_answer())
