"""`keneya …`, the command line: run, migrate, check, export, balance and every other group of `commands/`.

It uses the database at DATABASE_URL, else that of a running `make run`; it never starts a second server. A fault is
one line: exit 2 for a wrong argument or setting, 1 for everything else.
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

PROCESSES = {"web": "answer gateways and operators, until stopped", "worker": "do what is due, until stopped"}
CLOSED_PIPE = 141  # what a program killed by SIGPIPE answers


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the answer is the exit code."""
    typed = sys.argv[1:] if argv is None else list(argv)
    if (
        len(typed) == 1 and typed[0] in PROCESSES
    ):  # without the other commands, which would stay in its memory
        process: int = importlib.import_module(typed[0]).main()
        return process
    arguments = parser().parse_args(typed)
    if arguments.command == "run":
        return run.run(os.environ)
    try:
        code = _work(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has closed it
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
    """Run the command. Async generators that a fault cut short are closed silently: only the fault is reported."""
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
    """Reports a wrong argument in one line, with the command that explains more; command groups use it too."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """The parser of every command: `run`, and those that the modules of `commands/` add."""
    typed = OneLineParser(prog="keneya", description="SMS and USSD service for community health insurance")
    hooks = typed.add_subparsers(dest="command", required=True, metavar="command")
    hooks.add_parser(
        "run",
        help="start everything on this machine",
        description="Start PostgreSQL, Valkey, web, worker and the simulator, with a demonstration; Ctrl-C stops all.",
    )
    for name, what in PROCESSES.items():
        hooks.add_parser(name, help=what, description=f"What `python {name}.py` does: {what}.")
    found = {module.name for module in pkgutil.iter_modules(commands.__path__)} - {"command", "progress"}
    for name in (*commands.HELP_ORDER, *sorted(found - {*commands.HELP_ORDER})):
        importlib.import_module(f"commands.{name}").add(hooks)
    return typed


if __name__ == "__main__":
    sys.exit(main())
