"""Routes added and removed by a person: by which account at an operator the phones of a network are asked for money.

A route is for new payments only: the operator is asked about a payment under way also after its route was removed.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from mobilemoney.accounts import networks_asked
from mobilemoney.credentials import Credentials
from mutuelle.acts import By
from mutuelle.contributions.payment_queue import QUEUE_COLUMNS, QueuedPayment, queued_payment
from mutuelle.contributions.payments import ITS_ACCOUNT, OPEN, PaymentState, move
from mutuelle.contributions.receipts import notify_failed
from mutuelle.founding.founding import open_routes
from mutuelle.founding.rules import Route
from mutuelle.households.support_acts import ROUTE_ADD, ROUTE_REMOVE, NewSupportAct, SupportError, write_act
from mutuelle.scheme.mutuelles import get_mutuelle
from mutuelle.tables import operator_account, payment, route


@dataclass(frozen=True)
class Removed:
    """Removed routes. `under_way` payments go on; `unsent` ones have failed, because they cannot be sent."""

    operators: list[str]
    under_way: int
    unsent: int


async def routes_of(db: AsyncConnection, mutuelle_id: str | None) -> list[tuple[str, Route]]:
    """(mutuelle, route) of one mutuelle or of all."""
    wanted = sa.true() if mutuelle_id is None else route.c.mutuelle_id == mutuelle_id
    rows = await db.execute(
        select(route.c.mutuelle_id, route.c.network, operator_account.c.operator, operator_account.c.name)
        .join(operator_account, ITS_ACCOUNT)
        .where(wanted)
        .order_by(route.c.mutuelle_id, route.c.network)
    )
    return [(row.mutuelle_id, Route(row.network, row.operator, row.name)) for row in rows]


async def accounts_of(db: AsyncConnection, mutuelle_id: str | None) -> list[tuple[str, str, str, str]]:
    """(mutuelle_id, name, operator, notice_token) of the accounts at operators, of one mutuelle or of all."""
    account = operator_account.c
    wanted = sa.true() if mutuelle_id is None else account.mutuelle_id == mutuelle_id
    columns = (account.mutuelle_id, account.name, account.operator, account.notice_token)
    rows = await db.execute(select(*columns).where(wanted).order_by(account.mutuelle_id, account.name))
    return [(code, name, operator, token) for code, name, operator, token in rows]


async def add_route(
    db: AsyncConnection, mutuelle_id: str, added: Route, by: By, credentials: Credentials
) -> list[str]:
    """Add routes for phones of that network, or of all networks that the operator asks in that country; the new ones.

    SupportError for an operator that cannot be asked from here, or not there; FoundingError where another account
    serves a network.
    """
    if why := credentials.refusal(mutuelle_id, added.float_name, added.operator):
        raise SupportError(f"this would lead to {why}")
    asked = networks_asked(added.operator, added.country)
    wanted = asked if added.network == added.country else [added.network]
    if not wanted or not set(wanted) <= set(asked):
        raise SupportError(f"{added.operator} asks there: {', '.join(asked) or 'nobody'}")
    existing = {one.network for whose, one in await routes_of(db, mutuelle_id) if whose == mutuelle_id}
    routes = [Route(network, added.operator, added.float_name) for network in wanted]
    await open_routes(db, await get_mutuelle(db, mutuelle_id), routes)
    new = [one for one in routes if one.network not in existing]
    for one in new:
        facts = {"operator": one.operator, "account": one.float_name}
        await write_act(db, NewSupportAct(ROUTE_ADD, f"{mutuelle_id} {one.network}", facts=facts), by)
    return [one.network for one in new]


async def remove_route(
    db: AsyncConnection, mutuelle_id: str, network: str, by: By, credentials: Credentials
) -> Removed:
    """Remove the mutuelle's route for phones of that network, or all those of a country; their owners pay in cash.

    Where the operator can be asked, payments under way are settled as usual. Where it cannot, SupportError if one was
    sent and has no answer; unsent ones fail, and the phones that asked for them are notified.
    """
    gone = [
        one
        for whose, one in await routes_of(db, mutuelle_id)
        if whose == mutuelle_id and network in (one.network, one.country)
    ]
    if not gone:
        raise SupportError(f"{mutuelle_id} has no route for {network}")
    networks = [one.network for one in gone]
    await db.execute(
        sa.delete(route).where(route.c.mutuelle_id == mutuelle_id, route.c.network.in_(networks))
    )
    under_way = unsent = 0
    for name, operator in {one.float_name: one.operator for one in gone}.items():
        queued_payments = await _under_way(db, mutuelle_id, name)
        under_way += len(queued_payments)
        if why := credentials.refusal(mutuelle_id, name, operator):
            unsent += await _fail_unsent(db, queued_payments, why, by)
    for one in gone:
        facts = {"operator": one.operator, "account": one.float_name}
        await write_act(db, NewSupportAct(ROUTE_REMOVE, f"{mutuelle_id} {one.network}", facts=facts), by)
    return Removed(sorted({one.operator for one in gone}), under_way - unsent, unsent)


async def _under_way(db: AsyncConnection, mutuelle_id: str, account: str) -> list[QueuedPayment]:
    rows = await db.execute(
        select(*QUEUE_COLUMNS)
        .where(
            payment.c.mutuelle_id == mutuelle_id,
            payment.c.account == account,
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
        await move(db, queued.mutuelle_id, queued.reference, failed, by=by, otp=None)
        await notify_failed(db, queued, by.at)
    return len(unsent)
