"""`keneya …`, for people: run, migrate, check, export, balance.

It speaks to the database named by DATABASE_URL, else to the one of a running `make run`; it never starts a
second server. A fault is one line: exit 2 for what was typed or set wrongly, 1 for everything else.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import date
from itertools import groupby

from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

import ledger.checks
import migrations
import mutuelle.checks
import run
import settings
import sms.checks
from embedded import Addresses, EngineFault, find_running
from invariants import Finding, Invariant, examine
from ledger import export, reports
from progress import Progress

CHECKS: tuple[Invariant, ...] = (*ledger.checks.CHECKS, *sms.checks.CHECKS, *mutuelle.checks.CHECKS)
EXPORTS: dict[str, Callable[[AsyncConnection, str | None], AsyncIterator[str]]] = {
    "beancount": export.beancount,
    "hledger": export.hledger,
    "csv": export.csv,
}
MIGRATE_HINT = " (run `keneya migrate` first?)"
CLOSED_PIPE = 141  # what a program killed by SIGPIPE answers


class Fault(Exception):
    """`code` is the exit code, the message one line for a person."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the answer is the exit code."""
    arguments = _parser().parse_args(argv)
    if arguments.command == "run":
        return run.run(os.environ)
    try:
        code: int = asyncio.run(arguments.work(arguments))
        sys.stdout.flush()
    except BrokenPipeError:  # who read us has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except KeyboardInterrupt:
        return 130
    except (Fault, EngineFault, settings.SettingsFault, SQLAlchemyError, OSError) as fault:
        print(f"keneya: {_one_line(fault)}", file=sys.stderr)
        return _exit_code(fault)
    return code


def _exit_code(fault: Exception) -> int:
    if isinstance(fault, settings.SettingsFault):
        return 2
    return fault.code if isinstance(fault, Fault) else 1


def _one_line(fault: Exception) -> str:
    """What a person can act on: the database's own words without the statement that it refused."""
    if isinstance(fault, DBAPIError) and fault.orig is not None:
        words = str(fault.orig).rpartition(">: ")[2].splitlines()[0]
        return f"the database says: {words}" + (MIGRATE_HINT if "does not exist" in words else "")
    if isinstance(fault, ConnectionError | TimeoutError):
        return f"cannot reach the database: {fault}"
    return "; ".join(str(fault).splitlines()) or type(fault).__name__


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keneya", description="SMS and USSD service for community health insurance"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("run", help="start everything on this machine", description=run.__doc__)
    _command(commands, "migrate", migrate, "bring the schema to its newest version")
    check_ = _command(commands, "check", check, "check every invariant; exit 1 if one is broken")
    check_.add_argument("--json", action="store_true", help="print the findings as JSON")
    export_ = _command(commands, "export", write_export, "print the whole book")
    export_.add_argument("format", choices=EXPORTS, help="what reads it afterwards")
    balance_ = _command(commands, "balance", balance, "print the trial balance, by fund")
    balance_.add_argument(
        "--as-of", type=_date, metavar="DATE", help="up to and including this day (2026-12-31)"
    )
    for command in (export_, balance_):
        command.add_argument("--mutuelle", metavar="CODE", help="only this one, such as SIK")
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    work: Callable[[argparse.Namespace], Coroutine[None, None, int]],
    meaning: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=meaning, description=meaning)
    command.set_defaults(work=work)
    return command


