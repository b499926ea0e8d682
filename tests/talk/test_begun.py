"""Work begun in the task that is there: how far it goes, and what becomes of it when that task is cancelled."""

import asyncio

import pytest

from talk.begun import APART, Begun


async def _three_steps(reached: list[str]) -> str:
    reached.append("at once")
    await asyncio.sleep(0)
    reached.append("after a wait")
    await APART
    reached.append("apart")
    await asyncio.sleep(0)
    return "done"


async def test_what_need_not_wait_has_ended_when_it_has_begun() -> None:
    async def answer() -> str:
        return "done"

    work = Begun(answer())
    assert (work.ended, work.result) == (True, "done")


async def test_it_is_driven_up_to_where_it_must_not_be_cancelled_and_ends_in_a_task_of_its_own() -> None:
    reached: list[str] = []
    work = Begun(_three_steps(reached))
    assert (work.ended, reached) == (False, ["at once"])
    await work
    assert (work.ended, reached) == (False, ["at once", "after a wait"])
    assert await asyncio.create_task(work.work) == "done"
    assert reached[-1] == "apart"


async def test_a_fault_is_told_to_who_awaits_it() -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise LookupError("nothing there")

    with pytest.raises(LookupError):
        await Begun(fails())


async def test_who_gives_up_ends_the_work_too() -> None:
    ended: list[bool] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    work = Begun(waits())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await work
    assert ended == [True]
