"""Routes to operators that this process must not ask: web and worker do not start with one."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from mobilemoney.credentials import Credentials
from mutuelle.contributions.payments import OPEN
from mutuelle.tables import operator_account, payment, route


class StrangeRouteError(Exception):
    """A mutuelle's payments would go to an account that this process cannot ask; a line for each."""


async def refuse_strange_routes(pool: AsyncEngine, credentials: Credentials) -> None:
    """StrangeRouteError unless the account of each route, and of each payment under way, can be asked from here."""
    account = operator_account.c
    of_account = (payment.c.mutuelle_id == account.mutuelle_id) & (payment.c.account == account.name)
    under_way = (
        select(account.mutuelle_id, account.name, account.operator, func.count())
        .join(payment, of_account)
        .where(payment.c.state.in_(OPEN))
        .group_by(account.mutuelle_id, account.name, account.operator)
        .order_by(account.mutuelle_id, account.name)
    )
    its = (route.c.mutuelle_id == account.mutuelle_id) & (route.c.account == account.name)
    routes = (
        select(account.mutuelle_id, account.name, account.operator, route.c.network)
        .join(route, its)
        .order_by(account.mutuelle_id, route.c.network)
    )
    async with pool.connect() as db:
        asked = (await db.execute(routes)).all()
        waiting = (await db.execute(under_way)).all()
    faults = [
        f"the route of {mutuelle_id} for {network} leads to {why}: "
        f"keneya route remove --mutuelle {mutuelle_id} --country {network[:2]}"
        for mutuelle_id, name, operator, network in asked
        if (why := credentials.refusal(mutuelle_id, name, operator))
    ]
    faults += [
        f"payments wait for the answer of {why}: {count}; keep its settings until they are settled"
        for mutuelle_id, name, operator, count in waiting
        if (why := credentials.refusal(mutuelle_id, name, operator))
    ]
    if faults:
        raise StrangeRouteError("\n".join(faults))
