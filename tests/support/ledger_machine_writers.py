"""Two to eight writers at once, and a close in between: some order of them must explain every answer."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from ledger.book import (
    Journal,
    Origin,
    Posted,
    post,
)
from ledger.folding import fold
from ledger.periods import close_period
from tests.support.ledger_drafts import DRAFTS, Draft
from tests.support.ledger_machine import TICK, OneWriter
from tests.support.ledger_model import Model
from tests.support.ledger_scene import TODAY

BOOKED_ON = text(
    "select id, effective_on from ledger.journal where mutuelle_id = :mutuelle and xid::text = cast(:tick as text)"
)
TRY_AGAIN = ("40P01", "40001")  # a deadlock, a serialization failure: never an answer


@dataclass(frozen=True)
class Turn:
    """One writer's request, made beside others, and the answer with its tick."""

    tick: int
    answered: Sequence[Posted]
    ask: Callable[[Model], Sequence[Posted]]
    dated: Mapping[UUID, date]  # the day on which each of its journals was booked

    def is_explained_by(self, model: Model) -> bool:
        """Whether the model, at this tick, answers and books the same."""
        model.tick = self.tick
        answers = self.ask(model)
        return answers == self.answered and all(model.booked[key].on == on for key, on in self.dated.items())


def explain(model: Model, turns: Sequence[Turn]) -> Model | None:
    """The model after all turns, in an order that explains every answer: that of their ticks, or another."""
    if not turns:
        return model
    for turn in turns:
        after, others = model.copy(), [other for other in turns if other is not turn]
        if turn.is_explained_by(after) and (found := explain(after, others)):
            return found
    return None


class ManyWriters(OneWriter):
    """Several writers, whose batches are disjoint or share keys, in any order."""

    @rule(
        batches=st.lists(st.lists(DRAFTS, max_size=4), min_size=2, max_size=8),
        shared=st.lists(DRAFTS, max_size=3),
        closes=st.booleans(),
        seed=st.integers(0, 1000),
    )
    def write_at_once(
        self, batches: Sequence[Sequence[Draft]], shared: Sequence[Draft], closes: bool, seed: int
    ) -> None:
        chance, common = Random(seed), self.written(shared)
        asked = []
        for drafts in batches:
            batch = [*self.written(drafts), *chance.sample(common, chance.randint(0, len(common)))]
            asked.append(chance.sample(batch, len(batch)))
        turns = self.runner.run(self.race(asked, closes))
        after = explain(self.model, sorted(turns, key=lambda turn: turn.tick))
        assert after is not None, f"no order explains {[(turn.tick, turn.answered) for turn in turns]}"
        self.model = after
        self.sent += [journal for batch in asked for journal in batch]
        self.done["raced"] += len(asked)
        for turn in turns:
            for answered in turn.answered:
                self.count(answered)
        self.every_key_was_created_once(asked, turns)

    def every_key_was_created_once(self, asked: Sequence[Sequence[Journal]], turns: Sequence[Turn]) -> None:
        answered = [turn.answered for turn in turns[: len(asked)]]
        created = Counter(
            journal.key
            for batch, answers in zip(asked, answered, strict=True)
            for journal, answer in zip(batch, answers, strict=True)
            if answer.verdict == "created"
        )
        assert all(times == 1 for times in created.values())

    async def race(self, asked: Sequence[Sequence[Journal]], closes: bool) -> list[Turn]:
        last_on = TODAY - timedelta(40)
        act = self.act("raced", "period closed", last_on)
        said = {"source": act.source, "key": act.key, "actor": act.actor, "reason": act.reason}

        async def closed(db: AsyncConnection) -> list[Posted]:
            return [await close_period(db, self.mutuelle, last_on, Origin(**said))]

        def turns_of(
            batch: Sequence[Journal],
        ) -> tuple[Callable[..., Awaitable[list[Posted]]], Callable[..., list[Posted]]]:
            return lambda db: post(db, batch), lambda model: [model.post(journal) for journal in batch]

        works = [turns_of(batch) for batch in asked]
        if closes:
            works.append((closed, lambda model: [model.close(act, last_on)]))
        folds = [self.fold_beside() for _ in range(2)]
        turns = await asyncio.gather(*(self.turn(*work) for work in works), *folds)
        return [turn for turn in turns if turn]

    async def turn(
        self,
        work: Callable[[AsyncConnection], Awaitable[list[Posted]]],
        ask: Callable[[Model], list[Posted]],
    ) -> Turn:
        """Retries until there is an answer: a deadlock says nothing about a journal."""
        while True:
            try:
                async with self.pool.begin() as db:
                    answered = await work(db)
                    tick = int(await db.scalar(TICK) or 0)
                    dated = (
                        await db.execute(BOOKED_ON, {"mutuelle": self.mutuelle, "tick": str(tick)})
                    ).all()
                    return Turn(tick, answered, ask, {row.id: row.effective_on for row in dated})
            except DBAPIError as fault:
                if getattr(fault.orig, "sqlstate", None) not in TRY_AGAIN:
                    raise
                self.done["deadlocks"] += 1

    async def fold_beside(self) -> None:
        async with self.pool.begin() as db:
            self.done["folded"] += await fold(db, self.mutuelle, 3)
