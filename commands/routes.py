"""`keneya route`: the mobile money operators of a mutuelle, one a country.

Without a route members pay in cash, and their calls say to whom.
"""

import argparse
import re
from datetime import UTC, datetime

from commands.command import (
    CommandError,
    Commands,
    acted,
    command,
    database,
    expect_mutuelle,
    group,
    missing_settings,
    of_mutuelle,
)
from mutuelle.acts import By
from mutuelle.contributions.route_guards import cannot_ask
from mutuelle.founding.founding import FoundingError
from mutuelle.founding.rules import Route
from mutuelle.households.support_acts import SupportError
from mutuelle.support import routes


def add(commands: Commands) -> None:
    route = group(commands, "route", "which operator asks for a mutuelle's money, in which country")
    list_ = command(route, "list", list_routes, "print the routes, and which of them can be used from here")
    add_ = command(route, "add", add_route, "ask the phones of a country by an operator; back: route remove")
    remove = command(route, "remove", remove_route, "ask them no more: they pay in cash; back: route add")
    of_mutuelle(list_)
    of_mutuelle(add_, remove, required=True)
    for parser in (add_, remove):
        parser.add_argument("--country", type=_country, metavar="ML", required=True, help="of the phones")
        acted(parser)
    add_.add_argument("--operator", required=True, help="its name, as `keneya route list` knows it")


def _country(value: str) -> str:
    if not re.fullmatch("[A-Za-z]{2}", value):
        raise argparse.ArgumentTypeError(f"{value!r} is not the two letters of a country, such as ML")
    return value.upper()


def _by(arguments: argparse.Namespace) -> By:
    return By(arguments.actor, arguments.reason, datetime.now(UTC))


async def list_routes(arguments: argparse.Namespace) -> int:
    """Print one line a route, then the operators that this installation can use."""
    await expect_mutuelle(arguments.mutuelle)
    needed = missing_settings()
    async with database() as db:
        found = await routes.routes_of(db, arguments.mutuelle)
    for code, one in found:
        why = cannot_ask(one.operator, needed)
        print(f"{code:<8} {one.country} leads to {why or one.operator}")
    usable = ", ".join(sorted(name for name, lacking in needed.items() if not lacking))
    print(f"Routes: {len(found)}. Operators that can be asked from here: {usable or 'none'}.")
    return 0


async def add_route(arguments: argparse.Namespace) -> int:
    """Add a route; this installation must have the operator's settings."""
    await expect_mutuelle(arguments.mutuelle)
    added = Route(arguments.country, arguments.operator)
    try:
        async with database() as db:
            is_new = await routes.add_route(db, arguments.mutuelle, added, _by(arguments), missing_settings())
    except (SupportError, FoundingError) as fault:
        raise CommandError("; ".join(str(fault).splitlines())) from None
    print(f"{added.operator} asks the phones of {added.country} for {arguments.mutuelle}.")
    print("From the next call on." if is_new else "It did so already: nothing was changed.")
    return 0


async def remove_route(arguments: argparse.Namespace) -> int:
    """Remove a route: payments under way are still settled, new ones are in cash."""
    await expect_mutuelle(arguments.mutuelle)
    code, country = arguments.mutuelle, arguments.country
    try:
        async with database() as db:
            gone = await routes.remove_route(db, code, country, _by(arguments), missing_settings())
    except SupportError as fault:
        raise CommandError(str(fault)) from None
    print(f"{code} no longer asks the phones of {country} by {gone.operator}: they pay in cash from now on.")
    if gone.under_way:
        print(
            f"Payments under way: {gone.under_way}. Keep the settings of {gone.operator} until they are settled."
        )
    if gone.unsent:
        print(
            f"Payments that were never sent and have failed: {gone.unsent}. Who asked for them is told by SMS."
        )
    return 0
