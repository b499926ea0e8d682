"""The proof "failover": calls, SMS and payments go on while PostgreSQL and Redis lose their first server and every web
and worker is replaced; then quiet, and the books: what was acknowledged is there, nothing twice.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import httpx

from bench.place import check
from torture import proof
from torture.books import Books, open_books
from torture.callers import NOTHING_DUE, REDIAL_AFTER_S, UNDER_WAY, RandomCaller
from torture.diary import Diary
from torture.failover_place import FailoverPlace, started
from torture.front import HOST, Front
from torture.payers import Payers
from torture.place import RunningServiceError
from torture.story import Verdict, quiet
from torture.treasurers import stop_digests
from torture.writers import PAYING, Phone

BY_SMS_EVERY = 5
ANSWERED_WITHIN_S = 10.0  # after the promotion, or after the kill where sentinels promote
CALM_S = 2.0  # without trouble: then callers are answered again
THROUGH_S = 60.0  # so long anybody tries
# How long callers were in trouble, by what was lost.
POSTGRES, PROMOTED, REDIS = "ms PostgreSQL after kill", "ms PostgreSQL after promotion", "ms Redis after kill"
IN_UPGRADE, DROPPED = "hops in the upgrade", "dropped in the upgrade"


@dataclass(frozen=True)
class FailoverPlan:
    """How much, and what is wrong on purpose: `synchronous` and `retries` are True but for a mutant."""

    calls_per_s: float
    between_s: float  # of load before each event, and after the last
    homes: int  # callers at most
    detected_after_s: float = 1.0  # a tool needs so long to see that the primary is gone
    synchronous: bool = True
    retries: bool = True


LONG = FailoverPlan(calls_per_s=6, between_s=15, homes=1_500)


def phone_of(nth: int) -> str:
    """The phone of a member: none that the simulator's gateway of SMS plays a trouble with."""
    return f"+2236{nth:05}70"


@dataclass
class FailoverRun:
    """One run: what is there, what people live through, what was measured."""

    place: FailoverPlace
    plan: FailoverPlan
    front: Front
    http: httpx.AsyncClient
    seed: str
    diary: Diary = field(default_factory=Diary)
    lives: set[asyncio.Task[None]] = field(default_factory=set)
    figures: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


class PayingCaller(RandomCaller):
    """A member who dials, asks to pay what is due, and confirms."""

    async def live(self) -> None:
        """Until it was promised, or is under way already."""
        while not await self._call("2", done=(UNDER_WAY, NOTHING_DUE)):
            await asyncio.sleep(REDIAL_AFTER_S)


class PayingWriter(Phone):
    """A member who does the same by SMS."""

    async def live(self) -> None:
        """Until it was promised."""
        await self.ask("PAYER", PAYING)


async def prove(seed: int, home: Path, plan: FailoverPlan = LONG) -> Verdict:
    """Run it in the fresh directory `home`."""
    began, broken, counts = monotonic(), list[str](), dict[str, int]()
    try:
        phones = [phone_of(nth) for nth in range(plan.homes)]
        async with started(home, phones, synchronous=plan.synchronous) as place:
            front = Front(place.ports, retries=plan.retries)
            async with httpx.AsyncClient(transport=front, trust_env=False, timeout=10) as http:
                run = FailoverRun(place, plan, front, http, f"{seed} failover")
                before = await open_books(place.engines.url("service"), place.store)
                await _story(run)
                books = _since(before, await open_books(place.promoted_url, place.store))
                broken += run.broken + run.diary.strange + proof.compare(books, run.diary)
                broken += await check(place.promoted_url)
                counts = _count(run, books)
    except RunningServiceError as fault:
        broken.append(f"the service: {fault}")
    return Verdict("failover", seed, counts | {"seconds": round(monotonic() - began)}, broken)


async def _story(run: FailoverRun) -> None:
    """The load with its three events, then quiet."""
    async with _payers(run) as payers:
        load, began = asyncio.create_task(_call_forever(run)), monotonic()
        try:
            for event in (_lose_postgres, _lose_redis, _upgrade):
                await asyncio.sleep(run.plan.between_s)
                await event(run)
            await asyncio.sleep(run.plan.between_s)
        finally:
            load.cancel()
            await asyncio.gather(load, return_exceptions=True)
        run.figures["s of load"] = round(monotonic() - began)
        run.figures["members who paid"] = len(run.lives)
        _done, late = await asyncio.wait(run.lives, timeout=THROUGH_S)
        run.broken += [f"{life.get_name()} did not get through within {THROUGH_S:g} s" for life in late]
        await stop_digests(run.place.promoted_url)
        run.broken += await quiet(run.place.promoted_url, payers)


