"""Guards at the start of a process: what a demonstration may do never happens where real money is."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from mobilemoney import usable
from mutuelle.tables import route


class StrangeRoute(Exception):
    """A mutuelle's payments would go to an operator that this process must not use."""


async def refuse_strange_routes(pool: AsyncEngine, config: Mapping[str, str], *, simulator: bool) -> None:
    """StrangeRoute unless every route leads to an operator that can be asked from here.

    `config` are the operators' settings; simulated operators need the simulator too.
    """
    asked = {adapter.NAME for adapter in usable(config, simulator)}
    async with pool.connect() as db:
        used = set(await db.scalars(select(route.c.operator).distinct()))
    if strange := sorted(used - asked):
        raise StrangeRoute(f"routes lead to operators that cannot be asked from here: {', '.join(strange)}")
