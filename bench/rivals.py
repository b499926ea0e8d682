"""What settling a backlog is measured beside, each in a database of its own, with as many clients as suit it best.

A rival is a lap, payments a second, and a proof that its own book is right afterwards.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from bench import classic, hordak, pgbench, rows
from bench.databases import database
from bench.measures import Size
from bench.place import Place

Lap = Callable[[], Awaitable[float]]
OURS = "backlog"  # the database in which payments are settled
LIMIT_CLIENTS = (1, 2, 4)
CLASSIC = "the classic design, {} clients"
LIMIT = "the same rows by pgbench, {}"
HORDAK = "django-hordak, {}"


@dataclass(frozen=True)
class Rival:
    """`proof` answers whether what it wrote is right."""

    name: str
    lap: Lap
    proof: Callable[[], Awaitable[bool]]


async def classics(stack: AsyncExitStack, place: Place, size: Size) -> list[Rival]:
    """The classic design with 64 clients, as the comparison is meant, and with the few that suit its hot row."""
    if not pgbench.program(place):
        return []
    own = await stack.enter_async_context(database(place, "classic"))
    script = await classic.make(own)
    return [
        Rival(
            CLASSIC.format(clients),
            partial(classic.rate, own, script, clients, size.lap_s),
            partial(classic.is_sound, own),
        )
        for clients in classic.CLIENTS
    ]


async def limit(
    stack: AsyncExitStack, ours: Place, references: Sequence[UUID], size: Size
) -> tuple[Rival, Place] | None:
    """The limit in a copy of our own database, and that copy; nobody may be connected to ours."""
    if not pgbench.program(ours):
        return None
    own = await stack.enter_async_context(database(ours, "limit", template=OURS))
    script = await rows.make(own, references, size.batch)
    laps = {n: partial(rows.rate, own, script, size.batch, size.batches, n) for n in LIMIT_CLIENTS}
    clients = await _best(laps)
    return Rival(
        LIMIT.format(_so_many(clients, "client")), laps[clients], partial(rows.is_sound, own, size.batch)
    ), own


async def hordaks(stack: AsyncExitStack, place: Place, size: Size) -> list[Rival]:
    """django-hordak in one process, and in as many as suit it best here."""
    if not hordak.is_here(install=size.installs):
        return []
    own = await stack.enter_async_context(database(place, "hordak"))
    await hordak.prepare(own)
    laps = {n: partial(hordak.rate, own, n, size.lap_s) for n in hordak.PROCESSES}
    most = await _best(laps)
    proof = partial(hordak.is_sound, own)
    return [
        Rival(HORDAK.format(_so_many(n, "process", "processes")), laps[n], proof) for n in sorted({1, most})
    ]


def _so_many(number: int, one: str, more: str = "clients") -> str:
    return f"{number} {one if number == 1 else more}"


async def _best(laps: Mapping[int, Lap]) -> int:
    rates = {clients: await lap() for clients, lap in laps.items()}
    return max(rates, key=lambda clients: rates[clients])


async def race(laps: Mapping[str, Lap], rounds: int) -> dict[str, list[float]]:
    """Each in turn, round by round; no name is always the later one."""
    rates: dict[str, list[float]] = {name: [] for name in laps}
    for nth in range(rounds):
        for name in list(laps)[:: -1 if nth % 2 else 1]:
            rates[name].append(await laps[name]())
    return rates
