"""Routes to operators that this process must not ask: web and worker do not start with one."""

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from mobilemoney.credentials import Credentials
from mutuelle.contributions.payments import OPEN, PAYMENTS, PAYOUTS, Kept
from mutuelle.tables import operator_account, route


class StrangeRouteError(Exception):
    """A mutuelle's payments would go to an account that this process cannot ask; a line for each."""


async def refuse_strange_routes(pool: AsyncEngine, credentials: Credentials) -> None:
    """StrangeRouteError unless the account of each route, and of each payment or payout under way, can be asked."""
    account = operator_account.c
    its = (route.c.mutuelle_id == account.mutuelle_id) & (route.c.account == account.name)
    routes = (
        select(account.mutuelle_id, account.name, account.operator, route.c.network)
        .join(route, its)
        .order_by(account.mutuelle_id, route.c.network)
    )
    async with pool.connect() as db:
        asked = (await db.execute(routes)).all()
        waiting: list[tuple[str, Any]] = [
            (kept.rows.name, row)
            for kept in (PAYMENTS, PAYOUTS)
            for row in (await db.execute(_under_way(kept))).all()
        ]
    faults = [
        f"the route of {mutuelle_id} for {network} leads to {why}: "
        f"keneya route remove --mutuelle {mutuelle_id} {_typed(network)}"
        for mutuelle_id, name, operator, network in asked
        if (why := credentials.refusal(mutuelle_id, name, operator))
    ]
    faults += [
        f"{what}s wait for the answer of {why}: {count}; keep its settings until they are settled"
        for what, (mutuelle_id, name, operator, count) in waiting
        if (why := credentials.refusal(mutuelle_id, name, operator))
    ]
    if faults:
        raise StrangeRouteError("\n".join(faults))


def _typed(network: str) -> str:
    """How an operator types this network, or this country where any phone of it is asked."""
    country, dash, name = network.partition("-")
    return f"--country {country}" + (f" --network {name}" if dash else "")


def _under_way(kept: Kept) -> Select[tuple[str, str, str, int]]:
    """Mutuelle, name and operator of each account that is asked for payments or payouts, and for how many."""
    account, of = operator_account.c, kept.rows.c
    return (
        select(account.mutuelle_id, account.name, account.operator, func.count())
        .join(kept.rows, (of.mutuelle_id == account.mutuelle_id) & (of.account == account.name))
        .where(of.state.in_(OPEN))
        .group_by(account.mutuelle_id, account.name, account.operator)
        .order_by(account.mutuelle_id, account.name)
    )
