"""The proof "operators": payments and payouts over every operator, whose answers go wrong at random, while web, worker
and PostgreSQL are killed; then quiet, and the books against the operators' own journal, statements and notices.
"""

import asyncio
import math
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random
from time import monotonic

import httpx
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.engine import engine_of
from bench.homes import Joined
from bench.place import check
from locales import load
from mobilemoney.accounts import capabilities_of
from mobilemoney.operator import Fact
from mutuelle.contributions.payments import PayingPhone, ask_payment
from mutuelle.households.households import household_by_number
from mutuelle.officers.joint_acts import APPROVED, acts_to_sign, answer_act, propose
from mutuelle.officers.roles import Role, appointment_of
from mutuelle.treasury.payouts.payout_acts import payout_proposal
from mutuelle.treasury.voucher_kinds import NewVoucher, VoucherKind
from simulator.trouble import KINDS
from talk.answers import Secret
from talk.trouble import RefusedError
from talk.words import Caller, Consent
from torture import operators_books
from torture.operators_town import (
    PIN,
    SEALS,
    SIGNERS,
    OperatorTown,
    found_towns,
    operator_towns,
    phone_on,
    some_money,
)
from torture.payers import Payers
from torture.place import RunningPlace, RunningServiceError, started
from torture.story import Verdict

TIME_SCALE = 240.0  # a day is six minutes; payers have a second and a quarter to answer
RATE = 0.25  # of the operators' requests that go wrong
UNTOLD = "untold"
TROUBLE_S = 2.0  # how long a slow answer takes
WAYS = ("approve",) * 8 + ("decline", "ignore", "late", "twice", "notice-first")
POSTGRES_KILLS = 3
BETWEEN_KILLS_S = (6.0, 14.0)
STUCK_S = 240.0  # without fewer payments, payouts and SMS that wait
STILL_S = 3.0
THROUGH_S = 90.0  # so long anybody tries again
AMOUNTS_MINOR = (3_000, 6_000, 12_000)
PAYOUT_MINOR = range(500, 9_500, 500)
AGREED = Consent("agreed in a proof")
PROPOSER, APPROVER = (officer.phone for officer in SIGNERS)


@dataclass
class Chaos:
    """One run: the service, its mutuelles, and what was done."""

    place: RunningPlace
    http: httpx.AsyncClient
    towns: list[OperatorTown]
    chance: Random
    kills: int = 0
    asked: int = 0
    signed: int = 0
    refused: list[str] = field(default_factory=list)
    one_by_one: asyncio.Lock = field(default_factory=asyncio.Lock)


async def prove(
    seed: int, home: Path, *, payments: int = 10_000, payouts: int = 1_000, per_s: float = 20.0
) -> Verdict:
    """Run it in the fresh directory `home`."""
    load()
    began, towns, broken, counts = monotonic(), operator_towns(), list[str](), dict[str, int]()

    async def founds(owner_url: str, _time_scale: float) -> None:
        await found_towns(owner_url, towns, payments)

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(trust_env=False, timeout=30, limits=limits) as http:
        try:
            async with started(home, http, founds, TIME_SCALE) as place:
                run = Chaos(place, http, towns, Random(f"{seed} operators"))
                await _order_troubles(run, seed)
                await _type_dashboards(run)
                async with _answering(run):
                    await _live(run, payouts, per_s)
                    broken += await _quiet(run)
                broken += await operators_books.prove(run.place, towns, http)
                broken += await check(place.database_url)
                counts = await operators_books.count(place) | {"kills": run.kills, "signed": run.signed}
                broken += run.refused
        except RunningServiceError as fault:
            broken.append(f"the service: {fault}")
    return Verdict("operators", seed, counts | {"seconds": round(monotonic() - began)}, broken)


