"""`keneya route`: the accounts of a mutuelle at mobile money operators, and whose phones each asks.

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
    credentials,
    database,
    expect_mutuelle,
    group,
    of_mutuelle,
    public_url,
)
from mobilemoney import adapters
from mobilemoney.accounts import capabilities_of
from mobilemoney.operator import FeeBearer
from mutuelle.acts import By
from mutuelle.founding.founding import FoundingError
from mutuelle.founding.rules import Route
from mutuelle.households.support_acts import SupportError
from mutuelle.support import routes

FEES = {
    FeeBearer.MUTUELLE: "The operator keeps its fees from what members pay: they are the mutuelle's cost.",
    FeeBearer.PAYER: "Members pay the operator's fees, on top of what they are asked for.",
    FeeBearer.UNKNOWN: "Who pays the operator's fees stands in the contract with it: ask before members pay.",
}


def add(commands: Commands) -> None:
    route = group(commands, "route", "which operator asks for a mutuelle's money, in which country")
    list_ = command(route, "list", list_routes, "print the routes, and which of them can be used from here")
    add_ = command(route, "add", add_route, "ask the phones of a country by an operator; back: route remove")
    remove = command(route, "remove", remove_route, "ask them no more: they pay in cash; back: route add")
    notices = command(
        route, "notices", show_notices, "print the addresses to type into operators' dashboards"
    )
    of_mutuelle(list_, notices)
    of_mutuelle(add_, remove, required=True)
    for parser in (add_, remove):
        parser.add_argument("--country", type=_country, metavar="ML", required=True, help="of the phones")
        parser.add_argument("--network", help="one network of it, such as orange; else all of them")
        acted(parser)
    add_.add_argument("--operator", required=True, help="its name, as `keneya route list` knows it")
    add_.add_argument("--account", default="", help="name of the account there; else operator and country")


def _country(value: str) -> str:
    if not re.fullmatch("[A-Za-z]{2}", value):
        raise argparse.ArgumentTypeError(f"{value!r} is not the two letters of a country, such as ML")
    return value.upper()


def _by(arguments: argparse.Namespace) -> By:
    return By(arguments.actor, arguments.reason, datetime.now(UTC))


async def list_routes(arguments: argparse.Namespace) -> int:
    """Print one line a route, then the operators that this installation can use."""
    await expect_mutuelle(arguments.mutuelle)
    known = credentials()
    async with database() as db:
        found = await routes.routes_of(db, arguments.mutuelle)
    for code, one in found:
        why = known.refusal(code, one.float_name, one.operator)
        print(f"{code:<8} {one.network} leads to {why or f'{one.operator}, account {one.float_name}'}")
    there = sorted(
        {one.operator for code, one in found if not known.refusal(code, one.float_name, one.operator)}
    )
    print(f"Routes: {len(found)}. Operators that are asked from here: {', '.join(there) or 'none'}.")
    print(f"Operators of this version: {', '.join(adapters())}.")
    return 0


async def show_notices(arguments: argparse.Namespace) -> int:
    """Print, for each account whose notices come to one address, that address."""
    await expect_mutuelle(arguments.mutuelle)
    url = public_url()
    async with database() as db:
        found = await routes.accounts_of(db, arguments.mutuelle)
    wanted = [one for one in found if one[2] in adapters() and capabilities_of(one[2]).notices_by_account]
    for code, name, operator, token in wanted:
        print(f"{code:<8} {name}: {url}/money/{operator}/{token}")
    print(f"Accounts with one address for all notices: {len(wanted)}. The others tell it with each payment.")
    return 0


def _network(arguments: argparse.Namespace) -> str:
    """The network that is meant, or the country for all of it."""
    if not arguments.network:
        return str(arguments.country)
    name = arguments.network.lower().removeprefix(f"{arguments.country.lower()}-")
    return f"{arguments.country}-{name}"


async def add_route(arguments: argparse.Namespace) -> int:
    """Add a route; this installation must have the operator's settings."""
    await expect_mutuelle(arguments.mutuelle)
    added = Route(_network(arguments), arguments.operator, arguments.account)
    try:
        async with database() as db:
            new = await routes.add_route(db, arguments.mutuelle, added, _by(arguments), credentials())
    except (SupportError, FoundingError) as fault:
        raise CommandError("; ".join(str(fault).splitlines())) from None
    print(f"{added.operator} asks the phones of {added.network} for {arguments.mutuelle}.")
    print("From the next call on." if new else "It did so already: nothing was changed.")
    if new and new != [added.network]:
        print(f"Networks: {', '.join(new)}.")
    print(FEES[capabilities_of(added.operator).fee_bearer])
    return 0


async def remove_route(arguments: argparse.Namespace) -> int:
    """Remove a route: payments under way are still settled, new ones are in cash."""
    await expect_mutuelle(arguments.mutuelle)
    code, network = arguments.mutuelle, _network(arguments)
    try:
        async with database() as db:
            gone = await routes.remove_route(db, code, network, _by(arguments), credentials())
    except SupportError as fault:
        raise CommandError(str(fault)) from None
    operators = ", ".join(gone.operators)
    print(f"{code} no longer asks the phones of {network} by {operators}: they pay in cash from now on.")
    if gone.under_way:
        print(
            f"Payments under way: {gone.under_way}. Keep the settings of {operators} until they are settled."
        )
    if gone.unsent:
        print(
            f"Payments that were never sent and have failed: {gone.unsent}. Who asked for them is told by SMS."
        )
    return 0
