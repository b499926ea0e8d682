"""A statement of a merchant code, taken in as `keneya statement` does, beside payments that are settled.

Most lines are a household's contribution; some are unmatched, some are fees. Afterwards every invariant must hold.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter

from sqlalchemy.ext.asyncio import AsyncEngine

from bench.backlog import Backlog
from bench.databases import FOUNDED, as_owner, database
from bench.homes import Joined, join, join_only
from bench.measures import Measure, Size, against, alone, must_be_none
from bench.place import BenchPlace, check
from ledger import accounts
from ledger.book import Account, open_accounts
from mutuelle.treasury.statements.accounts import account_named
from mutuelle.treasury.statements.files import StatementSource
from mutuelle.treasury.statements.reading import read_statement
from mutuelle.treasury.statements.take_in import take_in
from torture.town import DAN, FAMILY
from worker import spare_collections

NAME = "merchant-DAN"
OTHER_EVERY = 10  # one line of so many is nobody's, and one a fee
HEAD = "date;id;payer;amount;currency;note"


async def measure(place: BenchPlace, size: Size) -> list[Measure]:
    """About half a minute."""
    spare_collections()
    lines = size.batch * size.batches
    posted: list[float] = []
    settled: list[float] = []
    async with database(place, "statement", FOUNDED) as own:
        pool = own.pool(1)
        async with pool.begin() as db:
            names = [accounts.collections(NAME), accounts.suspense(NAME)]
            await open_accounts(db, [Account(DAN.id, code, DAN.currency) for code in names])
        backlog = Backlog(pool, await join(own, size.rounds * lines), size)
        homes = await join_only(own, size.rounds * lines, first=size.rounds * lines)
        for nth in range(size.rounds):
            await as_owner(own, "vacuum analyze")
            settled.append(await backlog.settle(1, size.batches))
            began = perf_counter()
            taken = await take(pool, f"lap-{nth}.csv", homes[nth * lines : (nth + 1) * lines])
            posted.append(taken / (perf_counter() - began))
        await pool.dispose()
        broken = await check(own.service_url)
    return [
        against("statement", "lines taken in", "lines/s", posted, "payments settled", settled),
        alone("statement", "payments settled in batches", "payments/s", settled),
        must_be_none("statement", "invariants broken afterwards", "invariants", len(broken)),
    ]


async def take(pool: AsyncEngine, name: str, homes: list[Joined]) -> int:
    """Take in a statement with a line for each of these households; how many lines it had."""
    raw = "\n".join([HEAD, *_lines(name, homes)]).encode()
    async with pool.begin() as db:
        now = datetime.now(UTC)
        read = read_statement(name, raw, None, DAN, DAN.today(now))
        account = await account_named(db, NAME, DAN.id)
        taken = await take_in(
            db, DAN, StatementSource(account, name, read.preset.name, b"\0" * 32), read, now
        )
    assert taken.lines == taken.posted + taken.unmatched + taken.fees
    return taken.lines


def _lines(name: str, homes: list[Joined]) -> Iterator[str]:
    today = datetime.now(UTC).date()
    for nth, home in enumerate(homes):
        price, note = FAMILY.lump_sum_minor, f"cotisation {home.number}"
        if nth % OTHER_EVERY == 1:
            note = "merci"
        if nth % OTHER_EVERY == 2:
            price, note = -100, "frais"
        yield f"{today};{name}-{nth};{home.phone if price > 0 else ''};{price};XOF;{note}"
