"""The worker process: loops over committed rows until it is stopped. The rows are the queue.

Nothing here is remembered between two rounds: kill it anywhere and the next one goes on from the tables.

At rest one statement every PAUSE_S asks which loops have something to do. What no statement asks for, a loop finds
itself every REST_S: leases that ran out, schedules, the book.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from time import monotonic

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

import locales
import settings
from ledger.folding import fold_all
from ledger.reservations import expire_due
from ledger.seals import seal_due
from menus.by_message import menus_by_message, opened_without_keyword
from menus.help import help_by_message, last_word, not_understood
from mobilemoney.accounts import ConnectedAccounts, capabilities_of
from mutuelle.contributions import collection
from mutuelle.contributions.collection import Round, collect, due_facts
from mutuelle.contributions.operator_watch import OperatorWatch
from mutuelle.households.sender_profile import roles_of, sender_of
from mutuelle.schedules.jobs import run_schedules
from mutuelle.treasury.payouts import sending
from mutuelle.treasury.payouts.payee_names import ask_names
from mutuelle.treasury.payouts.sending import send_payouts
from service import logs
from service.clock import DatabaseClock
from service.database import is_away, open_pool
from service.start import START_FAULTS, exit_code, expect_good_start
from settings import Settings
from sms import leases
from sms.delivery import IS_NEWS, apply_reports
from sms.deps import SmsDeps
from sms.inbox_worker import MAY_BE_PLAYED, answer_waiting
from sms.keywords import Phrasebook
from sms.outbox import send_due
from sms.provider import SmsAccount
from sms.providers import providers
from talk.keyring import Keyring
from timing import Clock

log = logging.getLogger("keneya.worker")

PAUSE_S = 0.25  # between two questions what is due: a payer at the counter waits for the receipt
REST_S = 5.0  # between two rounds of a loop that found nothing and was not called
FAULT_PAUSE_S = 2.0  # after a round that failed: the database may be restarting
# New objects between two garbage collections: with Python's default of 700 they take a quarter of settling.
COLLECT_EVERY = 50_000
DUE, COLLECT, PAY_OUT, SEND = (
    "due",
    "collect ",
    "pay out ",
    "send ",
)  # loops; a name follows all but the first
Turn = Callable[[], Awaitable[int]]


async def work(wanted: Settings, stop: asyncio.Event) -> None:
    """Run every loop until `stop` is set; a round that has begun is finished first."""
    await expect_good_start(wanted)
    pool = open_pool(wanted.database_url)
    database_clock = DatabaseClock()
    clock = Clock(database_clock, wanted.time_scale)
    try:
        unlimited = httpx.Limits(max_connections=None)  # collection has its own limit: PLACES
        async with httpx.AsyncClient(trust_env=False, limits=unlimited) as client:
            turns = rounds(wanted, pool, client, going_on=lambda: not stop.is_set(), clock=clock)
            outage = Outage()
            called = {name: asyncio.Event() for name in (DUE, *turns)}
            loops = [_loop(name, turn, stop, called[name], outage, REST_S) for name, turn in turns.items()]
            ask = asking(pool, called, clock)
            loops += [_loop(DUE, ask, stop, called[DUE], outage, PAUSE_S), _wake(stop, called)]
            following = asyncio.create_task(database_clock.follow(pool))
            log.info("worker.started")
            try:
                await asyncio.gather(*loops)
            finally:
                following.cancel()
    finally:
        await pool.dispose()
    log.info("worker.stopped")


def rounds(
    wanted: Settings,
    pool: AsyncEngine,
    client: httpx.AsyncClient,
    going_on: Callable[[], bool] = lambda: False,
    clock: Clock | None = None,
) -> dict[str, Turn]:
    """The worker's loops by name. One turn handles what is due now and returns its number.

    Each operator has its own loop, so that a slow operator delays no payment of another.
    """
    accounts = ConnectedAccounts(client, wanted.credentials)
    clock = clock or Clock(partial(datetime.now, UTC), wanted.time_scale)

    box = sms_deps(wanted, pool, clock)

    house = Round(pool, accounts.operators(), accounts, wanted.public_url, clock)

    async def answer_messages() -> int:
        return await answer_waiting(box)

    async def read_reports() -> int:
        return await apply_reports(pool, clock())

    async def fire_schedules() -> int:
        return await run_schedules(pool, clock)

    async def keep_books() -> int:
        return await fold_all(pool) + await expire_due(pool, clock().date())

    async def seal_books() -> int:
        return await seal_due(pool, clock())

    return {
        **_with_operators(house, going_on),
        "answer": answer_messages,
        **_with_sms_providers(wanted, pool, client, clock),
        "reports": read_reports,
        "schedules": fire_schedules,
        "operators": OperatorWatch(house).turn,
        "seal": seal_books,
        "books": keep_books,
    }


def _with_operators(house: Round, going_on: Callable[[], bool]) -> dict[str, Turn]:
    """The loops that ask operators: for each those that collect and pay out, for all who asks for payees' names."""
    paying = [name for name in house.operators if capabilities_of(name).pays_out]

    def of(name: str) -> Round:
        return replace(house, operators=[name])

    return {
        **{COLLECT + name: partial(collect, of(name), going_on) for name in house.operators},
        **{PAY_OUT + name: partial(send_payouts, of(name), going_on) for name in paying},
        "names": partial(ask_names, replace(house, operators=paying)),
    }


