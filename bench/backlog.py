"""A backlog of payments that their operator reports as made, all on one float: settled by the worker's own function.

Beside it, in turn: django-hordak posting the same event, the classic design, and the limit, the same rows written by
PostgreSQL alone. Afterwards every invariant must hold and every journal be there.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from statistics import median
from time import perf_counter

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench import rivals, rows
from bench.classic import CLIENTS as CLASSIC_CLIENTS
from bench.databases import FOUNDED, as_owner, database, slow_commits, transaction
from bench.homes import Joined, join
from bench.measures import Measure, Size, against, alone, memory_of_us, must_be_none
from bench.place import Place, check
from bench.rivals import CLASSIC, Rival, race
from ledger.folding import fold_all
from mobilemoney import OperatorAnswer, Outcome
from mutuelle.contributions.collection import SETTLERS
from mutuelle.contributions.settlement.settle import settle_all
from torture.town import DAN, FAMILY
from worker import spare_collections

AT_ONCE = (1, SETTLERS)  # batches side by side in one process, as the worker is one
HISTORY = 4  # batches settled before anything is measured: no book is empty when a backlog comes
JOURNALS = 2  # of a payment: the contribution is called, the money received
OURS = "payments settled, {} at once"
SLOW = "commits of 2 ms"
SLOW_PEER = CLASSIC.format(max(CLASSIC_CLIENTS))


async def measure(place: Place, size: Size) -> list[Measure]:
    """About three minutes, half of it for the peers."""
    spare_collections()  # as the worker does
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(database(place, rivals.OURS, FOUNDED))
        waiting = await _prepare(ours, size)
        beside = [
            *await rivals.classics(stack, place, size),
            *await rivals.hordaks(stack, place, size),
        ]
        limit = await rivals.limit(stack, ours, [home.reference for home in waiting], size)
        start = await rows.count(ours)
        pool = ours.pool(max(AT_ONCE))
        stack.push_async_callback(pool.dispose)
        return await _compare(Backlog(ours, pool, waiting, size), beside, limit, start)


async def _prepare(ours: Place, size: Size) -> list[Joined]:
    """All the households there will be, and a little history: no plan is made for an empty book."""
    laps = max(size.rounds * (len(AT_ONCE) + 1), size.rounds + len(rivals.LIMIT_CLIENTS))
    waiting = await join(ours, (HISTORY + laps * size.batches) * size.batch)
    pool = ours.pool(1)
    await Backlog(ours, pool, waiting, size).settle(1, HISTORY)
    await pool.dispose()
    await as_owner(ours, "vacuum analyze")  # as autovacuum will have done
    return waiting


@dataclass(frozen=True)
class Backlog:
    """list[Joined] that wait for the operator's word, and how they are settled."""

    place: Place
    pool: AsyncEngine
    waiting: list[Joined]
    size: Size

    async def settle(self, at_once: int, batches: int) -> float:
        """Settle so many batches of what waits; payments a second."""
        left = [[self.waiting.pop() for _ in range(self.size.batch)] for _ in range(batches)]
        began = perf_counter()

        async def settle_rest() -> None:
            while left:
                await self._settle(left.pop())

        await asyncio.gather(*(settle_rest() for _ in range(at_once)))
        return batches * self.size.batch / (perf_counter() - began)

    async def _settle(self, homes: list[Joined]) -> None:
        now, price = datetime.now(UTC), FAMILY.lump_sum_minor
        paid = [
            (
                DAN.id,
                home.reference,
                OperatorAnswer(Outcome.PAID, price, DAN.currency, home.phone, f"T{home.reference}", now),
            )
            for home in homes
        ]
        async with self.pool.begin() as db:
            assert all(await settle_all(db, paid, now))


async def _compare(
    backlog: Backlog, beside: Sequence[Rival], limit: tuple[Rival, Place] | None, start: rows.Count
) -> list[Measure]:
    size = backlog.size
    ours = {OURS.format(n): partial(backlog.settle, n, size.batches) for n in AT_ONCE}
    others = [*beside, *([limit[0]] if limit else [])]
    rates = await race(ours | {rival.name: rival.lap for rival in others}, size.rounds)
    best = max(ours, key=lambda name: median(rates[name]))
    same = await _same_rows(backlog.place, limit[1], start) if limit else []
    classic = {rival.name: rival.lap for rival in beside if rival.name == SLOW_PEER}
    async with slow_commits(backlog.place):
        slow = await race({best: ours[best]} | classic, size.rounds)
    return [
        *_beside(rates, best),
        *_beside({f"{name}, {SLOW}": values for name, values in slow.items()}, f"{best}, {SLOW}"),
        *memory_of_us("backlog", "memory of who settles"),
        *same,
        *await _folded(backlog),
        *await _proofs(backlog.place, others),
    ]


def _beside(rates: dict[str, list[float]], best: str) -> list[Measure]:
    """What each did by itself; then the best of ours, a row for each peer."""
    peers = [name for name in rates if not name.startswith(OURS.partition(",")[0])]
    return [
        *(alone("backlog", name, "payments/s", values) for name, values in rates.items() if name != best),
        *(against("backlog", best, "payments/s", rates[best], peer, rates[peer]) for peer in peers),
    ]


async def _same_rows(ours: Place, limit: Place, start: rows.Count) -> list[Measure]:
    """Whether the limit wrote the rows that settling wrote, table by table."""
    left, there = await rows.left_by_each(ours, start), await rows.left_by_each(limit, start)
    unlike = {table for table in left.keys() | there.keys() if left.get(table) != there.get(table)}
    return [
        Measure("backlog", "rows that a payment leaves, changed ones apart", sum(left.values()), "rows"),
        must_be_none("backlog", "tables that the limit fills otherwise", "tables", len(unlike)),
    ]


async def _folded(backlog: Backlog) -> list[Measure]:
    """How fast the day rows follow, in the same transactions as the worker's."""
    began, folded = perf_counter(), 0
    while now := await fold_all(backlog.pool):
        folded += now
    return [
        Measure("backlog", "folded into day rows behind it", folded / (perf_counter() - began), "journals/s")
    ]


async def _proofs(ours: Place, beside: Sequence[Rival]) -> list[Measure]:
    await as_owner(ours, "vacuum analyze")
    _took_s, broken = await check(ours)
    counted = await rows.count(ours)
    async with transaction(ours.owner_url) as db:
        records = await db.scalar(text("select count(*) from ledger.journal where kind = 'record'"))
    journals = abs(counted.rows["ledger.journal"] - records - JOURNALS * counted.paid)
    wrong = [rival.name for rival in beside if not await rival.proof()]
    return [
        Measure("backlog", "payments settled in all", counted.paid, "payments"),
        must_be_none("backlog", "journals too many or too few", "journals", journals),
        must_be_none("backlog", "invariants broken afterwards", "invariants", len(broken)),
        must_be_none("backlog", "peers whose own book is wrong", "peers", len(set(wrong))),
    ]
