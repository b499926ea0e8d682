"""What all commands share: adding them to the parser, their database, their faults.

A fault is one line for a person: exit 2 for a wrong argument or setting, 1 for everything else.
"""

import argparse
import getpass
import os
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import TypeAlias

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

import settings
from engines import run
from engines.embedded import Addresses, find_running
from locales import Sentence, render
from mobilemoney.credentials import Credentials
from mutuelle.households.member_numbers import member_number
from service.clock import WrongClockError, refuse_wrong_clock
from talk.keyring import Keyring
from talk.phones import gateway_phone
from talk.trouble import InvalidError, TroubleError

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Work = Callable[[argparse.Namespace], Coroutine[None, None, int]]

LONGEST_ACTOR, LONGEST_REASON = 60, 160
FIRST_DAY, LAST_DAY = (
    date(2000, 1, 1),
    date(2099, 12, 31),
)  # no book has an earlier day, and a later one is a typing mistake
ADDRESSES = {"DATABASE_URL": "database_url", "MIGRATE_DATABASE_URL": "migrate_database_url"}
MIGRATE_HINT = " (run `keneya migrate` first?)"
BUSY_HINT = " (somebody holds what this needs: try again)"
_DIGITS = re.compile(r"\d(?:[\s().\-/]*\d){7,}")  # eight digits or more, in groups or not


class CommandError(Exception):
    """`code` is the exit code, the message one line for a person."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def command(commands: Commands, name: str, work: Work, meaning: str) -> argparse.ArgumentParser:
    """Add one command; `meaning` is its line of help."""
    parser = commands.add_parser(name, help=meaning, description=meaning)
    parser.set_defaults(work=work)
    return parser


def group(commands: Commands, name: str, meaning: str) -> Commands:
    """Add a group of commands: `keneya role give` is in the group `role`."""
    parser = commands.add_parser(name, help=meaning, description=meaning)
    return parser.add_subparsers(dest=f"{name}_command", required=True, metavar="command")


def acted(parser: argparse.ArgumentParser) -> None:
    """Add the two arguments of every recorded act: who, and why."""
    parser.add_argument("--actor", type=operator, required=True, help="who does this; one of ACTORS if set")
    parser.add_argument("--reason", type=words(LONGEST_REASON), required=True, help="why")


def of_mutuelle(*parsers: argparse.ArgumentParser, required: bool = False, meaning: str = "") -> None:
    """Add `--mutuelle CODE` to each, in capitals or not; where it is not required, leaving it out means all.

    `meaning`: what it means where it means something else.
    """
    meaning = meaning or ("the mutuelle, such as SIK" if required else "only this mutuelle, such as SIK")
    for parser in parsers:
        parser.add_argument("--mutuelle", type=str.upper, metavar="CODE", required=required, help=meaning)


def phone(value: str) -> str:
    """The type of an argument: a phone with its country code."""
    read = gateway_phone(value) if value.startswith("+") else None
    if read is None:
        raise argparse.ArgumentTypeError(f"{value!r} is not a phone such as +22370000000")
    return read


def member(value: str) -> str:
    """The type of an argument: a member number, in any groups."""
    try:
        return member_number.parse(value)
    except InvalidError:
        raise argparse.ArgumentTypeError(f"{value!r} is not a member number such as 101482939") from None


def words(longest: int) -> Callable[[str], str]:
    """The type of an argument that is stored for years: it may hold a name, not a phone number."""

    def parse(value: str) -> str:
        said = " ".join(value.split())
        if not 2 <= len(said) <= longest or not said.isprintable():
            raise argparse.ArgumentTypeError(f"2 to {longest} letters, please")
        if any(map(_is_phone, _DIGITS.findall(said))):
            raise argparse.ArgumentTypeError("no phone number, please: it would stay on record for ever")
        return said

    return parse


def _is_phone(digits: str) -> bool:
    """Whether the digits can be a phone, with or without its country; a member number cannot."""
    try:
        member_number.parse(digits)
    except InvalidError:
        return True
    return False


def operator(value: str) -> str:
    """The type of an argument: the actor's name; spelt as in `ACTORS`, if that is set."""
    said = words(LONGEST_ACTOR)(value)
    known = [" ".join(name.split()) for name in os.environ.get("ACTORS", "").split(",") if name.strip()]
    found = next((name for name in known if name.casefold() == said.casefold()), None)
    if known and found is None:
        raise argparse.ArgumentTypeError(f"{said!r} is not one of ACTORS: {', '.join(known)}")
    return found or said