async def _order_troubles(run: Chaos, seed: int) -> None:
    """Each trouble at random, and a few times an operator moves one franc more than it was asked.

    An amount is left out only by operators that never promise it: of another one such a payment waits for a person.
    """
    fair = [mode for mode, kind in KINDS.items() if not kind.lies and mode != UNTOLD]
    silent = [town.operator for town in run.towns if Fact.AMOUNT in capabilities_of(town.operator).not_told]
    orders = [{"mode": mode, "rate": str(RATE / len(fair))} for mode in fair]
    orders += [{"mode": UNTOLD, "rate": str(RATE), "provider": operator} for operator in silent]
    orders.append({"mode": "another-amount", "rate": "0.01"})
    for order in orders:
        told = order | {"seed": f"{seed} {order['mode']}", "seconds": str(TROUBLE_S)}
        reply = await run.http.post(f"{run.place.simulator}/simulator/trouble", data=told)
        reply.raise_for_status()


async def _type_dashboards(run: Chaos) -> None:
    """The address for the notices of each account, as its owner types it into the operator's dashboard."""
    async with engine_of(run.place.database_url) as engine, engine.connect() as db:
        rows = (await db.execute(text("select operator, notice_token from operator_account"))).all()
    for operator, token in rows:
        told = {"account": "simulated", "notice_url": f"{run.place.web}/money/{operator}/{token}"}
        await run.http.post(f"{run.place.simulator}/simulator/{operator}/dashboard", data=told)


