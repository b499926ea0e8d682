"""Thumbs that answer the operator's prompts, each in its own way."""

import asyncio
from dataclasses import dataclass, field
from random import Random

import httpx

from torture.strikes import Heard

WAYS = ("approve", "decline", "late", "twice", "notice-first")
LOOK_EVERY_S = 0.1
THINKS_S = 0.6  # up to
FAULT_PAUSE_S = 0.5


@dataclass
class Payers:
    """Answers every prompt on every phone: the first of a phone in its `ways`, later ones with approve."""

    http: httpx.AsyncClient
    simulator: str
    ways: dict[str, str]
    chance: Random
    happened: Heard
    seen: set[str] = field(default_factory=set)
    answered: int = 0

    async def answer_forever(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as thumbs:
            while True:
                for prompt in await self.waiting():
                    if prompt["id"] not in self.seen:
                        self.seen.add(prompt["id"])
                        thumbs.create_task(self._answer(prompt))
                await asyncio.sleep(LOOK_EVERY_S)

    async def answer_through_troubles(self) -> None:
        """The same, by thumbs that go on when the simulator does not answer for a moment."""
        while True:
            try:
                await self.answer_forever()
            except* httpx.HTTPError:
                await asyncio.sleep(FAULT_PAUSE_S)

    async def waiting(self) -> list[dict[str, str]]:
        """The prompts that wait on any phone."""
        reply = await self.http.get(f"{self.simulator}/simulator/prompts", timeout=10)
        prompts: list[dict[str, str]] = reply.json()
        return prompts

    async def _answer(self, prompt: dict[str, str]) -> None:
        way = self.ways.pop(prompt["phone"], "approve")
        await asyncio.sleep(self.chance.uniform(0, THINKS_S))
        self.happened("prompt answered")
        self.answered += 1
        await self.http.post(f"{self.simulator}/simulator/prompts/{prompt['id']}", data={"answer": way})
