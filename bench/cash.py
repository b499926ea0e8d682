"""Cash recorded by a collector in a call: the real action, by one caller and by sixteen at once.

The check of the PIN takes a core some 25 ms on purpose, one at a time and at low priority. It is a part of one lap and
left out of the others: there the hashes are as cheap as argon2 makes them. The posting is also measured by itself: one
journal and its commit, which is all of the action that holds a lock on the book.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from random import Random
from time import perf_counter

from argon2 import PasswordHasher
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.databases import FOUNDED, database, transaction
from bench.homes import Joined, join_only
from bench.measures import Measure, Size, memory_of_us, must_be_none, percentile
from bench.place import Place, check
from ledger import accounts
from ledger.book import Account, Journal, Movement, open_accounts, post
from ledger.folding import fold_all
from locales import Money
from mutuelle.acts import By
from mutuelle.contributions.standing import PaymentTerms
from mutuelle.officers.appointments import give_role
from mutuelle.officers.pin_hashing import hash_pin
from mutuelle.officers.pins import PURPOSE, note_pin_change
from mutuelle.officers.roles import NewOfficer, Role
from mutuelle.officers.tables import officer_pin
from mutuelle.treasury.cash import CashGiven, Recorded, receive_cash
from service.database import open_pool
from talk.answers import Secret
from talk.keyring import Keyring
from talk.words import Caller
from torture.town import DAN, FAMILY

CALLERS = 16
P99_MS = 25.0
FOLD_EVERY_S = 1.0
PRICE = Money(FAMILY.lump_sum_minor, DAN.currency)
NO_CREDIT = Money(0, PRICE.currency)
PART = Money(500, DAN.currency)  # so small that a collector need not deposit before the end
PIN = "40713"
SEALS = Keyring((b"a key of the benchmarks, not a secret",))
COLLECTORS = [f"+223798710{nth:02}" for nth in range(CALLERS)]
SEED = 61
ALONE, AT_ONCE = "cash recorded, 1 caller", f"cash recorded, {CALLERS} callers without a pause"
PACED, WHOLE = (
    f"cash recorded, {CALLERS} callers, one a second each",
    f"with its PIN, {CALLERS} callers without a pause",
)
POSTED = f"its posting alone, {CALLERS} callers without a pause"
Work = Callable[[str], Awaitable[None]]  # what a collector, known by her phone, does once
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass(frozen=True)
class Desk:
    """Collectors, and households that pay the first part of their contribution in cash; `pool` is as web has it."""

    pool: AsyncEngine
    homes: list[Joined]
    keys: Iterator[int] = field(default_factory=count)

    async def lap(self, callers: int, actions: int, pause_s: Callable[[], float], work: Work) -> list[float]:
        """What every action took, in ms; each caller begins the next one after a pause."""
        laps = (self._caller(phone, actions, pause_s, work) for phone in COLLECTORS[:callers])
        return [wait for waits in await asyncio.gather(*laps) for wait in waits]

    async def _caller(
        self, phone: str, actions: int, pause_s: Callable[[], float], work: Work
    ) -> list[float]:
        waits = []
        for _deed in range(actions):
            await asyncio.sleep(pause_s())
            began = perf_counter()
            await work(phone)
            waits.append((perf_counter() - began) * 1000)
        return waits

    async def post(self, phone: str) -> None:
        """The journal of cash that came, into a box of the collector's own: locked, checked, committed."""
        movement = Movement(_box(phone), accounts.contributions(), PART.amount_minor, PART.currency)
        said = (
            "bench cash",
            str(next(self.keys)),
            "cash received",
            datetime.now(UTC).date(),
            phone[-2:],
            "measured",
        )
        async with self.pool.begin() as db:
            [posted] = await post(db, [Journal(DAN.id, *said, [movement])])
        assert posted.stands, posted

    async def receive(self, phone: str) -> None:
        """The action of the menu, for a household that has not paid yet."""
        home = self.homes.pop()
        caller = Caller(phone, "fr", "bench", f"cash {home.number}", datetime.now(UTC), SEALS)
        async with self.pool.begin() as db:
            done = await receive_cash(
                db,
                caller,
                mutuelle=DAN.id,
                cash=CashGiven(home.number, PART, caller.at.date()),
                terms=PaymentTerms(PRICE, NO_CREDIT, FAMILY.code, FAMILY.version, renews=False),
                pin=Secret(PIN),
            )
        assert isinstance(done, Recorded), done


