"""The proof "bank": writers move money between accounts while PostgreSQL, its wires and they themselves are killed.

Whatever was acknowledged is there afterwards, once, and nothing else; no till is ever below zero, and the sum of all
accounts is the same at every moment, also for who reads in the middle. PostgreSQL runs durable, as for members.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

import migrations
from bench.cores import children
from bench.engine import engine_of
from engines import processes, run
from engines.cluster import DATABASE, SERVICE_ROLE
from engines.embedded import Engines, start_engines
from invariants import examine
from ledger.balances import balance
from ledger.book import open_accounts, post
from ledger.export import snapshot
from ledger.folding import catch_up, fold
from ledger.invariants.book import INVARIANTS
from ledger.seals import seal_block, verify
from torture import bank_books, bank_deals
from torture.bank_deals import BANK
from torture.bank_log import LoggedAnswer, read
from torture.cutter import Cutter, cutter
from torture.place import program
from torture.story import Verdict

PAUSE_S = (0.1, 0.6)  # between two strikes
TICK_S = 0.1
FOLDED_AT_ONCE, SEALED_AT_ONCE = 700, 1100
FINISH_TIMEOUT_S = 60.0
TERMINATE = text(
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where usename = :role and datname = :database order by random() limit 1"
)


@dataclass(frozen=True)
class Wanted:
    """How much: the bank is open until `journals` are acknowledged and every strike has fallen."""

    journals: int
    writers: int
    server_kills: int
    strikes: int  # of every other kind


LONG = Wanted(journals=60_000, writers=8, server_kills=6, strikes=25)
SHORT = Wanted(journals=1_500, writers=3, server_kills=1, strikes=4)


@dataclass
class Bank:
    """The open bank: its engines, its wire and its writers."""

    home: Path
    seed: str
    engines: Engines
    wire: Cutter
    writers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    struck: dict[str, int] = field(default_factory=dict)
    audits: int = 0
    folded: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def stop_path(self) -> Path:
        return self.home / "stop"

    def log_path(self, writer: str) -> Path:
        return self.home / f"{writer}.jsonl"

    def logs(self) -> dict[str, list[LoggedAnswer]]:
        """What every writer was told."""
        return {writer: read(self.log_path(writer)) for writer in self.writers}

    def start(self, writer: str) -> None:
        """Start `writer`, who goes on after her own log."""
        url = make_url(self.engines.url("service")).set(port=self.wire.port)
        wanted = {
            "url": url.render_as_string(hide_password=False),
            "seed": self.seed,
            "writer": writer,
            "log": str(self.log_path(writer)),
            "stop": str(self.stop_path),
        }
        environment = {"PATH": os.environ.get("PATH", ""), "BANK_WRITER": json.dumps(wanted)}
        with (self.home / "writers.log").open("ab") as said:
            self.writers[writer] = processes.start(
                [sys.executable, "-m", "torture.bank_writer"],
                output=said,
                directory=run.HOME,
                environment=environment,
            )

    def bring_back(self) -> None:
        """The server and every writer that died; a writer who ended by a fault of her own breaks the proof."""
        if self.engines.dead():
            self.engines.start()
        for writer, child in self.writers.items():
            code = child.poll()
            if code not in (None, 0, -signal.SIGKILL):
                self.broken.append(f"writer {writer} ended with {code}: {self.home / 'writers.log'}")
            if code not in (None, 0):
                self.start(writer)


async def prove(seed: int, home: Path) -> Verdict:
    """The long form."""
    return await tell(seed, LONG, home)


async def tell(seed: int, wanted: Wanted, home: Path) -> Verdict:
    """Run the proof in the fresh directory `home`."""
    began = monotonic()
    home.mkdir(parents=True)
    async with _opened(home, f"{seed} bank", wanted.writers) as bank:
        await _live(bank, wanted, Random(f"{seed} strikes"))
        counts, broken = await _compared(bank)
    figures = counts | bank.struck | {"audits": bank.audits, "seconds": round(monotonic() - began)}
    return Verdict("bank", seed, figures, bank.broken + broken)


@asynccontextmanager
async def _opened(home: Path, seed: str, writers: int) -> AsyncIterator[Bank]:
    """A bank of its own, with a durable server; `make_url` of the wire leads to it."""
    with start_engines(home / "var", postgres_bin=program("POSTGRES_BIN"), wanted=["postgres"]) as engines:
        await migrations.migrate(engines.url("owner"), SERVICE_ROLE)
        await _found(engines.url("service"))
        async with cutter(make_url(engines.url("service")).port or 0) as wire:
            bank = Bank(home, seed, engines, wire)
            try:
                for nth in range(writers):
                    bank.start(f"w{nth}")
                yield bank
            finally:
                for child in bank.writers.values():
                    child.kill()
                    child.wait()


async def _found(url: str) -> None:
    async with engine_of(url) as pool, pool.begin() as db:
        await open_accounts(db, bank_deals.chart())
        await post(db, bank_deals.funding())


async def _live(bank: Bank, wanted: Wanted, chance: Random) -> None:
    """Strikes fall until there were enough of them and enough was acknowledged; then the writers finish."""
    others = [asyncio.create_task(_forever(bank, work)) for work in (_audit, _keep_books)]
    strikes = ["server"] * wanted.server_kills
    strikes += [how for how in ("backend", "wire", "writer") for _ in range(wanted.strikes)]
    chance.shuffle(strikes)
    try:
        while strikes or _acknowledged(bank) < wanted.journals:
            await asyncio.sleep(chance.uniform(*PAUSE_S))
            bank.bring_back()
            if strikes and await _strike(bank, strikes[-1], chance):
                fallen = strikes.pop()
                bank.struck[fallen] = bank.struck.get(fallen, 0) + 1
        bank.bring_back()
        await _finish(bank)
    finally:
        for task in others:
            task.cancel()
        ended = await asyncio.gather(*others, return_exceptions=True)
        bank.broken += [f"beside the writers: {fault!r}" for fault in ended if isinstance(fault, Exception)]


def _acknowledged(bank: Bank) -> int:
    return sum(
        answer == "created" for log in bank.logs().values() for answered in log for answer in answered.answers
    )


async def _finish(bank: Bank) -> None:
    """Every writer hears the answer to the batch she has in hand; who never does breaks the proof."""
    bank.stop_path.touch()
    deadline = monotonic() + FINISH_TIMEOUT_S
    while any(child.poll() is None for child in bank.writers.values()) and monotonic() < deadline:
        await asyncio.sleep(TICK_S)
        bank.bring_back()
    bank.broken += [f"writer {w} never finished" for w, c in bank.writers.items() if c.poll() is None]


async def _strike(bank: Bank, how: str, chance: Random) -> bool:
    """One blow; False if there was nothing to hit."""
    if how == "server":
        return await _kill_server(bank.engines)
    if how == "wire":
        return bank.wire.cut_one(chance, at_answer=chance.random() < 0.5)
    if how == "writer":
        child = bank.writers[chance.choice(list(bank.writers))]
        child.kill()
        child.wait()
        return True
    async with engine_of(bank.engines.superuser_url) as pool:
        with contextlib.suppress(SQLAlchemyError, OSError):
            async with pool.connect() as db:
                return bool(await db.scalar(TERMINATE, {"role": SERVICE_ROLE, "database": DATABASE}))
    return False


async def _kill_server(engines: Engines) -> bool:
    """PostgreSQL and all its backends, with -9, all before any of them can tell another."""
    pid = engines.addresses.pids["postgres"]
    family = [pid, *children(pid)]
    for each in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    while not engines.dead():  # `start` would take it for alive
        await asyncio.sleep(0.01)
    return True


Work = Callable[[Bank, AsyncEngine], Awaitable[None]]


async def _forever(bank: Bank, work: Work) -> None:
    """Do `work` again and again on a connection; a fault of the server is no fault of the proof."""
    async with engine_of(bank.engines.url("service")) as pool:
        while True:
            with contextlib.suppress(SQLAlchemyError, OSError):
                await work(bank, pool)
            await asyncio.sleep(TICK_S)


async def _audit(bank: Bank, pool: AsyncEngine) -> None:
    """Read every account in one snapshot, while all move: today, and as of some day."""
    some_day = Random(bank.audits).choice(bank_deals.EVERY_DAY)
    async with pool.connect() as db:
        await snapshot(db)
        now = {code: (await balance(db, BANK, code)).net for code in bank_deals.PLACES}
        then = {code: (await balance(db, BANK, code, some_day)).net for code in bank_deals.PLACES}
    bank.audits += 1
    bank.broken += [*bank_books.wrong_total(now), *bank_books.below_zero(now), *bank_books.wrong_total(then)]


async def _keep_books(bank: Bank, pool: AsyncEngine) -> None:
    """What the worker does beside: a little of the fold, a block of seals."""
    async with pool.begin() as db:
        bank.folded += await fold(db, BANK, FOLDED_AT_ONCE)
    async with pool.begin() as db:
        await seal_block(db, BANK, SEALED_AT_ONCE)


async def _compared(bank: Bank) -> tuple[dict[str, int], list[str]]:
    """The counts, and what is broken, of the books as they stand; all is folded and sealed first."""
    logs = bank.logs()
    async with engine_of(bank.engines.url("service")) as pool:
        caught_up = await catch_up(pool, BANK)
        async with pool.begin() as db:
            await seal_block(db, BANK)
        await _audit(bank, pool)
        async with pool.connect() as db:
            await snapshot(db)
            stored = await bank_books.read_stored(db)
            findings = await examine(db, INVARIANTS)
            sealed = [verdict async for verdict in verify(db, BANK)]
    unsound = [f"{f.invariant.name}: {', '.join(f.offenders)}" for f in findings if not f.holds]
    unsound += [f"seal {verdict.seal.block}: {verdict.fault}" for verdict in sealed if verdict.fault]
    unsound += bank_books.sealed_too_few(sum(verdict.seal.journals for verdict in sealed), stored)
    unsound += [] if caught_up else ["the fold did not catch up"]
    unsound += [] if bank.audits > 1 and bank.folded else ["nobody audited or folded beside the writers"]
    counts = bank_books.count(logs, stored) | {"blocks": len(sealed), "folded beside": bank.folded}
    return counts, unsound + bank_books.compare(bank.seed, logs, stored)