@asynccontextmanager
async def _payers(run: FailoverRun) -> AsyncIterator[Payers]:
    """Everybody approves what they asked for."""
    payers = Payers(run.http, run.place.simulator, {}, Random(run.seed), lambda _moment: None)
    work = asyncio.create_task(payers.answer_through_troubles())
    try:
        yield payers
    finally:
        for task in (work, *run.lives):
            task.cancel()
        await asyncio.gather(work, *run.lives, return_exceptions=True)


async def _call_forever(run: FailoverRun) -> None:
    """A member after the other begins, whoever of the others has ended."""
    loop, began = asyncio.get_running_loop(), monotonic()
    for nth in range(run.plan.homes):
        await asyncio.sleep(max(0.0, began + nth / run.plan.calls_per_s - monotonic()))
        run.lives.add(loop.create_task(_member(run, nth).live(), name=phone_of(nth)))
    run.broken.append(f"{run.plan.homes} members are too few for this story")


def _member(run: FailoverRun, nth: int) -> PayingCaller | PayingWriter:
    phone = phone_of(nth)
    person: dict[str, Any] = {
        "phone": phone,
        "http": run.http,
        "web": f"http://{HOST}",
        "simulator": run.place.simulator,
        "diary": run.diary,
        "chance": Random(f"{run.seed} {phone}"),
        "happened": lambda _moment: None,
    }
    if nth % BY_SMS_EVERY == 0:
        return PayingWriter(**person)
    return PayingCaller(**person, name="", pays_part=False)


async def _lose_postgres(run: FailoverRun) -> None:
    """Kill the primary; when that was seen, promote its standby."""
    if not run.plan.synchronous:  # what the standby has not taken yet
        await run.place.standby.cut_off()
        await asyncio.sleep(run.plan.between_s)
    killed_at = monotonic()
    run.place.kill("postgres")
    await asyncio.sleep(run.plan.detected_after_s)
    promoted_at = monotonic()
    await run.place.standby.promote()
    await _until_answered(run, POSTGRES, killed_at, promoted_at)
    run.figures[PROMOTED] = max(0, run.figures[POSTGRES] - round((promoted_at - killed_at) * 1000))


async def _lose_redis(run: FailoverRun) -> None:
    """Kill the master; the sentinels do the rest."""
    killed_at, before = monotonic(), await run.place.redis.master()
    run.place.kill("redis")
    async with asyncio.timeout(ANSWERED_WITHIN_S):
        while await run.place.redis.master() == before:
            await asyncio.sleep(0.1)
    await _until_answered(run, REDIS, killed_at, monotonic())


async def _until_answered(run: FailoverRun, what: str, killed_at: float, promoted_at: float) -> None:
    """Wait until no caller is in trouble any more; write down how long it took."""
    last, deadline = killed_at, promoted_at + ANSWERED_WITHIN_S
    while monotonic() < max(last, promoted_at) + CALM_S:
        last = max([last, *(hop.ended for hop in run.front.hops if hop.trouble and hop.ended > killed_at)])
        if monotonic() > deadline:
            run.broken.append(f"{what}: callers are not answered within {ANSWERED_WITHIN_S:g} s")
            break
        await asyncio.sleep(0.1)
    run.figures[what] = round((last - killed_at) * 1000)


async def _upgrade(run: FailoverRun) -> None:
    """One process after the other is stopped in order and started again; no hop may be left without its answer."""
    before = len(run.front.hops)
    for service in (*run.place.workers, *run.place.webs):
        await run.place.restart(service, run.http)
    await asyncio.sleep(CALM_S)
    in_trouble = [hop.trouble for hop in run.front.hops[before:] if hop.trouble]
    run.figures[IN_UPGRADE] = len(run.front.hops) - before
    run.figures[DROPPED] = len(in_trouble)
    if in_trouble:
        run.broken.append(f"{len(in_trouble)} hops were dropped in the upgrade: {in_trouble[0]}")


def _since(before: Books, after: Books) -> Books:
    """The households were there before anybody called."""
    return replace(after, households=[row for row in after.households if row not in before.households])


def _count(run: FailoverRun, books: Books) -> dict[str, int]:
    counted = proof.count(books, run.diary)
    return counted | run.figures | {"retried by the front": run.front.retried}