def login() -> str:
    """Who is logged in here, for what is written down; a container may have no name for it."""
    try:
        return f"{getpass.getuser()[:40]} on this machine"
    except (KeyError, OSError):
        return f"user {os.getuid()} on this machine"


def day(value: str) -> date:
    """The type of an argument: an accounting day."""
    try:
        read = date.fromisoformat(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is not a date such as 2026-12-31") from None
    if not FIRST_DAY <= read <= LAST_DAY:
        raise argparse.ArgumentTypeError(f"{value!r} is not a day from {FIRST_DAY} to {LAST_DAY}")
    return read


def spoken(sentence: Sentence) -> str:
    """What a command prints: commands speak English, but `import` and `report`, which ask for a language."""
    return render(sentence, "en")


def one_line(fault: Exception) -> str:
    """A fault in one line for a person: of a database error its message, without the statement."""
    if isinstance(fault, TroubleError):
        return spoken(fault.sentence)
    if isinstance(fault, DBAPIError) and fault.orig is not None:
        words = str(fault.orig).rpartition(">: ")[2].splitlines()[0]
        hint = BUSY_HINT if "lock timeout" in words else MIGRATE_HINT if "does not exist" in words else ""
        return f"the database says: {words}{hint}"
    if isinstance(fault, ConnectionError | TimeoutError):
        return f"cannot reach the database: {fault}"
    return "; ".join(str(fault).splitlines()) or type(fault).__name__


async def expect_mutuelle(code: str | None) -> None:
    """CommandError if no mutuelle has this code; None means all of them."""
    if code is None:
        return
    async with database() as db:
        known = list(await db.scalars(text("select id from mutuelle order by id")))
    if code not in known:
        raise CommandError(f"no mutuelle has the code {code!r}; there are {', '.join(known) or 'none'}", 2)


@asynccontextmanager
async def database() -> AsyncIterator[AsyncConnection]:
    """One transaction as the service's role, rolled back after any fault."""
    engine = create_async_engine(address("DATABASE_URL"), poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.connect() as db:
            await _refuse_wrong_clock(db)
            # The command may make its transaction a snapshot, which must have no earlier statement.
            await db.rollback()
            async with db.begin():
                yield db
    finally:
        await engine.dispose()


def environment() -> Mapping[str, str]:
    """The settings of the service: from the environment, or from a running `make run`."""
    if os.environ.get("DATABASE_URL", "").strip():
        return os.environ
    running = find_running(run.HOME / "var")
    urls = (
        {
            "DATABASE_URL": running.database_url,
            "REDIS_URL": running.redis_url,
            "PUBLIC_URL": running.public_url,  # its port may have been said to `make run` only
        }
        if running
        else {}
    )
    return {name: url for name, url in urls.items() if url} | run.with_defaults(os.environ)


def keyring() -> Keyring:
    """The keys of this installation, which are not in the database."""
    return Keyring([key.encode() for key in settings.read_keyring(environment())])


def credentials() -> Credentials:
    """What this installation knows of operators' accounts."""
    return settings.read_credentials(environment())


def public_url() -> str:
    """The address to which gateways and operators post."""
    return settings.read_public_url(environment())


async def _refuse_wrong_clock(db: AsyncConnection) -> None:
    """CommandError if this machine's clock is wrong: it dates what a command writes."""
    try:
        await refuse_wrong_clock(db)
    except WrongClockError as wrong:
        raise CommandError(str(wrong)) from None


def address(name: str) -> str:
    """The database address called `name`: from the environment, else of the running embedded server.

    If one of the two addresses is set, the other is not taken from the embedded server: both mean one server.
    """
    if value := os.environ.get(name, "").strip():
        try:
            return settings.database_url(value)
        except ValueError as fault:
            raise settings.SettingsError([f"{name}: {fault}"]) from None
    if other := next((one for one in ADDRESSES if os.environ.get(one, "").strip()), None):
        raise CommandError(
            f"{other} is set and {name} is not: set both, or neither for the embedded server", 2
        )
    running: Addresses | None = find_running(run.HOME / "var")
    if running is None or not (url := getattr(running, ADDRESSES[name])):
        raise CommandError(
            f"{name} is not set and no embedded server runs here: start `make run` beside this"
        )
    return str(url)
