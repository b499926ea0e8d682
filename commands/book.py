"""`keneya export` and `keneya balance`: the book for other programs and readers. Read only."""

import argparse
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from itertools import groupby

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from commands.command import CommandError, Commands, command, database, day, expect_mutuelle, of_mutuelle
from commands.progress import Progress
from ledger import export, reports
from ledger.charts import Chart, charts
from ledger.reports.years import year_start
from locales import catalogue
from mutuelle.scheme.mutuelles import mutuelles

EXPORTS: dict[str, Callable[[AsyncConnection, str | None, Chart | None], AsyncIterator[str]]] = {
    "beancount": export.beancount,
    "hledger": export.hledger,
    "csv": lambda db, mutuelle, _chart: export.csv(db, mutuelle),
}


def add(commands: Commands) -> None:
    export_ = command(commands, "export", write_export, "print the whole book")
    export_.add_argument("format", choices=EXPORTS, help="what reads it afterwards")
    export_.add_argument(
        "--chart",
        type=str.upper,
        choices=charts(),
        help="add accountants' numbers to the accounts; not in csv",
    )
    balance_ = command(commands, "balance", balance, "print the trial balance, by fund")
    balance_.add_argument(
        "--as-of", type=day, metavar="DATE", help="up to and including this day (2026-12-31); else today"
    )
    of_mutuelle(export_, balance_)


async def write_export(arguments: argparse.Namespace) -> int:
    """Print the book as a stream: it may be larger than the memory."""
    await expect_mutuelle(arguments.mutuelle)
    if arguments.chart and arguments.format == "csv":
        raise CommandError("the csv has one row a movement and names no accounts: leave --chart out", 2)
    # An export has no language of its own, and accountants who number so read French.
    chart = charts()[arguments.chart].translated(catalogue("fr")) if arguments.chart else None
    async with database() as db:
        total = await db.scalar(text("select count(*) from ledger.movement"))
    async with database() as db:
        with Progress(total or 0) as progress:
            async for piece in EXPORTS[arguments.format](db, arguments.mutuelle, chart):
                sys.stdout.write(piece)
                progress.advance()
    return 0


async def balance(arguments: argparse.Namespace) -> int:
    """Print each account's debits, credits and balance, and each fund's sums, debits equal to credits."""
    await expect_mutuelle(arguments.mutuelle)
    async with database() as db:
        await export.snapshot(db)
        print(f"{'account':<48} {'debit':>15} {'credit':>15} {'balance':>15}")
        for one in sorted(await mutuelles(db), key=lambda one: one.id):
            if arguments.mutuelle in (None, one.id):
                await _balance(db, one.id, arguments.as_of or one.today(datetime.now(UTC)))
    return 0


async def _balance(db: AsyncConnection, mutuelle_id: str, as_of: date) -> None:
    lines = await reports.year_balance(db, mutuelle_id, as_of)
    for (fund, currency), accounts in groupby(lines, lambda line: (line.fund, line.currency)):
        print(
            f"\n{mutuelle_id} {fund} {currency} as of {as_of}, income and expenses since {year_start(as_of)}"
        )
        debit = credit = 0
        for line in accounts:
            print(f"{line.account:<48} {line.debit:>15} {line.credit:>15} {line.debit - line.credit:>15}")
            debit, credit = debit + line.debit, credit + line.credit
        print(f"{'total':<48} {debit:>15} {credit:>15} {debit - credit:>15}")
