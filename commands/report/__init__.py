"""`keneya report NAME`: a report on the book for treasurers and auditors, as text or CSV. Read only.

A report is one snapshot of the book. Exit 1 if it does not agree with the trial balance.
"""

import argparse
import shutil
import sys
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from commands.command import CommandError, Commands, command, database, day, expect_mutuelle, of_mutuelle
from commands.progress import Progress
from commands.report.lists import ListWanted, write_cash_counts, write_who_owes
from commands.report.payers import write_payers
from commands.report.vouchers import write_grants, write_vouchers
from commands.year import year_typed
from commands.year.assembly import write_assembly
from ledger.charts import DEFAULT, charts
from ledger.export import snapshot
from ledger.formats import FRENCH, PLAIN
from ledger.reports import REPORTS, Control, Question
from ledger.reports.scope import accounts_meant
from ledger.reports.sums import widest
from ledger.reports.table import write_csv
from ledger.reports.text import write_text
from ledger.reports.voice import Voice
from ledger.reports.years import year_start
from locales import DEFAULT_LANGUAGE, catalogue, languages, locale_of, render
from mutuelle.households.holders import masked
from mutuelle.officers.roles import SPOKEN, Role
from mutuelle.scheme.mutuelles import Mutuelle, Officer, get_mutuelle
from mutuelle.treasury.cash_in_hand import holders_of_cash

NARROWEST, WIDEST = 80, 100  # columns of the text
ALSO = {  # what people who keep books in French call them
    "grand-livre": "general-ledger",
    "balance": "trial-balance",
    "journal-general": "journal",
    "journaux-auxiliaires": "auxiliary-journals",
    "livre-de-caisse": "cash-book",
    "echeances": "ages",
    "emplois-ressources": "funds",
    "assemblee": "assembly",
    "qui-doit": "who-owes",
    "comptages": "cash-count",
    "pieces": "vouchers",
    "dons": "grants",
    "payeurs": "payers",
}


ASSEMBLY = "assembly"  # two pages for people who vote; the others are of the book alone
WHO_OWES, CASH_COUNT, VOUCHERS, GRANTS, PAYERS = (
    "who-owes",
    "cash-count",
    "vouchers",
    "grants",
    "payers",
)  # lists of people and of acts
OF_A_MEETING = (ASSEMBLY, WHO_OWES, CASH_COUNT, VOUCHERS, GRANTS, PAYERS)
OPTIONS = {
    "year": "--year",
    "pdf": "--pdf",
    "place": "--place",
    "first": "--from",
    "last": "--to",
    "fund": "--fund",
    "account": "--account",
    "detail": "--detail",
    "sheet": "--csv",
}
TAKES = {  # which of them a report for a meeting can do; another would be left out without a word
    ASSEMBLY: {"year", "pdf"},
    WHO_OWES: {"place", "pdf", "sheet"},
    CASH_COUNT: {"first", "last", "pdf", "sheet"},
    VOUCHERS: {"first", "last", "pdf", "sheet"},
    GRANTS: {"pdf", "sheet"},
    PAYERS: {"first", "last", "sheet"},
}
TAKEN_BY_A_BOOK = OPTIONS.keys() - {"year", "pdf", "place"}


