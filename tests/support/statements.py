"""A mutuelle with a merchant code, and its statements as a portal writes them."""

import hashlib
import io
import zipfile
from collections.abc import Iterable
from datetime import date, datetime
from xml.sax.saxutils import escape

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ledger import accounts
from ledger.book import Account, Journal, Movement, open_accounts
from mutuelle.posting import post_all
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
    pool: AsyncEngine, lines: Iterable[str], *, name: str = NAME, head: str = HEAD, now: datetime = NOON
) -> TakenIn:
    """What becomes of a statement of these lines, taken in `now`; a refused one leaves nothing."""
    async with pool.connect() as db:
        found = await take_lines(db, lines, name=name, head=head, now=now)
        await (db.rollback() if found.faults else db.commit())
    return found


async def take_lines(
    db: AsyncConnection, lines: Iterable[str], *, name: str = NAME, head: str = HEAD, now: datetime = NOON
) -> TakenIn:
    """The same in the caller's transaction."""
    raw = "\n".join([head, *lines, ""]).encode()
    account, mutuelle = await account_named(db, name, "BEN"), await get_mutuelle(db, "BEN")
    read = read_statement("mars.csv", raw, None, mutuelle, mutuelle.today(now))
    source = StatementSource(account, "mars.csv", read.preset.name, hashlib.sha256(raw).digest())
    return await take_in(db, mutuelle, source, read, now)


async def books(
    pool: AsyncEngine, account: str, key: str, amount_minor: int, on: date, *, came: bool = True
) -> None:
    """A treasurer books what she brought to the account, or took from it, as a voucher does."""
    debit, credit = (account, "health:gifts") if came else ("health:costs", account)
    async with pool.begin() as db:
        await open_accounts(db, [Account("BEN", code, "XOF") for code in (debit, credit)])
        move = Movement(debit, credit, amount_minor, "XOF")
        journal = Journal("BEN", "a test", key, "deposit", on, "treasurer 12345678", "to the bank", [move])
        await post_all(db, [journal])


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


def workbook(rows: Iterable[Iterable[object]]) -> bytes:
    """The smallest XLSX file with these rows; a text that begins with = is a formula."""
    body = ""
    for nth, row in enumerate(rows, start=1):
        cells = ""
        for place, value in enumerate(row):
            at = f"{chr(ord('A') + place)}{nth}"
            if isinstance(value, int | float):
                cells += f'<c r="{at}"><v>{value}</v></c>'
            elif str(value).startswith("="):
                cells += f'<c r="{at}"><f>{escape(str(value)[1:])}</f><v>1</v></c>'
            else:
                cells += f'<c r="{at}" t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'
        body += f'<row r="{nth}">{cells}</row>'
    related = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    space = f'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{related}"'
    relations = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    files = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships {relations}><Relationship Id="r1" Type="{related}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {space}><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships {relations}><Relationship Id="r1" '
        f'Type="{related}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f"<worksheet {space}><sheetData>{body}</sheetData></worksheet>",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return packed.getvalue()