@asynccontextmanager
async def _answering(run: Chaos) -> AsyncIterator[None]:
    """Payers answer their prompts, each in its own way, for as long as it is needed."""
    ways = {home.phone: run.chance.choice(WAYS) for town in run.towns for home in town.homes}
    chance = Random(run.chance.random())
    payers = Payers(run.http, run.place.simulator, ways, chance, lambda _moment: None)
    work = asyncio.create_task(payers.answer_through_troubles())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def _live(run: Chaos, payouts: int, per_s: float) -> None:
    """Households ask, treasurers sign, and processes die, until everybody has done so."""
    killing = asyncio.create_task(_kill_forever(run, Random(run.chance.random())))
    seconds = sum(len(town.homes) for town in run.towns) / per_s
    paying = [town for town in run.towns if _pays_out(town)]
    try:
        async with engine_of(run.place.database_url, pooled=True, pool_pre_ping=True) as engine:
            await asyncio.gather(
                _ask_all(run, engine, per_s),
                _kill_postgres(run, seconds),
                *(_pay_out_all(run, engine, town, payouts // len(paying)) for town in paying),
            )
    finally:
        killing.cancel()
        await asyncio.gather(killing, return_exceptions=True)
    await run.place.wait_until_whole(run.http)


def _pays_out(town: OperatorTown) -> bool:
    can = capabilities_of(town.operator)
    return can.pays_out and any(can.pays(network) for network in town.networks)


async def _ask_all(run: Chaos, engine: AsyncEngine, per_s: float) -> None:
    """Every household asks for one payment of its own, in an order drawn by chance."""
    wishes = [home for town in run.towns for home in town.homes]
    run.chance.shuffle(wishes)
    asking = set[asyncio.Task[None]]()
    for home in wishes:
        amount_minor = run.chance.choice(AMOUNTS_MINOR)
        asking.add(asyncio.create_task(_through(partial(_ask, engine, home, amount_minor))))
        await asyncio.sleep(1 / per_s)
    await asyncio.gather(*asking)


async def _ask(engine: AsyncEngine, home: Joined, amount_minor: int) -> None:
    caller = Caller(home.phone, "fr", "torture", f"pay {home.number}", datetime.now(UTC))
    async with engine.begin() as db:
        household = await household_by_number(db, home.number)
        await ask_payment(db, caller, household, some_money(amount_minor), PayingPhone(home.phone))


async def _through(act: Callable[[], Awaitable[None]]) -> None:
    """Do it, again while the database is away; who is told that it was done already has done it."""
    async with asyncio.timeout(THROUGH_S):
        while True:
            try:
                return await act()
            except RefusedError:
                return None
            except (DBAPIError, OSError, TimeoutError):
                await asyncio.sleep(0.5)


async def _pay_out_all(run: Chaos, engine: AsyncEngine, town: OperatorTown, payouts: int) -> None:
    """Two treasurers of a mutuelle, one payout after another: the one proposes, the other signs."""
    can = capabilities_of(town.operator)
    paid = [network for network in town.networks if can.pays(network)]
    for nth in range(payouts):
        phone = phone_on(paid[nth % len(paid)], 90_000 + run.towns.index(town) * 1_000_000 + nth)
        amount = some_money(run.chance.choice(PAYOUT_MINOR))
        new = NewVoucher(
            VoucherKind.EXPENSE,
            "health:purchases",
            town.wallet,
            amount,
            f"facture {nth}",
            f"Ferme {nth}",
            phone,
        )
        await _through(partial(_propose, engine, town, new))
        await _sign_one(run, engine, town)


async def _propose(engine: AsyncEngine, town: OperatorTown, new: NewVoucher) -> None:
    caller = Caller(PROPOSER, "fr", "torture", f"payout {new.reason}", datetime.now(UTC), SEALS)
    async with engine.begin() as db:
        own = await appointment_of(db, caller, town.mutuelle.id, Role.TREASURER)
        act = await payout_proposal(db, caller, own, new)
        await propose(db, caller, mutuelle=town.mutuelle.id, proposal=act, pin=Secret(PIN), agreed=AGREED)


async def _sign_one(run: Chaos, engine: AsyncEngine, town: OperatorTown) -> None:
    """Sign what waits for the second treasurer; the operator may first be asked in whose name the phone is."""
    until = monotonic() + THROUGH_S
    while monotonic() < until:
        caller = Caller(APPROVER, "fr", "torture", "sign", datetime.now(UTC), SEALS)
        try:
            async with engine.begin() as db:
                waiting = await acts_to_sign(db, caller, town.mutuelle.id)
                for act in waiting:
                    await answer_act(
                        db,
                        caller,
                        mutuelle=town.mutuelle.id,
                        proposal=act.id,
                        answer=APPROVED,
                        pin=Secret(PIN),
                    )
            run.signed += len(waiting)
            return
        except RefusedError as why:
            last = str(why.sentence.msgid)
        except (DBAPIError, OSError, TimeoutError) as fault:
            last = type(fault).__name__
        await asyncio.sleep(0.3)
    run.refused.append(f"{town.mutuelle.id}: a payout could not be signed within {THROUGH_S:g} s: {last}")


async def _kill_forever(run: Chaos, chance: Random) -> None:
    """Web and worker in turn, at moments drawn by chance, each once everything is whole."""
    victims = cycle(("worker", "web"))
    while True:
        await asyncio.sleep(chance.uniform(*BETWEEN_KILLS_S))
        await _kill(run, next(victims))


async def _kill_postgres(run: Chaos, seconds: float) -> None:
    for _nth in range(POSTGRES_KILLS):
        await asyncio.sleep(seconds / (POSTGRES_KILLS + 1))
        await _kill(run, "postgres")


async def _kill(run: Chaos, victim: str) -> None:
    async with run.one_by_one:
        await run.place.wait_until_whole(run.http)
        for pid in run.place.family(victim):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        run.kills += 1
        await asyncio.sleep(0.4)
        await run.place.wait_until_whole(run.http)


async def _quiet(run: Chaos) -> list[str]:
    """The operators are well again; wait until each payment and payout has ended as its operator says, or a person has
    a case for it.
    """
    reply = await run.http.post(f"{run.place.simulator}/simulator/trouble", data={"mode": "none"})
    reply.raise_for_status()
    fewest, fewer_since, still_since = math.inf, monotonic(), monotonic()
    while True:
        books, now = await operators_books.open_books(run.place), monotonic()
        left = books.unexplained(books.payments + books.payouts)
        if left or books.due:
            still_since = now
        if len(left) + books.due < fewest:
            fewest, fewer_since = len(left) + books.due, now
        if now - still_since >= STILL_S:
            return []
        if now - fewer_since > STUCK_S:
            return [f"not quiet: {len(left)} payments and payouts, {books.due} SMS"]
        await asyncio.sleep(1)
