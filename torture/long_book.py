"""The proof "witnesses": a book of 100,000 journals, filled by the one way in, is read whole by beancount and hledger.

The book holds whatever a book may hold: two mutuelles and funds that trade, reservations, reversals, two currencies,
a closed half-year and what came late for it. Most of it is folded into day rows, the last of it is not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from time import monotonic

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

import migrations
from bench.engine import transaction
from engines.cluster import SERVICE_ROLE
from engines.embedded import start_engines
from ledger import accounts
from ledger.book import (
    Account,
    Journal,
    Movement,
    Origin,
    Phase,
    PostVerdict,
    Reservation,
    Voucher,
    open_accounts,
    post,
)
from ledger.folding import catch_up
from ledger.periods import close_period
from ledger.transfers import Transfer
from torture import story
from torture.place import program
from torture.witnesses import compare

JOURNALS, MEMBERS, BATCH = 100_000, 2_000, 1_000
MUTUELLES = ("SIK", "ATA")
FIRST, DAYS, CLOSED_THROUGH = date(2024, 1, 1), 730, date(2024, 6, 30)
FLOAT, INCOME, FEES = accounts.collections("simulated-ML"), accounts.contributions(), accounts.fees()
CASH, FARES = accounts.cash("office", accounts.TRANSPORT), accounts.contributions(accounts.TRANSPORT)
EUROS = (accounts.collections("simulated-eur"), accounts.suspense("simulated-eur"))
LENT = Transfer(FLOAT, accounts.bank("bms", accounts.TRANSPORT), 700, "XOF").movements()
GENERAL = (FLOAT, INCOME, FEES, CASH, FARES, *(code for each in LENT for code in (each.debit, each.credit)))


@dataclass
class Author:
    """Draws one journal after the other; what can be reversed or resolved is remembered, and is so once."""

    chance: Random
    mutuelle: str
    written: int = 0
    receipts: list[Journal] = field(default_factory=list)
    held: list[Journal] = field(default_factory=list)

    def write(self) -> Journal:
        """The next journal: mostly receipts, and some of everything else."""
        self.written += 1
        ways: dict[Callable[[], Journal], int] = {
            self.receipt: 80,
            self.fares: 5,
            self.hold: 4,
            self.euros: 2,
            self.loan: 2,
            self.reversal: 4 if self.receipts else 0,
            self.resolution: 3 if self.held else 0,
        }
        return self.chance.choices(list(ways), weights=list(ways.values()))[0]()

    def journal(self, kind: str, *movements: Movement, reverses: Journal | None = None) -> Journal:
        day = FIRST + timedelta(days=self.chance.randrange(DAYS))
        facts = (self.mutuelle, "long", str(self.written), kind, day, "worker", "drawn by chance")
        return Voucher(*facts).journal(movements, reverses.id if reverses else None)

    def receipt(self) -> Journal:
        member, amount_minor = self.member(), 500 * self.chance.randint(1, 24)
        called, paid = (
            Movement(member, INCOME, amount_minor, "XOF"),
            Movement(FLOAT, member, amount_minor, "XOF"),
        )
        written = self.journal("receipt", called, paid, Movement(FEES, FLOAT, 1 + amount_minor // 100, "XOF"))
        self.receipts.append(written)
        return written

    def member(self) -> str:
        return accounts.member(str(100_000_000 + self.chance.randrange(MEMBERS)))

    def fares(self) -> Journal:
        return self.journal("fares", Movement(CASH, FARES, self.chance.randint(1, 900), "XOF"))

    def loan(self) -> Journal:
        return self.journal("transfer", *LENT)

    def euros(self) -> Journal:
        return self.journal("receipt", Movement(*EUROS, self.chance.randint(1, 9999), "EUR"))

    def hold(self) -> Journal:
        written = self.journal("reservation", Movement(self.member(), FLOAT, 300, "XOF", Phase.PENDING))
        self.held.append(written)
        return written

    def resolution(self) -> Journal:
        old = self.held.pop(self.chance.randrange(len(self.held)))
        [what], phase = old.movements, self.chance.choice((Phase.POST, Phase.VOID))
        amount_minor = self.chance.randint(1, 300) if phase is Phase.POST else what.amount_minor
        facts = (what.debit, what.credit, amount_minor, "XOF", phase, Reservation(old.id, 1))
        return self.journal("resolution", Movement(*facts))

    def reversal(self) -> Journal:
        old = self.receipts.pop(self.chance.randrange(len(self.receipts)))
        mirror = [Movement(m.credit, m.debit, m.amount_minor, m.currency) for m in old.movements]
        return self.journal("reversal", *mirror, reverses=old)


async def prove(seed: int, home: Path, journals: int = JOURNALS) -> story.Verdict:
    """Fill a book of `journals` (thousands) in the fresh directory `home`, and let the witnesses read it."""
    began = monotonic()
    home.mkdir(parents=True)
    with start_engines(
        home / "var", postgres_bin=program("POSTGRES_BIN"), wanted=["postgres"], durable=False
    ) as engines:
        await migrations.migrate(engines.url("owner"), SERVICE_ROLE)
        pool = create_async_engine(engines.url("service"))
        broken, filled_ms = await _fill(pool, Random(seed), journals), round(1000 * (monotonic() - began))
        async with transaction(engines.url("owner")) as db:
            # PostgreSQL would know nothing yet of a book that grew so fast.
            await db.execute(text("analyze"))
        async with pool.connect() as db:
            told = await compare(db, home)
        await pool.dispose()
    broken += told.differences + [f"{name} is not installed" for name in told.absent]
    timed = {"fill ms": filled_ms, "seconds": round(monotonic() - began)}
    return story.Verdict("witnesses", seed, {"journals": journals} | dict(told.counts) | timed, broken)


async def _fill(pool: AsyncEngine, chance: Random, journals: int) -> list[str]:
    """Batches of a mutuelle each; in the middle a half-year is closed, and the last batches are not folded."""
    authors = [Author(chance, mutuelle) for mutuelle in MUTUELLES]
    faults: list[str] = []
    batches = journals // BATCH
    for author in authors:
        async with pool.begin() as db:
            await _open(db, author.mutuelle)
    for nth in range(batches):
        author = chance.choices(authors, weights=[9, 1])[0]
        async with pool.begin() as db:
            answers = await post(db, [author.write() for _ in range(BATCH)])
        faults += [str(answer) for answer in answers if answer.verdict is not PostVerdict.CREATED]
        if nth == batches // 2:
            faults += await _close(pool)
        if nth == batches - 2:
            faults += [
                f"{of} was not folded" for of in MUTUELLES if not await catch_up(pool, of, within_s=120)
            ]
    return faults


async def _open(db: AsyncConnection, mutuelle: str) -> None:
    members = [accounts.member(str(100_000_000 + nth)) for nth in range(MEMBERS)]
    await open_accounts(db, [Account(mutuelle, code, "XOF") for code in {*GENERAL, *members}])
    await open_accounts(db, [Account(mutuelle, code, "EUR") for code in EUROS])


async def _close(pool: AsyncEngine) -> list[str]:
    why = {"source": "period", "key": "first", "actor": "treasurer", "reason": "the half-year is counted"}
    async with pool.begin() as db:
        closed = await close_period(db, MUTUELLES[0], CLOSED_THROUGH, Origin(**why))
    return [] if closed.stands else [str(closed)]
