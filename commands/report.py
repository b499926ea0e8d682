"""`keneya report NAME`: the book as a treasurer and an auditor read it, as text or as CSV. Read only.

What is printed is one snapshot of the book. Exit 1 if a report does not agree with the trial balance.
"""

import argparse
import shutil
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from commands.ground import Commands, Fault, command, database, day, expect_mutuelle
from ledger.accounts import KINDS, parse
from ledger.charts import DEFAULT, LANGUAGES, charts
from ledger.export import snapshot
from ledger.reports import REPORTS, Control, Question
from ledger.reports.sums import widest
from ledger.reports.table import write_csv
from ledger.reports.text import write_text
from ledger.reports.voice import Voice
from mutuelle.mutuelles import Mutuelle, get_mutuelle
from progress import Progress

NARROWEST, WIDEST = 80, 100  # columns of the text
ALSO = {  # what people who keep books in French call them
    "grand-livre": "general-ledger",
    "balance": "trial-balance",
    "journal-general": "journal",
    "livre-de-caisse": "cash-book",
    "echeances": "ages",
    "emplois-ressources": "funds",
}


def add(commands: Commands) -> None:
    report = command(commands, "report", write_report, "print a report of a mutuelle's book")
    report.add_argument(
        "name",
        type=lambda name: ALSO.get(name, name),
        choices=REPORTS,
        metavar="NAME",
        help="; ".join(f"{ours} ({french})" for french, ours in ALSO.items()),
    )
    report.add_argument("--mutuelle", required=True, metavar="CODE", help="the mutuelle, such as SIK")
    report.add_argument(
        "--from", dest="first", type=day, metavar="DATE", help="the first day; else 1 January of the last"
    )
    report.add_argument("--to", dest="last", type=day, metavar="DATE", help="the last day; else today")
    report.add_argument("--fund", metavar="FUND", help="only this fund, such as health")
    report.add_argument(
        "--account", type=_account, metavar="CODE", help="only this account, or all of a kind: health:member"
    )
    report.add_argument(
        "--detail", action="store_true", help="trial balance: a line for each person, not one for all"
    )
    report.add_argument(
        "--chart",
        type=str.upper,
        choices=charts(),
        default=DEFAULT,
        help=f"whose numbers; {DEFAULT} if not said",
    )
    report.add_argument("--language", choices=LANGUAGES, default=LANGUAGES[0], help="fr if not said")
    report.add_argument("--csv", action="store_true", help="for a spreadsheet")


async def write_report(arguments: argparse.Namespace) -> int:
    """Print the report piece by piece: it may be larger than the memory."""
    await expect_mutuelle(arguments.mutuelle)
    report, broken = REPORTS[arguments.name], list[Control]()
    async with database() as db:
        await snapshot(db)
        mutuelle = await get_mutuelle(db, arguments.mutuelle)
        question = await _question(db, mutuelle, arguments)
        voice = Voice(charts()[arguments.chart], arguments.language, _width())
        voice = voice.wide_enough_for(await widest(db, question), mutuelle.currency)
        rows = _noting(broken, report.rows(db, question, voice))
        if arguments.csv:
            pieces = write_csv(report, rows, voice)
        else:
            pieces = write_text(report, rows, question, voice, mutuelle.name)
        with Progress(await _lines(db, question)) as progress:
            async for piece in pieces:
                sys.stdout.write(piece)
                progress.advance()
    return 1 if broken else 0


async def _question(db: AsyncConnection, mutuelle: Mutuelle, arguments: argparse.Namespace) -> Question:
    """What was typed as a question about this book. Fault: days in the wrong order, no such account."""
    last = arguments.last or mutuelle.today(datetime.now(UTC))
    first = arguments.first or last.replace(month=1, day=1)
    if first > last:
        raise Fault(f"the period ends on {last}, before it begins on {first}", 2)
    if arguments.fund and arguments.account and arguments.account.partition(":")[0] != arguments.fund:
        raise Fault(f"{arguments.account} is not of the fund {arguments.fund}", 2)
    question = Question(mutuelle.id, first, last, arguments.fund, arguments.account, detail=arguments.detail)
    await _expect_scope(db, question)
    return question


async def _expect_scope(db: AsyncConnection, question: Question) -> None:
    """Something in the book begins with what was asked for. Fault: nothing does, and which funds there are."""
    asked = {"mutuelle": question.mutuelle, "scope": question.scope}
    if not question.scope or await db.scalar(text(_IN_SCOPE), asked):
        return
    funds = await db.scalars(text(_FUNDS), {"mutuelle": question.mutuelle})
    asked_for = f"account {question.account!r}" if question.account else f"fund {question.fund!r}"
    known = f"its funds are {', '.join(funds)}, and `keneya balance` lists its accounts"
    raise Fault(f"no {asked_for} in {question.mutuelle}: {known}", 2)


_IN_SCOPE = """
select true from ledger.account
 where mutuelle_id = :mutuelle and (code = :scope or starts_with(code, :scope || ':')) limit 1
"""
_FUNDS = "select distinct fund from ledger.account where mutuelle_id = :mutuelle order by fund"
_JOURNALS = """
select count(*) from (select from ledger.journal
                       where mutuelle_id = :mutuelle and effective_on between :first and :last limit 1000000) some
"""


async def _lines(db: AsyncConnection, question: Question) -> int:
    """About how many lines there will be, for whoever watches; a journal has two at least."""
    if not sys.stderr.isatty():
        return 0
    asked = {"mutuelle": question.mutuelle, "first": question.first, "last": question.last}
    return 2 * int(await db.scalar(text(_JOURNALS), asked) or 0)


async def _noting(broken: list[Control], rows: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """The same rows; controls that do not hold are noted on the way."""
    async for row in rows:
        if isinstance(row, Control) and not row.holds:
            broken.append(row)
        yield row


def _account(value: str) -> str:
    """The type of an argument that is an account's code, or the head of those of a kind."""
    fund, _, rest = value.partition(":")
    if fund and rest in KINDS:
        return value
    try:
        parse(value)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from None
    return value


def _width() -> int:
    """As wide as the terminal within limits; a file is as wide as a printed page."""
    columns = shutil.get_terminal_size((WIDEST, 0)).columns if sys.stdout.isatty() else WIDEST
    return min(max(columns, NARROWEST), WIDEST)
