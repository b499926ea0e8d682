"""Plays the short story of `battery_steps.py` on a ledger and tells where it is answered otherwise.

Of a sound ledger there is nothing to tell. Nothing in here is drawn.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger.balances import balance
from ledger.book import Journal, Origin, Posted, open_accounts, post
from ledger.folding import fold
from ledger.periods import close_period, closed_through, reopen_period
from ledger.seals import seal
from ledger.statements import statement
from torture.battery_steps import (
    AWA,
    BANKED,
    FIGURES,
    FLOAT,
    IN_TIME,
    INCOME,
    JANUARY,
    JANUARY_ENDS,
    LATE,
    LIMITS,
    OLD,
    PHONE,
    REFERENCES,
    SOUND,
    TILL,
    TOGETHER,
    TOWN,
    Step,
    chart,
    journal,
    mirror,
    move,
)

RIVAL_WAITS_S = 0.3
FOLDS, FOLDED_AT_ONCE = 12, 7
PATIENCE_S = 30.0


@dataclass
class Player:
    """Plays the story on one database; every part is folded and sealed before the next."""

    pool: AsyncEngine

    async def lines(self) -> AsyncIterator[str]:
        """Every answer that is not as it must be."""
        for steps in (LIMITS, SOUND, REFERENCES):
            for step in steps:
                async for line in self._posted([step]):
                    yield line
            await self._fold_and_seal()
        async for line in self._posted(TOGETHER):
            yield line
        for part in (self._periods, self._rivals, self._late_commit, self._figures):
            async for line in part():
                yield line
            await self._fold_and_seal()
        async for line in self._figures():
            yield f"folded: {line}"

    async def _posted(self, steps: Sequence[Step]) -> AsyncIterator[str]:
        async with self.pool.begin() as db:
            answers = await post(db, [asked for _, asked in steps])
        for (expected, asked), answer in zip(steps, answers, strict=True):
            if _word(answer) != expected:
                yield f"{asked.key!r} is {_word(answer)}, not {expected}"

    async def _fold_and_seal(self) -> None:
        async with self.pool.begin() as db:
            for _ in range(FOLDS):  # a fold that never comes to an end is seen by its figures
                await fold(db, TOWN, FOLDED_AT_ONCE)
        async with self.pool.begin() as db:
            await seal(db, TOWN)

    async def _periods(self) -> AsyncIterator[str]:
        """January is closed, an item of it comes late, January is opened again, and another comes in time."""
        today = datetime.now(UTC).date()
        said = {"source": "period", "actor": "treasurer", "reason": "end of the month"}
        closes = [
            ("refused: period_not_over", today),
            ("created", JANUARY_ENDS),
            ("refused: period_closed", JANUARY_ENDS - timedelta(1)),
        ]
        async with self.pool.begin() as db:
            answer = await close_period(
                db, TOWN, JANUARY_ENDS, Origin(key="phone", **said | {"actor": PHONE})
            )
        if _word(answer) != "refused: actor_malformed":
            yield f"a close by a phone is {_word(answer)}"
        for nth, (expected, last_on) in enumerate(closes):
            async with self.pool.begin() as db:
                answer = await close_period(db, TOWN, last_on, Origin(key=str(nth), **said))
            if _word(answer) != expected:
                yield f"the close through {last_on} is {_word(answer)}, not {expected}"
        async for line in self._posted([("created", LATE)]):
            yield line
        await self._fold_and_seal()
        async with self.pool.begin() as db:
            dates = [
                (e.effective_on, e.occurred_on) for e in await statement(db, TOWN, FLOAT) if e.debit == 90
            ]
            answer = await reopen_period(db, TOWN, Origin(key="reopened", **said))
            again = await reopen_period(db, TOWN, Origin(key="reopened twice", **said))
            closed = await closed_through(db, TOWN)
        if dates != [(today, JANUARY)]:
            yield f"the late item is booked on {dates}"
        if (_word(answer), _word(again), closed) != ("created", "refused: period_not_closed", None):
            yield f"reopening is {_word(answer)}, then {_word(again)}, the books are closed through {closed}"
        async with self.pool.connect() as db:  # a close waits for postings
            told = [_word(answer) for answer in await post(db, [IN_TIME])]
            closing = asyncio.create_task(self._closed(said))
            await asyncio.sleep(RIVAL_WAITS_S)
            await db.commit()
            told.append(await closing)
        if told != ["created", "created"]:
            yield f"a posting in time and a close beside it are {told}"

    async def _closed(self, said: Mapping[str, str]) -> str:
        async with self.pool.begin() as db:
            return _word(await close_period(db, TOWN, JANUARY_ENDS, Origin(key="again", **said)))

    async def _rivals(self) -> AsyncIterator[str]:
        """Two want the last money of the till at the same time."""
        more = journal("more", move(TILL, INCOME, 300))
        one, two = (journal(name, move(BANKED, TILL, 300)) for name in ("one", "two"))
        async for line in self._posted([("created", more)]):
            yield line
        async with self.pool.connect() as first:
            told = [_word(answer) for answer in await post(first, [one])]
            second = asyncio.create_task(self._answer(two))
            await asyncio.sleep(RIVAL_WAITS_S)
            await first.commit()
            told.append(await second)
        if told != ["created", "refused: balance_too_low"]:
            yield f"two that want the last money are {told}"
        back = mirror("one is taken back", one)
        async for line in self._posted([("created", back), ("created", mirror("more is taken back", more))]):
            yield line

    async def _answer(self, asked: Journal) -> str:
        try:
            async with self.pool.begin() as db:
                return _word((await post(db, [asked]))[0])
        except SQLAlchemyError as fault:
            return type(fault).__name__

    async def _late_commit(self) -> AsyncIterator[str]:
        """A posting commits after one that began later; the fold and the seals come between."""
        slow, quick = (journal(name, move(FLOAT, AWA, 400)) for name in ("slow", "quick"))
        async with self.pool.connect() as db:
            await post(db, [slow])
            async for line in self._posted([("created", quick)]):
                yield line
            await self._fold_and_seal()
            await db.commit()

    async def _figures(self) -> AsyncIterator[str]:
        async with self.pool.connect() as db:
            for code, (expected, in_january) in FIGURES.items():
                for day, figures in ((None, expected), (JANUARY_ENDS, in_january)):
                    found = await balance(db, TOWN, code, day)
                    if (found.debits, found.credits) != figures:
                        yield f"{code} is {found} as of {day}, not {figures}"


def _word(answer: Posted) -> str:
    return answer.verdict if answer.reason is None else f"{answer.verdict}: {answer.reason}"


async def begin(service: AsyncEngine, owner: AsyncEngine) -> None:
    """The story's accounts, one of them closed."""
    async with service.begin() as db:
        await open_accounts(db, chart())
    async with owner.begin() as db:
        close = text("update ledger.account set closed_on = :day where mutuelle_id = :town and code = :code")
        await db.execute(close, {"day": JANUARY, "town": TOWN, "code": OLD})


async def play(service: AsyncEngine) -> list[str]:
    """Where this ledger answers otherwise than it must; a fault of the database ends the story and is told too."""
    told: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for line in Player(service).lines():
                told.append(line)
    except TimeoutError:
        told.append(f"the story did not end within {PATIENCE_S:g} s")
    except SQLAlchemyError as fault:
        told.append(f"{type(fault).__name__}: {str(fault).splitlines()[0]}")
    return told