def add(commands: Commands) -> None:
    report = command(commands, "report", write_report, "print a report of a mutuelle's book")
    report.add_argument(
        "name",
        type=_report,
        metavar="NAME",
        help="; ".join(f"{ours} ({french})" for french, ours in ALSO.items()),
    )
    report.add_argument(
        "--year", type=year_typed, metavar="YEAR", help="assembly: of which year; else the last one"
    )
    report.add_argument("--pdf", type=Path, metavar="FILE", help="lists, assembly: write a PDF to print")
    report.add_argument(
        "--place", metavar="NAME", help="who-owes: of this place; else of each, a page for each"
    )
    of_mutuelle(report, required=True)
    report.add_argument(
        "--from", dest="first", type=day, metavar="DATE", help="the first day; else 1 January of the last"
    )
    report.add_argument("--to", dest="last", type=day, metavar="DATE", help="the last day; else today")
    report.add_argument("--fund", metavar="FUND", help="only this fund, such as health")
    report.add_argument(
        "--account",
        metavar="ACCOUNT",
        help="only this account, or all of a kind, by code or number: health:member, 411:101482937, 571",
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
    report.add_argument("--language", choices=languages(), default=DEFAULT_LANGUAGE, help="fr if not said")
    sheet = report.add_mutually_exclusive_group()
    sheet.add_argument("--csv", dest="sheet", action="store_const", const=PLAIN, help="for a program")
    sheet.add_argument(
        "--csv-french",
        dest="sheet",
        action="store_const",
        const=FRENCH,
        help="for a French spreadsheet: semicolons, days as 31/12/2026, decimal commas",
    )


def _report(typed: str) -> str:
    """The type of an argument: a report by its English or its French name."""
    name = ALSO.get(typed.lower(), typed.lower())
    if name not in (*REPORTS, *OF_A_MEETING):
        known = ", ".join(f"{french} or {ours}" for french, ours in ALSO.items())
        raise argparse.ArgumentTypeError(f"{typed!r} is no report; there are {known}")
    return name


async def write_report(arguments: argparse.Namespace) -> int:
    """Print the report as a stream: it may be larger than the memory."""
    takes = TAKES.get(arguments.name, TAKEN_BY_A_BOOK)
    if refused := [said for name, said in OPTIONS.items() if getattr(arguments, name) and name not in takes]:
        raise CommandError(f"{arguments.name} has no {', '.join(refused)}", 2)
    await expect_mutuelle(arguments.mutuelle)
    if arguments.name == ASSEMBLY:
        options = {"frame": arguments.chart, "language": arguments.language, "pdf": arguments.pdf}
        return await write_assembly(arguments.mutuelle, year=arguments.year, **options)
    if arguments.name in OF_A_MEETING:
        return await _write_list(arguments)
    report, broken = REPORTS[arguments.name], list[Control]()
    async with database() as db:
        await snapshot(db)
        mutuelle = await get_mutuelle(db, arguments.mutuelle)
        question = await _question(db, mutuelle, arguments)
        owners = await _owners(db, mutuelle.id, arguments.language)
        known = catalogue(arguments.language)
        chart = charts()[arguments.chart].translated(known)
        voice = Voice(chart, known, locale_of(arguments.language), _width(), owners=owners)
        voice = voice.wide_enough_for(await widest(db, question), mutuelle.currency)
        rows = _noting(broken, report.rows(db, question, voice))
        if arguments.sheet:
            sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # independent of the terminal
            pieces = write_csv(report, rows, voice, arguments.sheet)
        else:
            pieces = write_text(report, rows, question, voice, mutuelle.name)
        with Progress(await _lines(db, question)) as progress:
            async for piece in pieces:
                sys.stdout.write(piece)
                progress.advance()
    return 1 if broken else 0


async def _write_list(arguments: argparse.Namespace) -> int:
    wanted = ListWanted(arguments.language, arguments.sheet, arguments.pdf)
    if arguments.name == WHO_OWES:
        return await write_who_owes(arguments.mutuelle, arguments.place, wanted)
    if arguments.name == GRANTS:
        return await write_grants(arguments.mutuelle, wanted)
    async with database() as db:
        today = (await get_mutuelle(db, arguments.mutuelle)).today(datetime.now(UTC))
    first, last = _days(arguments, today)
    write = {VOUCHERS: write_vouchers, PAYERS: write_payers}.get(arguments.name, write_cash_counts)
    return await write(arguments.mutuelle, first, last, wanted)


def _days(arguments: argparse.Namespace, today: date) -> tuple[date, date]:
    """The first and the last day asked for; CommandError where they are in the wrong order."""
    last = arguments.last or today
    first = arguments.first or year_start(last)
    if first > last:
        raise CommandError(f"the period ends on {last}, before it begins on {first}", 2)
    return first, last


async def _question(db: AsyncConnection, mutuelle: Mutuelle, arguments: argparse.Namespace) -> Question:
    """The arguments as a question. CommandError: days in the wrong order, no such account."""
    first, last = _days(arguments, mutuelle.today(datetime.now(UTC)))
    if arguments.fund and arguments.fund not in await _funds(db, mutuelle.id):
        raise await _unknown(db, mutuelle.id, f"fund {arguments.fund!r}")
    account = await _account(db, mutuelle.id, arguments) if arguments.account else None
    return Question(mutuelle.id, first, last, arguments.fund, account, detail=arguments.detail)


async def _account(db: AsyncConnection, mutuelle_id: str, arguments: argparse.Namespace) -> str:
    """An account's code, or `fund:kind` for all of a kind. CommandError: none, several, or one not in this report."""
    typed, fund, name = arguments.account, arguments.fund, arguments.name
    every = await accounts_meant(db, mutuelle_id, typed, charts()[arguments.chart])
    found = [each for each in every if each.partition(":")[0] == (fund or each.partition(":")[0])]
    if not every:
        raise await _unknown(db, mutuelle_id, f"account {typed!r}")
    if not found:
        raise CommandError(f"{typed} is not of the fund {fund}", 2)
    if len(found) > 1:
        raise CommandError(f"{typed!r} may be {', '.join(found)}: say which", 2)
    if not REPORTS[name].kinds:
        raise CommandError(f"{name} shows whole funds: say --fund {found[0].partition(':')[0]}", 2)
    if found[0].split(":")[1] not in REPORTS[name].kinds:
        raise CommandError(f"{name} has no account {found[0]}: general-ledger and trial-balance have all", 2)
    return found[0]


async def _funds(db: AsyncConnection, mutuelle_id: str) -> list[str]:
    return list(await db.scalars(text(_FUNDS), {"mutuelle": mutuelle_id}))


async def _unknown(db: AsyncConnection, mutuelle_id: str, what: str) -> CommandError:
    funds = ", ".join(await _funds(db, mutuelle_id))
    known = f"its funds are {funds}, and `keneya balance` lists its accounts"
    return CommandError(f"no {what} in {mutuelle_id}: {known}", 2)


async def _owners(db: AsyncConnection, mutuelle_id: str, language: str) -> dict[str, str]:
    """The owner of each cash box: role, initials, last digits of the phone. Empty if this role may not read people."""
    if not await db.scalar(text("select has_table_privilege('cash_holder', 'select')")):
        return {}
    found = await holders_of_cash(db, mutuelle_id)
    return {code: _owner(holder, language) for code, holder in found.items()}


def _owner(holder: Officer, language: str) -> str:
    initials = "".join(f"{word[0]}." for word in holder.name.split())
    return f"{render(SPOKEN[Role(holder.role)], language)} {initials} {masked(holder.phone)}"


_FUNDS = "select distinct fund from ledger.account where mutuelle_id = :mutuelle order by fund"
_JOURNALS = """
select count(*) from (select from ledger.journal
                       where mutuelle_id = :mutuelle and effective_on between :first and :last limit 1000000) some
"""


async def _lines(db: AsyncConnection, question: Question) -> int:
    """An estimate of the lines, for the progress bar; a journal has at least two."""
    if not sys.stderr.isatty():
        return 0
    asked = {"mutuelle": question.mutuelle, "first": question.first, "last": question.last}
    return 2 * int(await db.scalar(text(_JOURNALS), asked) or 0)


async def _noting(broken: list[Control], rows: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """The same rows; controls that do not hold are added to `broken`."""
    async for row in rows:
        if isinstance(row, Control) and not row.holds:
            broken.append(row)
        yield row


def _width() -> int:
    """The terminal's width within limits; for a file that of a printed page."""
    columns = shutil.get_terminal_size((WIDEST, 0)).columns if sys.stdout.isatty() else WIDEST
    return min(max(columns, NARROWEST), WIDEST)
