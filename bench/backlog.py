"""A backlog of payments that their operator reports as made, all on one float: settled by the worker's own function.

Afterwards every invariant must hold and every journal be there. What others did is frozen in docs/benchmarks.md.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.databases import FOUNDED, as_owner, database
from bench.engine import transaction
from bench.homes import Joined, join
from bench.measures import Measure, Size, against, alone, memory_of_us, must_be_none
from bench.place import BenchPlace, check
from ledger.folding import fold_all
from mobilemoney import OperatorAnswer, Outcome
from mutuelle.contributions.collection import SETTLERS
from mutuelle.contributions.settlement.settle import settle_all
from torture.town import DAN, FAMILY
from worker import spare_collections

PEAK_PER_S = 21  # payments at the computed peak of a million members
AT_ONCE = (1, SETTLERS)  # batches side by side in one process, as the worker is one
HISTORY = 4  # batches settled before anything is measured: no book is empty when a backlog comes
JOURNALS = 2  # of a payment: the contribution is called, the money received


async def measure(place: BenchPlace, size: Size) -> list[Measure]:
    """About a minute."""
    spare_collections()  # as the worker does
    rates: dict[int, list[float]] = {at_once: [] for at_once in AT_ONCE}
    async with database(place, "backlog", FOUNDED) as own:
        laps = len(AT_ONCE) * size.rounds * size.batches
        pool = own.pool(max(AT_ONCE))
        backlog = Backlog(pool, await join(own, (HISTORY + laps) * size.batch), size)
        await backlog.settle(1, HISTORY)  # no plan is made for an empty book
        await as_owner(own, "vacuum analyze")  # as autovacuum will have done
        for _round in range(size.rounds):
            for at_once, found in rates.items():
                found.append(await backlog.settle(at_once, size.batches))
        folded = await _folded(backlog)
        await pool.dispose()
        proofs = await _proofs(own)
    peak = [float(PEAK_PER_S)] * size.rounds
    return [
        *(
            against(
                "backlog", f"payments settled, {n} at once", "payments/s", found, "the computed peak", peak
            )
            for n, found in rates.items()
        ),
        *memory_of_us("backlog", "memory of who settles"),
        folded,
        *proofs,
    ]


@dataclass(frozen=True)
class Backlog:
    """Payments that wait for the operator's word, and how they are settled."""

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


async def _folded(backlog: Backlog) -> Measure:
    """How fast the day rows follow, in the same transactions as the worker's."""
    began, folded = perf_counter(), 0
    while now := await fold_all(backlog.pool):
        folded += now
    return alone(
        "backlog", "folded into day rows behind it", "journals/s", [folded / (perf_counter() - began)]
    )


async def _proofs(own: BenchPlace) -> list[Measure]:
    await as_owner(own, "vacuum analyze")
    began = perf_counter()
    broken = await check(own.service_url)
    took_s = perf_counter() - began
    async with transaction(own.owner_url) as db:
        paid = int(await db.scalar(text("select count(*) from payment where state = 'PAID'")) or 0)
        journals = await db.scalar(text("select count(*) from ledger.journal where kind <> 'record'")) or 0
    return [
        Measure("backlog", "payments settled in all", paid, "payments"),
        Measure("backlog", f"`keneya check` over {journals:,} journals", took_s, "s"),
        must_be_none("backlog", "journals too many or too few", "journals", abs(journals - JOURNALS * paid)),
        must_be_none("backlog", "invariants broken afterwards", "invariants", len(broken)),
    ]