def _with_sms_providers(
    wanted: Settings, pool: AsyncEngine, client: httpx.AsyncClient, clock: Clock
) -> dict[str, Turn]:
    """The loops that send SMS, one for each provider with an account, so that a slow one delays no other."""
    connected = [
        adapter.connect(SmsAccount(wanted.sms.accounts[adapter.NAME], client, wanted.report_url(adapter)))
        for adapter in providers()
        if adapter.NAME in wanted.sms.accounts
    ]
    routes = wanted.sms.routes
    return {SEND + provider.name: partial(send_due, pool, provider, clock, routes) for provider in connected}


def asking(pool: AsyncEngine, called: Mapping[str, asyncio.Event], clock: Clock) -> Turn:
    """The turn that asks in one statement which loops have something to do, and calls them."""
    alone = pool.execution_options(isolation_level="AUTOCOMMIT")  # one way to the server and back, not three
    operators = [name.removeprefix(COLLECT) for name in called if name.startswith(COLLECT)]
    paying = [name.removeprefix(PAY_OUT) for name in called if name.startswith(PAY_OUT)]
    senders = [name for name in called if name.startswith(SEND)]

    async def ask() -> int:
        async with alone.connect() as db:
            names = await db.scalars(
                _WHO_IS_DUE, {**due_facts(operators, clock), "paying": paying, "senders": senders}
            )
        for name in names:
            if name in called:
                called[name].set()
        return 0

    return ask


# The names of the loops whose turn, begun now, would find something.
_WHO_IS_DUE = text(
    """
    select 'collect ' || name from unnest(cast(:operators as text[])) as asked (name)
        cross join lateral (select from payment where operator = name and PAYMENT_IS_DUE limit 1) as found
    union all select 'pay out ' || name from unnest(cast(:paying as text[])) as asked (name)
        cross join lateral (select from payout where operator = name and PAYOUT_IS_DUE limit 1) as found
    union all select 'answer' where exists (select from sms_inbox message where MAY_BE_PLAYED)
    union all select unnest(cast(:senders as text[])) where exists (select from sms_outbox where SMS_IS_DUE)
    union all select 'reports' where exists (select from sms_report heard where IS_NEWS)
    """.replace("PAYMENT_IS_DUE", collection.IS_DUE)
    .replace("PAYOUT_IS_DUE", sending.IS_DUE)
    .replace("MAY_BE_PLAYED", MAY_BE_PLAYED)
    .replace("SMS_IS_DUE", leases.IS_DUE)
    .replace("IS_NEWS", IS_NEWS)
)


def sms_deps(wanted: Settings, pool: AsyncEngine, clock: Clock) -> SmsDeps:
    """The dependencies of the round `answer`, which plays received SMS."""
    return SmsDeps(
        pool,
        Phrasebook(menus_by_message()),
        help_by_message,
        not_understood,
        last_word,
        sender_of,
        Keyring([key.encode() for key in wanted.seal_keys]),
        clock,
        roles_of,
        opened_without_keyword,
        wanted.strangers_an_hour,
    )


@dataclass
class Outage:
    """Logs an outage of PostgreSQL once for all loops: one line when it begins, one when it ends."""

    gone_at: float | None = None
    back_at: float = 0.0

    def gone(self, began: float, fault: Exception) -> None:
        """A turn that `began` then could not reach PostgreSQL."""
        if self.gone_at is None and began >= self.back_at:  # else this outage is logged already
            self.gone_at = monotonic()
            log.error("worker.database_gone", extra={"fault": type(fault).__name__})

    def back(self, began: float) -> None:
        """A turn that `began` then reached PostgreSQL."""
        if self.gone_at is not None and began > self.gone_at:
            self.back_at = monotonic()
            log.warning("worker.database_back", extra={"away_s": round(self.back_at - self.gone_at, 1)})
            self.gone_at = None


async def _loop(
    name: str,
    turn: Turn,
    stop: asyncio.Event,
    called: asyncio.Event,
    outage: Outage,
    rest_s: float,
) -> None:
    """One round after the other, at once while there is work, else when it is called or after `rest_s`.

    A fault is logged and the loop goes on.
    """
    while not stop.is_set():
        called.clear()
        began, waits_for, pause_s = monotonic(), called, rest_s
        try:
            if await turn():
                pause_s = 0
            outage.back(began)
        except Exception as fault:
            if is_away(fault):
                outage.gone(began, fault)
            else:
                log.exception("worker.round_failed", extra={"loop": name})
            waits_for, pause_s = stop, FAULT_PAUSE_S
        try:
            await asyncio.wait_for(waits_for.wait(), timeout=pause_s or 0.001)
        except TimeoutError:
            continue


async def _wake(stop: asyncio.Event, called: Mapping[str, asyncio.Event]) -> None:
    """Let no loop rest once the worker is to stop."""
    await stop.wait()
    for call in called.values():
        call.set()


def spare_collections() -> None:
    """Collect garbage seldom: a batch of payments makes thousands of objects, all freed at its end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY)


async def _run(wanted: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await work(wanted, stop)


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Run until SIGTERM or Ctrl-C; 2 if the environment is wrong, 1 if no database answers."""
    try:
        wanted = settings.read(environ)
        logs.configure(wanted.log_level)
        locales.load()
        spare_collections()
        asyncio.run(_run(wanted))
    except START_FAULTS as fault:
        sys.stderr.write(f"{fault}\n")
        return exit_code(fault)
    return 0


if __name__ == "__main__":
    sys.exit(main())
