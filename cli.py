"""`keneya …`, for people: run, migrate, check, export, balance and every other group of `commands/`.

It speaks to the database named by DATABASE_URL, else to the one of a running `make run`; it never starts a
second server. A fault is one line: exit 2 for what was typed or set wrongly, 1 for everything else.
"""

import argparse
import asyncio
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from typing import NoReturn

from sqlalchemy.exc import SQLAlchemyError

import commands
import settings
from commands.command import CommandError, one_line
from engines import run
from engines.cluster import EngineError
from talk.trouble import InvalidError, TroubleError

CLOSED_PIPE = 141  # what a program killed by SIGPIPE answers


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the answer is the exit code."""
    arguments = parser().parse_args(argv)
    if arguments.command == "run":
        return run.run(os.environ)
    try:
        code = _work(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # who read us has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except KeyboardInterrupt:
        return 130
    except (
        CommandError,
        TroubleError,
        EngineError,
        settings.SettingsError,
        SQLAlchemyError,
        OSError,
    ) as fault:
        print(f"keneya: {one_line(fault)}", file=sys.stderr)
        return _exit_code(fault)
    return code


def _work(arguments: argparse.Namespace) -> int:
    """What the command does. Readings that a fault cut short are closed in silence: the fault alone is told."""
    with asyncio.Runner() as runner:
        try:
            code: int = runner.run(arguments.work(arguments))
        except BaseException:
            runner.get_loop().set_exception_handler(lambda _loop, _context: None)
            raise
    return code


def _exit_code(fault: Exception) -> int:
    if isinstance(fault, settings.SettingsError | InvalidError):
        return 2
    return fault.code if isinstance(fault, CommandError) else 1


class OneLineParser(argparse.ArgumentParser):
    """What was typed wrongly is one line, with where to read on; the groups of words are parsers of this kind too."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """All that can be typed: `run`, and what every module of `commands/` hangs in."""
    typed = OneLineParser(prog="keneya", description="SMS and USSD service for community health insurance")
    hooks = typed.add_subparsers(dest="command", required=True, metavar="command")
    hooks.add_parser("run", help="start everything on this machine", description=run.run.__doc__)
    for found in pkgutil.iter_modules(commands.__path__):
        if found.name not in ("command", "progress"):
            importlib.import_module(f"commands.{found.name}").add(hooks)
    return typed


if __name__ == "__main__":
    sys.exit(main())
