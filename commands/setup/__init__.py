"""`keneya setup`: the server's part of an installation, made once, and what is still missing before the first call.

A superuser makes the two roles and the database; where only a person may be that superuser, `--sql` prints what psql
must be given. What is there already stays as it is, so it may be run again at any time.
"""

import argparse
import os
import sys
from pathlib import Path

from commands.command import CommandError, Commands, command
from commands.setup import environment_files, missing, server


def add(commands: Commands) -> None:
    setup_ = command(commands, "setup", setup, "make roles and database, and print what is missing")
    way = setup_.add_mutually_exclusive_group()
    way.add_argument(
        "--sql",
        action="store_true",
        help="print it for psql instead: keneya setup --sql | sudo -u postgres psql",
    )
    way.add_argument(
        "--env",
        type=Path,
        metavar="DIR",
        help="first of all: write the two files of settings, with new secrets",
    )


async def setup(arguments: argparse.Namespace) -> int:
    """Make what is wanted; 1 if the roles cannot log in at the end."""
    if arguments.env:
        for line in environment_files.write(arguments.env):
            print(line)
        return 0
    wanted = server.wanted(os.environ)
    if arguments.sql:
        sys.stdout.write(server.script(wanted))
        return 0
    if superuser_url := os.environ.get("SUPERUSER_URL", "").strip():
        for line in await server.make(superuser_url, wanted):
            print(line)
    if refusals := await missing.logins(wanted):
        hint = "set SUPERUSER_URL, or type: keneya setup --sql | sudo -u postgres psql"
        raise CommandError("; ".join(refusals) + f" ({hint})")
    print("roles and database: there, and both roles can log in")
    lacking = await missing.missing(os.environ)
    print("Missing before the first call:" if lacking else "Nothing is missing.")
    for line in lacking:
        print(f"  {line}")
    return 0
