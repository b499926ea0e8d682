"""One proof: a service of its own, calls, SMS, payments and digests, one victim killed again and again, then quiet.

Kills, then a quiet period in which everything must come back by itself, then the books are compared.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic

import httpx
from sqlalchemy import text

from bench.engine import engine_of
from bench.place import check
from torture import proof, strikes, town
from torture.books import open_books
from torture.diary import Diary
from torture.payers import WAYS, Payers
from torture.people import Life, People
from torture.place import RunningPlace, RunningServiceError, started
from torture.strikes import Executioner
from torture.treasurers import ring, stop_digests

CALLS_TIMEOUT_S = 120.0
QUIET_TIMEOUT_S = 110.0  # well above a payment's lease of 60 s, which a killed worker leaves behind
STILL_S = 2.0  # so long nothing may be under way
SMS_WAIT_S = (
    12.0  # what is still being sent then was cut off; it is in doubt when its lease ends, or tried later
)

UNDER_WAY = text(
    "select (select count(*) from payment where state in ('ASKED', 'SENT', 'PENDING', 'UNKNOWN')) as payments,"
    " (select count(*) from sms_inbox where state = 'WAITING') as unread,"
    " (select count(*) from sms_outbox where state = 'DUE' and due_at <= now()) as due,"
    " (select count(*) from sms_outbox where state in ('DUE', 'SENDING')) as messages"
)


@dataclass(frozen=True)
class Verdict:
    """What came of one proof; `broken` has a line for each thing that is not as it must be."""

    proof: str
    seed: int
    counts: dict[str, int]
    broken: list[str]

    @property
    def word(self) -> str:
        return "broken" if self.broken else "held"


async def tell(victim: str, *, seed: int, calls: int, kills: int, home: Path) -> Verdict:
    """Run the proof for `victim` in the fresh directory `home`."""
    chance, began = Random(f"{seed} {victim}"), monotonic()
    diary, broken, counts = Diary(), list[str](), dict[str, int]()
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(trust_env=False, timeout=10, limits=limits) as http:
        try:
            async with started(home, http) as place:
                executioner = Executioner(place, victim, strikes.draw(chance, kills, calls), http)
                async with _payers(place, http, calls, chance, executioner) as payers:
                    everybody = People(place, http, diary, f"{seed} {victim}", executioner)
                    broken += await _live(place, everybody.lives(calls), executioner)
                    await executioner.finish()
                    await place.wait_until_whole(http)
                    await stop_digests(place.database_url)
                    broken += await quiet(place.database_url, payers)
                books = await open_books(place.database_url, place.store)
                broken += await check(place.database_url)
                broken += diary.strange + proof.compare(books, diary)
                counts = proof.count(books, diary) | {"kills": executioner.kills, "prompts": payers.answered}
        except RunningServiceError as fault:
            broken.append(f"the service: {fault}")
    proof.keep(diary, home / "told.jsonl")
    return Verdict(f"kill {victim}", seed, counts | {"seconds": round(monotonic() - began)}, broken)


@asynccontextmanager
async def _payers(
    place: RunningPlace, http: httpx.AsyncClient, calls: int, chance: Random, executioner: Executioner
) -> AsyncIterator[Payers]:
    ways = {town.phone_of(nth): WAYS[nth % len(WAYS)] for nth in range(2 * calls)}
    payers = Payers(http, place.simulator, ways, Random(chance.random()), executioner.happened)
    work = asyncio.create_task(payers.answer_forever())
    try:
        yield payers
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def _live(place: RunningPlace, everybody: Mapping[str, Life], executioner: Executioner) -> list[str]:
    """Let everybody live; who never gets what they want is a complaint."""
    bell = asyncio.create_task(ring(place.database_url, executioner.happened))
    lives = {asyncio.create_task(life): who for who, life in everybody.items()}
    done, late = await asyncio.wait(lives, timeout=CALLS_TIMEOUT_S)
    for task in (*late, bell):
        task.cancel()
    await asyncio.gather(bell, *late, return_exceptions=True)
    for life in done:
        life.result()
    if place.launcher.poll() is not None:
        raise RunningServiceError(f"it gave up: {place.last_words()}")
    return [f"{lives[life]} did not get through within {CALLS_TIMEOUT_S:g} s" for life in late]


async def quiet(database_url: str, payers: Payers) -> list[str]:
    """Wait until nothing is under way any more; what still is after the limit is a line each."""
    began = still_since = monotonic()
    async with engine_of(database_url) as engine:
        while True:
            async with engine.connect() as db:
                row = (await db.execute(UNDER_WAY)).one()
            now, waiting = monotonic(), await payers.waiting()
            messages = row.messages if now - began < SMS_WAIT_S else row.due
            if row.payments or row.unread or messages or waiting:
                still_since = now
            if now - still_since >= STILL_S:
                return []
            if now - began > QUIET_TIMEOUT_S:
                left = (
                    f"{row.payments} payments, {row.unread} SMS unread, {row.due} due, {len(waiting)} prompts"
                )
                return [f"not quiet: {left}"]
            await asyncio.sleep(0.25)
