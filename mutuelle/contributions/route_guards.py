"""Guards at the start of a process: simulated operators are never used beside real money."""

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from mobilemoney import missing
from mutuelle.contributions.payments import OPEN
from mutuelle.tables import payment, route


class StrangeRouteError(Exception):
    """A mutuelle's payments would go to an operator that this process must not use; a line for each."""


async def refuse_strange_routes(pool: AsyncEngine, config: Mapping[str, str], *, simulator: bool) -> None:
    """StrangeRouteError unless every route, and every payment under way, is of an operator that can be asked from here.

    `config` are the operators' settings; simulated operators need the simulator too.
    """
    needed = missing(config, simulator)
    under_way = select(payment.c.operator, func.count()).where(payment.c.state.in_(OPEN))
    async with pool.connect() as db:
        routes = await db.execute(select(route).order_by(route.c.mutuelle_id, route.c.country))
        waiting = await db.execute(under_way.group_by(payment.c.operator).order_by(payment.c.operator))
    faults = [
        f"the route of {row.mutuelle_id} for {row.country} leads to {why}: "
        f"keneya route remove --mutuelle {row.mutuelle_id} --country {row.country}"
        for row in routes
        if (why := cannot_ask(row.operator, needed))
    ]
    faults += [
        f"payments wait for the answer of {why}: {count}; keep its settings until they are settled"
        for operator, count in waiting
        if (why := cannot_ask(operator, needed))
    ]
    if faults:
        raise StrangeRouteError("\n".join(faults))


def cannot_ask(operator: str, needed: Mapping[str, tuple[str, ...]]) -> str | None:
    """The operator, and why it cannot be asked from here; None if it can. `needed`: see `mobilemoney.missing`."""
    if operator not in needed:
        return f"{operator}, which this version does not know"
    if needed[operator]:
        return f"{operator}, which cannot be asked from here without {', '.join(needed[operator])}"
    return None
