"""Work led without a task: how far it goes by itself, and who is told of its end."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from talk.begun import APART, Led


@dataclass
class Told:
    """What `lead` told of work that goes through `steps`."""

    steps: list[str] = field(default_factory=list)
    result: str = ""
    rest: Coroutine[Any, Any, str] | None = None

    def ended(self, result: str) -> None:
        self.result = result

    def apart(self, rest: Coroutine[Any, Any, str]) -> None:
        self.rest = rest

    def lead(self, work: Coroutine[Any, Any, str]) -> None:
        Led(work, self.ended, self.apart)


async def test_what_need_not_wait_has_ended_when_it_has_begun() -> None:
    async def answer() -> str:
        return "done"

    told = Told()
    told.lead(answer())
    assert told == Told(result="done")


async def test_it_goes_on_by_itself_as_often_as_what_it_waits_for_is_there() -> None:
    loop, told = asyncio.get_running_loop(), Told()
    first, second = loop.create_future(), loop.create_future()

    async def work() -> str:
        told.steps.append(await first)
        await asyncio.sleep(0)
        told.steps.append(await second)
        return "done"

    told.lead(work())
    await asyncio.sleep(0.01)
    assert told == Told()
    first.set_result("one")
    second.set_result("two")
    await asyncio.sleep(0.01)
    assert told == Told(["one", "two"], "done")


async def test_a_fault_of_what_it_waits_for_is_its_own_to_handle() -> None:
    told, answer = Told(), asyncio.get_running_loop().create_future()

    async def work() -> str:
        try:
            return str(await answer)
        except ConnectionError:
            return "no answer"

    told.lead(work())
    answer.set_exception(ConnectionError())
    await asyncio.sleep(0)
    assert told.result == "no answer"


async def test_what_is_cancelled_with_the_process_is_dropped_without_a_word() -> None:
    told, faults = Told(), list[object]()
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()
    loop.set_exception_handler(lambda _loop, fault: faults.append(fault))

    async def work() -> str:
        try:
            return await answer
        finally:
            told.steps.append("undone")

    told.lead(work())
    answer.cancel()
    await asyncio.sleep(0.01)
    assert (told, faults) == (Told(["undone"]), [])


async def test_apart_it_is_handed_over_and_ends_in_a_task() -> None:
    told = Told()

    async def work() -> str:
        await asyncio.sleep(0)
        told.steps.append("led")
        await APART
        async with asyncio.timeout(1):  # needs a task
            await asyncio.sleep(0)
        return "done"

    told.lead(work())
    await asyncio.sleep(0.01)
    assert (told.steps, told.result) == (["led"], "")
    assert told.rest
    assert await asyncio.create_task(told.rest) == "done"
    assert told.result == ""
