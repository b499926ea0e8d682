"""A contribution through each operator, over the running service: prompt, approval, notice, status, receipt."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from mobilemoney import adapters
from mutuelle import tables
from mutuelle.founding.founding import open_routes
from mutuelle.founding.rules import Route
from mutuelle.scheme.mutuelles import get_mutuelle
from tests.support.gateway_forms import kept
from tests.support.operator_cases import LACKS, NOTICES, STAGES, ask_of
from tests.support.running_service import House, housed
from tests.support.town import found_town, join

if TYPE_CHECKING:
    from tests.conftest import Database


RING = [name for name in STAGES if NOTICES not in LACKS.get(name, {})]


@pytest.fixture
async def house(
    database: "Database", redis_url: str, tmp_path: Path, pool: AsyncEngine, name: str
) -> AsyncIterator[House]:
    """A mutuelle whose payers are asked by this operator, at whose dashboard the one address for notices was typed."""
    await found_town(pool)
    if name != "simulated":
        async with pool.begin() as db:
            await db.execute(tables.route.delete())
            await open_routes(db, await get_mutuelle(db, "BEN"), [Route(ask_of(name).network, name)])
    async with housed(database.url, redis_url, tmp_path, pool) as running:
        if adapters()[name].CAPABILITIES.notices_by_account:
            [account] = await kept(pool, tables.operator_account, tables.operator_account.c.operator == name)
            url = f"{running.environ['PUBLIC_URL']}/money/{name}/{account.notice_token}"
            told = {"account": "simulated", "notice_url": url}
            reply = await running.http.post(f"/simulator/{name}/dashboard", data=told)
            assert reply.status_code == 200, reply.text
        yield running


@pytest.mark.parametrize("name", STAGES)
async def test_the_notice_rings_the_status_pays_and_the_receipt_comes(house: House, name: str) -> None:
    phone = ask_of(name).phone
    await join(house.pool, phone, at=datetime.now(UTC))
    prompt = await house.prompt(phone)
    assert (prompt["operator"], prompt["amount"]) == (name, 12_000)
    await house.answer(prompt, "approve")
    if name in RING:
        await house.work_until(lambda: kept(house.pool, tables.money_notice))
    assert await house.message("REÇU", phone)
    [paid] = await kept(house.pool, tables.payment)
    assert (paid.state, paid.operator, paid.amount_minor) == ("PAID", name, 12_000)
    assert paid.operator_reference


@pytest.mark.parametrize("name", RING)
async def test_a_notice_that_somebody_else_sends_moves_nothing(house: House, name: str) -> None:
    phone = ask_of(name).phone
    order = {"mode": "forged", "on": "request", "provider": name}
    assert (await house.http.post("/simulator/trouble", data=order)).status_code == 200
    await join(house.pool, phone, at=datetime.now(UTC))
    prompt = await house.prompt(phone)
    await house.work_until(lambda: kept(house.pool, tables.money_notice))
    for _round in range(5):
        await house.work()
    [asked] = await kept(house.pool, tables.payment)
    assert asked.state in ("SENT", "PENDING")
    await house.answer(prompt, "decline")

    async def failed() -> bool:
        [asked] = await kept(house.pool, tables.payment)
        return bool(asked.state == "FAILED")

    await house.work_until(failed)
    assert not [text for text in await house.messages(phone) if "REÇU" in text]
