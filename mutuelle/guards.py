"""Guards at the start of a process: what a demonstration may do never happens where real money is."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from mobilemoney import adapters
from mutuelle.tables import route


class StrangeRoute(Exception):
    """A mutuelle's payments would go to an operator that this process must not use."""


async def refuse_strange_routes(pool: AsyncEngine, *, simulator: bool) -> None:
    """StrangeRoute unless every route leads to an operator that exists here; simulated ones need the simulator."""
    usable = {adapter.NAME for adapter in adapters() if simulator or not adapter.SIMULATED}
    async with pool.connect() as db:
        used = set(await db.scalars(select(route.c.operator).distinct()))
    if strange := sorted(used - usable):
        raise StrangeRoute(f"routes lead to operators that do not exist here: {', '.join(strange)}")
