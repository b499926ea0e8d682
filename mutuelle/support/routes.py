"""Routes added and removed by a person: which operator asks the phones of a country for a mutuelle's money.

A route is for new payments only: the operator is asked about a payment under way also after its route was removed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mutuelle.acts import By
from mutuelle.contributions.payment_queue import QUEUE_COLUMNS, QueuedPayment, queued_payment
from mutuelle.contributions.payments import OPEN, PaymentState, move
from mutuelle.contributions.receipts import notify_failed
from mutuelle.contributions.route_guards import cannot_ask
from mutuelle.founding.founding import open_routes
from mutuelle.founding.rules import Route
from mutuelle.households.support_acts import ROUTE_ADD, ROUTE_REMOVE, NewSupportAct, SupportError, write_act
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import payment, route

Needed = Mapping[str, tuple[str, ...]]  # the settings that each operator lacks here: `mobilemoney.missing`


@dataclass(frozen=True)
class Removed:
    """A removed route. `under_way` payments go on; `unsent` ones have failed, because they cannot be sent."""

    operator: str
    under_way: int
    unsent: int


async def routes_of(db: AsyncConnection, mutuelle_id: str | None) -> list[tuple[str, Route]]:
    """(mutuelle, route) of one mutuelle or of all."""
    wanted = sa.true() if mutuelle_id is None else route.c.mutuelle_id == mutuelle_id
    rows = await db.execute(select(route).where(wanted).order_by(route.c.mutuelle_id, route.c.country))
    return [(row.mutuelle_id, Route(row.country, row.operator, row.flow)) for row in rows]


async def add_route(db: AsyncConnection, mutuelle_id: str, added: Route, by: By, needed: Needed) -> bool:
    """Add the route for phones of that country; False if it exists already.

    SupportError for an operator that cannot be asked from here, FoundingError where another one serves the country.
    """
    if why := cannot_ask(added.operator, needed):
        raise SupportError(f"this would lead to {why}")
    if (mutuelle_id, added) in await routes_of(db, mutuelle_id):
        return False
    await open_routes(db, await get_mutuelle(db, mutuelle_id), [added])
    await write_act(
        db, NewSupportAct(ROUTE_ADD, f"{mutuelle_id} {added.country}", facts={"operator": added.operator}), by
    )
    return True


async def remove_route(
    db: AsyncConnection, mutuelle_id: str, country: str, by: By, needed: Needed
) -> Removed:
    """Remove the mutuelle's route for phones of that country; their owners pay in cash.

    Where the operator can be asked, payments under way are settled as usual. Where it cannot, SupportError if one was
    sent and has no answer; unsent ones fail, and the phones that asked for them are notified.
    """
    of_route = (route.c.mutuelle_id == mutuelle_id) & (route.c.country == country)
    operator = await db.scalar(sa.delete(route).where(of_route).returning(route.c.operator))
    if operator is None:
        raise SupportError(f"{mutuelle_id} has no route for {country}")
    dues, unsent = await _under_way(db, mutuelle_id, country, operator), 0
    if why := cannot_ask(operator, needed):
        unsent = await _fail_unsent(db, dues, why, by)
    await write_act(
        db, NewSupportAct(ROUTE_REMOVE, f"{mutuelle_id} {country}", facts={"operator": operator}), by
    )
    return Removed(operator, len(dues) - unsent, unsent)


async def _under_way(
    db: AsyncConnection, mutuelle_id: str, country: str, operator: str
) -> list[QueuedPayment]:
    rows = await db.execute(
        select(*QUEUE_COLUMNS)
        .where(
            payment.c.mutuelle_id == mutuelle_id,
            payment.c.country == country,
            payment.c.operator == operator,
            payment.c.state.in_(OPEN),
        )
        .with_for_update()
    )
    return [queued_payment(row) for row in rows]


async def _fail_unsent(db: AsyncConnection, unsent: list[QueuedPayment], why: str, by: By) -> int:
    if sent := sum(queued.state is not PaymentState.ASKED for queued in unsent):
        raise SupportError(
            f"payments were sent and wait for the answer of {why}: {sent}; let it answer first"
        )
    for queued in unsent:
        failed = PaymentState.FAILED
        await move(db, queued.mutuelle_id, queued.reference, failed, by=by)
        await notify_failed(db, queued, by.at)
    return len(unsent)