def _date(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is not a date such as 2026-12-31") from None


async def migrate(arguments: argparse.Namespace) -> int:
    """Needs the owner's address, and the service's for the name of its role."""
    owner_url, service_url = _address("MIGRATE_DATABASE_URL"), _address("DATABASE_URL")
    role = make_url(service_url).username
    if not role:
        raise Fault("DATABASE_URL names no role", 2)
    await migrations.migrate(owner_url, role)
    print("The schema is at its newest version.")
    return 0


async def check(arguments: argparse.Namespace) -> int:
    """Run every invariant in one snapshot, also after a broken one."""
    findings = []
    async with _database() as db:
        await db.execute(text("set transaction isolation level repeatable read, read only"))
        with Progress(len(CHECKS)) as progress:
            for invariant in CHECKS:
                findings.append(await _examine(db, invariant))
                progress.advance()
    broken = [finding for finding in findings if not finding.holds]
    if arguments.json:
        print(json.dumps([_as_json(finding) for finding in findings], ensure_ascii=False, indent=1))
    else:
        _tell(broken, len(findings))
    return 1 if broken else 0


async def _examine(db: AsyncConnection, invariant: Invariant) -> Finding:
    try:
        async with db.begin_nested():
            return (await examine(db, [invariant]))[0]
    except DBAPIError as fault:  # what cannot be checked does not hold
        return Finding(invariant, (_one_line(fault),))


def _as_json(finding: Finding) -> dict[str, object]:
    return {
        "name": finding.invariant.name,
        "meaning": finding.invariant.meaning,
        "holds": finding.holds,
        "offenders": list(finding.offenders),
    }


def _tell(broken: list[Finding], count: int) -> None:
    for finding in broken:
        print(f"BROKEN {finding.invariant.name}: {finding.invariant.meaning}")
        for offender in finding.offenders:
            print(f"    {offender}")
    print(f"{len(broken)} of {count} invariants are broken." if broken else f"All {count} invariants hold.")


async def write_export(arguments: argparse.Namespace) -> int:
    """Print the book piece by piece: it may be larger than the memory."""
    await _expect_mutuelle(arguments.mutuelle)
    async with _database() as db:
        total = await db.scalar(text("select count(*) from ledger.movement"))
    async with _database() as db:
        with Progress(total or 0) as progress:
            async for piece in EXPORTS[arguments.format](db, arguments.mutuelle):
                sys.stdout.write(piece)
                progress.advance()
    return 0


async def balance(arguments: argparse.Namespace) -> int:
    """Print each account's debits, credits and balance, and each fund's sums: they are equal."""
    await _expect_mutuelle(arguments.mutuelle)
    async with _database() as db:
        lines = await reports.trial_balance(db, arguments.mutuelle, arguments.as_of)
    print(f"{'account':<48} {'debit':>15} {'credit':>15} {'balance':>15}")
    for (owner, fund, currency), accounts in groupby(
        lines, lambda line: (line.mutuelle, line.fund, line.currency)
    ):
        print(f"\n{owner} {fund} {currency}")
        debit = credit = 0
        for line in accounts:
            print(f"{line.account:<48} {line.debit:>15} {line.credit:>15} {line.debit - line.credit:>15}")
            debit, credit = debit + line.debit, credit + line.credit
        print(f"{'total':<48} {debit:>15} {credit:>15} {debit - credit:>15}")
    return 0


async def _expect_mutuelle(code: str | None) -> None:
    if code is None:
        return
    async with _database() as db:
        known = list(await db.scalars(text("select id from mutuelle order by id")))
    if code not in known:
        raise Fault(f"no mutuelle has the code {code!r}; there are {', '.join(known) or 'none'}", 2)


@asynccontextmanager
async def _database() -> AsyncIterator[AsyncConnection]:
    """One transaction as the service's role."""
    engine = create_async_engine(_address("DATABASE_URL"), poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.begin() as db:
            yield db
    finally:
        await engine.dispose()


def _address(name: str) -> str:
    """The database address called `name`: from the environment, else of the running embedded server."""
    if value := os.environ.get(name, "").strip():
        try:
            return settings.database_url(value)
        except ValueError as fault:
            raise settings.SettingsFault([f"{name}: {fault}"]) from None
    running: Addresses | None = find_running(run.HOME / "var")
    found = {"DATABASE_URL": "database_url", "MIGRATE_DATABASE_URL": "migrate_database_url"}[name]
    if running is None or not (url := getattr(running, found)):
        raise Fault(f"{name} is not set and no embedded server runs here: start `make run` beside this")
    return str(url)


if __name__ == "__main__":
    sys.exit(main())
