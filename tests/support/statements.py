"""A mutuelle with a merchant code, and its statements as a portal writes them."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from ledger import accounts
from ledger.book import Account, open_accounts
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.treasury.statements.accounts import account_named
from mutuelle.treasury.statements.files import StatementSource
from mutuelle.treasury.statements.reading import read_statement
from mutuelle.treasury.statements.take_in import TakenIn, take_in
from mutuelle.treasury.tables import statement_line
from tests.support.town import NOON

NAME = "merchant-BEN"
FLOAT, SUSPENSE = accounts.collections(NAME), accounts.suspense(NAME)
HEAD = "date;id;payer;amount;currency;note"
TODAY = NOON.date()


async def open_merchant(pool: AsyncEngine) -> None:
    """Open the accounts of the town's merchant code."""
    async with pool.begin() as db:
        await open_accounts(db, [Account("BEN", code, "XOF") for code in (FLOAT, SUSPENSE)])


def line(
    nth: int, amount: object, note: str = "", payer: str = "", on: date = TODAY, currency: str = "XOF"
) -> str:
    """One line of preset plain."""
    return f"{on};T{nth};{payer};{amount};{currency};{note}"


async def taken(
    pool: AsyncEngine, lines: Iterable[str], *, name: str = NAME, head: str = HEAD, preset: str | None = None
) -> TakenIn:
    """What becomes of a statement of these lines, taken in at noon; a refused one leaves nothing."""
    raw = "\n".join([head, *lines, ""]).encode()
    async with pool.connect() as db:
        account = await account_named(db, name, "BEN")
        mutuelle = await get_mutuelle(db, "BEN")
        read = read_statement(Path("mars.csv"), raw, preset, mutuelle, mutuelle.today(NOON))
        source = StatementSource(account, "mars.csv", read.preset.name, b"\0" * 32)
        found = await take_in(db, mutuelle, source, read, NOON)
        await (db.rollback() if found.faults else db.commit())
    return found


async def kinds(pool: AsyncEngine) -> dict[str, str]:
    """What became of each line, by its id."""
    async with pool.connect() as db:
        rows = await db.execute(select(statement_line.c.line_id, statement_line.c.kind))
        return {row.line_id: row.kind for row in rows}


async def journals(pool: AsyncEngine) -> list[tuple[str, str, int]]:
    """What statements have booked: (debit, credit, amount), in the order of the day and the amount."""
    async with pool.connect() as db:
        rows = await db.execute(
            text(
                """
                select m.debit_account, m.credit_account, m.amount
                  from ledger.request q
                  join ledger.movement m on m.mutuelle_id = q.mutuelle_id and m.journal_id = q.journal_id
                 where q.source in ('statement', 'statement fee') order by m.effective_on, m.amount
                """
            )
        )
        return [(debit, credit, amount) for debit, credit, amount in rows]