async def measure(place: Place, size: Size) -> list[Measure]:
    """About a minute."""
    paced = max(1, round(size.lap_s * 4))
    async with database(place, "cash", FOUNDED) as own:
        homes = await join_only(
            own, CALLERS + size.rounds * (size.actions + CALLERS * (2 * size.actions + paced))
        )
        await _appoint(own)
        desk, worker = Desk(open_pool(own.service_url), homes), own.pool(1)
        folding = asyncio.create_task(_fold_behind(worker))
        try:
            waits = await _laps(own, desk, size, paced)
        finally:
            folding.cancel()
            await asyncio.gather(folding, return_exceptions=True)
            await desk.pool.dispose()
            await worker.dispose()
        _took_s, broken = await check(own)
    return [
        *_rows(waits),
        *memory_of_us("cash", "memory of who records"),
        must_be_none("cash", "invariants broken afterwards", "invariants", len(broken)),
    ]


async def _fold_behind(pool: AsyncEngine) -> None:
    """What the worker does meanwhile: without it every balance would add up all that was posted."""
    while True:
        await fold_all(pool)
        await asyncio.sleep(FOLD_EVERY_S)


async def _laps(own: Place, desk: Desk, size: Size, paced: int) -> dict[str, list[float]]:
    """The waits of each kind of lap, in turn; the laps with the whole PIN come last."""
    chance = Random(SEED)
    waits: dict[str, list[float]] = {name: [] for name in (ALONE, AT_ONCE, POSTED, PACED, WHOLE)}
    await desk.lap(CALLERS, 1, _no_pause, desk.receive)  # connections, and plans of statements
    for _round in range(size.rounds):
        waits[ALONE] += await desk.lap(1, size.actions, _no_pause, desk.receive)
        waits[AT_ONCE] += await desk.lap(CALLERS, size.actions, _no_pause, desk.receive)
        waits[POSTED] += await desk.lap(CALLERS, size.actions * 4, _no_pause, desk.post)
        waits[PACED] += await desk.lap(CALLERS, paced, lambda: chance.uniform(0.5, 1.5), desk.receive)
    await _seal_dear(own)
    for _round in range(size.rounds):
        waits[WHOLE] += await desk.lap(CALLERS, max(1, size.actions // 4), _no_pause, desk.receive)
    return waits


def _no_pause() -> float:
    return 0.0


def _rows(waits: dict[str, list[float]]) -> Iterator[Measure]:
    alone = percentile(waits[ALONE], 99)
    for name, found_ms in waits.items():
        p50, p99 = percentile(found_ms, 50), percentile(found_ms, 99)
        yield Measure("cash", f"{name}, p50", p50, "ms", ALONE, p50 / percentile(waits[ALONE], 50))
        yield Measure("cash", f"{name}, p99", p99, "ms", ALONE, p99 / alone)
    for name in (POSTED, AT_ONCE, PACED):
        p99 = percentile(waits[name], 99)
        yield Measure("cash", f"{name}, p99", p99, "ms", f"{P99_MS:g} ms wanted", p99 / P99_MS)


def _box(phone: str) -> str:
    return accounts.cash(f"bench-{phone[-2:]}")


async def _appoint(own: Place) -> None:
    """Collectors in office, each with a PIN that was received and used, its hash a cheap one, and a box."""
    now = datetime.now(UTC)
    async with transaction(own.service_url) as db:
        await open_accounts(db, [Account(DAN.id, _box(phone), DAN.currency) for phone in COLLECTORS])
        for phone in COLLECTORS:
            collector = NewOfficer(Role.COLLECTOR, phone, "Oumou Keita")
            await give_role(db, DAN.id, collector, by=By("bench", "it collects", now))
            sealed = SEALS.seal(PURPOSE, _CHEAP.hash(PIN).encode(), phone)
            row = {"phone": phone, "sealed": sealed, "origin": "screen", "issued_at": now, "used_at": now}
            await db.execute(officer_pin.insert(), row)
            await note_pin_change(db, phone, "received", by=By("officer", "a benchmark's", now))


async def _seal_dear(own: Place) -> None:
    """The PIN of every collector, hashed as it always is."""
    hashed = await hash_pin(PIN)
    async with transaction(own.service_url) as db:
        for phone in COLLECTORS:
            sealed = SEALS.seal(PURPOSE, hashed, phone)
            await db.execute(update(officer_pin).where(officer_pin.c.phone == phone).values(sealed=sealed))
